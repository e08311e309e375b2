package signature

import "strings"

// This file is what a Verifier remembers of one message for the next: who signs
// covers the same components each time, with the same key, and asks the same
// server. It is found out anew whenever it is another, and is never more than that
// would be.

// maxKnownList is how long a list of components is that is remembered, and maxKnown
// how long anything else is.
const (
	maxKnownList = 1 << 10
	maxKnown     = 256
)

// lists are the last few lists of components: those of requests with a body and
// without, by a signer or two.
type lists struct {
	of   [4]knownList
	last *knownList // nil: there is none
	next int        // whose place the next one takes
}

// knownList is a list that was read, in memory of its own.
type knownList struct {
	text     string // the label and the list; "": none
	labelled int    // how long the label is
	covers   list
	opening  opening // of the last base
}

// begins reports whether s begins with it.
func (l *knownList) begins(s string) bool {
	n := len(l.text)
	return n > 0 && n <= len(s) && s[:n] == l.text
}

// find returns the one that s begins with, or nil.
func (l *lists) find(s string) *knownList {
	for i := range l.of {
		if l.of[i].begins(s) {
			l.last = &l.of[i]
			return l.last
		}
	}
	return nil
}

// remember keeps a list in the place of another one.
func (l *lists) remember(text string, labelled int, covers list) *knownList {
	k := &l.of[l.next]
	l.last, l.next = k, (l.next+1)%len(l.of)
	k.covers = list{append(k.covers.all[:0], covers.all...), covers.plain}
	k.text = k.covers.lead(text)
	k.labelled = labelled
	k.opening.forget()
	return k
}

// scanKnown is scanLabel and scanList that remember.
func (e *entry) scanKnown(s string) (rest string, ok bool) {
	k := e.lists.last
	if k == nil || !k.begins(s) {
		k = e.lists.find(s)
	}
	if k != nil {
		e.known, e.covers = k, k.covers
		e.label, e.text = s[:k.labelled], s[k.labelled+1:]
		return s[len(k.text):], true
	}
	if e.label, rest, ok = scanLabel(s); !ok {
		return rest, ok
	}
	e.text = s[len(e.label)+1:]
	rest, ok = e.scanList(rest)
	e.own = e.covers.all
	if !ok {
		return rest, ok
	}
	if text := s[:len(s)-len(rest)]; len(text) <= maxKnownList {
		e.known = e.lists.remember(text, len(e.label), e.covers)
		e.covers = e.known.covers
	} else {
		e.covers.lead("")
	}
	return rest, true
}

// lead makes the leads of components that have no parameters, and their names of
// the same memory, and returns a copy of text in it.
func (l *list) lead(text string) string {
	var b strings.Builder
	size := len(text)
	for i := range l.all {
		size += len(l.all[i].name) + 5
	}
	b.Grow(size)
	for i := range l.all {
		b.WriteString("\n\"")
		b.WriteString(l.all[i].name)
		b.WriteString("\": ")
	}
	b.WriteString(text)
	all := b.String()
	for i := range l.all {
		c := &l.all[i]
		n := len(c.name)
		c.lead, c.name, all = all[:n+5], all[2:n+2], all[n+5:]
	}
	return all
}

// tail is the parameters behind the last one that is another with each message,
// which are created, expires and nonce.
type tail struct {
	text            []byte
	alg, keyid, tag part
}

// part is where the text of a parameter is.
type part struct{ at, length int }

// take reads the parameters of s, which is the tail.
func (t *tail) take(p *parameters, s string) bool {
	if t.alg.at > 0 {
		if p.hasAlg {
			return false
		}
		p.alg, p.hasAlg = s[t.alg.at:t.alg.at+t.alg.length], true
	}
	if t.keyid.at > 0 {
		if p.hasID {
			return false
		}
		p.keyid, p.hasID = s[t.keyid.at:t.keyid.at+t.keyid.length], true
	}
	if t.tag.at > 0 {
		if p.hasTag {
			return false
		}
		p.tag, p.hasTag = s[t.tag.at:t.tag.at+t.tag.length], true
	}
	return true
}

// remember makes a tail of s. The parts are where the quotes behind them are, seen
// from the end; of one that is not in s that is before it.
func (t *tail) remember(s string, alg, keyid, tag part) {
	t.text = t.text[:0]
	if len(s) > maxKnown {
		return
	}
	t.text = append(t.text, s...)
	for _, p := range [...]*part{&alg, &keyid, &tag} {
		p.at += len(s) - 1 - p.length
	}
	t.alg, t.keyid, t.tag = alg, keyid, tag
}

// opening is what a base begins with: the lines of the components that are the same
// of all requests to a server by one method, and of @target-uri what is before the
// target.
type opening struct {
	method, scheme, authority []byte
	base                      []byte
	whole                     int  // how many components have their whole line in it
	target                    bool // the one behind them is @target-uri, and its target is missing
}

func (o *opening) forget() { o.method = o.method[:0] }

// isOf reports whether it is the one of a message; that without a method is none.
func (o *opening) isOf(m *Message) bool {
	return string(o.authority) == m.Authority && string(o.method) == m.Method && string(o.scheme) == m.Scheme && len(o.method) > 0
}

// remember makes the opening of a message that is usual.
func (o *opening) remember(m *Message, covers []covered) {
	o.base, o.whole, o.target = o.base[:0], 0, false
	o.forget()
	if m.Method == "" || len(m.Method)+len(m.Scheme)+len(m.Authority) > maxKnown || !printable(m.Method) || !printable(m.Scheme) || !printable(m.Authority) {
		return
	}
	o.method, o.scheme, o.authority = append(o.method, m.Method...), append(o.scheme[:0], m.Scheme...), append(o.authority[:0], m.Authority...)
	for i := range covers {
		c := &covers[i]
		if c.wrong != "" || len(o.base) > maxKnown {
			return
		}
		lead, text := len(o.base), o.base
		text = append(text, c.lead...)
		value := len(text)
		switch c.known {
		case atMethod:
			text = append(text, m.Method...)
		case atScheme:
			text = appendLower(text, m.Scheme)
		case atAuthority:
			text = appendAuthority(text, &target{scheme: m.Scheme, authority: m.Authority})
		case atTargetURI:
			o.base = append(append(appendLower(text, m.Scheme), "://"...), m.Authority...)
			o.target = true
			return
		}
		if len(text) == value {
			o.base = text[:lead]
			return // it is another component, or has no value
		}
		o.base = text
		o.whole++
	}
}
