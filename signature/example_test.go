package signature_test

import (
	"fmt"
	"net/http"
	"time"

	"freshet/signature"
)

// A request is signed by a client and verified by a server.
func Example() {
	secret := []byte("an example of a secret, 32 bytes or more")
	key, err := signature.NewKey("shop", signature.HMAC, secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	m := &signature.Message{
		Method: "POST", Scheme: "https", Authority: "api.example", Target: "/orders?limit=1", HasBody: true,
		Header: http.Header{"Content-Digest": {"sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"}},
	}
	now := time.Unix(1700000000, 0)
	signed, err := signature.Sign(m, key, signature.Params{Components: []string{"@method", "@target-uri", "content-digest"}, Created: now})
	if err != nil {
		fmt.Println(err)
		return
	}
	header := m.Header.(http.Header)
	header.Set("Signature-Input", signed.Input)
	header.Set("Signature", signed.Signature)
	fmt.Println(signed.Input)

	v := signature.Verify(m, signature.KeySet(key), &signature.Policy{}, now.Add(time.Second))
	fmt.Println(v.Outcome, v.KeyID, v.CoversDigest())

	m.Target = "/orders?limit=1000"
	v = signature.Verify(m, signature.KeySet(key), &signature.Policy{}, now)
	fmt.Println(v.Err())
	// Output:
	// sig1=("@method" "@target-uri" "content-digest");created=1700000000;keyid="shop"
	// verified shop true
	// signature sig1: the message was changed, or another key has signed it
}

// A server verifies one request after the other with a Verifier, here one that was
// changed on its way.
func ExampleVerifier() {
	key, err := signature.NewKey("shop", signature.HMAC, []byte("a secret of thirty-two octets, or more"))
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Unix(1618884473, 0)
	var verifier signature.Verifier
	for _, changed := range []string{"/eggs", "/hens"} {
		header := http.Header{}
		m := &signature.Message{Method: "GET", Scheme: "https", Authority: "example.org", Target: "/eggs", Header: signature.Header(header)}
		signed, err := signature.Sign(m, key, signature.Params{Components: []string{"@method", "@target-uri"}, Created: now})
		if err != nil {
			fmt.Println(err)
			return
		}
		header.Set("Signature-Input", signed.Input)
		header.Set("Signature", signed.Signature)
		m.Target = changed
		v := verifier.Verify(m, signature.KeySet(key), &signature.Policy{}, now)
		fmt.Println(changed, v.Outcome)
	}
	// Output:
	// /eggs verified
	// /hens bad signature
}
