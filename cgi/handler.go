package cgi

import (
	"net/http"

	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/why"
)

// Handler answers requests with programs. It may be used by any number of
// goroutines.
type Handler struct {
	o     Options
	board gateway.Board
	turns gateway.Turns
}

// New returns a Handler, or all that is wrong with the options.
func New(o Options) (*Handler, error) { return &Handler{o: o}, nil }

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler when
// an answer that was begun cannot be completed.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// Is reports whether a request for a path, as it stands in the URL, is for a
// program, or for what must not be sent as a file because it is one: everything
// in Options.Folders, and every path whose beginning is a file with one of
// Options.Extensions.
func (h *Handler) Is(escapedPath string) bool { return false }

// Why says what would be done with a request now.
func (h *Handler) Why(r *http.Request) *why.Explanation { return &why.Explanation{} }

// Explain says why a request was answered as its record says.
func (h *Handler) Explain(rec *record.Record) *why.Explanation { return &why.Explanation{} }

// Board shows the programs that run, and stops them.
func (h *Handler) Board() *gateway.Board { return &h.board }

// Load returns how many programs run and how many requests wait.
func (h *Handler) Load() (running, waiting int) { return h.turns.Load() }

// Describe is one line for logs: who programs run as, and within which limits.
func (h *Handler) Describe() string { return "" }

// Close ends all programs, and returns when they are gone.
func (h *Handler) Close() error { return nil }
