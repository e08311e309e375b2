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
