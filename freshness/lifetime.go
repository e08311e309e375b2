package freshness

import (
	"cmp"

	"freshet/internal/field"
	"freshet/internal/rule"
)

// Terms returns the terms on which a response may be reused, by its fields: when
// it is stored, and again when a 304 or an answer to HEAD has updated them.
// Requested 0 means that the time of the request is not known.
func (c *Cache) Terms(r *Response) Terms {
	p := c.policyOf(r.Fields)
	return c.terms(r, &p)
}

func (c *Cache) terms(r *Response, p *policy) Terms {
	t := Terms{
		InitialAge:      initialAge(r),
		Received:        r.Received,
		NoCache:         p.noCache,
		MustRevalidate:  p.mustRevalidate || !c.Private && (p.proxyRevalidate || p.sMaxAge != absent),
		Immutable:       p.immutable,
		WhileRevalidate: p.whileRevalidate,
		IfError:         p.ifError,
	}
	t.Lifetime, t.From = c.explicitLifetime(r, p)
	if t.From == rule.FreshNone {
		t.Lifetime, t.From = c.heuristicLifetime(r, p)
		t.Heuristic = t.From == rule.FreshHeuristic
	}
	return t
}

// explicitLifetime is the freshness lifetime that a response states (RFC 9111
// §4.2.1): the first of these that is there, even when it cannot be read, which
// makes the response stale.
func (c *Cache) explicitLifetime(r *Response, p *policy) (int64, rule.ID) {
	from := func(id rule.ID) rule.ID {
		if p.targeted {
			return rule.FreshByTarget
		}
		return id
	}
	switch {
	case p.sMaxAge != absent && !c.Private:
		return p.sMaxAge, from(rule.FreshBySMaxAge)
	case p.maxAge != absent:
		return p.maxAge, from(rule.FreshByMaxAge)
	case len(r.Fields["Expires"]) > 0 && !p.targeted:
		return expiresLifetime(r), rule.FreshByExpires
	}
	return 0, rule.FreshNone
}

// expiresLifetime is Expires less Date, or less the time of receipt if there is
// no Date. What is not one date, such as "0", is in the past (RFC 9111 §5.3).
func expiresLifetime(r *Response) int64 {
	lines := r.Fields["Expires"]
	expires, ok := field.ParseDateFold(lines[0], seconds(r.Received))
	if !ok || len(lines) > 1 {
		return 0
	}
	if date, ok := dateOf(r); ok {
		// Both may be too far away for nanoseconds; their difference is not.
		return min(max(expires-date, 0), maxSeconds) * second
	}
	return max(-sinceDate(r.Received, expires), 0)
}

// heuristicLifetime guesses (RFC 9111 §4.2.2): a part of the time since
// Last-Modified, for status codes that are heuristically cacheable (RFC 9110
// §15.1) or with public.
func (c *Cache) heuristicLifetime(r *Response, p *policy) (int64, rule.ID) {
	percent := min(cmp.Or(int64(c.HeuristicPercent), 10), 100)
	lines := r.Fields["Last-Modified"]
	if percent < 0 || len(lines) == 0 || !heuristicallyCacheable(r.Status) && !p.public {
		return 0, rule.FreshNone
	}
	modified, ok := field.ParseDateFold(lines[0], seconds(r.Received))
	if !ok {
		return 0, rule.FreshNone
	}
	generated, ok := dateOf(r)
	if !ok {
		generated = seconds(r.Received)
	}
	since := min(max(subClamped(generated, modified), 0), maxSeconds)
	if since == 0 {
		return 0, rule.FreshNone
	}
	return min(since*percent*(second/100), max(cmp.Or(c.MaxHeuristic, day), 0)), rule.FreshHeuristic
}

// heuristicallyCacheable status codes are those of RFC 9110 §15.1.
func heuristicallyCacheable(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// understood status codes are those whose caching this package knows, which is
// what must-understand asks (RFC 9111 §5.2.2.3): those of RFC 9110 that are
// final, and the few of others that say nothing about caching.
func understood(status int) bool {
	switch {
	case 200 <= status && status <= 206, 300 <= status && status <= 303, status == 305, status == 307, status == 308,
		400 <= status && status <= 417, 421 <= status && status <= 426, status == 451, 500 <= status && status <= 508:
		return true
	}
	return false
}

// neverStored status codes answer one request and not a resource: they are not
// final, or depend on preconditions and ranges that no key has, or their
// definition forbids it (RFC 6585 §3 to §6).
func neverStored(status int) bool {
	switch status {
	case 304, 412, 416, 417, 428, 429, 431, 511:
		return true
	}
	return status < 200 || status > 599
}
