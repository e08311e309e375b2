package cache

import (
	"errors"
	"net/http"

	"freshet/internal/wrapped"
)

// A failureHandler is a client's writer that is told that there is no answer
// before it gets a page which says so. When OriginFailed reports true, it wants
// none: nothing is written. A cache in front of this one is such a writer, and
// a client in the same process, which would rather have the error.
type failureHandler interface{ OriginFailed(err error) bool }

// errNoAnswer is what a failureHandler is told when nobody said why there is no
// answer.
var errNoAnswer = errors.New("cache: the handler behind the cache gave no answer")

// wantsError tells the client's writer, if it asks for that, why there is no
// answer, and reports whether that is all it wants.
func wantsError(w http.ResponseWriter, err error) bool {
	f, ok := wrapped.Find[failureHandler](w)
	if !ok {
		return false
	}
	if err == nil {
		err = errNoAnswer
	}
	return f.OriginFailed(err)
}

// failedBy keeps why there is no answer, for those who wait.
func (f *flight) failedBy(err error) {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.cause = err
	f.mu.Unlock()
}
