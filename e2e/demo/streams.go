package main

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"freshet/internal/monitor/ui"
)

// streams are the connections of pages that are open.
type streams struct {
	mu   sync.Mutex // guards what follows
	open map[chan []byte]string
	last uint64
	down bool
}

func newStreams() *streams { return &streams{open: map[chan []byte]string{}} }

// backlog is how many events wait for a page that reads slowly; it misses those beyond.
const backlog = 64

// events is the stream of one page.
func (s *streams) events(w http.ResponseWriter, r *http.Request) {
	c := make(chan []byte, backlog)
	s.mu.Lock()
	down := s.down
	if !down {
		s.open[c] = r.URL.RawQuery
	}
	s.mu.Unlock()
	if down {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	defer func() {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	if rc.Flush() != nil {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case b, ok := <-c:
			if !ok {
				return
			}
			if _, err := w.Write(b); err != nil || rc.Flush() != nil {
				return
			}
		}
	}
}

// broadcast sends an event to all pages.
func (s *streams) broadcast(name string, data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	b, err := ui.AppendEvent(nil, name, s.last, data)
	if err != nil {
		panic(err) // made here
	}
	for c := range s.open {
		select {
		case c <- b:
		default:
		}
	}
}

func (s *streams) emit(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || !json.Valid(b) {
		http.Error(w, "want JSON", http.StatusBadRequest)
		return
	}
	s.broadcast(r.URL.Query().Get("event"), json.RawMessage(b))
}

func (s *streams) drop(http.ResponseWriter, *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		close(c)
		delete(s.open, c)
	}
}

func (s *streams) refuse(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.down = r.URL.Query().Get("on") != ""
	s.mu.Unlock()
	if r.URL.Query().Get("on") != "" {
		s.drop(w, r)
	}
}

func (s *streams) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	queries := []string{}
	for _, q := range s.open {
		queries = append(queries, q)
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(queries) // a client that left
}
