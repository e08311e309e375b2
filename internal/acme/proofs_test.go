package acme

import (
	"testing"

	"github.com/mholt/acmez/v3/acme"
)

// TestHostileAuthority: what an authority says a challenge is leads to no other
// file, neither when it begins nor when it ends.
func TestHostileAuthority(t *testing.T) {
	f, _ := testFolder(t)
	was := newVersion(t, 1)
	if err := was.store(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Store(t.Context(), "challenges/http/another", nil); err != nil {
		t.Fatal(err)
	}
	p := &proofs{folder: f, open: map[string]proof{}}
	name := acme.Identifier{Type: "dns", Value: "shop.example.org"}
	for _, c := range []acme.Challenge{
		{Type: acme.ChallengeTypeHTTP01, Token: "../../certificates", Identifier: name},
		{Type: acme.ChallengeTypeHTTP01, Token: "../http", Identifier: name},
		{Type: acme.ChallengeTypeHTTP01, Token: ".", Identifier: name},
		{Type: acme.ChallengeTypeHTTP01, Identifier: name},
		{Type: acme.ChallengeTypeTLSALPN01, Token: "token", Identifier: acme.Identifier{Type: "dns", Value: "../../certificates"}},
		{Type: acme.ChallengeTypeTLSALPN01, Token: "token", Identifier: acme.Identifier{Type: "dns"}},
		{Type: "http-02", Token: "another", Identifier: name},
	} {
		if err := p.Present(t.Context(), c); err == nil {
			t.Errorf("%s %q %q begins", c.Type, c.Token, c.Identifier.Value)
		}
		if err := p.CleanUp(t.Context(), c); err == nil {
			t.Errorf("%s %q %q ends", c.Type, c.Token, c.Identifier.Value)
		}
		if !kept(f).is(was) || !f.Exists(t.Context(), "challenges/http/another") {
			t.Fatalf("%s %q %q deletes what is not its own", c.Type, c.Token, c.Identifier.Value)
		}
	}
	good := acme.Challenge{Type: acme.ChallengeTypeHTTP01, Token: "token", KeyAuthorization: "token.print", Identifier: name}
	for range 2 { // the second time it is gone already
		if err := p.CleanUp(t.Context(), good); err != nil {
			t.Error(err)
		}
		if f.Exists(t.Context(), keyOf(good)) {
			t.Error("it is not deleted")
		}
		if len(p.open) == 0 && p.Present(t.Context(), good) != nil {
			t.Error("a good one is refused")
		}
	}
}
