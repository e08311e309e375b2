package guard

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"freshet/internal/rule"
	"freshet/signature"
)

// The signature that has proved a request goes to nobody, whatever stands beside it:
// where one of the fields cannot be written without it, both are taken off, for a
// signature without its input says nothing.
func TestSignaturePassed(t *testing.T) {
	s := newSignedSite(t, nil)
	shop, bank := signingKey(t, "shop", signature.Ed25519, signers()["shop"]), signingKey(t, "elsewhere", signature.ECDSAP256, signers()["bank"])
	for _, tt := range []struct {
		name, input, signature string // of another one
		stays                  bool
	}{
		{"none", "", "", false},
		{"one that can be written", `b=();x=:AA==:`, "b=:AAAA:", true},
		{"its input cannot", `b=();x=:A:`, "b=:AAAA:", false},
		{"the signature cannot", `b=()`, "b=:AAAA:;x=:A:", false},
		{"neither can", `b=();x=:A:`, "b=:AAAA:;x=:A:", false},
	} {
		q := outgoing{method: "GET", target: "/", host: "h"}.signed(t, shop, signature.Params{Created: s.at(0), Label: "a"})
		q = q.signed(t, bank, signature.Params{Created: s.at(0), Label: "c"})
		if tt.input != "" {
			q.fields = append(q.fields, "Signature-Input: "+tt.input, "Signature: "+tt.signature)
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(q.text())))
		if err != nil {
			t.Fatal(err)
		}
		why, _ := s.Why(r)
		on, refused := s.Check(http.Header{}, r)
		if refused != 0 || why == nil {
			t.Fatalf("%s: %v", tt.name, rule.Of(refused))
		}
		for _, on := range []*http.Request{on, why} {
			input, sig := strings.Join(on.Header["Signature-Input"], ", "), strings.Join(on.Header["Signature"], ", ")
			if tt.name == "none" || tt.stays {
				if !strings.HasPrefix(input, "c=(") || !strings.HasPrefix(sig, "c=:") || strings.Contains(input, "b=(") != tt.stays {
					t.Errorf("%s: %s; %s", tt.name, input, sig)
				}
			} else if input+sig != "" {
				t.Errorf("%s: %s; %s", tt.name, input, sig)
			}
		}
	}
}
