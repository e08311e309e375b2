package guard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/rule"
)

// A service that fails is told of once, and once when it answers again; one that
// fails now and then, once a minute.
func TestForwardHealth(t *testing.T) {
	var log strings.Builder
	now := int64(1_800_000_000 * second)
	h := NewForwardHealth("http://auth.example/", slog.New(slog.NewTextHandler(&log, nil)), func() int64 { return now })
	const fails, again = "fails; nobody passes", "answers again"
	down, refuses := reply{refused: rule.ForwardAuthUnreachable, err: errors.New("no route")}, reply{refused: rule.ForwardAuthRefused}
	broken := reply{refused: rule.ForwardAuthStatus, answer: &http.Response{Status: "500 Broken"}}
	for i, tt := range []struct {
		after   time.Duration
		heard   reply
		failing bool
		says    []string
	}{
		{0, reply{}, false, nil},
		{0, reply{refused: rule.ForwardAuthPath}, false, nil},
		{0, down, true, []string{fails, "no route", "service=http://auth.example/", "level=ERROR"}},
		{0, down, true, nil},
		{time.Hour, reply{refused: rule.ForwardAuthTimeout, err: context.DeadlineExceeded}, true, nil},
		{0, reply{refused: rule.ForwardAuthLoop}, true, nil}, // it was not asked
		{time.Second, refuses, false, []string{again, "after=1h0m1s", "refused=3", "level=INFO"}},
		{0, reply{}, false, nil},
		{0, broken, true, []string{fails, "it answers 500 Broken"}},
		{time.Second, reply{}, false, []string{again, "refused=1"}},
		{0, broken, true, nil}, // too soon
		{time.Second, reply{}, false, nil},
		{0, broken, true, nil},
		{healthEvery - 2*time.Second - 1, broken, true, nil},
		{1, broken, true, []string{fails}}, // it still does
		{time.Second, reply{}, false, []string{again, "after=59s", "refused=3"}},
	} {
		log.Reset()
		now += int64(tt.after)
		h.heard(&tt.heard)
		if got := h.Failing(); got != tt.failing {
			t.Errorf("%d: failing: %v", i, got)
		}
		said := log.String()
		if strings.Count(said, "\n") != min(len(tt.says), 1) || slices.ContainsFunc(tt.says, func(s string) bool { return !strings.Contains(said, s) }) {
			t.Errorf("%d: it says %q, want %q", i, said, tt.says)
		}
	}
}

// A client that goes before there is an answer says nothing of the service.
func TestForwardHealthOfClients(t *testing.T) {
	var log strings.Builder
	asked := make(chan struct{}, 1)
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer service.Close()
	h := NewForwardHealth(service.URL, slog.New(slog.NewTextHandler(&log, nil)), nil)
	g := NewForwardAuth(ForwardAuthOptions{URL: service.URL, Transport: http.DefaultTransport, Timeout: time.Hour, Health: h})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	if _, refused := g.Check(nil, r); refused == 0 || h.Failing() || log.Len() > 0 {
		t.Errorf("%v, failing: %v, %q", refused, h.Failing(), log.String())
	}
}
