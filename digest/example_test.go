package digest_test

import (
	"fmt"
	"io"
	"strings"

	"freshet/digest"
)

// A body is compared with what the answer says of it while it is copied.
func Example() {
	body := strings.NewReader("{\"hello\": \"world\"}\n")
	said, err := digest.Parse([]string{"md5=:Sd/dVLAcvNLSq16eXua5uQ==:, sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"})
	if err != nil {
		fmt.Println(err)
	}
	for _, why := range said.Ignored {
		fmt.Println(why)
	}
	var c digest.Checker
	c.Add("Repr-Digest", said.Digests...)
	io.Copy(&c, body)
	fmt.Println(c.Verdict().Outcome == digest.Right)
	// Output:
	// digest algorithm md5 protects from no forger; use sha-256
	// true
}

// A server chooses among the digests that it has by what the request asks for.
func ExampleWant() {
	want := digest.ParseWant([]string{"sha-512=3, sha-256=10, unixsum=0"})
	if a := want.Choose(digest.SHA256); a != digest.None {
		fmt.Println("Repr-Digest:", digest.Of(a, []byte("hello")))
	}
	// Output:
	// Repr-Digest: sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:
}
