package cgi

import (
	"net/http"

	"freshet/internal/record"
	"freshet/internal/why"
)

// Why says what would be done with a request now.
func (h *Handler) Why(r *http.Request) *why.Explanation { return &why.Explanation{} }

// Explain says why a request was answered as its record says.
func (h *Handler) Explain(rec *record.Record) *why.Explanation { return &why.Explanation{} }
