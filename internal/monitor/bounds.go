package monitor

import (
	"net/http"
	"sync/atomic"
)

// What readers may make the server hold in memory at the same time, however
// many they are: tables that are being made, and answers on their way to
// clients that take their time.
const (
	// maxMaking is how many pages are made at the same time. The others wait
	// for their turn, a few hundredths of a second each.
	maxMaking = 4
	// maxSending bounds the bytes of answers that are being sent; then: 503.
	maxSending = 64 << 20
)

// turns are taken by those who make something.
type turns chan struct{}

func newTurns(n int) turns { return make(turns, n) }

// take waits for a turn, and returns what ends it.
func (t turns) take() (end func()) {
	t <- struct{}{}
	return func() { <-t }
}

// sending counts the bytes that are on their way.
type sending struct{ bytes atomic.Int64 }

// send sends an answer to a client, unless too much is on its way.
func (s *sending) send(w http.ResponseWriter, r *http.Request, a *answer) {
	n := int64(len(a.body))
	defer s.bytes.Add(-n)
	if s.bytes.Add(n) > maxSending {
		w.Header().Set("Retry-After", "10")
		fail(w, r, http.StatusServiceUnavailable, "As much is being sent to others as may.")
		return
	}
	a.send(w, r)
}
