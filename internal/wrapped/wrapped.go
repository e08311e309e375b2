// Package wrapped finds what an http.ResponseWriter is beneath those that wrap
// it, as http.ResponseController does for the methods of net/http.
//
//	if n, ok := wrapped.Find[interface{ SetRule(rule.ID) }](w); ok {
//		n.SetRule(id)
//	}
//
// It wraps nothing itself. Wrappers that have Unwrap need do nothing to be seen
// through.
package wrapped

import "net/http"

// Find returns the first of w and the writers that it wraps that is a T. A
// wrapper whose Unwrap returns nil ends the search.
func Find[T any](w http.ResponseWriter) (found T, ok bool) {
	for w != nil {
		if found, ok = w.(T); ok {
			return found, true
		}
		u, wraps := w.(interface{ Unwrap() http.ResponseWriter })
		if !wraps {
			break
		}
		w = u.Unwrap()
	}
	return found, false
}
