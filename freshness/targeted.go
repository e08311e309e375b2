package freshness

import (
	"freshet/internal/field"
	"freshet/internal/wire"
)

var defaultTargets = []string{"Freshet-Cache-Control", "Cdn-Cache-Control"}

// policyOf returns what a response says about caching to this cache: in the
// first targeted field that is well-formed and not empty, which then takes the
// place of Cache-Control and Expires (RFC 9213 §2.2), or in Cache-Control.
func (c *Cache) policyOf(r Fields) policy {
	if !c.Private {
		targets := c.Targets
		if targets == nil {
			targets = defaultTargets
		}
		for _, name := range targets {
			if lines := r[wire.CanonicalName(name)]; len(lines) > 0 {
				if p, ok := parseTargeted(lines); ok {
					return p
				}
			}
		}
	}
	return parseCacheControl(r["Cache-Control"])
}

// parseTargeted reads a targeted field, a dictionary (RFC 9213 §2.1). It is not
// ok when the field is malformed, anywhere, or empty. Directives whose values
// are not of the type that RFC 9213 §2.1 infers for them are ignored; so are
// parameters. A negative time is 0.
func parseTargeted(lines []string) (p policy, ok bool) {
	members, ok := field.ParseDictionary(lines)
	if !ok || len(members) == 0 {
		return p, false
	}
	p = noPolicy()
	p.targeted = true
	for i := range members {
		p.setMember(&members[i])
	}
	return p, true
}

// setMember takes one directive of a targeted field.
func (p *policy) setMember(m *field.Member) {
	switch m.Key {
	case "max-age":
		setInteger(&p.maxAge, m)
	case "s-maxage":
		setInteger(&p.sMaxAge, m)
	case "stale-while-revalidate":
		setInteger(&p.whileRevalidate, m)
	case "stale-if-error":
		setInteger(&p.ifError, m)
	case "no-cache", "private":
		if m.Kind == field.String || m.Kind == field.Token {
			p.set(m.Key, m.Text, true)
			return
		}
		fallthrough
	default:
		if m.Kind == field.Boolean && m.Bool {
			p.set(m.Key, "", false)
		}
	}
}

// setInteger takes a number of seconds.
func setInteger(t *int64, m *field.Member) {
	if m.Kind == field.Integer {
		*t = min(max(m.Int, 0), maxSeconds) * second
	}
}

// TargetFields returns the canonical names of the targeted fields that count,
// the strongest first.
func (c *Cache) TargetFields() []string {
	if c.Private {
		return nil
	}
	if c.Targets == nil {
		return defaultTargets
	}
	names := make([]string, len(c.Targets))
	for i, name := range c.Targets {
		names[i] = wire.CanonicalName(name)
	}
	return names
}
