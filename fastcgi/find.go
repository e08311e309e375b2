package fastcgi

import (
	"net/http"

	"freshet/internal/gateway"
	"freshet/internal/wire"
)

// Is reports whether a path, percent-encoded, is one for which a script is run.
func (h *Handler) Is(escapedPath string) bool {
	return h.find(escapedPath).kind == runScript
}

// Named reports whether a path looks as those of scripts do, for which Is
// mostly holds. It never asks the file system.
func (h *Handler) Named(escapedPath string) bool {
	name, _ := wire.RoutePath(escapedPath)
	rest, ok := below("/"+name, h.o.Prefix)
	if !ok {
		return false
	}
	if h.scripts == nil {
		return true
	}
	is, _ := h.scripts.named(rest)
	return is
}

// Find is Is for a request. The request that it returns is r and what was
// found: ServeHTTP then does that, without looking again. It is r itself when
// that is remembered anyhow.
func (h *Handler) Find(r *http.Request) (*http.Request, bool) {
	path := r.URL.EscapedPath()
	if h.lately(path) != nil {
		return r, true // it will be looked up as fast as it is remembered
	}
	f := h.find(path)
	return gateway.KeepFound(r, h, path, &f), f.kind == runScript
}

// foundFor returns what a request is for, as it was found, if that was done.
func (h *Handler) foundFor(r *http.Request) found {
	path := r.URL.EscapedPath()
	if f := gateway.FoundBy[found](r, h, path); f != nil {
		return *f
	}
	return h.find(path)
}
