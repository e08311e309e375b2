package guard

import (
	"net/http"
	"strings"
	"testing"

	"freshet/internal/rule"
	"freshet/signature"
)

// only returns a request that has been signed more than once with one signature
// alone, under another label: nobody has signed a label.
func (q outgoing) only(nth int, label string) outgoing {
	var fields []string
	n := -1
	for _, line := range q.fields {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Signature-Input" {
			n++
		}
		if strings.HasPrefix(name, "Signature") {
			if n != nth {
				continue
			}
			_, value, _ = strings.Cut(value, "=")
			line = name + ": " + label + "=" + value
		}
		fields = append(fields, line)
	}
	q.fields = fields
	return q
}

// A message with several signatures passes once: neither of them passes alone, before
// its end, under whatever label.
func TestSeveralSignatures(t *testing.T) {
	for _, label := range []string{"", "a"} {
		s := newSignedSite(t, func(o *SignatureOptions) { o.Label = label })
		shop, bank := signingKey(t, "shop", signature.Ed25519, signers()["shop"]), signingKey(t, "bank", signature.ECDSAP256, signers()["bank"])
		stranger := signingKey(t, "nobody", signature.Ed25519, signers()["stranger"])
		plain := outgoing{method: "GET", target: "/pay?n=1", host: "h"}
		sign := func(q outgoing, k *signature.Key, label string, at int) outgoing {
			return q.signed(t, k, signature.Params{Label: label, Created: s.at(at)})
		}
		expect := func(what string, q outgoing, want rule.ID) {
			t.Helper()
			resp, id := s.send(t, q)
			if id != want || (resp.StatusCode == http.StatusOK) != (want == 0) {
				t.Errorf("with label %q, %s: %d, %v", label, what, resp.StatusCode, id)
			}
		}
		both := sign(sign(plain, shop, "a", 0), bank, "b", 0)
		before := s.o.Replays.Len()
		expect("both", both, 0)
		if n := s.o.Replays.Len() - before; n != 2 {
			t.Errorf("%d are remembered", n)
		}
		expect("both again", both, rule.SignatureReplayed)
		expect("the first stripped", both.only(1, "a"), rule.SignatureReplayed)
		expect("the second stripped", both.only(0, "a"), rule.SignatureReplayed)
		expect("one of them beside a new one", sign(both.only(1, "b"), shop, "a", 0), rule.SignatureReplayed)

		// Whoever has the second alone let through first has used the message.
		both = sign(sign(plain, shop, "a", 0), bank, "b", 0)
		expect("the second alone", both.only(1, "a"), 0)
		expect("both, later", both, rule.SignatureReplayed)

		// A stranger's, a broken one and the same one twice change nothing.
		q := sign(plain, shop, "a", 0)
		q = sign(q, stranger, "s", 0)
		q.fields = append(q.fields, "Signature-Input: e=()", "Signature: e=:AAAA:")
		expect("others that are not right", q, 0)
		q = sign(plain, shop, "a", 0)
		again := q.only(0, "z")
		q.fields = append(q.fields, again.fields[len(again.fields)-2:]...)
		expect("one under two labels", q, 0)
		expect("the other label", again.only(0, "a"), rule.SignatureReplayed)

		// One that is not good yet would be, when nobody remembers the first.
		q = sign(sign(plain, shop, "a", 0), bank, "b", 3600)
		expect("one for later", q, rule.SignatureNotYet)
		q = sign(sign(plain, shop, "a", 0), stranger, "b", 3600)
		expect("a stranger's for later", q, 0)
		q = sign(sign(plain, shop, "a", 0), bank, "b", -3600)
		expect("one that is over", q, 0)
		expect("that alone", q.only(1, "a"), rule.SignatureExpired)
	}
}

// When there is no room for all signatures of a message, it does not pass, and none
// is remembered: it may come again.
func TestSeveralSignaturesFull(t *testing.T) {
	s := newSignedSite(t, func(o *SignatureOptions) { o.MaxReplays = 1 })
	shop, bank := signingKey(t, "shop", signature.Ed25519, signers()["shop"]), signingKey(t, "bank", signature.ECDSAP256, signers()["bank"])
	q := outgoing{method: "GET", target: "/", host: "h"}.signed(t, shop, signature.Params{Label: "a", Created: s.at(0)})
	both := q.signed(t, bank, signature.Params{Label: "b", Created: s.at(0)})
	if resp, id := s.send(t, both); resp.StatusCode != 503 || id != rule.SignatureRoom || s.o.Replays.Len() != 0 {
		t.Errorf("%d, %v, %d remembered", resp.StatusCode, id, s.o.Replays.Len())
	}
	if resp, id := s.send(t, q); resp.StatusCode != 200 {
		t.Errorf("%d, %v", resp.StatusCode, id)
	}
}
