package cgi

import (
	"context"
	"log/slog"
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
	h     *Handler
	child *child.Process
	board gateway.Run
	out   output
	said  saidPipe
	over  bool // the exchange came to an end; used by its goroutine alone

	why atomic.Uint32 // rule.ID by which it was ended first; 0: it was not

	mu     sync.Mutex // guards what follows
	timer  *time.Timer
	taken  bool            // somebody sees the program to its end
	fired  bool            // the timer was for looking at the client
	gone   bool            // the program is: the timer stays off
	client context.Context // nil once the request is over
	stop   func() bool     // ends the watch over the client; nil without one

	done chan struct{} // closed when it is gone, all it said was heard, and its turn given back
}

// begin is called when the program runs. Its end is seen to by the request's
// goroutine when its output is over (settle), or once the request takes a while
// by another one (attend).
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
		r.attendLocked()
	}
	r.timer = time.AfterFunc(first, r.fire)
	r.mu.Unlock()
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
	r.attendLocked()
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
	if r.ended() {
		return
	}
	if r.why.CompareAndSwap(0, uint32(id)) {
		r.child.Terminate()
	}
}

// cause returns why the program was ended, 0 when it was not.
func (r *run) cause() rule.ID { return rule.ID(r.why.Load()) }

// settle is for when the output is over, or nobody wants more of it: mostly the
// program is, too, and is seen to its end here and now.
func (r *run) settle() {
	r.mu.Lock()
	taken := r.taken
	r.taken = true
	r.mu.Unlock()
	switch {
	case taken:
	case r.child.Ended():
		r.hear()
		r.finish()
	default:
		go r.attend()
	}
}

// attendLocked has a goroutine see the program to its end, unless somebody does
// already; mu is held.
func (r *run) attendLocked() {
	if !r.taken {
		r.taken = true
		go r.attend()
	}
}

// attend hears what the program says, and sees it to its end.
func (r *run) attend() {
	r.child.Done() // what it leaves behind is to be ended, though it may hold the pipe
	r.listen()
	r.child.Wait()
	r.out.ended()
	r.finish()
}

// finish gives back what the program had.
func (r *run) finish() {
	r.mu.Lock()
	r.gone = true
	r.timer.Stop()
	r.mu.Unlock()
	r.said.close()
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
	file, err := r.said.file()
	if err != nil {
		return
	}
	buf := saying.Get().(*[4 << 10]byte)
	defer saying.Put(buf)
	var said *gateway.Stderr
	for err == nil || isTimeout(err) && !r.ended() {
		file.SetReadDeadline(time.Now().Add(patience))
		var n int
		n, err = file.Read(buf[:])
		if n > 0 && said == nil {
			said = gateway.NewStderr(r.log(), &r.board)
			defer said.Close()
		}
		if n > 0 {
			said.Write(buf[:n])
		}
	}
}

// hear reads what a program that is gone has said.
func (r *run) hear() {
	buf := saying.Get().(*[4 << 10]byte)
	defer saying.Put(buf)
	n := r.said.rest(buf[:])
	if n == 0 {
		return
	}
	said := gateway.NewStderr(r.log(), &r.board)
	defer said.Close()
	// A pipe holds no more than this, unless something that escaped the program
	// goes on filling it.
	for most := 1 << 20; n > 0 && most > 0; most -= n {
		said.Write(buf[:n])
		n = r.said.rest(buf[:])
	}
}

// log is the log that knows of the request.
func (r *run) log() *slog.Logger {
	return r.h.o.ErrorLog.With("request", r.board.Request, "script", r.board.Script)
}

// ended reports whether the program is gone: then child.Wait tells how at once.
func (r *run) ended() bool { return r.child.Gone() }

// await waits until the program is gone and all it said was heard, for as long
// as an answer may wait.
func (r *run) await() {
	r.settle()
	waitFor(r.done)
}

// awaitChild waits until the program is gone.
func (r *run) awaitChild() {
	if r.settle(); !r.ended() {
		waitFor(r.child.Done())
	}
}

func waitFor(done <-chan struct{}) {
	select {
	case <-done:
		return
	default:
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// headFault says why there is no answer, when there is no head that could be
// sent, and ends the program.
func (r *run) headFault(f *gateway.Fault) *gateway.Fault {
	if f.Rule == rule.ScriptNoHead {
		r.await() // it closed its output, or is gone: how?
	}
	r.end(f.Rule)
	r.await()
	switch id := r.cause(); {
	case id == rule.ScriptTimeout:
		return &gateway.Fault{Rule: rule.ScriptHeadTimeout}
	case id != 0 && id != f.Rule:
		return &gateway.Fault{Rule: id}
	}
	if f.Rule == rule.ScriptNoHead && r.ended() {
		f.Detail += "; " + r.child.Wait().String()
	}
	return f
}

// bodyFault says why an answer that was begun is not complete; nil when it is.
// f is what relaying said; whole says that the answer's end does not depend on
// the program's.
func (r *run) bodyFault(f *gateway.Fault, whole bool) *gateway.Fault {
	switch {
	case f != nil:
		return r.broken(f)
	case whole:
		r.out.Close() // nobody reads what else it prints
		r.awaitChild()
		return nil
	}
	return r.closed()
}

// closed is for an output that ended, and nothing says that this was its end
// but how the program ends. What it does later, having closed its output, is its own affair.
func (r *run) closed() *gateway.Fault {
	if id := r.cause(); id != 0 {
		r.await()
		return &gateway.Fault{Rule: id}
	}
	r.awaitChild()
	if r.cause() == 0 && r.ended() && r.child.Wait().Signal != 0 {
		r.await() // with its last words
		return &gateway.Fault{Rule: rule.ScriptDied, Detail: r.child.Wait().String()}
	}
	return nil
}

// broken is for an answer that could not be relayed to its end.
func (r *run) broken(f *gateway.Fault) *gateway.Fault {
	if f.Rule != rule.ScriptIncomplete || f.Err != nil {
		r.end(f.Rule)
	}
	r.out.Close()
	r.await()
	switch id := r.cause(); {
	case id == f.Rule:
	case id != 0:
		return &gateway.Fault{Rule: id}
	case f.Err == nil && r.ended() && r.child.Wait().Signal != 0:
		return &gateway.Fault{Rule: rule.ScriptDied, Detail: r.child.Wait().String()}
	}
	return f
}
