package cgi

import (
	"net/http"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// patience is how long an answer waits for the end of a program that has
// closed its output, and a failure for the program's last words.
const patience = time.Second

// exchange is one request and the program that answers it.
type exchange struct {
	h    *Handler
	w    http.ResponseWriter
	r    *http.Request
	rc   *http.ResponseController
	p    program
	mark string         // UNIQUE_ID
	told *record.Detail // nil when the writer is not the engine's
	in   stdin

	fed     chan struct{} // closed when feed has returned; nil when nothing is fed
	stopped atomic.Bool   // feed is to end
	duplex  bool          // the body may be read while the answer is written
	taken   atomic.Bool   // the body was read to its end

	run       *run // while it is relayed
	whole     bool // the answer's end does not depend on the program's
	uploading bool // one of those turns is ours
}

// serve runs the program and passes its answer on.
func (x *exchange) serve() {
	if x.told != nil {
		x.told.Program = x.p.file
	}
	if f := x.receive(); f != nil {
		x.fail(nil, f)
		return
	}
	defer x.in.close()
	if x.in.copied { // by a client that may be slow
		if id := x.h.uploads.Take(x.r.Context()); id != 0 {
			x.fail(nil, &gateway.Fault{Rule: id})
			return
		}
		x.uploading = true
		defer x.leaveUploads()
	}
	if id := x.h.turns.Take(x.r.Context()); id != 0 {
		x.fail(nil, &gateway.Fault{Rule: id})
		return
	}
	run, f := x.start()
	if f != nil {
		x.fail(nil, f)
		return
	}
	defer x.leave(run)
	to := x.answer(run)
	if to == "" {
		run.over = true
		return
	}
	// The program's turn is given back, and its pipes are closed, before
	// another one is looked for.
	run.over = true
	x.leave(run)
	run.await()
	x.redirect(to)
}

// answer sends what the program prints, unless that is where to look instead.
func (x *exchange) answer(run *run) (redirect string) {
	out := gateway.NewOutput(&run.out)
	defer out.Release()
	head, f := out.ReadHead(x.p.nph(), x.h.o.MaxHead)
	switch {
	case f != nil:
		x.fail(run, run.headFault(f))
		return ""
	case run.cause() != 0: // it was ended, and said something before it went
		x.fail(run, run.headFault(&gateway.Fault{Rule: rule.ScriptNoHead}))
		return ""
	case head.Kind == gateway.LocalRedirect:
		return head.Local
	}
	httpd.SetRule(x.w, rule.ScriptAnswered)
	x.closeUnread()
	x.run, x.whole = run, head.Length >= 0 || gateway.Bodyless(x.r.Method, head.Status)
	f = gateway.Relay(x.w, x.r, head, out, gateway.RelayOptions{
		Most: x.h.o.MaxOutput, Sent: &run.board.Sent, Program: x,
		Spool: gateway.SpoolOptions{Most: x.h.o.MaxSpool, Dir: x.h.o.SpoolDir, Files: &x.h.spools},
	})
	if f != nil {
		x.cut(run, f)
	}
	x.tell(run)
	return ""
}

// leave ends what the request has to do with the program, which may go on when
// it has answered. It may be called again.
func (x *exchange) leave(run *run) {
	run.detach()
	x.stopFeeding()
	if !run.over {
		run.end(rule.ScriptStopped) // something panicked
	}
	run.out.Close()
	run.settle()
}

// tell records how the program ended, as far as is known.
func (x *exchange) tell(run *run) {
	if x.told == nil || run == nil || !run.ended() {
		return
	}
	result := run.child.Wait()
	x.told.Exit = result.String()
	x.told.CPU = int64(result.User + result.System)
	x.told.Memory = result.MaxRSS
}
