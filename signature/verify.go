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
	inputs, signatures, v := m.signatures()
	if v.Outcome != Verified {
		return v
	}
	if len(inputs) > MaxSignatures || len(signatures) > MaxSignatures {
		return Verdict{Outcome: TooMany, Detail: fmt.Sprintf("signatures: more than %d", MaxSignatures)}
	}
	if label := twice(inputs); label != "" {
		return Verdict{Outcome: DuplicateLabel, Detail: label}
	}
	if label := twice(signatures); label != "" {
		return Verdict{Outcome: DuplicateLabel, Detail: label}
	}
	first := Verdict{Outcome: None}
	if p.Label != "" && find(inputs, p.Label) == nil && find(signatures, p.Label) != nil {
		return Verdict{Outcome: Unpaired, Label: p.Label}
	}
	var read reading
	for i := range inputs {
		if p.Label != "" && inputs[i].Key != p.Label {
			continue
		}
		s, wrong := readParameters(inputs[i].Params)
		if wrong == "" && p.Tag != "" && s.tag != p.Tag {
			continue
		}
		v := Verdict{Label: inputs[i].Key, Outcome: Malformed, Detail: wrong}
		if wrong == "" {
			v = m.verify(&inputs[i], signatures, &s, keys, p, now, &read)
		}
		if v.Outcome == Verified {
			return v
		}
		if first.Outcome == None {
			first = v
		}
	}
	return first
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

// verify looks at one signature: first at what costs nothing, last at the key's.
func (m *Message) verify(input *field.Member, signatures []field.Member, s *parameters, keys Keys, p *Policy, now time.Time, read *reading) Verdict {
	v := Verdict{Label: input.Key, KeyID: s.keyid, Nonce: s.nonce, Tag: s.tag}
	if s.hasCreated {
		v.Created = time.Unix(s.created, 0)
	}
	if s.hasExpires {
		v.Expires = time.Unix(s.expires, 0)
	}
	no := func(o Outcome, detail, why string) Verdict {
		v.Outcome, v.Detail, v.Why = o, detail, why
		return v
	}
	signed := find(signatures, input.Key)
	switch {
	case input.Kind != field.Inner:
		return no(Malformed, "Signature-Input", "it is not a list of components")
	case len(input.List) > MaxComponents:
		return no(TooMany, fmt.Sprintf("components: more than %d", MaxComponents), "")
	case signed == nil:
		return no(Unpaired, "", "there is no Signature of this label")
	case signed.Kind != field.Bytes || len(signed.Text) > MaxSignatureBytes*4/3+4:
		return no(Malformed, "Signature", "it is not a sequence of bytes of a possible length")
	}
	key := keys(s.keyid)
	if key == nil || s.hasID && key.id != s.keyid {
		return no(UnknownKey, fmt.Sprintf("%q", s.keyid), "")
	}
	v.KeyID, v.Algorithm = key.id, key.algorithm
	switch {
	case s.hasAlg && Named(s.alg) != key.algorithm:
		return no(AlgorithmMismatch, fmt.Sprintf("%q", s.alg), "")
	case p.Algorithms != nil && !slices.Contains(p.Algorithms, key.algorithm):
		return no(AlgorithmRefused, key.algorithm.String(), "")
	case p.Nonce && !s.hasNonce:
		return no(NoParameter, "nonce", "")
	}
	outcome, detail, until := p.inTime(s, now.Unix())
	if outcome != Verified {
		return no(outcome, detail, "")
	}
	if c := p.uncovered(m, &input.Structured); c != "" {
		return no(ComponentUncovered, c, "")
	}
	return m.compare(&input.Structured, signed.Text, key, until, v, read)
}

// compare is the last step: the base, and the signature over it.
func (m *Message) compare(input *field.Structured, coded string, key *Key, until int64, v Verdict, read *reading) Verdict {
	var room [MaxSignatureBytes]byte
	sig, ok := field.AppendDecoded(room[:0], coded)
	if !ok {
		v.Outcome, v.Detail, v.Why = Malformed, "Signature", "it is not base64"
		return v
	}
	var few [1024]byte
	base, bad, wrong := m.appendBase(few[:0], input, read)
	if bad != nil {
		v.Outcome, v.Detail, v.Why = ComponentMissing, componentText(bad), wrong
		return v
	}
	if !key.verify(base, sig) {
		v.Outcome = BadSignature
		return v
	}
	v.Outcome, v.input = Verified, input
	v.ID = sha256.Sum256(base)
	if until != 0 {
		v.Until = time.Unix(until, 0)
	}
	return v
}

// Base returns the signature base of a message for one of its signatures, for
// people who look for what differs.
func Base(m *Message, label string) ([]byte, error) {
	inputs, _, v := m.signatures()
	if v.Outcome != Verified {
		return nil, v.Err()
	}
	input := find(inputs, label)
	if input == nil || input.Kind != field.Inner || len(input.List) > MaxComponents {
		v = Verdict{Outcome: Unpaired, Label: label}
		return nil, v.Err()
	}
	base, bad, wrong := m.appendBase(nil, &input.Structured, new(reading))
	if bad != nil {
		return nil, &ComponentError{componentText(bad), wrong}
	}
	return base, nil
}
