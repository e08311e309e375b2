package cookierule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
)

// Treatment is what becomes of a cookie.
type Treatment uint8

// The treatments. In Cookie, whose cookies have no lifetimes, all but Refused are
// Passed.
const (
	Passed    Treatment = iota
	Refused             // it is taken out
	ToSession           // it lives until the browser ends
	Shortened           // it lives as long as cookies may
)

var treatmentNames = [...]string{"passed", "refused", "kept for the session", "shortened"}

// String says it in words.
func (t Treatment) String() string { return treatmentNames[t] }

// Reason is why.
type Reason uint8

// The reasons.
const (
	ByPolicy   Reason = iota // the policy for all sites says so
	ByRule                   // a rule names the host, or the cookie
	ByChoice                 // somebody chose it for the site
	ThirdParty               // it is a third party's
	TooLong                  // it asks for a longer life than cookies may have
	Deletion                 // its line deletes it
	Learning                 // everything passes, so that it can be seen
)

var reasons = [...]string{"the policy for all sites", "a rule for it", "a choice for its site", "it is a third party's",
	"it asks for a longer life than cookies may have", "it deletes a cookie", "everything passes while learning"}

// String says it in words.
func (r Reason) String() string { return reasons[r] }

// Case is a cookie that is to be decided on.
type Case struct {
	Host       string // that gets it, or sets it; as [Host] returns it
	Name       string
	ThirdParty bool   // the request is for a page of another site
	Chosen     Policy // what somebody chose for the site; Unset for nothing

	Set *Set // its line of Set-Cookie; nil for one of Cookie
	Now time.Time
}

// Decision is what becomes of a cookie, and why.
type Decision struct {
	What   Treatment
	Life   time.Duration // of one that is shortened
	Reason Reason
	Rule   string // that decided: "ads.example=refuse"; the policy's name without one

	// Instead is what would have become of it without that rule: by the next
	// one, or, while learning, by NoThirdParty.
	Instead Treatment
}

// Decide says what becomes of a cookie.
func (t *Table) Decide(c *Case) Decision {
	first, second := t.find(c.Host, c.Name)
	next := t.policy
	d := Decision{Reason: ByPolicy, Rule: t.policy.String()}
	p := t.policy
	switch {
	case c.Chosen != Unset:
		d.Reason, d.Rule, p = ByChoice, c.Chosen.String(), c.Chosen
		if first != nil {
			next = first.policy
		}
	case first != nil:
		d.Reason, d.Rule, p = ByRule, first.text, first.policy
		if second != nil {
			next = second.policy
		}
	}
	if p == Learn {
		next = NoThirdParty
	}
	t.follow(&d, c, p)
	instead := Decision{}
	t.follow(&instead, c, next)
	d.Instead = instead.What
	return d
}

// follow makes d what a policy wants.
func (t *Table) follow(d *Decision, c *Case, p Policy) {
	d.What = Passed
	switch {
	case p == Learn:
		d.Reason = Learning
		return
	case p == NoThirdParty && c.ThirdParty:
		// With Partitioned, too: browsers that do not know it would keep one jar
		// for all pages, and in Cookie nothing tells which jar a cookie is from.
		d.What, d.Reason = Refused, ThirdParty
	case p == Refuse:
		d.What = Refused
	case p == Session:
		d.What = ToSession
	}
	if c.Set == nil {
		if d.What == ToSession {
			d.What = Passed
		}
		return
	}
	life, session := c.Set.Life(c.Now)
	switch {
	case d.What == Refused && c.Set.deletes(c.Now):
		d.What, d.Reason = Passed, Deletion
	case d.What == Refused:
	case d.What == ToSession && session && len(c.Set.times) > 0: // a browser may read them otherwise
	case session || life <= 0:
		d.What = Passed
	case d.What == Passed && t.life > 0 && life > t.life:
		d.What, d.Reason, d.Life = Shortened, TooLong, t.life
	}
}

// Apply returns the line as a decision wants it; passes is false when it is to be
// left out.
func (s *Set) Apply(d Decision, now time.Time) (line string, passes bool) {
	switch d.What {
	case Refused:
		return "", false
	case ToSession:
		return s.withoutTimes(), true
	case Shortened:
		return s.withLife(d.Life, now), true
	}
	if d.Reason == Deletion && !s.deletesSurely() {
		return s.line + "; Max-Age=0", true // which holds before all that is in it
	}
	return s.line, true
}

// maxSureDigits is how long a number can be that every browser reads.
const maxSureDigits = 20

// deletesSurely reports whether a line that deletes a cookie does so to every
// browser: by Max-Age, which goes before Expires, of which they read much in
// different ways.
func (s *Set) deletesSurely() bool {
	for _, a := range slices.Backward(s.times) {
		if !a.date {
			return !a.void && a.value <= 0 && a.ends-a.begins <= maxSureDigits
		}
	}
	return false
}

// withoutTimes returns the line without Max-Age and Expires, those too that mean
// nothing to us.
func (s *Set) withoutTimes() string {
	var b strings.Builder
	done := 0
	for _, a := range s.times {
		b.WriteString(s.line[done:a.from])
		done = a.to
	}
	b.WriteString(s.line[done:])
	return b.String()
}

// withLife returns the line with every Max-Age and Expires at that life at most.
func (s *Set) withLife(life time.Duration, now time.Time) string {
	most := int64(life / time.Second)
	b := make([]byte, 0, len(s.line)+16)
	done := 0
	for _, a := range s.times {
		switch {
		case a.void:
		case a.date && a.value > now.Unix()+most:
			b = field.AppendDate(append(b, s.line[done:a.begins]...), now.Unix()+most)
			done = a.ends
		case !a.date && a.value > most:
			b = strconv.AppendInt(append(b, s.line[done:a.begins]...), most, 10)
			done = a.ends
		}
	}
	return string(append(b, s.line[done:]...))
}
