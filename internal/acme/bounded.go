package acme

import (
	"fmt"
	"io"
	"net/http"
)

// How much an authority may answer: with what was asked for, the largest of
// which is a chain of certificates, and with what is wrong, which goes to the log.
const (
	maxAnswer  = 1 << 20
	maxProblem = 64 << 10
)

// bounded ends answers that are longer, for who asks keeps them in memory.
type bounded struct{ way *http.Transport }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.way.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	limit := int64(maxAnswer)
	if answer.StatusCode >= 400 {
		limit = maxProblem
	}
	answer.Body = &boundedBody{ReadCloser: answer.Body, limit: limit, left: limit}
	return answer, nil
}

// CloseIdleConnections is for http.Client's.
func (b bounded) CloseIdleConnections() { b.way.CloseIdleConnections() }

type boundedBody struct {
	io.ReadCloser
	limit, left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one more, so that what ends at the limit is known to end
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n, err = int(b.left), fmt.Errorf("the authority's answer has more than %d bytes", b.limit)
	}
	b.left -= int64(n)
	return n, err
}
