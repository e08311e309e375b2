package filterlist

import (
	"slices"
	"strings"
)

// scan goes through the rules of an index that match. With all it gathers them;
// without, it returns the first. need are flags that a rule must have, scope
// what it must turn off on pages, if not 0.
type scan struct {
	need  flags
	scope scopes
	all   *[]*rule
	// touches leaves out what would remove nothing from the URL.
	touches bool
}

func (x *index) scan(c *query, t *texts, s scan) *rule {
	if len(x.rules) > 0 {
		for i := c.request.names.n - 1; i >= 0; i-- {
			name := &c.request.names.all[i]
			if r := c.among(t, x.bucket(hostKey(name.hash)), c.hostStart+name.start, s); r != nil {
				return r
			}
		}
		for at := 0; ; {
			key, start, end := nextToken(t.lower, at)
			if end < 0 {
				break
			}
			if r := c.among(t, x.bucket(key), start, s); r != nil {
				return r
			}
			at = end
		}
		if x.pages && c.known {
			page := c.pageParty()
			for i := range page.names.n {
				if r := c.among(t, x.bucket(pageKey(page.names.all[i].hash&^uint64(domainBits))), -1, s); r != nil {
					return r
				}
			}
			if r := x.scanLabels(c, t, s); r != nil {
				return r
			}
		}
	}
	return c.among(t, x.rest, -1, s)
}

// scanLabels goes through the rules that are filed under a label of the page's
// host.
func (x *index) scanLabels(c *query, t *texts, s scan) *rule {
	if !x.labels {
		return nil
	}
	for rest := c.pageParty().host; rest != ""; {
		label := rest
		if i := strings.IndexByte(rest, '.'); i >= 0 {
			label, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		if r := c.among(t, x.bucket(labelKey(label)), -1, s); r != nil {
			return r
		}
	}
	return nil
}

// among goes through the rules of one key, which stands at a place in the URL.
func (c *query) among(t *texts, rules []rule, at int, s scan) *rule {
	for i := range rules {
		r := &rules[i]
		if r.flags&s.need != s.need {
			continue
		}
		if s.scope != 0 && c.set.extras[r.extra].scopes&s.scope == 0 {
			continue
		}
		if !c.matches(t, r, at, s.scope != 0) || c.blocked && r.flags&(flagSpecific|flagEntry) == 0 && c.withoutGeneric() {
			continue
		}
		if s.touches && (r.flags&flagException != 0 || !c.touches(&c.set.extras[r.extra], c.raw)) {
			continue
		}
		if s.all == nil {
			return r
		}
		if !slices.Contains(*s.all, r) {
			*s.all = append(*s.all, r)
		}
	}
	return nil
}

// withoutGeneric says whether an exception takes the rules without $domain from
// the page.
func (c *query) withoutGeneric() bool {
	if c.generic == genericUnknown {
		c.generic = genericOn
		if c.set.generic && c.pageException(scopeGeneric, 0) != nil {
			c.generic = genericOff
		}
	}
	return c.generic == genericOff
}

// pageException returns an exception for the whole page of the request.
func (c *query) pageException(scope scopes, need flags) *rule {
	if !c.known || c.set.scopes.empty() {
		return nil
	}
	return c.set.pageRule(c.pageURL, scope, need)
}

// pageRule returns an exception that turns something off on a page, which is a
// URL or a host. It has its own query, so that requests which nothing blocks do
// not pay for one.
func (s *Set) pageRule(page string, scope scopes, need flags) *rule {
	var space [urlSpace]byte
	var casedSpace [urlSpace]byte
	var c query
	c.set = s
	var t texts
	if strings.Contains(page, "://") {
		c.raw, c.hostStart, c.hostEnd = normalize(page)
		c.setPage(lowerASCII(c.raw[c.hostStart:c.hostEnd]), "", Document)
		lower, capitals := appendLower(space[:0], c.raw)
		t = texts{lower, lower}
		if capitals && s.matchCase {
			t.cased = append(casedSpace[:0], c.raw...)
		}
	} else {
		const scheme = "https://"
		host := hostOf(page)
		c.setPage(host, "", Document)
		c.hostStart, c.hostEnd = len(scheme), len(scheme)+len(host)
		lower := append(append(append(space[:0], scheme...), host...), '/')
		t = texts{lower, lower}
		if s.scopesRegexp {
			c.raw = scheme + host + "/"
		}
	}
	return s.scopes.scan(&c, &t, scan{scope: scope, need: need})
}

// Match says what becomes of a request.
func (s *Set) Match(q *Request) Verdict {
	var v Verdict
	if s == nil || q.URL == "" {
		return v
	}
	var space [urlSpace]byte
	var casedSpace [urlSpace]byte
	var c query
	c.set = s
	c.raw, c.hostStart, c.hostEnd = normalize(q.URL)
	c.setPage(lowerASCII(c.raw[c.hostStart:c.hostEnd]), q.Page, q.Type)
	lower, capitals := appendLower(space[:0], c.raw)
	t := texts{lower, lower}
	if capitals && s.matchCase {
		t.cased = append(casedSpace[:0], c.raw...)
	}
	c.method = q.Method
	block, exception := c.decide(&t)
	switch {
	case block == nil:
	case exception != nil:
		v.Action, v.Rule, v.Overrode = Allow, s.ruleOf(exception), s.ruleOf(block)
	default:
		v.Action, v.Rule = Block, s.ruleOf(block)
		c.standIn(&t, &v)
		return v
	}
	c.removeParams(&t, &v)
	c.addPolicies(&t, &v)
	return v
}

// decide returns the rule that blocks the request, if there is one, and the
// exception that overrides it, if there is one.
func (c *query) decide(t *texts) (block, exception *rule) {
	s := c.set
	if !s.important.empty() {
		c.blocked = true
		block = s.important.scan(c, t, scan{})
		c.blocked = false
		if block != nil {
			if exception = s.allow.scan(c, t, scan{need: flagImportant}); exception == nil {
				exception = c.pageException(scopeBlock, flagImportant)
			}
			return block, exception
		}
	}
	c.blocked = true
	block = s.block.scan(c, t, scan{})
	c.blocked = false
	if block != nil {
		if exception = s.allow.scan(c, t, scan{}); exception == nil {
			exception = c.pageException(scopeBlock, 0)
		}
	}
	return block, exception
}

func (s *Set) ruleOf(r *rule) Rule {
	if r == nil {
		return Rule{}
	}
	return s.rule(place{r.source, r.offset, r.line})
}
