package cgi

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/child"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// watchAfter is how long a request may take before anybody looks whether its
// client is still there. Looking costs the engine a goroutine, and most programs
// have answered by then.
const watchAfter = 10 * time.Millisecond

// run is a program from its start to its end, which may come after that of its
// request.
type run struct {
	h      *Handler
	child  *child.Process
	board  gateway.Run
	out    output
	stderr *os.File
	over   bool // the exchange came to an end; used by its goroutine alone

	why atomic.Uint32 // rule.ID by which it was ended first; 0: it was not

	mu     sync.Mutex // guards what follows
	timer  *time.Timer
	fired  bool            // the timer was for looking at the client
	gone   bool            // the program is: the timer stays off
	client context.Context // nil once the request is over
	stop   func() bool     // ends the watch over the client; nil without one

	result child.Result  // set before done is closed
	done   chan struct{} // closed when it is gone and all it said was heard
}

// begin is called when the program runs: it sees it to its end.
func (r *run) begin(ctx context.Context) {
	r.board.PID = r.child.Pid()
	r.board.Stop = func() { r.end(rule.ScriptStopped) }
	r.board.Usage = r.child.Usage
	r.h.board.Add(&r.board)
	r.mu.Lock()
	r.client = ctx
	first := watchAfter
	if d := r.h.o.Timeout; d > 0 && d <= first {
		r.fired, first = true, d
	}
	r.timer = time.AfterFunc(first, r.fire)
	r.mu.Unlock()
	go r.attend()
	if r.h.isClosed() { // Close may have looked at the board before
		r.end(rule.ScriptStopped)
	}
}

// fire looks after the client, and after that, at the end of the program's
// time, ends it.
func (r *run) fire() {
	r.mu.Lock()
	if r.fired {
		r.mu.Unlock()
		r.end(rule.ScriptTimeout)
		return
	}
	defer r.mu.Unlock()
	if r.fired = true; r.gone {
		return
	}
	if r.client != nil {
		r.stop = context.AfterFunc(r.client, func() { r.end(rule.ScriptClientGone) })
	}
	if d := r.h.o.Timeout; d > 0 {
		r.timer.Reset(d - watchAfter)
	}
}

// detach says that the client's end is not the program's any more.
func (r *run) detach() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.client = nil
	if r.stop != nil {
		r.stop()
	}
}

// end ends the program for a reason; the first one counts.
func (r *run) end(id rule.ID) {
	select {
	case <-r.child.Done():
		return
	default:
	}
	if r.why.CompareAndSwap(0, uint32(id)) {
		r.child.Terminate()
	}
}

// cause returns why the program was ended, 0 when it was not.
func (r *run) cause() rule.ID { return rule.ID(r.why.Load()) }

// attend hears what the program says, sees it to its end, and gives back
// what it had.
func (r *run) attend() {
	r.listen()
	r.result = r.child.Wait()
	r.out.ended()
	r.mu.Lock()
	r.gone = true
	r.timer.Stop()
	r.mu.Unlock()
	r.stderr.Close()
	r.h.board.Remove(&r.board)
	r.h.turns.Leave()
	close(r.done)
	r.h.running.Done()
}

// saying are buffers for standard errors.
var saying = sync.Pool{New: func() any { return new([4 << 10]byte) }}

// listen reads the program's standard error until its end, or until the
// program is gone: what escaped it may still hold the pipe.
func (r *run) listen() {
	buf := saying.Get().(*[4 << 10]byte)
	defer saying.Put(buf)
	var said *gateway.Stderr
	for {
		r.stderr.SetReadDeadline(time.Now().Add(patience))
		n, err := r.stderr.Read(buf[:])
		if n > 0 && said == nil {
			said = gateway.NewStderr(r.log(), &r.board)
			defer said.Close()
		}
		if n > 0 {
			said.Write(buf[:n])
		}
		if err == nil {
			continue
		}
		if !isTimeout(err) {
			return
		}
		select {
		case <-r.child.Done():
			return
		default:
		}
	}
}

// log is the log that knows of the request.
func (r *run) log() *slog.Logger {
	return r.h.o.ErrorLog.With("request", r.board.Request, "script", r.board.Script)
}

// ended reports whether the program is gone, and result is known.
func (r *run) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// await waits for the program's end for a while.
func (r *run) await(d time.Duration) {
	if r.ended() {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.done:
	case <-t.C:
	}
}

// headFault says why there is no answer, when there is no head that could be
// sent, and ends the program.
func (r *run) headFault(f *gateway.Fault) *gateway.Fault {
	if f.Rule == rule.ScriptNoHead {
		r.await(patience) // it closed its output, or is gone: how?
	}
	r.end(f.Rule)
	r.await(patience)
	switch id := r.cause(); {
	case id == rule.ScriptTimeout:
		return &gateway.Fault{Rule: rule.ScriptHeadTimeout}
	case id != 0 && id != f.Rule:
		return &gateway.Fault{Rule: id}
	}
	if f.Rule == rule.ScriptNoHead && r.ended() {
		f.Detail += "; " + r.result.String()
	}
	return f
}

// bodyFault says why an answer that was begun is not complete; nil when it is.
// f is what relaying said; whole says that all
// of a body whose end is known was sent.
func (r *run) bodyFault(f *gateway.Fault, whole bool) *gateway.Fault {
	if f != nil && f.Rule != rule.ScriptIncomplete {
		r.end(f.Rule)
	}
	if f != nil || whole {
		r.out.Close()
	}
	r.await(patience)
	if f == nil && whole {
		return nil
	}
	if f != nil && f.Err != nil {
		r.end(f.Rule)
	}
	id := r.cause()
	switch {
	case id != 0:
		if f == nil || f.Rule != id {
			f = &gateway.Fault{Rule: id}
		}
	case (f == nil || f.Err == nil) && r.ended() && r.result.Signal != 0:
		f = &gateway.Fault{Rule: rule.ScriptDied, Detail: fmt.Sprint(r.result)}
	}
	return f
}
