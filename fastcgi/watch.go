package fastcgi

import (
	"context"
	"net/http"
	"time"

	"freshet/internal/rule"
)

// stalledAfter is how long a backend may say nothing over a new connection
// before it counts as one that no worker has taken.
const stalledAfter = 100 * time.Millisecond

// quiet is called when the backend has been silent for a while: from now on the
// request is shown, and it ends when its client goes away. Most requests never
// get here.
func (x *exchange) quiet() {
	if x.shown {
		x.stall()
		return
	}
	x.show()
	stop := context.AfterFunc(x.r.Context(), func() { x.stop(rule.ScriptClientGone) })
	x.mu.Lock()
	x.watch = stop
	x.mu.Unlock()
	if x.in.c.fresh {
		x.in.quietAt = x.sent.Add(stalledAfter)
	}
}

// stall says that the connection may wait for a worker.
func (x *exchange) stall() {
	if x.in.c.fresh && !x.stalled {
		x.stalled = true
		x.h.source.stalled(true)
	}
}

// show puts the exchange on the board.
func (x *exchange) show() {
	run := &x.run
	run.Kind, run.Method, run.URL, run.Client = "fastcgi", x.r.Method, target(x.r), x.r.RemoteAddr
	run.Request, run.Started = x.unique, x.sent
	if run.Script = x.script.File; run.Script == "" {
		run.Script = x.h.address()
	}
	run.PID = x.in.c.pid
	run.Stop = func() { x.stop(rule.ScriptStopped) }
	x.shown = true
	x.h.board.Add(run)
}

func target(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}
