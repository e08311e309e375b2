package cache

import (
	"strings"

	"freshet/freshness"
	"freshet/internal/rule"
)

// unstored is why the last answer for a key was not stored, and what of that
// answer decides such things: what a later request would come to is decided
// anew from it.
type unstored struct {
	rule     rule.ID
	evidence string
	at       int64 // nanoseconds since 1970
	status   int
	fields   freshness.Fields // those of decisive, without secrets
	size     int64            // Content-Length; -1 without
}

// decisive are the fields of an answer on which it depends whether it is
// stored, and for how long.
var decisive = [...]string{
	"Age", "Cache-Control", "Content-Length", "Content-Location", "Content-Range", "Content-Type", "Date", "Etag", "Expires", "Last-Modified",
	"No-Vary-Search", "Set-Cookie", "Set-Cookie2", "Vary",
}

// Of fields that somebody makes longer than these bounds the rest is not kept;
// then what is said about the answer later may be wrong, and no more.
const (
	maxDecisiveLines = 8
	maxDecisiveLine  = 512
)

// decisiveFields returns a copy of the decisive fields of an answer.
func (h *Handler) decisiveFields(fields freshness.Fields) freshness.Fields {
	out := make(freshness.Fields)
	keep := func(name string) {
		lines := fields[name]
		if len(lines) == 0 {
			return
		}
		kept := make([]string, 0, min(len(lines), maxDecisiveLines))
		for _, line := range lines[:min(len(lines), maxDecisiveLines)] {
			kept = append(kept, clip(withoutSecret(name, line), maxDecisiveLine))
		}
		out[name] = kept
	}
	for _, name := range decisive {
		keep(name)
	}
	for _, name := range h.policy.TargetFields() {
		keep(name)
	}
	return out
}

// clip returns a copy of at most n bytes of s.
func clip(s string, n int) string { return strings.Clone(s[:min(len(s), n)]) }

func (u *unstored) cost() int64 {
	if u == nil {
		return 0
	}
	n := int64(500 + len(u.evidence))
	for _, lines := range u.fields {
		for _, line := range lines {
			n += int64(80 + len(line))
		}
	}
	return n
}
