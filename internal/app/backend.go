package app

import (
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"sync/atomic"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/rule"
	"freshet/static"
)

// A backend is what answers the requests of a route: a folder, or origins and
// the cache in front of them. It outlives changes of the configuration that
// are not about it, and is closed once no configuration has it and no request
// uses it.
type backend struct {
	handler  http.Handler
	hot      httpd.HotHandler // may be nil
	close    func() error     // may be nil
	purge    purgeFunc        // nil without a cache
	explain  explains
	states   originStates    // nil without origins
	programs *programs       // nil without programs
	folder   *static.Handler // whose files are served; nil without one
	asked    *authorizer     // nil without one
	conf     *config.Route   // what it was made of
	log      *slog.Logger
	closed   func()       // called once it is closed; may be nil
	users    atomic.Int64 // requests, and 1 for the configuration
}

// hold notes a user. It is false when the backend is closed, or about to be.
func (b *backend) hold() bool {
	for {
		n := b.users.Load()
		if n == 0 {
			return false
		}
		if b.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release ends what hold began; the last one closes the backend.
func (b *backend) release() {
	if b.users.Add(-1) > 0 {
		return
	}
	if b.closed != nil {
		defer b.closed()
	}
	if b.close == nil {
		return
	}
	if err := b.close(); err != nil {
		b.log.Error("close what a route served", "err", err)
	}
}

// madeOf reports whether the backend is what a route needs, too. Where the
// route is, and what is done around the backend, does not matter.
func (b *backend) madeOf(r *config.Route) bool {
	c := b.conf
	return c.Kind == r.Kind && c.Authorizer == r.Authorizer && c.Dir == r.Dir && c.Redirect == r.Redirect && c.Status == r.Status &&
		reflect.DeepEqual(c.Files, r.Files) && reflect.DeepEqual(c.Origins, r.Origins) && reflect.DeepEqual(c.Caching, r.Caching) &&
		reflect.DeepEqual(c.Programs, r.Programs) && reflect.DeepEqual(c.FastCGI, r.FastCGI) && (c.Path == r.Path || !r.Kind.KnowsPath())
}

// newBackend opens what a route needs.
func newBackend(r *config.Route, w *within, store *cache.Store) (*backend, error) {
	b := &backend{conf: r, log: w.log}
	b.users.Store(1)
	switch r.Kind {
	case config.RouteFolder:
		h, err := newFolder(r.Dir, &r.Files, nil, w)
		if err != nil {
			return nil, err
		}
		b.handler, b.hot, b.close, b.explain = h, h, h.Close, folderExplains{h}
		b.folder = h
	case config.RouteOrigins:
		c, err := newCached(&r.Origins, &r.Caching, store, w)
		if err != nil {
			return nil, err
		}
		b.handler, b.hot, b.close, b.purge, b.explain = c.handler, c.hot, c.close, c.purge, c.explain
		b.states = c.states
	case config.RouteCGI, config.RouteFastCGI:
		p, err := newPrograms(r, store, w)
		if err != nil {
			return nil, err
		}
		b.handler, b.hot, b.close, b.purge, b.explain = p.handler, p.hot, p.close, p.purge, p.explain
		b.programs = p
		if p.files != nil {
			b.folder = p.files.folder
		}
	case config.RouteRedirect:
		d := newRedirect(r)
		b.handler, b.explain = d, d
	}
	if r.Authorizer != "" {
		if err := b.askFirst(r, w); err != nil {
			if b.close != nil {
				err = errors.Join(err, b.close())
			}
			return nil, err
		}
	}
	return b, nil
}

// newRoute puts around a backend what the route says besides.
func newRoute(r *config.Route, b *backend, guards ...guard.Guard) *route {
	path := r.Path[1:]
	t := &route{conf: r, path: path, backend: b, handler: b.handler, hot: b.hot, guards: guards}
	if r.Kind == config.RouteFolder && path != "" {
		m := &mount{prefix: r.Path, handler: t.handler, hot: t.hot}
		t.handler, t.hot = m, m
	}
	if r.MaxBodyBytes > 0 {
		t.handler = limitBody(t.handler, r.MaxBodyBytes)
	}
	t.handler, t.hot = guard.Handler(t.handler, guards...), guard.Hot(t.hot, guards...)
	if len(r.Fields) > 0 {
		t.handler, t.hot = editFields(t.handler, r.Fields), editHot(t.hot, r.Fields)
	}
	return t
}

// limitBody refuses request bodies that are longer.
func limitBody(next http.Handler, most int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > most {
			w.Header().Set("Connection", "close")
			refuse(w, r, rule.BodyTooLarge)
			return
		}
		if r.Body != nil && r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		next.ServeHTTP(w, r)
	})
}
