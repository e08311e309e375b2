package fastcgi

import (
	"net/http"
	"time"

	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/why"
)

// Handler asks a backend in the role responder. It is for many goroutines.
type Handler struct{ o Options }

// New returns a handler; it connects with the first request. With Workers it
// starts them, and must be closed.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Handler{o: o}, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Is reports whether a path, percent-encoded, is one for which a script is run.
func (h *Handler) Is(escapedPath string) bool { return false }

// Why says what would be done with a request now.
func (h *Handler) Why(r *http.Request) *why.Explanation { return &why.Explanation{} }

// Explain says why a request was answered as its record says.
func (h *Handler) Explain(rec *record.Record) *why.Explanation { return &why.Explanation{} }

// Board returns what runs.
func (h *Handler) Board() *gateway.Board { return nil }

// Load returns how many requests are with the backend, and how many wait.
func (h *Handler) Load() (running, waiting int) { return 0, 0 }

// Describe is one line for logs: where the backend is, and its bounds.
func (h *Handler) Describe() string { return "" }

// Pool returns the state of connections and workers.
func (h *Handler) Pool() PoolState { return PoolState{} }

// Close closes what is kept.
func (h *Handler) Close() error { return nil }

// PoolState is how connections to a backend, and its workers, are.
type PoolState struct {
	Open  int // connections, idle ones included
	Idle  int
	Conns int // the most there may be

	Dials   int64 // connections that were made so far
	Reused  int64 // requests over a connection that was kept
	Stale   int64 // kept connections that turned out to be closed
	Retried int64 // requests that were sent a second time

	Workers  int   // that run; 0 without Options.Workers
	Starts   int64 // of workers so far, restarts included
	Restarts int64 // starts in place of a worker that ended by itself

	LastError string // what failed last, "" when nothing has
	LastTime  time.Time
}
