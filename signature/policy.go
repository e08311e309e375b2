package signature

import (
	"slices"
	"strings"
	"time"
)

// Limits of messages.
const (
	// MaxSignatures is how many signatures a message may have: each may be
	// looked at.
	MaxSignatures = 8
	// MaxSignatureBytes is how long a signature may be: that of the largest key.
	MaxSignatureBytes = MaxRSA / 8
)

// Defaults of a Policy.
const (
	DefaultMaxAge = 5 * time.Minute
	DefaultSkew   = 30 * time.Second
)

// Policy is what a verifier asks for. The zero value asks for a signature, by
// any key it knows, of the method, the whole target and, if there is a body, its
// Content-Digest (of an answer: of the status, and the same), that was made in
// the last five minutes.
type Policy struct {
	Label string // only this signature is looked at; "": all of them, until one is right
	Tag   string // only signatures with this tag are

	// Required are components that have to be covered, as ParseComponent reads
	// them. nil means the default, which for a request is @method and what names
	// the resource: @target-uri, or @authority with @request-target or with @path
	// and @query; for an answer @status. A list that is empty and not nil asks
	// for none.
	Required []string

	// UnsignedBody accepts a body whose Content-Digest is not covered.
	UnsignedBody bool

	MaxAge  time.Duration // since created; 0: DefaultMaxAge, negative: any
	Skew    time.Duration // how wrong clocks may be; 0: DefaultSkew, negative: not at all
	Undated bool          // created may be missing, where expires is there or MaxAge is negative
	Nonce   bool          // a nonce has to be there

	Algorithms []Algorithm // which may be used; nil: any
}

func (p *Policy) skew() int64 {
	switch {
	case p.Skew < 0:
		return 0
	case p.Skew == 0:
		return int64(DefaultSkew / time.Second)
	}
	return int64(p.Skew / time.Second)
}

// maxAge is in seconds; negative for any.
func (p *Policy) maxAge() int64 {
	switch {
	case p.MaxAge < 0:
		return -1
	case p.MaxAge == 0:
		return int64(DefaultMaxAge / time.Second)
	}
	return int64(p.MaxAge / time.Second)
}

// inTime looks at the times of a signature. until is the last second at which it
// could be right; 0 for any.
func (p *Policy) inTime(s *parameters, now int64) (o Outcome, detail string, until int64) {
	skew, maxAge := p.skew(), p.maxAge()
	switch {
	case !s.hasCreated && !(p.Undated && (s.hasExpires || maxAge < 0)):
		return NoParameter, "created", 0
	case s.hasCreated && s.created-skew > now:
		return NotYet, "created", 0
	}
	if s.hasCreated && maxAge >= 0 {
		until = s.created + maxAge + skew
		if now > until {
			return Expired, "created", 0
		}
	}
	if s.hasExpires {
		if now > s.expires+skew {
			return Expired, "expires", 0
		}
		if last := s.expires + skew; until == 0 || last < until {
			until = last
		}
	}
	return Verified, "", until
}

// uncovered returns the first component that a signature has to cover and does
// not; "" for none.
func (p *Policy) uncovered(m *Message, l *list) string {
	switch {
	case p.Required != nil:
		for _, r := range p.Required {
			if !l.has(r) {
				return r
			}
		}
	case m.Status != 0:
		if !l.hasKnown(atStatus) {
			return "@status"
		}
	case !l.hasKnown(atMethod):
		return "@method"
	case !l.hasKnown(atTargetURI):
		if !l.hasKnown(atAuthority) {
			return "@authority"
		}
		if !l.hasKnown(atRequestTarget) {
			if !l.hasKnown(atPath) {
				return "@path"
			}
			if !l.hasKnown(atQuery) {
				return "@query"
			}
		}
	}
	if m.HasBody && !p.UnsignedBody && !l.hasDigest() {
		return "content-digest"
	}
	return ""
}

// hasKnown reports whether a component without parameters is covered.
func (l *list) hasKnown(k known) bool { return l.plain&(1<<k) != 0 }

// has reports whether a component is covered.
func (l *list) has(text string) bool {
	if k := knownAs(text); k != unlisted && k != atQueryParam {
		return l.hasKnown(k)
	}
	if !strings.ContainsAny(text, `;"`) {
		return slices.ContainsFunc(l.all, func(c covered) bool { return c.wrong == "" && c.name == text && c.plain() })
	}
	v, err := parseComponent(text)
	if err != nil {
		return false
	}
	want, _ := newComponent(&v)
	return slices.ContainsFunc(l.all, func(c covered) bool { return c.wrong == "" && c.component == want })
}

// hasDigest reports whether the Content-Digest of the message is covered, in any
// form, or at least its member of an algorithm that is trusted.
func (l *list) hasDigest() bool {
	return l.hasKnown(contentDigest) || slices.ContainsFunc(l.all, func(c covered) bool {
		return c.wrong == "" && c.known == contentDigest && !c.req &&
			(!c.keyed || c.key == "sha-256" || c.key == "sha-512")
	})
}
