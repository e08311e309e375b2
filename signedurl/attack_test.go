package signedurl

import (
	"net/netip"
	"strings"
	"testing"
)

// What somebody may make of a good link, and what comes of it.
func TestAttacks(t *testing.T) {
	exact := signed(t, "https://a.example/films/a.mp4?x=1", Options{})
	below := signed(t, "https://a.example/films/", Options{Prefix: "/films/"})
	spaced := signed(t, "https://a.example/my%20films/", Options{Prefix: "/my%20films/"})
	some := signed(t, "https://a.example/a", Options{IP: netip.MustParsePrefix("203.0.113.0/24")})
	some6 := signed(t, "https://a.example/a", Options{IP: netip.MustParsePrefix("2001:db8::/32")})
	mapped := signed(t, "https://a.example/a", Options{IP: netip.MustParsePrefix("::ffff:203.0.113.0/120")})
	group := exact[strings.Index(exact, "Expires="):]
	signature := exact[len(exact)-signatureLen:]
	for _, tt := range []struct {
		what   string
		link   string
		edit   []string // pairs that are replaced once
		client string
		now    int64
		want   Verdict
	}{
		{what: "as it is", link: exact, want: Valid},
		{what: "over http, at another port", link: exact, edit: []string{"https://a.example", "http://a.example:8080"}, want: Valid},
		{what: "another case of the host, a dot at its end", link: exact, edit: []string{"a.example", "A.Example."}, want: Valid},
		{what: "another host", link: exact, edit: []string{"a.example", "b.example"}, want: BadSignature},
		{what: "a host that the name is a part of", link: exact, edit: []string{"a.example", "a.example.b"}, want: BadSignature},

		{what: "the last second", link: exact, now: until.Unix() - 1, want: Valid},
		{what: "the first second after", link: exact, now: until.Unix(), want: Expired},
		{what: "a later moment", link: exact, edit: []string{"Expires=18", "Expires=28"}, want: BadSignature},
		{what: "a moment with a sign", link: exact, edit: []string{"Expires=", "Expires=+"}, want: Malformed},
		{what: "a moment with a zero before", link: exact, edit: []string{"Expires=", "Expires=0"}, want: Malformed},
		{what: "a moment in hexadecimal", link: exact, edit: []string{"Expires=1800000000", "Expires=0x7fffffff"}, want: Malformed},
		{what: "a moment beyond what fits", link: exact, edit: []string{"Expires=", "Expires=99999999999999"}, want: Malformed},
		{what: "no moment", link: exact, edit: []string{"1800000000", ""}, want: Malformed},

		{what: "another path", link: exact, edit: []string{"a.mp4", "b.mp4"}, want: BadSignature},
		{what: "another case of the path", link: exact, edit: []string{"/films", "/Films"}, want: BadSignature},
		{what: "a letter that is encoded", link: exact, edit: []string{"/films", "/%66ilms"}, want: BadSignature},
		{what: "two slashes", link: exact, edit: []string{"/films/", "/films//"}, want: BadSignature},
		{what: "a dot segment", link: exact, edit: []string{"/films/", "/films/./"}, want: BadSignature},
		{what: "there and back", link: exact, edit: []string{"/films/", "/x/../films/"}, want: BadSignature},
		{what: "a path that goes on", link: exact, edit: []string{"a.mp4", "a.mp4/../b.mp4"}, want: BadSignature},

		{what: "a parameter less", link: exact, edit: []string{"x=1&", ""}, want: BadSignature},
		{what: "a parameter more, before", link: exact, edit: []string{"x=1", "x=1&y=2"}, want: BadSignature},
		{what: "a parameter more, first", link: exact, edit: []string{"?", "?y=2&"}, want: BadSignature},
		{what: "a parameter more, after", link: exact, edit: []string{signature, signature + "&y=2"}, want: Malformed},
		{what: "an ampersand after", link: exact, edit: []string{signature, signature + "&"}, want: Malformed},
		{what: "an ampersand before", link: exact, edit: []string{"x=1", ""}, want: Malformed},
		{what: "another order", link: exact, edit: []string{"x=1&" + group, group + "&x=1"}, want: Malformed},
		{what: "ours in another order", link: exact, edit: []string{"Expires=1800000000&KeyName=k1", "KeyName=k1&Expires=1800000000"}, want: Malformed},
		{what: "ours twice", link: exact, edit: []string{"x=1", group}, want: Malformed},
		{what: "a second signature", link: exact, edit: []string{signature, signature + "&Signature=" + signature}, want: Malformed},
		{what: "a second end", link: exact, edit: []string{"Expires=", "Expires=2800000000&Expires="}, want: Malformed},
		{what: "a second end, encoded", link: exact, edit: []string{"x=1", "%45%78pires=2800000000"}, want: Malformed},
		{what: "a second end after a semicolon", link: exact, edit: []string{"x=1", "x=1;Expires=2800000000"}, want: Malformed},
		{what: "a signature whose name is encoded", link: exact, edit: []string{"Signature", "%53ignature"}, want: Malformed},
		{what: "names in another case", link: exact, edit: []string{"Expires", "expires"}, want: Malformed},
		{what: "a signature in another case", link: exact, edit: []string{"Signature", "signature"}, want: Malformed},
		{what: "a plus for nothing", link: exact, edit: []string{"x=1", "x=1+"}, want: BadSignature},
		{what: "semicolons for ampersands", link: exact, edit: []string{"&Expires", ";Expires"}, want: Malformed},
		{what: "no signature", link: exact, edit: []string{"&Signature=" + signature, ""}, want: Malformed},
		{what: "an empty signature", link: exact, edit: []string{signature, ""}, want: Malformed},
		{what: "half a signature", link: exact, edit: []string{signature, signature[:20]}, want: Malformed},
		{what: "a longer signature", link: exact, edit: []string{signature, signature + "A"}, want: Malformed},
		{what: "a padded signature", link: exact, edit: []string{signature, signature + "="}, want: Malformed},
		{what: "an encoded signature", link: exact, edit: []string{signature, "%" + signature[1:]}, want: BadSignature},
		{what: "none of it", link: "https://a.example/films/a.mp4?x=1", want: Missing},
		{what: "no query", link: "https://a.example/films/a.mp4", want: Missing},
		{what: "a name that is longer", link: "https://a.example/?Signatures=1&XExpires=2", want: Missing},
		{what: "a link's parameters on nothing", link: "https://a.example/?" + group, want: BadSignature},

		{what: "a key that is not there", link: exact, edit: []string{"KeyName=k1", "KeyName=k9"}, want: UnknownKey},
		{what: "the other key", link: exact, edit: []string{"KeyName=k1", "KeyName=k2"}, want: BadSignature},
		{what: "no key", link: exact, edit: []string{"KeyName=k1", "KeyName="}, want: Malformed},
		{what: "a key with an encoded name", link: exact, edit: []string{"KeyName=k1", "KeyName=%6b1"}, want: Malformed},

		{what: "below", link: below, want: Valid},
		{what: "further below", link: below, edit: []string{"/films/", "/films/a/b.ts"}, want: Valid},
		{what: "below, with a query", link: below, edit: []string{"/films/?", "/films/a.ts?x=1&"}, want: Valid},
		{what: "below, with a dot in a name", link: below, edit: []string{"/films/", "/films/.a/...b/c."}, want: Valid},
		{what: "below, with encodings", link: below, edit: []string{"/films/", "/films/a%20b/100%C3%A4.txt"}, want: Valid},
		{what: "below, with an encoded percent sign", link: below, edit: []string{"/films/", "/films/100%25"}, want: Outside},
		{what: "the folder without its slash", link: below, edit: []string{"/films/", "/films"}, want: Outside},
		{what: "a name that begins so", link: below, edit: []string{"/films/", "/filmstock/a"}, want: Outside},
		{what: "beside", link: below, edit: []string{"/films/", "/books/"}, want: Outside},
		{what: "back out", link: below, edit: []string{"/films/", "/films/../books/"}, want: Outside},
		{what: "back out, encoded", link: below, edit: []string{"/films/", "/films/%2e%2E/books/"}, want: Outside},
		{what: "back out, half encoded", link: below, edit: []string{"/films/", "/films/.%2e/books/"}, want: Outside},
		{what: "back out, encoded twice", link: below, edit: []string{"/films/", "/films/%252e%252e/books/"}, want: Outside},
		{what: "back out, encoded twice, digit by digit", link: below, edit: []string{"/films/", "/films/%25%32%65%25%32%65/books/"}, want: Outside},
		{what: "back out, encoded twice, one digit of two", link: below, edit: []string{"/films/", "/films/%252%65%252%65/books/"}, want: Outside},
		{what: "back out with an encoded question mark", link: below, edit: []string{"/films/", "/films/..%3fx"}, want: Outside},
		{what: "back out with an encoded number sign", link: below, edit: []string{"/films/", "/films/..%23"}, want: Outside},
		{what: "below, with an encoded question mark", link: below, edit: []string{"/films/", "/films/a%3Fb%23..c"}, want: Valid},
		{what: "back out at the end", link: below, edit: []string{"/films/", "/films/.."}, want: Outside},
		{what: "back out with a parameter", link: below, edit: []string{"/films/", "/films/..;a=b/books/"}, want: Outside},
		{what: "back out with an encoded parameter", link: below, edit: []string{"/films/", "/films/..%3ba/books/"}, want: Outside},
		{what: "back out with an encoded slash", link: below, edit: []string{"/films/", "/films/..%2fbooks/"}, want: Outside},
		{what: "an encoded slash", link: below, edit: []string{"/films/", "/films/a%2Fb"}, want: Outside},
		{what: "an encoded slash, twice", link: below, edit: []string{"/films/", "/films/a%252Fb"}, want: Outside},
		{what: "an encoded backslash", link: below, edit: []string{"/films/", "/films/..%5cbooks"}, want: Outside},
		{what: "an encoded NUL", link: below, edit: []string{"/films/", "/films/a%00.ts"}, want: Outside},
		{what: "an empty segment", link: below, edit: []string{"/films/", "/films//a"}, want: Outside},
		{what: "an empty segment before", link: below, edit: []string{"/films/", "//films/a"}, want: Outside},
		{what: "the prefix in another case", link: below, edit: []string{"/films/", "/FILMS/"}, want: Outside},
		{what: "the prefix, encoded", link: below, edit: []string{"/films/", "/%66ilms/"}, want: Outside},
		{what: "a prefix with an encoding", link: spaced, edit: []string{"/my%20films/", "/my%20films/a"}, want: Valid},
		{what: "a prefix that is spelled otherwise", link: spaced, edit: []string{"/my%20films/", "/my+films/"}, want: Outside},
		{what: "below at another host", link: below, edit: []string{"a.example", "b.example"}, want: BadSignature},
		{what: "a wider prefix", link: below, edit: []string{"L2ZpbG1zLw", "Lw"}, want: BadSignature},
		{what: "no prefix", link: below, edit: []string{"URLPrefix=L2ZpbG1zLw&", ""}, want: BadSignature},
		{what: "an empty prefix", link: below, edit: []string{"L2ZpbG1zLw", ""}, want: Malformed},
		{what: "a prefix twice", link: below, edit: []string{"URLPrefix=", "URLPrefix=Lw&URLPrefix="}, want: Malformed},
		{what: "a prefix on an exact link", link: exact, edit: []string{"Expires=", "URLPrefix=Lw&Expires="}, want: BadSignature},

		{what: "an address inside", link: some, client: "203.0.113.200", want: Valid},
		{what: "an address inside, as IPv6", link: some, client: "::ffff:203.0.113.200", want: Valid},
		{what: "an address outside", link: some, client: "203.0.114.1", want: WrongAddress},
		{what: "an address outside, as IPv6", link: some, client: "::ffff:203.0.114.1", want: WrongAddress},
		{what: "an address of the other kind", link: some, client: "2001:db8::1", want: WrongAddress},
		{what: "an address of the other kind, with its bits", link: some, client: "cb00:7100::", want: WrongAddress},
		{what: "no address", link: some, client: "-", want: WrongAddress},
		{what: "an address of IPv6", link: some6, client: "2001:db8:1::1", want: Valid},
		{what: "an address of IPv6 with a zone", link: some6, client: "2001:db8:1::1%eth0", want: Valid},
		{what: "another address of IPv6", link: some6, client: "2001:db9::1", want: WrongAddress},
		{what: "a range that was given as IPv6", link: mapped, client: "203.0.113.200", want: Valid},
		{what: "a wider range", link: some, edit: []string{"/24", "/8"}, client: "203.0.114.1", want: Malformed},
		{what: "a wider range, without bits beyond", link: some, edit: []string{"203.0.113.0/24", "0.0.0.0/0"}, client: "203.0.114.1", want: BadSignature},
		{what: "a range of mapped addresses", link: some, edit: []string{"203.0.113.0/24", "::ffff:203.0.113.0/120"}, want: Malformed},
		{what: "a range that is none", link: some, edit: []string{"203.0.113.0/24", "all"}, want: Malformed},
		{what: "no range", link: some, edit: []string{"&IPRange=203.0.113.0/24", ""}, want: BadSignature},
		{what: "expired, and from elsewhere", link: some, client: "203.0.114.1", now: until.Unix(), want: Expired},
		{what: "expired, and changed", link: exact, edit: []string{"x=1", "x=2"}, now: until.Unix(), want: BadSignature},
	} {
		link := tt.link
		for i := 0; i < len(tt.edit); i += 2 {
			edited := strings.Replace(link, tt.edit[i], tt.edit[i+1], 1)
			if edited == link {
				t.Fatalf("%s: no %q in %s", tt.what, tt.edit[i], link)
			}
			link = edited
		}
		client := home
		switch tt.client {
		case "":
		case "-":
			client = netip.Addr{}
		default:
			client = netip.MustParseAddr(tt.client)
		}
		at := now
		if tt.now != 0 {
			at = tt.now
		}
		if rest, got := check(t, keysOf(t, k1, k2), link, client, at); got != tt.want || got != Valid && rest != "" {
			t.Errorf("%s: %v, want %v: %s", tt.what, got, tt.want, link)
		}
		// Who writes a name in another case has a parameter of another name.
		if got := Plain(link); strings.Contains(got, signature[:20]) && !strings.Contains(link, "signature=") {
			t.Errorf("%s: %s keeps a signature", tt.what, got)
		}
	}
}

// Whichever bit of a signature differs, it is a bad one, or none of its form;
// and no other text passes for it.
func TestEveryBit(t *testing.T) {
	link := signed(t, "https://a.example/a", Options{})
	at := len(link) - signatureLen
	keys := keysOf(t, k1)
	for i := at; i < len(link); i++ {
		for c := byte(' ' + 1); c < 0x7f; c++ {
			if c == link[i] || c == '&' || c == '#' {
				continue
			}
			if _, v := check(t, keys, link[:i]+string(c)+link[i+1:], home, now); v != BadSignature {
				t.Errorf("byte %d as %q: %v", i-at, c, v)
			}
		}
	}
	for i := 1; i < len(link); i++ {
		for bit := range 7 {
			b := []byte(link)
			b[i] ^= 1 << bit
			host, path, query := parts(string(b))
			// The scheme and the port are nobody's, and hosts have no case.
			if strings.EqualFold(string(b), link) && i < len("https://a.example/") || i < len("https://") {
				continue
			}
			if _, v := keys.NewChecker().Check(host, path, query, home, now); v == Valid {
				t.Errorf("%s is valid", b)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	for link, want := range map[string]string{
		"/a":                               "/a",
		"/a?b=1":                           "/a?b=1",
		"/a?Expires=1":                     "/a?Expires=1", // nothing that could be used
		"/a?Expires=1&Signature=x":         "/a",
		"/a?b=1&Expires=1&Signature=x":     "/a?b=1",
		"/a?b=1;Signature=x":               "/a?b=1",
		"/a?Signature=x&b=1":               "/a",
		"/a?%53ign%61ture=x":               "/a",
		"/a?Signature":                     "/a",
		"/a?&&Signature=x":                 "/a?&",
		"https://h/a?c&KeyName=&Signature": "https://h/a?c",
		"?Signature=x":                     "",
		"/a?Signatures=x":                  "/a?Signatures=x",
		"/a?%":                             "/a?%",
	} {
		if got := Plain(link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}
