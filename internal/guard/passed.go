package guard

import (
	"context"
	"net/http"
	"reflect"
	"slices"
)

// passedKey is the context's key of the guards that let a request pass. A local
// redirect of a program (RFC 3875 §6.2.2) makes another request of it, without what
// proved that it may pass, and those guards are not asked again.
type passedKey struct{}

func passedBy(r *http.Request) []Guard {
	all, _ := r.Context().Value(passedKey{}).([]Guard)
	return all
}

func withPassed(r *http.Request, passed, by []Guard) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), passedKey{}, append(slices.Clip(passed), by...)))
}

func has(passed []Guard, g Guard) bool {
	return len(passed) > 0 && reflect.TypeOf(g).Comparable() && slices.ContainsFunc(passed, func(p Guard) bool {
		return reflect.TypeOf(p).Comparable() && p == g
	})
}
