package proxy

import (
	"net/http"
	"net/http/httptrace"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// connected is called when the attempt has a connection.
func (a *attempt) connected(i httptrace.GotConnInfo) {
	if !i.Reused {
		a.connect.Store(max(int64(time.Since(a.sent)), 1))
	}
}

// tell notes for the request's record, and for explanations, what came of the
// attempt; resp is nil when no answer did.
func (a *attempt) tell(resp *http.Response) {
	o, d := a.o, a.x.told
	status, id := 0, record.ID(0)
	if resp != nil {
		status, id = resp.StatusCode, takeID(resp.Header)
		o.status.Store(int64(status))
		if o.failure.Load() != nil { // most often it is not, and the line stays shared
			o.failure.Store(nil)
		}
	}
	if d == nil {
		return
	}
	d.Tries++
	d.Origin, d.OriginStatus, d.OriginID = o.name, status, id
	d.Connect = a.connect.Load()
	d.Wait = int64(time.Since(a.sent)) - d.Connect
}

// takeID takes the name of the request at the origin out of its answer. An answer
// has the name that the server gave it which is nearest to the client, and what
// is stored has none: it will be the answer to other requests.
func takeID(h http.Header) record.ID {
	const name = "Freshet-Id"
	id, _ := record.ParseID(h.Get(name))
	delete(h, name)
	return id
}

// cut notes that the origin's answer could not be passed on to its end.
func (x *exchange) cut(o *origin, id rule.ID) {
	e := &Error{Rule: id, Origin: o.name}
	if id != rule.ProxyClientGone {
		o.failure.Store(e)
	}
	if x.told != nil {
		x.told.Error = e.Error()
	}
}
