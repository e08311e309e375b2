package signature

import (
	"slices"
	"strings"
	"time"

	"freshet/internal/field"
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
func (p *Policy) uncovered(m *Message, input *field.Structured) string {
	switch {
	case p.Required != nil:
		for _, r := range p.Required {
			if !covers(input, r) {
				return r
			}
		}
	case m.Status != 0:
		if !covers(input, "@status") {
			return "@status"
		}
	case !covers(input, "@method"):
		return "@method"
	case !covers(input, "@target-uri"):
		if !covers(input, "@authority") {
			return "@authority"
		}
		if !covers(input, "@request-target") {
			if !covers(input, "@path") {
				return "@path"
			}
			if !covers(input, "@query") {
				return "@query"
			}
		}
	}
	if m.HasBody && !p.UnsignedBody && !coversDigest(input) {
		return "content-digest"
	}
	return ""
}

// covers reports whether a component is covered.
func covers(input *field.Structured, text string) bool {
	if !strings.ContainsAny(text, `;"`) {
		for i := range input.List {
			if v := &input.List[i]; v.Text == text && len(v.Params) == 0 {
				return true
			}
		}
		return false
	}
	v, err := parseComponent(text)
	if err != nil {
		return false
	}
	want, _ := newComponent(&v)
	for i := range input.List {
		if c, wrong := newComponent(&input.List[i]); wrong == "" && c == want {
			return true
		}
	}
	return false
}

// coversDigest reports whether the Content-Digest of the message is covered, in
// any form, or at least its member of an algorithm that is trusted.
func coversDigest(input *field.Structured) bool {
	return slices.ContainsFunc(input.List, func(v field.Structured) bool {
		c, wrong := newComponent(&v)
		return wrong == "" && c.name == "content-digest" && !c.req &&
			(!c.keyed || c.key == "sha-256" || c.key == "sha-512")
	})
}
