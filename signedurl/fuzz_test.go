package signedurl

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"freshet/internal/wire"
)

// FuzzCheck looks for a request that passes and was not signed so, and for one
// whose rest still has a parameter of ours.
func FuzzCheck(f *testing.F) {
	for _, o := range []Options{{Expires: until}, {Expires: until, Prefix: "/a/"}, {Expires: until, IP: netip.MustParsePrefix("203.0.113.0/24")}} {
		link, err := Sign("https://a.example/a/b?c=1", k1, o)
		if err != nil {
			f.Fatal(err)
		}
		host, path, query := parts(link)
		f.Add(host, path, query)
	}
	f.Add("a.example", "/", "Expires=1&KeyName=k1&Signature="+strings.Repeat("A", signatureLen))
	keys := keysOf(f, k1)
	f.Fuzz(func(t *testing.T, host, path, query string) {
		if !wire.ValidHost(host) || path == "" || path[0] != '/' || !wire.ValidTarget("GET", path+"?"+query) {
			return
		}
		c := keys.NewChecker()
		check := func(query string) Verdict {
			rest, v := c.Check(host, path, query, home, now)
			switch {
			case v != Valid && rest != "":
				t.Fatalf("%v with a rest %q", v, rest)
			case reserved(rest):
				t.Fatalf("the rest %q has a parameter of ours", rest)
			case v == Valid && Plain("?"+query) != strings.TrimSuffix("?"+rest, "?"):
				t.Fatalf("%q is plainly %q, and its rest %q", query, Plain("?"+query), rest)
			}
			return v
		}
		v := check(query)
		if v == Malformed || v == Missing {
			return
		}
		// Signed as the documentation says, by other means than ours, it passes, or
		// is refused for what it says.
		before, _, _ := strings.Cut(query, "Signature=")
		before = strings.TrimSuffix(before, "&")
		message := strings.ToLower(wire.HostName(host))
		if i := strings.Index(before, "URLPrefix="); i >= 0 && (i == 0 || before[i-1] == '&') {
			message += "?" + before[i:]
		} else {
			message += path + "?" + before
		}
		mac := hmac.New(sha256.New, k1.Secret)
		mac.Write([]byte(message))
		good := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		if v == Valid && !strings.HasSuffix(query, good) {
			t.Fatalf("%s%s?%s is valid, and %s is its signature", host, path, query, good)
		}
		if again := check(before + "&Signature=" + good); again == BadSignature || again == Missing {
			t.Fatalf("%s: %v", message, again)
		}
	})
}

// FuzzPlainPath looks for a path that is plain, and that some decoding leads out
// of its folder by.
func FuzzPlainPath(f *testing.F) {
	for _, path := range []string{"/a/b", "/a/../b", "/a/%2e%2e/b", "/a/..;/b", "/a/%252e%252e/", "/a//b", "/a%5c..", "/100%25", "/", "/a/%25%32%65%25%32%65/x", "/a/%252%65%252%65/x", "/a/..%3fx", "/a/..%23", "/a/..%3b"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !plainPath(path) {
			return
		}
		for decoded, n := path, 0; n < 3; n++ {
			for segment := range strings.SplitSeq(strings.ReplaceAll(decoded, `\`, "/"), "/") {
				stem := segment
				if i := strings.IndexAny(segment, ";?#"); i >= 0 {
					stem = segment[:i]
				}
				if stem == "." || stem == ".." {
					t.Fatalf("%q has the segment %q", path, segment)
				}
			}
			if strings.Count(decoded, "/") != strings.Count(path, "/") || strings.ContainsAny(decoded, "\\\x00") {
				t.Fatalf("%q is %q", path, decoded)
			}
			next, err := url.PathUnescape(decoded)
			if err != nil {
				return
			}
			decoded = next
		}
	})
}
