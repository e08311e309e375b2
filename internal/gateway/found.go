package gateway

import (
	"context"
	"net/http"
)

// foundKey is the context's key of what was found for a request.
type foundKey struct{}

type found struct {
	by   any
	path string
	what any
}

// KeepFound returns r with what by found for a path. Who chooses between
// handlers asks them first; the one that is chosen then runs what was looked
// at, and need not look again.
func KeepFound[T any](r *http.Request, by any, path string, what *T) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), foundKey{}, &found{by, path, what}))
}

// FoundBy returns what by found for a path of this request; nil when it was not
// asked, or about another path.
func FoundBy[T any](r *http.Request, by any, path string) *T {
	f, _ := r.Context().Value(foundKey{}).(*found)
	if f == nil || f.by != by || f.path != path {
		return nil
	}
	what, _ := f.what.(*T)
	return what
}
