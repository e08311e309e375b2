package signedurl_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"freshet/signedurl"
)

func Example() {
	keys, err := signedurl.ParseKeys([]byte("k1 AAECAwQFBgcICQoLDA0ODw\n"))
	if err != nil {
		panic(err)
	}
	link, err := signedurl.Sign("https://example.org/films/a.mp4", keys.First(), signedurl.Options{Expires: time.Unix(1800000000, 0)})
	if err != nil {
		panic(err)
	}
	fmt.Println(link)

	client := netip.MustParseAddr("203.0.113.7")
	_, query, _ := strings.Cut(link, "?")
	checker := keys.NewChecker()
	_, verdict := checker.Check("example.org", "/films/a.mp4", query, client, 1799999999)
	fmt.Println(verdict)
	_, verdict = checker.Check("example.org", "/films/a.mp4", query, client, 1800000000)
	fmt.Println(verdict)
	_, verdict = checker.Check("example.org", "/films/b.mp4", query, client, 1799999999)
	fmt.Println(verdict)
	// Output:
	// https://example.org/films/a.mp4?Expires=1800000000&KeyName=k1&Signature=Z6FMrJOQHz3jo1AmyJhQZQwP95cto2H4jfPRPkxN7Lk
	// valid
	// expired
	// bad signature
}
