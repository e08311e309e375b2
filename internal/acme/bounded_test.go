package acme

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestEndlessAnswer: an answer of an authority that does not end is read to a
// bound, is told, and is not asked for again and again.
func TestEndlessAnswer(t *testing.T) {
	for _, status := range []int{http.StatusOK, http.StatusInternalServerError} {
		var sent atomic.Int64
		a := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			for block := bytes.Repeat([]byte(" "), 64<<10); sent.Load() < 256<<20; { // enough to be seen
				n, err := w.Write(block)
				if sent.Add(int64(n)); err != nil {
					return
				}
			}
		}))
		o := &Options{Directory: a.URL, Roots: a.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, Log: slog.New(slog.DiscardHandler)}
		i := newIssuer(o, nil, nil)
		_, err := i.acmez.GetDirectory(context.Background())
		if err == nil || !strings.Contains(err.Error(), "the authority's answer has more than") {
			t.Errorf("%d: %v", status, err)
		}
		i.client.CloseIdleConnections()
		a.Close()
		if n := sent.Load(); n > 64<<20 { // what is on its way counts, too, and each further try
			t.Errorf("%d: %d bytes were sent", status, n)
		}
	}
}

// TestBoundedBody: what ends at the limit is whole, what does not is an error
// after as many bytes, however it is read.
func TestBoundedBody(t *testing.T) {
	for _, tt := range []struct {
		has   int
		whole bool
	}{{0, true}, {9, true}, {10, true}, {11, false}, {1000, false}} {
		for _, at := range []int{1, 3, 10, 11, 512} {
			b := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", tt.has))), limit: 10, left: 10}
			var got bytes.Buffer
			_, err := io.CopyBuffer(struct{ io.Writer }{&got}, b, make([]byte, at))
			if (err == nil) != tt.whole || got.Len() != min(tt.has, 10) {
				t.Errorf("%d bytes, %d at a time: %d, %v", tt.has, at, got.Len(), err)
			}
		}
	}
}
