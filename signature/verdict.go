package signature

import (
	"crypto/sha256"
	"slices"
	"time"

	"freshet/internal/field"
)

// Outcome is what became of verifying a message.
type Outcome uint8

// The outcomes. Only Verified proves anything.
const (
	None               Outcome = iota // the message has no signature that the policy looks at
	Verified                          // a signature is right, and covers what it has to
	Malformed                         // a field, a parameter (Detail) or a component (Detail) is not what it has to be
	DuplicateLabel                    // two signatures have one label (Detail)
	Unpaired                          // Signature and Signature-Input do not belong together
	TooMany                           // there are more signatures, or components, than are looked at
	NoParameter                       // a parameter that has to be there is missing (Detail)
	NotYet                            // it was made in the future
	Expired                           // its time is over, by expires or by created (Detail)
	UnknownKey                        // nobody here knows the key (KeyID)
	AlgorithmMismatch                 // it is not by the algorithm (Detail) that the key is for
	AlgorithmRefused                  // the policy does not allow the algorithm (Detail)
	ComponentUncovered                // a component that has to be covered is not (Detail)
	ComponentMissing                  // the value of a component that is covered (Detail) cannot be told
	BadSignature                      // the message is not the one that was signed, or not by this key
	outcomes                          // how many there are
)

var outcomeNames = [outcomes]string{
	None: "unsigned", Verified: "verified", Malformed: "malformed", DuplicateLabel: "duplicate label", Unpaired: "unpaired",
	TooMany: "too many", NoParameter: "parameter missing", NotYet: "not yet valid", Expired: "expired", UnknownKey: "unknown key",
	AlgorithmMismatch: "algorithm mismatch", AlgorithmRefused: "algorithm refused", ComponentUncovered: "component not covered",
	ComponentMissing: "component missing", BadSignature: "bad signature",
}

// String returns a few words.
func (o Outcome) String() string {
	if o >= outcomes {
		return ""
	}
	return outcomeNames[o]
}

// Verdict is the outcome of verifying a message, and what it is about.
type Verdict struct {
	Outcome Outcome
	Label   string // which signature; "" when it is about none in particular
	Detail  string // a parameter, a component, an algorithm or a label; see Outcome
	Why     string // in words, where Outcome leaves that open

	KeyID      string // what the signature says; of Verified the id of the key
	Algorithm  Algorithm
	Nonce, Tag string
	Created    time.Time // zero: it does not say
	Expires    time.Time

	// Of Verified: what tells this signature from every other, whoever copies it
	// into whatever message: a hash of what was signed, and with HMAC the code
	// itself, which is one. A verifier that accepts each signature once keeps it
	// until Until; without an Until it has to keep it for ever.
	ID    [sha256.Size]byte
	Until time.Time

	covers string // of Verified: the list of components, as the base has it
}

// list is what the signature of a Verified covers.
func (v *Verdict) list() (l list) {
	if v.Outcome != Verified {
		return l
	}
	if values, ok := field.ParseValues([]string{v.covers}); ok && len(values) == 1 {
		var e entry
		e.takeList(&values[0])
		l = e.covers
	}
	return l
}

// Covers reports whether the signature of a Verified covers a component, written
// as ParseComponent reads it.
func (v *Verdict) Covers(component string) bool {
	l := v.list()
	return l.has(component)
}

// CoversDigest reports whether the signature of a Verified covers the
// Content-Digest of the message.
func (v *Verdict) CoversDigest() bool {
	l := v.list()
	return l.hasDigest()
}

// CoversDigestBy reports whether the signature of a Verified covers the member
// of an algorithm, such as sha-256, of the Content-Digest in the message's head:
// with all of the field, or by itself. Members that are not covered may be
// anybody's.
func (v *Verdict) CoversDigestBy(algorithm string) bool {
	return slices.ContainsFunc(v.list().all, func(c covered) bool {
		return c.wrong == "" && c.known == contentDigest && !c.req && !c.tr && (!c.keyed || c.key == algorithm)
	})
}

// Err is nil for Verified; else it is an *Error.
func (v *Verdict) Err() error {
	if v.Outcome == Verified {
		return nil
	}
	return &Error{*v}
}

// Error is that a message is not proven to be what somebody signed.
type Error struct{ Verdict Verdict }

// sentences are what outcomes mean, before the detail.
var sentences = [outcomes]string{
	None:               "the message has no signature that is looked at",
	Verified:           "it is right",
	Malformed:          "it is malformed",
	DuplicateLabel:     "two signatures have the label",
	Unpaired:           "Signature and Signature-Input do not have it both",
	TooMany:            "there are too many",
	NoParameter:        "it has to have the parameter",
	NotYet:             "it was made in the future; compare the clocks:",
	Expired:            "it is too old, by",
	UnknownKey:         "its key is not known:",
	AlgorithmMismatch:  "its key is not for the algorithm",
	AlgorithmRefused:   "this algorithm is not allowed:",
	ComponentUncovered: "it has to cover",
	ComponentMissing:   "it covers what cannot be told:",
	BadSignature:       "the message was changed, or another key has signed it",
}

func (e *Error) Error() string {
	v := &e.Verdict
	text := "signature"
	if v.Label != "" {
		text += " " + v.Label
	}
	if v.Outcome < outcomes {
		text += ": " + sentences[v.Outcome]
	}
	if v.Detail != "" {
		text += " " + v.Detail
	}
	if v.Why != "" {
		text += ": " + v.Why
	}
	return text
}
