package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/bench/internal/process"
)

func TestWindows(t *testing.T) {
	xs := []float64{90, 80, 10, 20, 5, 5, 5, 5, 30, 50, 70}
	if early, late := windows(xs); early != 15 || late != 60 {
		t.Errorf("got %v and %v, want 15 and 60", early, late)
	}
	if early, late := windows(xs[:4]); !math.IsNaN(early) || !math.IsNaN(late) {
		t.Errorf("got %v and %v out of too little", early, late)
	}
}

// testSoak is a short soak of a server of the standard library, whose memory
// is said to be what memory returns.
func testSoak(t *testing.T, h http.Handler, memory func() (process.Memory, error)) (*soak, *bytes.Buffer) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var w bytes.Buffer
	return &soak{w: &w, addr: server.Listener.Addr().String(), path: "/", conns: 20, busy: 2, sample: 5,
		duration: 100 * time.Millisecond, sampleEvery: 10 * time.Millisecond, printEvery: 5, memory: memory}, &w
}

func flat() (process.Memory, error) { return process.Memory{RSS: 10 << 20}, nil }

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })

func TestSoak(t *testing.T) {
	s, w := testSoak(t, hello, flat)
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.checked != 10*5+20 || s.requests.Load() == 0 || strings.Count(w.String(), "MiB resident  ") != 2 || !strings.Contains(w.String(), "nothing dropped") {
		t.Errorf("%d checked, %d requests, printed\n%s", s.checked, s.requests.Load(), w)
	}
}

// TestSoakSeesWhatIsDropped soaks a server that ends each connection with its
// third answer: the first is given when connections are opened.
func TestSoakSeesWhatIsDropped(t *testing.T) {
	answers := map[string]int{}
	mu := make(chan struct{}, 1) // handlers run at once
	s, _ := testSoak(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu <- struct{}{}
		defer func() { <-mu }()
		if answers[r.RemoteAddr]++; answers[r.RemoteAddr] == 3 {
			w.Header().Set("Connection", "close")
		}
		io.WriteString(w, "hello")
	}), flat)
	s.busy = 0
	err := s.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "were dropped") || len(s.dropped) == 0 {
		t.Errorf("%d dropped, %v", len(s.dropped), err)
	}
	for _, c := range s.idle {
		if c == nil {
			return
		}
	}
	t.Error("every connection is thought to be alive")
}

func TestSoakSeesFailedRequests(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := testSoak(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel() // one request is enough
		http.Error(w, "no", http.StatusServiceUnavailable)
	}), flat)
	s.load(ctx)
	if s.failed.Load() != 1 {
		t.Fatalf("%d requests failed, want 1", s.failed.Load())
	}
	s.resident = []float64{1, 1, 1, 1, 1}
	if err := s.verdict(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v, want the status of the first failure", err)
	}
}

func TestSoakSeesGrowth(t *testing.T) {
	rss := int64(10 << 20)
	s, _ := testSoak(t, hello, func() (process.Memory, error) {
		rss += 200 << 10
		return process.Memory{RSS: rss}, nil
	})
	if err := s.run(t.Context()); err == nil || !strings.Contains(err.Error(), "memory grew") {
		t.Errorf("got %v", err)
	}
}

func TestSoakEndsWithTheServer(t *testing.T) {
	s, _ := testSoak(t, hello, flat)
	s.duration = time.Hour
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the server ended")
	s.memory = func() (process.Memory, error) {
		if len(s.resident) == 3 {
			cancel(gone)
		}
		return flat()
	}
	if err := s.run(ctx); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}
