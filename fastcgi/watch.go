package fastcgi

import (
	"context"
	"net/http"

	"freshet/httpd"
	"freshet/internal/rule"
)

// quiet is called once, when the backend has been silent for a while: from now
// on the request is shown, and it ends when its client goes away. Most
// requests never get here.
func (x *exchange) quiet() {
	x.show()
	client := x.r.Context()
	stop := context.AfterFunc(client, func() { x.stop(rule.ScriptClientGone) })
	x.mu.Lock()
	x.watch = stop
	fresh := x.in.c.fresh && !x.stalled
	x.stalled = x.stalled || fresh
	x.mu.Unlock()
	if fresh {
		x.h.source.stalled(true)
	}
}

// show puts the exchange on the board.
func (x *exchange) show() {
	run := &x.run
	run.Kind, run.Method, run.URL, run.Client = "fastcgi", x.r.Method, target(x.r), x.r.RemoteAddr
	run.Request, run.Started = httpd.RequestID(x.w), x.sent
	if run.Script = x.script.File; run.Script == "" {
		run.Script = x.h.address()
	}
	run.PID = x.in.c.pid
	run.Stop = func() { x.stop(rule.ScriptStopped) }
	x.mu.Lock()
	x.shown = true
	x.mu.Unlock()
	x.h.board.Add(run)
}

func target(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}
