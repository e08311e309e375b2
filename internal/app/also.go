package app

import "freshet/httpd"

// also returns a sink that gives each record to the environment's sink, too.
func (e *Env) also(own httpd.Sink) httpd.Sink {
	if e.Sink == nil {
		return own
	}
	return twoSinks{own, e.Sink}
}

type twoSinks struct{ first, second httpd.Sink }

// Record implements httpd.Sink.
func (t twoSinks) Record(r *httpd.Record) {
	t.first.Record(r)
	t.second.Record(r)
}
