package signature

import (
	"fmt"
	"slices"

	"freshet/internal/field"
)

// entry is what the two fields say of one signature. Its strings are parts of the
// message.
type entry struct {
	label string
	s     parameters
	wrong string // the parameter that is not of its type

	fault  Outcome // Verified: it is a list of components and a sequence of bytes
	detail string  // of the fault
	why    string
	coded  string // the signature, in base64; "": it is in sig
	sig    []byte

	list   *field.Structured // what it covers, not yet taken apart; nil: it is
	covers list
	text   string // the components and parameters as the base has them
	broken bool   // it cannot be written: bytes in it are not base64

	known *knownList // of which covers is; nil: covers is in own
	own   []covered

	// Of messages before.
	lists lists
	tail  tail
}

// list is the components that a signature covers.
type list struct {
	all   []covered
	plain uint64 // those that are known, without parameters, a bit of each
}

// covered is a component as a signature states it.
type covered struct {
	component
	lead  string // what its line of a base begins with, behind the end of the line before
	wrong string // why it cannot be covered
	bare  bool   // it is a field without parameters
}

// leadOf is the lead of an identifier.
func leadOf(text string) string { return "\n" + text + ": " }

// text is the identifier.
func (c *covered) text() string { return c.lead[1 : len(c.lead)-2] }

// plain reports whether a component has no parameters.
func (c *component) plain() bool {
	return !c.sf && !c.bs && !c.tr && !c.req && !c.keyed && !c.named
}

// add adds a component.
func (l *list) add(c covered) {
	switch plain := c.plain(); {
	case c.wrong != "":
	case plain && c.known != unlisted:
		if l.hasKnown(c.known) {
			c.wrong = coveredTwice
		}
		l.plain |= 1 << c.known
		c.bare = !c.derived
	default:
		if slices.ContainsFunc(l.all, func(o covered) bool { return o.component == c.component }) {
			c.wrong = coveredTwice
		}
		c.bare = plain && !c.derived
	}
	l.all = append(l.all, c)
}

// read takes the member of Signature-Input of a signature, and looks for the one
// of Signature. What it covers is taken apart later.
func (e *entry) read(input *field.Member, signatures []field.Member) {
	e.label, e.list, e.fault, e.coded, e.sig = input.Key, &input.Structured, Verified, "", e.sig[:0]
	e.s, e.wrong = readParameters(input.Params)
	signed := find(signatures, input.Key)
	switch {
	case input.Kind != field.Inner:
		e.fault, e.detail, e.why = Malformed, "Signature-Input", "it is not a list of components"
	case len(input.List) > MaxComponents:
		e.fault, e.detail, e.why = TooMany, fmt.Sprintf("components: more than %d", MaxComponents), ""
	case signed == nil:
		e.fault, e.detail, e.why = Unpaired, "", "there is no Signature of this label"
	case signed.Kind != field.Bytes || len(signed.Text) > MaxSignatureBytes*4/3+4:
		e.fault, e.detail, e.why = Malformed, "Signature", "it is not a sequence of bytes of a possible length"
	default:
		e.coded = signed.Text
	}
}

// takeApart takes apart what it covers.
func (e *entry) takeApart() {
	if e.list != nil {
		e.takeList(e.list)
		e.list = nil
	}
}

func (e *entry) takeList(l *field.Structured) {
	e.known, e.covers = nil, list{all: e.own[:0]}
	for i := range l.List {
		v := &l.List[i]
		c, wrong := newComponent(v)
		e.covers.add(covered{component: c, lead: leadOf(componentText(v)), wrong: wrong})
	}
	e.own = e.covers.all
	b, ok := field.AppendStructured(nil, l)
	e.text, e.broken = string(b), !ok
}
