package smime

import (
	"fmt"
	"mime"
	"net/mail"
	"strings"
)

// names compares who has signed with whom the mail says it is from. Each address
// in From has to be that of a signer; Sender is not looked at, for nobody is
// shown it.
func (r *Report) names(m *signedMessage, o *VerifyOptions) *Problem {
	r.From = o.From
	if o.From == nil && m.head != nil {
		var p *Problem
		if r.From, p = m.head.from(); p != nil && !o.AnySender {
			return p
		}
	}
	for i := range r.Signers {
		if len(r.Signers[i].Problems) > 0 {
			return nil // which is reason enough
		}
	}
	if o.AnySender {
		return nil
	}
	for _, from := range r.From {
		if !r.signedBy(from) {
			return problem("other-sender", "look who has signed it; if that is whom you expect, say that the sender does not matter, or whose address it has to be",
				"it is from %s, and signed by %s", from, r.signerNames())
		}
	}
	return nil
}

func (r *Report) signedBy(address string) bool {
	for i := range r.Signers {
		for _, a := range r.Signers[i].Addresses {
			if sameAddress(a, address) {
				return true
			}
		}
	}
	return false
}

func (r *Report) signerNames() string {
	var all []string
	for _, s := range r.Signers {
		if len(s.Addresses) > 0 {
			all = append(all, s.Addresses...)
		} else {
			all = append(all, "somebody whose certificate has no address ("+nonempty(s.Subject)+")")
		}
	}
	return strings.Join(all, ", ")
}

// from returns the addresses of the From field; none if there is no such field.
func (h *head) from() ([]string, *Problem) {
	value, n := h.get("From")
	switch {
	case n == 0:
		return nil, nil
	case n > 1:
		return nil, problem("two-senders", "say whose address it has to be", "the mail has %d From fields", n)
	}
	// A group (RFC 6854) has a name, which is shown, and which nobody can sign for;
	// an empty one has no address that would be compared.
	list, err := parseAddresses(value)
	if err != nil || len(list) == 0 || hasGroup(value) {
		return nil, problem("bad-sender", "say whose address it has to be", "the From field of the mail cannot be read, or names a group")
	}
	return list, nil
}

// hasGroup reports whether a list of addresses has a group (RFC 5322 §3.4): a
// colon or a semicolon that is not quoted and in no comment.
func hasGroup(list string) bool {
	quoted, comments := false, 0
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '\\' && (quoted || comments > 0):
			i++
		case c == '"' && comments == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			comments++
		case c == ')' && comments > 0:
			comments--
		case (c == ':' || c == ';') && comments == 0:
			return true
		}
	}
	return false
}

func parseAddresses(value string) ([]string, error) {
	// Display names may be in any charset, and say nothing here.
	parser := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: anyCharset}}
	list, err := parser.ParseList(value)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, a := range list {
		all = append(all, a.Address)
	}
	return all, nil
}

// ParseAddress returns an address in the form in which addresses are compared.
func ParseAddress(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return "", fmt.Errorf("%q is no mail address; give one such as alice@example.org", text)
	}
	return a.Address, nil
}
