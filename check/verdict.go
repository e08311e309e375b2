package check

import (
	"fmt"
	"math"
	"strings"

	"freshet/freshness"
	"freshet/internal/rule"
)

// A Verdict says what caches do with an answer, by package freshness.
type Verdict struct{ Browser, Shared Treatment }

// A Treatment is what one kind of cache does with an answer, for requests like
// the one that got it and without directives of their own.
type Treatment struct {
	Who    string // "browser" or "shared caches"
	Stored bool
	Fresh  int64  // for how long it is used unasked, in seconds from its receipt; 0: it is not
	Guess  bool   // the time is a guess, as the answer states none
	Stale  int64  // for how long after that it is used while it is validated, in seconds
	Failed int64  // for how long after it has become stale it is used when the origin answers with an error, in seconds
	Asks   string // the field with which it is validated, such as If-None-Match; "" when it can only be fetched anew

	Rule     string // why: the name of the rule, such as "fresh-max-age"
	Sentence string // the rule in words, without a full stop
	Clause   string // and where it is written, such as "RFC 9111 §5.2.2.1"

	MustAsk bool // it is never used stale, not even when nobody answers
}

// The caches that are asked. How long stale use is allowed is for the answer to
// say, so they have no bound of their own.
var (
	browserCache = freshness.Cache{Private: true, MaxStale: math.MaxInt64}
	sharedCache  = freshness.Cache{MaxStale: math.MaxInt64}
)

// VerdictOf says how browsers and shared caches treat the answer of an exchange.
func VerdictOf(x *Exchange) Verdict {
	s := newSubject(x)
	return Verdict{
		Browser: s.treatment("browser", &browserCache, &s.private),
		Shared:  s.treatment("shared caches", &sharedCache, &s.shared),
	}
}

// treatment says what a cache does that decided so on storing the answer.
func (s *subject) treatment(who string, c *freshness.Cache, kept *freshness.Storing) Treatment {
	t := Treatment{Who: who, Stored: kept.Store}
	because := kept.Rule
	if kept.Store {
		t.Asks, t.Guess, t.MustAsk = s.validator(), kept.Terms.Heuristic, kept.Terms.MustRevalidate
		because = t.times(c, &kept.Terms, s.Received)
	}
	row := rule.Of(because)
	t.Rule, t.Sentence, t.Clause = row.Name, row.Sentence, row.Clause
	return t
}

// times asks a cache what it does when the answer has come, and when it has
// become stale. It returns why the first is so.
func (t *Treatment) times(c *freshness.Cache, terms *freshness.Terms, received int64) rule.ID {
	unasked := freshness.NoDirectives()
	now, over := c.Reuse(terms, &unasked, received), received
	because := now.Rule
	switch {
	case now.Verdict == freshness.Use:
		because = terms.From
		over += terms.TTL(received)
		t.Fresh = terms.TTL(received) / second
	case now.Rule == rule.ReuseStale && terms.From == rule.FreshNone:
		because = rule.FreshNone
	}
	past := max(-terms.TTL(over), 0) // for how long the answer has been stale then
	if c.Reuse(terms, &unasked, over).Verdict == freshness.UseAndRevalidate {
		t.Stale = max(terms.WhileRevalidate-past, 0) / second
	}
	if now.Rule == rule.ReuseWhileRevalidate && t.Stale == 0 { // for this moment only
		because = c.Reuse(terms, &unasked, over+second).Rule
	}
	if c.OnFailure(terms, &unasked, freshness.ServerError, over).Verdict == freshness.UseStale {
		t.Failed = max(terms.IfError-past, 0) / second
	}
	return because
}

// validator names the field with which the answer can be validated.
func (s *subject) validator() string {
	put := freshness.Fields{}
	freshness.SetValidators(put, []freshness.Fields{s.Header})
	switch {
	case len(put["If-None-Match"]) > 0:
		return "If-None-Match"
	case len(put["If-Modified-Since"]) > 0:
		return "If-Modified-Since"
	}
	return ""
}

// String returns both lines.
func (v Verdict) String() string { return v.Browser.String() + "\n" + v.Shared.String() }

// String says it in one line:
//
//	browser: fresh for 1 h, then asks with If-None-Match
//	shared caches: not stored: the answer is private, and this cache is shared (RFC 9111 §5.2.2.7)
func (t Treatment) String() string {
	if !t.Stored {
		return fmt.Sprintf("%s: not stored: %s%s", t.Who, t.Sentence, t.inParentheses())
	}
	next := "fetches it anew"
	if t.Asks != "" {
		next = "asks with " + t.Asks
	}
	var b strings.Builder
	b.WriteString(t.Who + ": ")
	switch {
	case t.Fresh > 0 && t.Guess:
		fmt.Fprintf(&b, "fresh for %s by a guess, then ", spanText(t.Fresh))
	case t.Fresh > 0:
		fmt.Fprintf(&b, "fresh for %s, then ", spanText(t.Fresh))
	default:
		b.WriteString("stored, but ")
	}
	if t.Stale > 0 {
		fmt.Fprintf(&b, "used for %s more while it %s, then ", spanText(t.Stale), next)
	}
	b.WriteString(next)
	if t.Fresh == 0 && t.Stale == 0 {
		b.WriteString(" before each use")
	}
	if t.Failed > 0 {
		fmt.Fprintf(&b, "; while the origin fails it is used for %s", spanText(t.Failed))
	}
	if t.Fresh == 0 || t.Guess {
		fmt.Fprintf(&b, ": %s%s", t.Sentence, t.inParentheses())
	}
	return b.String()
}

func (t Treatment) inParentheses() string {
	if t.Clause == "" {
		return ""
	}
	return " (" + t.Clause + ")"
}

// spanText writes a time of seconds with its two largest units.
func spanText(seconds int64) string {
	units := [...]struct {
		name string
		size int64
	}{{"days", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}
	var parts []string
	for i, u := range units {
		if n := seconds / u.size; n > 0 {
			name := u.name
			if i == 0 && n == 1 {
				name = "day"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
			seconds -= n * u.size
		} else if len(parts) > 0 {
			break
		}
		if len(parts) == 2 {
			break
		}
	}
	if parts == nil {
		return "0 s"
	}
	return strings.Join(parts, " ")
}
