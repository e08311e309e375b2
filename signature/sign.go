package signature

import (
	"encoding/base64"
	"fmt"
	"time"

	"freshet/internal/field"
)

// Params is what a signature covers and says.
type Params struct {
	Label      string   // "": sig1
	Components []string // as ParseComponent reads them, in the order in which they are covered

	Created time.Time // when it is made; zero: it does not say, and few verifiers take it
	Expires time.Time // until when it holds; zero: it does not say
	Nonce   string
	Tag     string
	Alg     bool // it says by which algorithm
}

// Signed is a signature, as members of two fields.
type Signed struct {
	Input     string // of Signature-Input
	Signature string // of Signature
}

// Sign signs a message. The fields that it covers have to be in it already, and
// those that it returns are added to it.
func Sign(m *Message, k *Key, p Params) (s Signed, err error) {
	if p.Label == "" {
		p.Label = "sig1"
	}
	input, err := p.input(k)
	if err != nil {
		return s, err
	}
	for _, name := range [...]string{"signature-input", "signature"} {
		if members, ok := field.ParseDictionary(m.lines(name, false)); !ok || find(members, p.Label) != nil {
			return s, fmt.Errorf("signature: the message has a %s of the label %s already, or a malformed one", name, p.Label)
		}
	}
	var e entry
	e.takeList(&input)
	base, bad, wrong := m.appendBase(make([]byte, 0, 1024), &e, new(reading))
	if wrong != "" {
		return s, &ComponentError{bad, wrong}
	}
	sig, err := k.sign(base)
	if err != nil {
		return s, err
	}
	s.Input = p.Label + "=" + e.text
	s.Signature = p.Label + "=:" + base64.StdEncoding.EncodeToString(sig) + ":"
	return s, nil
}

// input makes the list of components, with the parameters.
func (p *Params) input(k *Key) (list field.Structured, err error) {
	switch {
	case !isLabel(p.Label):
		return list, fmt.Errorf("signature: %q is no label; it has lower-case letters, digits, _, -, . and *", p.Label)
	case !printable(p.Nonce) || !printable(p.Tag):
		return list, fmt.Errorf("signature: a nonce and a tag are printable ASCII")
	case len(p.Components) > MaxComponents:
		return list, fmt.Errorf("signature: more than %d components", MaxComponents)
	}
	list.Kind = field.Inner
	for _, text := range p.Components {
		v, err := parseComponent(text)
		if err != nil {
			return list, err
		}
		list.List = append(list.List, v)
	}
	number := func(key string, t time.Time) {
		if !t.IsZero() {
			list.Params = append(list.Params, field.Member{Key: key, Structured: field.Structured{Kind: field.Integer, Int: t.Unix()}})
		}
	}
	text := func(key, s string) {
		if s != "" {
			list.Params = append(list.Params, field.Member{Key: key, Structured: field.Structured{Kind: field.String, Text: s}})
		}
	}
	number("created", p.Created)
	number("expires", p.Expires)
	text("nonce", p.Nonce)
	if p.Alg {
		text("alg", k.algorithm.String())
	}
	text("keyid", k.id)
	text("tag", p.Tag)
	return list, nil
}
