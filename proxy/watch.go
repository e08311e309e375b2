package proxy

import (
	"context"
	"sync"
	"time"
)

// watchAfter is how long a request may take before anybody looks whether its
// client is still there. Looking costs the engine a goroutine, and most
// requests are over by then.
const watchAfter = 10 * time.Millisecond

// watch ends an attempt when its client goes away.
type watch struct {
	mu    sync.Mutex // guards what follows
	ended bool
	timer *time.Timer
	stop  func() bool // nil until the client is watched
}

// start begins to watch; it is called once.
func (w *watch) start(client context.Context, cancel context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(watchAfter, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.ended {
			w.stop = context.AfterFunc(client, func() { cancel(client.Err()) })
		}
	})
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
