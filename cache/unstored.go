package cache

import (
	"net/http"
	"slices"
	"strings"
	"time"

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

// refresh is how old what is remembered may get while answers come that say the
// same.
const refresh = int64(time.Second)

// recent reports whether u is of a moment ago.
func (h *Handler) recent(u *unstored, now int64) bool {
	age := now - u.at
	return age >= 0 && age < min(refresh, int64(h.opt.HitForMiss)/8)
}

// repeats reports whether what is remembered of the answer before says the same
// as this one would, and was remembered a moment ago: then it is left, which is
// most of what a busy address that is never stored would cost.
func (x *fill) repeats(why rule.ID) bool {
	q, h := x.q, x.h
	if q.res == nil || q.res.unstored == nil || h.opt.EarlyHints && (len(q.res.hints) > 0 || len(x.header["Link"]) > 0) {
		return false
	}
	u := q.res.unstored
	if u.rule != why || u.status != x.code || !h.recent(u, x.received) {
		return false
	}
	if x.passes() && q.res.passUntil != x.passUntil(u.at) || !h.sameDecisive(u.fields, x.header) {
		return false
	}
	e, known := evidences[why]
	switch {
	case known && e.side == ofRequest:
		return u.evidence == h.evidenceOf(why, q.ask.Fields, x.header)
	case why == rule.CacheTooLarge:
		return u.size == x.declared() && u.size >= x.bytes
	}
	q.repeated = u
	return true
}

// judgedBefore returns why the answer before was not stored, when this one says
// the same and that rule asks for nothing else: neither what the request has nor
// what time it is. Else it is 0.
func (x *fill) judgedBefore() rule.ID {
	q := x.q
	if q.r.Method != http.MethodGet || q.res == nil || q.res.unstored == nil || q.object != nil || x.unanswered {
		return 0
	}
	if q.ask.Authorized {
		return 0
	}
	for _, name := range [...]string{"Authorization", "Cookie", "Cache-Control"} {
		if len(q.ask.Fields[name]) > 0 {
			return 0
		}
	}
	u := q.res.unstored
	switch u.rule {
	case rule.NotStoredNoStore, rule.NotStoredPrivate:
	case rule.NotStoredUseless:
		if len(u.fields["Expires"]) > 0 || len(u.fields[x.h.controlOf(u.fields)]) > 0 {
			return 0 // there is a lifetime, or was
		}
	default:
		return 0
	}
	if !x.repeats(u.rule) {
		return 0
	}
	return u.rule
}

// sameDecisive reports whether decisiveFields would return kept, but for what
// changes from answer to answer and is beside the point here: its length, and
// the time.
func (h *Handler) sameDecisive(kept, fields freshness.Fields) bool {
	beside := func(name string) bool { return name == "Date" || name == "Content-Length" }
	left := len(kept)
	for name := range kept {
		if beside(name) {
			left--
		}
	}
	for name, lines := range fields {
		if len(lines) == 0 || beside(name) || !h.isDecisive(name) {
			continue
		}
		was := kept[name]
		if len(was) != min(len(lines), maxDecisiveLines) {
			return false
		}
		for i, line := range was {
			if !sameShown(name, lines[i], line) {
				return false
			}
		}
		left--
	}
	return left == 0
}

func (h *Handler) isDecisive(name string) bool {
	return slices.Contains(decisive[:], name) || slices.Contains(h.policy.TargetFields(), name)
}

// sameShown reports whether decisiveFields would keep shown of a line.
func sameShown(name, line, shown string) bool {
	if name == "Set-Cookie" { // without the memory that withoutSecret needs
		crumb, _, _ := strings.Cut(line, ";")
		cookie, _, has := strings.Cut(strings.TrimSpace(crumb), "=")
		if rest, ok := strings.CutPrefix(shown, cookie); has && ok && rest == "=…" {
			return true
		}
	}
	line = withoutSecret(name, line)
	return line[:min(len(line), maxDecisiveLine)] == shown
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
