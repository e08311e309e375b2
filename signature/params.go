package signature

import (
	"errors"
	"fmt"

	"freshet/internal/field"
)

// parameters are those of a signature (RFC 9421 §2.3).
type parameters struct {
	created, expires        int64
	hasCreated, hasExpires  bool
	nonce, alg, keyid, tag  string
	hasNonce, hasAlg, hasID bool
	hasTag                  bool
}

// readParameters reads the parameters of a signature. Those that are not known
// are covered like the others, and mean nothing here. wrong is one that is not of
// its type.
func readParameters(list []field.Member) (p parameters, wrong string) {
	for i := range list {
		m := &list[i]
		ok := true
		switch m.Key {
		case "created":
			p.created, p.hasCreated, ok = m.Int, true, m.Kind == field.Integer
		case "expires":
			p.expires, p.hasExpires, ok = m.Int, true, m.Kind == field.Integer
		case "nonce":
			p.nonce, p.hasNonce, ok = m.Text, true, m.Kind == field.String
		case "alg":
			p.alg, p.hasAlg, ok = m.Text, true, m.Kind == field.String
		case "keyid":
			p.keyid, p.hasID, ok = m.Text, true, m.Kind == field.String
		case "tag":
			p.tag, p.hasTag, ok = m.Text, true, m.Kind == field.String
		}
		if !ok {
			return p, m.Key
		}
	}
	return p, ""
}

// isLabel reports whether s can be the key of a dictionary (RFC 9651 §3.2).
func isLabel(s string) bool {
	members, ok := field.ParseDictionary([]string{s})
	return ok && len(members) == 1 && members[0].Key == s
}

// Asked is a signature that an Accept-Signature asks for (RFC 9421 §5.1).
type Asked struct {
	Label            string
	Components       []string // as they are written in a signature
	Created, Expires bool     // the signature has to say when it was made, and until when it holds
	Nonce, Tag       string   // what it has to say
	KeyID            string   // "" leaves it to who signs
	Algorithm        Algorithm
}

// ErrAsked is why an Accept-Signature asks for nothing: it is not well formed.
var ErrAsked = errors.New("signature: Accept-Signature is not a dictionary of lists of components")

// ParseAccept reads the lines of an Accept-Signature. All of a field that asks
// for something that cannot be is refused, for who asks wants all of it.
func ParseAccept(lines []string) ([]Asked, error) {
	members, ok := field.ParseMembers(lines)
	if !ok {
		return nil, ErrAsked
	}
	if len(members) > MaxSignatures {
		return nil, fmt.Errorf("signature: Accept-Signature asks for more than %d signatures", MaxSignatures)
	}
	asked := make([]Asked, 0, len(members))
	for i := range members {
		for j := range i {
			if members[j].Key == members[i].Key {
				return nil, fmt.Errorf("signature: Accept-Signature has the label %s twice", members[i].Key)
			}
		}
		a, err := newAsked(&members[i])
		if err != nil {
			return nil, err
		}
		asked = append(asked, a)
	}
	return asked, nil
}

func newAsked(m *field.Member) (a Asked, err error) {
	a.Label = m.Key
	if m.Kind != field.Inner {
		return a, ErrAsked
	}
	if len(m.List) > MaxComponents {
		return a, fmt.Errorf("signature: %s asks for more than %d components", m.Key, MaxComponents)
	}
	for i := range m.List {
		text := componentText(&m.List[i])
		if wrong := cannotBe(&m.List[i]); wrong != "" {
			return a, &ComponentError{text, wrong}
		}
		a.Components = append(a.Components, text)
	}
	for i := range m.Params {
		p := &m.Params[i]
		flag, text := p.Kind == field.Boolean && p.Bool, p.Kind == field.String
		switch {
		case p.Key == "created" && flag:
			a.Created = true
		case p.Key == "expires" && flag:
			a.Expires = true
		case p.Key == "nonce" && text:
			a.Nonce = p.Text
		case p.Key == "tag" && text:
			a.Tag = p.Text
		case p.Key == "keyid" && text:
			a.KeyID = p.Text
		case p.Key == "alg" && text && Named(p.Text) != Unknown:
			a.Algorithm = Named(p.Text)
		default:
			return a, fmt.Errorf("signature: %s asks for a parameter %s that cannot be given", m.Key, p.Key)
		}
	}
	return a, nil
}

// Append appends the member of an Accept-Signature that asks for it.
func (a *Asked) Append(dst []byte) ([]byte, error) {
	p := Params{Label: a.Label, Components: a.Components, Nonce: a.Nonce, Tag: a.Tag, Alg: a.Algorithm != Unknown}
	list, err := p.input(&Key{id: a.KeyID, algorithm: a.Algorithm})
	if err != nil {
		return dst, err
	}
	flags := make([]field.Member, 0, 2)
	for _, f := range [...]struct {
		key string
		on  bool
	}{{"created", a.Created}, {"expires", a.Expires}} {
		if f.on {
			flags = append(flags, field.Member{Key: f.key, Structured: field.Structured{Kind: field.Boolean, Bool: true}})
		}
	}
	list.Params = append(flags, list.Params...)
	dst, _ = field.AppendStructured(append(append(dst, a.Label...), '='), &list)
	return dst, nil
}
