package cgi

import (
	"net/http"

	"freshet/internal/gateway"
	"freshet/internal/wire"
)

// Is reports whether a request for a path, as it stands in the URL, is for a
// program, or for what must not be sent as a file because it is one: everything
// in Options.Folders, and every path whose beginning is a file with one of
// Options.Extensions, or a folder with an Options.Index of that kind. It asks
// the file system only when the path is in none of the folders and has one of
// the extensions, or is a folder's and there is an Index.
func (h *Handler) Is(escapedPath string) bool {
	return h.inFolders(escapedPath) || h.find(escapedPath).mine
}

// Named reports whether a path looks as those of programs do, for which Is
// mostly holds. It never asks the file system.
func (h *Handler) Named(escapedPath string) bool {
	name, _ := wire.RoutePath(escapedPath)
	rest, ok := h.below(name)
	return ok && (h.inFolder(rest) || h.hasExtensions(rest))
}

// Find is Is for a request. The request that it returns is r and what was
// found: ServeHTTP then runs that, without looking again.
func (h *Handler) Find(r *http.Request) (*http.Request, bool) {
	path := r.URL.EscapedPath()
	if h.inFolders(path) {
		return r, true // ServeHTTP will look
	}
	f := h.find(path)
	if !f.mine {
		return r, false
	}
	return gateway.KeepFound(r, h, path, &f), true
}

// inFolders reports whether a path is in one of the folders in which all is
// programs.
func (h *Handler) inFolders(escapedPath string) bool {
	name, _ := wire.RoutePath(escapedPath)
	rest, ok := h.below(name)
	return ok && h.inFolder(rest)
}

// foundFor returns what a request is for, as it was found, if that was done.
func (h *Handler) foundFor(r *http.Request) found {
	path := r.URL.EscapedPath()
	if f := gateway.FoundBy[found](r, h, path); f != nil {
		return *f
	}
	return h.find(path)
}
