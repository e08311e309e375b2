package freshness

import (
	"cmp"

	"freshet/internal/rule"
)

var unasked = NoDirectives()

// Reuse decides whether a stored response may answer a request without asking
// the origin (RFC 9111 §4, §4.2, §5.2.1). That the response is the right one for
// the request, by URL, method, Vary and part, is decided before. It allocates
// nothing.
func (c *Cache) Reuse(t *Terms, d *Directives, now int64) Reuse {
	if c.IgnoreRequest {
		d = &unasked
	}
	age := t.Age(now)
	ttl := subClamped(t.Lifetime, age)
	switch {
	case t.NoCache:
		return Reuse{Validate, rule.ReuseNoCache}
	case d.NoCache:
		return Reuse{Validate, rule.ReuseRequestNoCache}
	case d.MaxAge >= 0 && age > d.MaxAge && !(t.Immutable && ttl > 0):
		return Reuse{Validate, rule.ReuseRequestMaxAge}
	case d.MinFresh >= 0 && ttl < d.MinFresh:
		return Reuse{Validate, rule.ReuseRequestMinFresh}
	case ttl > 0 && d.MaxAge >= 0 && age > d.MaxAge:
		return Reuse{Use, rule.ReuseImmutable}
	case ttl > 0:
		return Reuse{Use, rule.ReuseFresh}
	case t.MustRevalidate:
		return Reuse{Validate, rule.ReuseMustRevalidate}
	}
	stale := subClamped(0, ttl)
	switch {
	case d.refusesStale(stale):
		return Reuse{Validate, rule.ReuseStale}
	case c.within(stale, t.WhileRevalidate):
		return Reuse{UseAndRevalidate, rule.ReuseWhileRevalidate}
	case c.within(stale, d.MaxStale):
		return Reuse{UseStale, rule.ReuseRequestMaxStale}
	}
	return Reuse{Validate, rule.ReuseStale}
}

// OnFailure decides what is done when the origin was asked and failed: UseStale
// (or Use, if the response is fresh and the origin was asked for another
// reason), or Validate, which then means that the failure is passed on. It
// allocates nothing.
//
// A request that asks for validation, or for freshness without max-stale, is
// not answered with what it does not want, but for stale-if-error of its own.
func (c *Cache) OnFailure(t *Terms, d *Directives, f Failure, now int64) Reuse {
	if c.IgnoreRequest {
		d = &unasked
	}
	ttl := t.TTL(now)
	stale := max(subClamped(0, ttl), 0)
	use := UseStale
	if ttl > 0 {
		use = Use
	}
	switch {
	case t.NoCache:
		return Reuse{Validate, rule.ReuseNoCache}
	case ttl <= 0 && t.MustRevalidate:
		return Reuse{Validate, rule.ReuseMustRevalidate}
	case c.within(stale, d.IfError):
		return Reuse{use, rule.ReuseRequestIfError}
	case d.NoCache:
		return Reuse{Validate, rule.ReuseRequestNoCache}
	case d.MaxAge >= 0 && t.Age(now) > d.MaxAge:
		return Reuse{Validate, rule.ReuseRequestMaxAge}
	case d.MinFresh >= 0 && ttl < d.MinFresh:
		return Reuse{Validate, rule.ReuseRequestMinFresh}
	case ttl > 0:
		return Reuse{Use, rule.ReuseFresh}
	case d.refusesStale(stale):
		return Reuse{Validate, rule.ReuseStale}
	case c.within(stale, t.IfError):
		return Reuse{UseStale, rule.ReuseIfError}
	case c.within(stale, d.MaxStale):
		return Reuse{UseStale, rule.ReuseRequestMaxStale}
	}
	longest := cmp.Or(c.Disconnected, day)
	switch {
	case f == Unreachable && stale <= longest:
		return Reuse{UseStale, rule.ReuseDisconnected}
	case f == Unreachable && longest >= 0 || t.IfError >= 0:
		return Reuse{Validate, rule.FailureTooStale}
	}
	return Reuse{Validate, rule.FailureNoPermission}
}

// within reports whether a response that has been stale for a time may be used
// for as long as allowed says, which may be absent.
func (c *Cache) within(stale, allowed int64) bool {
	return allowed >= 0 && stale <= min(allowed, cmp.Or(c.MaxStale, 7*day))
}

// refusesStale reports whether a request does not want what has been stale for a
// time: with max-stale, more than that; without, anything stale if it has max-age
// or min-fresh (RFC 9111 §5.2.1.1).
func (d *Directives) refusesStale(stale int64) bool {
	if d.MaxStale >= 0 {
		return stale > d.MaxStale
	}
	return d.MaxAge >= 0 || d.MinFresh >= 0
}
