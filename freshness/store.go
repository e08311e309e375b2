package freshness

import (
	"freshet/internal/field"
	"freshet/internal/rule"
)

// Store decides whether the answer to a request may be stored (RFC 9111 §3), and
// on what terms it may then be reused. Whether an answer is complete is not known
// here: one that was cut off is stored by nobody's leave but that of RFC 9111
// §3.3. Whoever stores writes [StoredFields] less Strip.
func (c *Cache) Store(q *Request, r *Response) Storing {
	p := c.policyOf(r.Fields)
	s := Storing{
		Terms:      c.terms(r, &p),
		SetCookie:  len(r.Fields["Set-Cookie"]) > 0 || len(r.Fields["Set-Cookie2"]) > 0,
		Authorized: q.Authorized || len(q.Fields["Authorization"]) > 0,
		Cookied:    len(q.Fields["Cookie"]) > 0,
		Public:     p.public,
		VaryAny:    ParseVary(r.Fields["Vary"]).Any,
		Strip:      c.strip(&p),
	}
	s.Explicit = s.Terms.From != rule.FreshNone && !s.Terms.Heuristic
	s.Partial = r.Status == 206 && fits(r.Fields)
	if s.Rule = c.refuse(q, r, &p, &s); s.Rule != 0 {
		return s
	}
	s.Store = true
	s.AsGET = q.Method == "POST"
	s.Rule = reason(r, &p, &s)
	return s
}

// Strip returns the fields of a response that are not to be stored: those that
// private="…" names, in a shared cache (RFC 9111 §5.2.2.7), and no-cache="…", in
// any (§5.2.2.4), for they may not be sent again without validation.
func (c *Cache) Strip(r Fields) []string {
	p := c.policyOf(r)
	return c.strip(&p)
}

func (c *Cache) strip(p *policy) []string {
	if c.Private {
		return p.noCacheFields
	}
	return append(p.noCacheFields, p.privateFields...)
}

// refuse returns why an answer must not be stored, 0 if it may be.
func (c *Cache) refuse(q *Request, r *Response, p *policy, s *Storing) rule.ID {
	if id := refuseMethod(q, r, s); id != 0 {
		return id
	}
	switch {
	case neverStored(r.Status):
		return rule.NotStoredStatus
	case r.Status == 206 && !s.Partial:
		return rule.NotStoredPartial
	case p.mustUnderstand && !understood(r.Status):
		return rule.NotStoredNotUnderstood
	case p.noStore && !p.mustUnderstand:
		return rule.NotStoredNoStore
	case ParseDirectives(q.Fields["Cache-Control"], nil).NoStore:
		return rule.NotStoredRequest
	case s.VaryAny:
		return rule.NotStoredVaryAny
	}
	if !c.Private {
		switch {
		case p.private:
			return rule.NotStoredPrivate
		case s.Authorized && !p.public && !p.mustRevalidate && p.sMaxAge == absent:
			return rule.NotStoredAuthorized
		case s.SetCookie && !s.Explicit && !p.public:
			return rule.NotStoredSetCookie
		}
	}
	switch {
	case !s.Explicit && !p.public && !p.private && !heuristicallyCacheable(r.Status):
		return rule.NotStoredNoFreshness
	case useless(r, &s.Terms):
		return rule.NotStoredUseless
	}
	return 0
}

// refuseMethod looks at the method: GET, and POST by RFC 9110 §9.3.3. Answers to
// HEAD update stored ones, see [UpdateFromHead].
func refuseMethod(q *Request, r *Response, s *Storing) rule.ID {
	switch q.Method {
	case "GET":
		return 0
	case "POST":
		if s.Explicit && 200 <= r.Status && r.Status <= 299 && r.Status != 206 && locatesItself(q.URL, r.Fields) {
			return 0
		}
		return rule.NotStoredPOST
	}
	return rule.NotStoredMethod
}

// useless reports whether a stored response could not be reused: it has nothing
// to be validated by, and may not be used as it is at any time. One with a
// lifetime that was over when it arrived may still be asked for by max-stale.
func useless(r *Response, t *Terms) bool {
	switch {
	case hasValidator(r.Fields):
		return false
	case t.NoCache:
		return true
	case t.MustRevalidate:
		return t.Lifetime <= t.InitialAge
	}
	return t.Lifetime == 0 && t.WhileRevalidate <= 0 && t.IfError <= 0
}

// reason returns why an answer is stored.
func reason(r *Response, p *policy, s *Storing) rule.ID {
	switch {
	case s.AsGET:
		return rule.StoredAsGET
	case s.Partial:
		return rule.StoredPartial
	case p.noStore:
		return rule.StoredUnderstood
	case s.Terms.NoCache || s.Terms.Lifetime <= s.Terms.InitialAge && hasValidator(r.Fields):
		return rule.StoredToValidate
	}
	return s.Terms.From
}

// hasValidator reports whether a response can be validated.
func hasValidator(r Fields) bool {
	return entityTag(r) != "" || lastModified(r) != ""
}

// entityTag returns the entity-tag of a response as it is written, W/ included;
// "" when it has none, or not one.
func entityTag(r Fields) string {
	if lines := r["Etag"]; len(lines) == 1 && field.ValidTag(lines[0]) {
		return lines[0]
	}
	return ""
}

// lastModified returns the Last-Modified of a response as it is written, ""
// when it has none that can be read.
func lastModified(r Fields) string {
	if lines := r["Last-Modified"]; len(lines) == 1 {
		if _, ok := field.ParseDateFold(lines[0], 0); ok {
			return lines[0]
		}
	}
	return ""
}
