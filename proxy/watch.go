package proxy

import (
	"context"
	"sync"
	"time"
)

// watchAfter is how long a request may take before anybody looks whether its
// client is still there, and how long an origin may be silent before what it
// has sent is flushed. Looking costs the engine a goroutine, flushing a write,
// and most answers are whole by then.
const watchAfter = 10 * time.Millisecond

// watch ends an attempt when its client goes away, and passes on what was
// written of the answer when nothing follows.
type watch struct {
	mu     sync.Mutex // guards what follows
	x      *exchange
	cancel context.CancelCauseFunc
	timer  *time.Timer
	fired  bool
	ended  bool
	stop   func() bool // nil until the client is watched
}

// start begins to watch; it is called once.
func (w *watch) start(x *exchange, cancel context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.x, w.cancel = x, cancel
	w.timer = time.AfterFunc(watchAfter, w.fire)
}

func (w *watch) fire() {
	w.mu.Lock()
	w.fired = true
	if client := w.x.r.Context(); !w.ended && w.stop == nil {
		w.stop = context.AfterFunc(client, func() { w.cancel(client.Err()) })
	}
	w.mu.Unlock()
	w.x.flushPending()
}

// wait says that the origin is waited for while something is not flushed.
func (w *watch) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fired && !w.ended {
		w.timer.Reset(watchAfter)
	}
}

// end ends the watch. It may be called again.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
	if w.stop != nil {
		w.stop()
	}
}

// setPending says whether something is written and not flushed while nobody
// writes. Once it is false nobody but the caller touches the writer.
func (x *exchange) setPending(is bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending = is
}

func (x *exchange) flushPending() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.pending {
		x.pending = false
		x.rc.Flush() // an error comes again with the next write
	}
}
