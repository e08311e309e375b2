package signature

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"freshet/internal/field"
)

// Verify looks at the signatures of a message, in the order in which
// Signature-Input names them, until one is right. Without one the verdict is
// that of the first that the policy looks at.
func Verify(m *Message, keys Keys, p *Policy, now time.Time) Verdict {
	return new(Verifier).Verify(m, keys, p, now)
}

// Verifier verifies messages one after the other, in memory that it keeps, and
// with hashes that know their keys. The zero value is ready. It is not for
// several goroutines at once.
type Verifier struct {
	entry entry
	read  reading
	base  []byte
	macs  macs
}

// maxKept is how long a base is whose memory is kept for the next one.
const maxKept = 64 << 10

// Verify is as the function.
func (w *Verifier) Verify(m *Message, keys Keys, p *Policy, now time.Time) (v Verdict) {
	w.verify(&v, m, keys, p, now)
	w.forget()
	return v
}

// forget lets go of the message. What is kept is memory, and what is remembered in
// memory of its own.
func (w *Verifier) forget() {
	w.entry.forget()
	if w.read.octets != 0 {
		w.read = reading{}
	}
	if cap(w.base) > maxKept {
		w.base = nil
	}
}

func (e *entry) forget() {
	if len(e.own) > 0 {
		clear(e.own[:cap(e.own)])
		e.own = e.own[:0]
	}
	e.known, e.covers = nil, list{}
	e.label, e.text, e.coded, e.list = "", "", "", nil
	e.s, e.wrong, e.detail, e.why = parameters{}, "", "", ""
	e.fault, e.broken, e.sig = None, false, e.sig[:0]
}

func (w *Verifier) verify(v *Verdict, m *Message, keys Keys, p *Policy, now time.Time) {
	var in, sig []string
	if h, ok := m.Header.(Header); ok {
		in, sig = h["Signature-Input"], h["Signature"]
	} else {
		in, sig = m.lines("signature-input", false), m.lines("signature", false)
	}
	e := &w.entry
	if len(in) == 1 && len(sig) == 1 && e.scan(in[0], sig[0]) {
		if (p.Label == "" || p.Label == e.label) && (p.Tag == "" || p.Tag == e.s.tag) {
			w.one(v, m, keys, p, now.Unix())
		}
		return
	}
	inputs, signatures, no := m.signatures()
	if no.Outcome != Verified {
		*v = no
		return
	}
	if len(inputs) > MaxSignatures || len(signatures) > MaxSignatures {
		*v = Verdict{Outcome: TooMany, Detail: fmt.Sprintf("signatures: more than %d", MaxSignatures)}
		return
	}
	for _, members := range [...][]field.Member{inputs, signatures} {
		if label := twice(members); label != "" {
			*v = Verdict{Outcome: DuplicateLabel, Detail: label}
			return
		}
	}
	if p.Label != "" && find(inputs, p.Label) == nil && find(signatures, p.Label) != nil {
		*v = Verdict{Outcome: Unpaired, Label: p.Label}
		return
	}
	for i := range inputs {
		if p.Label != "" && inputs[i].Key != p.Label {
			continue
		}
		e.read(&inputs[i], signatures)
		if e.wrong == "" && p.Tag != "" && e.s.tag != p.Tag {
			continue
		}
		var this Verdict
		w.one(&this, m, keys, p, now.Unix())
		if this.Outcome == Verified {
			*v = this
			return
		}
		if v.Outcome == None {
			*v = this
		}
	}
}

// signatures reads the two fields, from the head or, when it has neither, the
// trailers. The verdict is Verified when there is something to look at.
func (m *Message) signatures() (inputs, signatures []field.Member, v Verdict) {
	trailer := false
	in, sig := m.lines("signature-input", false), m.lines("signature", false)
	if len(in) == 0 && len(sig) == 0 {
		trailer = true
		in, sig = m.lines("signature-input", trailer), m.lines("signature", trailer)
	}
	switch {
	case len(in) == 0 && len(sig) == 0:
		return nil, nil, Verdict{Outcome: None}
	case len(in) == 0:
		return nil, nil, Verdict{Outcome: Unpaired, Why: "there is no Signature-Input"}
	case len(sig) == 0:
		return nil, nil, Verdict{Outcome: Unpaired, Why: "there is no Signature"}
	}
	inputs, ok := field.ParseMembers(in)
	if !ok {
		return nil, nil, Verdict{Outcome: Malformed, Detail: "Signature-Input"}
	}
	if signatures, ok = field.ParseMembers(sig); !ok {
		return nil, nil, Verdict{Outcome: Malformed, Detail: "Signature"}
	}
	return inputs, signatures, Verdict{Outcome: Verified}
}

func find(members []field.Member, key string) *field.Member {
	for i := range members {
		if members[i].Key == key {
			return &members[i]
		}
	}
	return nil
}

// twice returns a key that stands twice; "" for none.
func twice(members []field.Member) string {
	for i := range members {
		if find(members[:i], members[i].Key) != nil {
			return members[i].Key
		}
	}
	return ""
}

// one looks at one signature: first at what costs nothing, last at the key's.
func (w *Verifier) one(v *Verdict, m *Message, keys Keys, p *Policy, now int64) {
	e := &w.entry
	s := &e.s
	v.Label = e.label
	if e.wrong != "" {
		v.no(Malformed, e.wrong, "")
		return
	}
	v.KeyID, v.Nonce, v.Tag = s.keyid, s.nonce, s.tag
	if s.hasCreated {
		v.Created = time.Unix(s.created, 0)
	}
	if s.hasExpires {
		v.Expires = time.Unix(s.expires, 0)
	}
	if e.fault != Verified {
		v.no(e.fault, e.detail, e.why)
		return
	}
	key := keys(s.keyid)
	if key == nil || s.hasID && key.id != s.keyid {
		v.no(UnknownKey, fmt.Sprintf("%q", s.keyid), "")
		return
	}
	v.KeyID, v.Algorithm = key.id, key.algorithm
	switch {
	case s.hasAlg && s.alg != key.algorithm.String():
		v.no(AlgorithmMismatch, fmt.Sprintf("%q", s.alg), "")
		return
	case p.Algorithms != nil && !slices.Contains(p.Algorithms, key.algorithm):
		v.no(AlgorithmRefused, key.algorithm.String(), "")
		return
	case p.Nonce && !s.hasNonce:
		v.no(NoParameter, "nonce", "")
		return
	}
	outcome, detail, until := p.inTime(s, now)
	if outcome != Verified {
		v.no(outcome, detail, "")
		return
	}
	e.takeApart()
	if c := p.uncovered(m, &e.covers); c != "" {
		v.no(ComponentUncovered, c, "")
		return
	}
	w.compare(v, m, key)
	if v.Outcome == Verified && until != 0 {
		v.Until = time.Unix(until, 0)
	}
}

// no is that a signature is not taken.
func (v *Verdict) no(o Outcome, detail, why string) { v.Outcome, v.Detail, v.Why = o, detail, why }

// compare is the last step: the base, and the signature over it.
func (w *Verifier) compare(v *Verdict, m *Message, key *Key) {
	e := &w.entry
	if e.coded != "" {
		sig, ok := field.AppendDecoded(e.sig[:0], e.coded)
		if !ok {
			v.no(Malformed, "Signature", "it is not base64")
			return
		}
		e.sig, e.coded = sig, ""
	}
	base, bad, wrong := m.appendBase(w.base[:0], e, &w.read)
	w.base = base
	if wrong != "" {
		v.no(ComponentMissing, bad, wrong)
		return
	}
	if !key.verify(base, e.sig, &w.macs) {
		v.Outcome = BadSignature
		return
	}
	v.Outcome, v.covers = Verified, e.text
	if key.algorithm == HMAC {
		v.ID = [sha256.Size]byte(e.sig) // it was compared with what a secret makes of the base
	} else {
		v.ID = sha256.Sum256(base)
	}
}

// Base returns the signature base of a message for one of its signatures, for
// people who look for what differs.
func Base(m *Message, label string) ([]byte, error) {
	inputs, signatures, v := m.signatures()
	if v.Outcome != Verified {
		return nil, v.Err()
	}
	input := find(inputs, label)
	if input == nil || input.Kind != field.Inner || len(input.List) > MaxComponents {
		v = Verdict{Outcome: Unpaired, Label: label}
		return nil, v.Err()
	}
	var e entry
	e.read(input, signatures)
	e.takeApart()
	base, bad, wrong := m.appendBase(nil, &e, new(reading))
	if wrong != "" {
		return nil, &ComponentError{bad, wrong}
	}
	return base, nil
}
