package check

import (
	"freshet/freshness"
)

// A subject is an exchange with what many notes ask about it.
type subject struct {
	*Exchange
	shared  freshness.Storing // what a shared cache would do with the answer
	private freshness.Storing // and a browser's
}

func newSubject(x *Exchange) *subject {
	s := &subject{Exchange: x}
	ask := freshness.Request{Method: x.Method, URL: x.URL, Fields: x.RequestHeader}
	answer := freshness.Response{Status: x.Status, Fields: x.Header, Requested: x.Received, Received: x.Received}
	shared, private := freshness.Cache{}, freshness.Cache{Private: true}
	s.shared, s.private = shared.Store(&ask, &answer), private.Store(&ask, &answer)
	return s
}
