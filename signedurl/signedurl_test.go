package signedurl

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"
	"time"

	"freshet/internal/alloctest"
)

var (
	k1    = Key{"k1", []byte("0123456789abcdef")}
	k2    = Key{"k2", []byte("fedcba9876543210")}
	until = time.Unix(1_800_000_000, 0)
	now   = until.Unix() - 1
)

func keysOf(t testing.TB, all ...Key) *Keys {
	t.Helper()
	k, err := NewKeys(all...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t testing.TB, url string, o Options) string {
	t.Helper()
	if o.Expires.IsZero() {
		o.Expires = until
	}
	link, err := Sign(url, k1, o)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// parts returns what a client sends for a URL.
func parts(url string) (host, path, query string) {
	_, after, _ := strings.Cut(url, "://")
	host, after, _ = strings.Cut(after, "/")
	path, query, _ = strings.Cut("/"+after, "?")
	return host, path, query
}

var home = netip.MustParseAddr("203.0.113.7")

func check(t testing.TB, k *Keys, url string, client netip.Addr, now int64) (string, Verdict) {
	t.Helper()
	host, path, query := parts(url)
	return k.NewChecker().Check(host, path, query, client, now)
}

// What is signed is what the documentation says, so that other programs can make
// links.
func TestForm(t *testing.T) {
	for _, tt := range []struct {
		url    string
		o      Options
		link   string // without the signature
		signed string
	}{
		{"https://example.org/films/a.mp4", Options{}, "https://example.org/films/a.mp4?Expires=1800000000&KeyName=k1",
			"example.org/films/a.mp4?Expires=1800000000&KeyName=k1"},
		{"http://Example.ORG:8000/a?b=1&c", Options{}, "http://Example.ORG:8000/a?b=1&c&Expires=1800000000&KeyName=k1",
			"example.org/a?b=1&c&Expires=1800000000&KeyName=k1"},
		{"https://example.org", Options{}, "https://example.org/?Expires=1800000000&KeyName=k1", "example.org/?Expires=1800000000&KeyName=k1"},
		{"https://[2001:DB8::1]:8443/a?", Options{}, "https://[2001:DB8::1]:8443/a?Expires=1800000000&KeyName=k1",
			"[2001:db8::1]/a?Expires=1800000000&KeyName=k1"},
		{"https://example.org/films/x/a.mp4?q=1", Options{Prefix: "/films/"}, "https://example.org/films/x/a.mp4?q=1&URLPrefix=L2ZpbG1zLw&Expires=1800000000&KeyName=k1",
			"example.org?URLPrefix=L2ZpbG1zLw&Expires=1800000000&KeyName=k1"},
		{"https://example.org/a", Options{IP: netip.MustParsePrefix("203.0.113.99/24")}, "https://example.org/a?Expires=1800000000&KeyName=k1&IPRange=203.0.113.0/24",
			"example.org/a?Expires=1800000000&KeyName=k1&IPRange=203.0.113.0/24"},
		{"https://example.org/it's?a='b'", Options{}, "https://example.org/it's?a=%27b%27&Expires=1800000000&KeyName=k1",
			"example.org/it's?a=%27b%27&Expires=1800000000&KeyName=k1"},
	} {
		mac := hmac.New(sha256.New, k1.Secret)
		mac.Write([]byte(tt.signed))
		want := tt.link + "&Signature=" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		got := signed(t, tt.url, tt.o)
		if got != want {
			t.Errorf("%s:\n%s, want\n%s", tt.url, got, want)
		}
		if _, v := check(t, keysOf(t, k1), got, home, now); v != Valid {
			t.Errorf("%s: %v", got, v)
		}
		if plain := Plain(got); plain != strings.TrimSuffix(strings.ReplaceAll(tt.url, "a='b'", "a=%27b%27"), "?") && plain != tt.url+"/" {
			t.Errorf("%s is plainly %s", got, plain)
		}
	}
}

func TestRest(t *testing.T) {
	for url, want := range map[string]string{
		"https://a.example/x": "", "https://a.example/x?": "", "https://a.example/x?b": "b", "https://a.example/x?b=1&c=2&": "b=1&c=2&",
	} {
		if rest, v := check(t, keysOf(t, k1), signed(t, url, Options{}), home, now); v != Valid || rest != want {
			t.Errorf("%s: %q, %v", url, rest, v)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	ok := Options{Expires: until}
	for _, tt := range []struct {
		url  string
		o    Options
		says string
	}{
		{"/a", ok, "is no URL of http or https"},
		{"ftp://a.example/", ok, "is no URL of http or https"},
		{"https:///a", ok, "its host is none"},
		{"https://bücher.example/", ok, "xn--"},
		{"https://a:b@c.example/", ok, "it has a login"},
		{"https://a.example/a#b", ok, "fragment"},
		{"https://a.example/a b", ok, "percent-encode"},
		{"https://a.example/ä", ok, "percent-encode"},
		{"https://a.example/a/../b", ok, "dot segment"},
		{"https://a.example/a/%2E./b", ok, "dot segment"},
		{"https://a.example/a?Signature=x", ok, "it has a parameter that a signed link ends in"},
		{"https://a.example/a?%45xpires=1", ok, "it has a parameter that a signed link ends in"},
		{"https://a.example/a?x=1;KeyName=1", ok, "it has a parameter that a signed link ends in"},
		{"https://a.example/a?&x=1", ok, "begins with an ampersand"},
		{"https://a.example/a", Options{}, "has to end"},
		{"https://a.example/a", Options{Expires: time.Unix(0, 0)}, "has to end"},
		{"https://a.example/a", Options{Expires: time.Unix(maxSeconds, 0)}, "has to end"},
		{"https://a.example/ab", Options{Expires: until, Prefix: "/a"}, "does not begin and end with a slash"},
		{"https://a.example/ab", Options{Expires: until, Prefix: "/a/"}, "is not below the prefix"},
		{"https://a.example/a/b", Options{Expires: until, Prefix: "/a/../a/"}, "is no plain path"},
		{"https://a.example/a//b", Options{Expires: until, Prefix: "/a/"}, "an empty segment"},
		{"https://a.example/a", Options{Expires: until, IP: netip.PrefixFrom(netip.MustParseAddr("::ffff:1.2.3.4"), 64)}, "no range of addresses"},
		{"https://a.example/a", Options{Expires: until, IP: netip.PrefixFrom(home, 33)}, "no range of addresses"},
	} {
		if link, err := Sign(tt.url, k1, tt.o); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %s, %v; want %q", tt.url, link, err, tt.says)
		}
	}
	if _, err := Sign("https://a.example/", Key{"k", []byte("short")}, ok); err == nil {
		t.Error("a short secret signs")
	}
}

func TestKeys(t *testing.T) {
	k, err := ParseKeys([]byte("# all\n\nk2  MDEyMzQ1Njc4OWFiY2RlZg==\r\n\tk1 30313233343536373839616263646566\n"))
	if err != nil || strings.Join(k.IDs(), " ") != "k2 k1" || string(k.First().Secret) != "0123456789abcdef" || string(k.all[1].Secret) != "0123456789abcdef" {
		t.Fatalf("%+v, %v", k, err)
	}
	if again, err := ParseKeys([]byte(k.First().String())); err != nil || string(again.First().Secret) != string(k.First().Secret) {
		t.Error(again, err)
	}
	many := strings.Builder{}
	for i := range MaxKeys + 1 {
		many.WriteString("k" + strings.Repeat("x", i/8) + string(rune('a'+i%8)) + " MDEyMzQ1Njc4OWFiY2RlZg\n")
	}
	for text, says := range map[string]string{
		"":                                  "there is no key",
		"k1":                                "line 1: a line is a name and a secret",
		"# \nk1 MDEyMzQ1Njc4OWFiY2RlZg and": "line 2: a line is",
		"k1 MDEyMzQ1Njc4OWFiY2Rl":           "line 1: the secret of key k1 has 15 bytes; it needs 16",
		"k1 MDEyMzQ1Njc4OWFi+2RlZg":         "line 1: the secret is neither",
		"k&1 MDEyMzQ1Njc4OWFiY2RlZg":        "is no name of a key",
		"k MDEyMzQ1Njc4OWFiY2RlZg\nk MDEyMzQ1Njc4OWFiY2RlZh8": "there are two keys k",
		many.String():                            "64 are the most",
		"k " + strings.Repeat("00", MaxSecret+1): "more than 1024 bytes",
	} {
		_, err := ParseKeys([]byte(text))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "MDEyM") {
			t.Errorf("%v tells a secret", err)
		}
	}
}

// A server with a new key believes links of the one before while it has that.
func TestRotation(t *testing.T) {
	link := signed(t, "https://a.example/x", Options{})
	for _, tt := range []struct {
		keys []Key
		want Verdict
	}{
		{[]Key{k1}, Valid}, {[]Key{k2, k1}, Valid}, {[]Key{k2}, UnknownKey}, {[]Key{{"k1", k2.Secret}}, BadSignature}, {[]Key{{"K1", k1.Secret}}, UnknownKey},
	} {
		if _, v := check(t, keysOf(t, tt.keys...), link, home, now); v != tt.want {
			t.Errorf("%v: %v, want %v", tt.keys, v, tt.want)
		}
	}
}

// Checking allocates nothing, whatever comes of it.
func TestCheckAllocs(t *testing.T) {
	c := keysOf(t, k2, k1).NewChecker()
	for name, url := range map[string]string{
		"exact":     signed(t, "https://a.example/films/a.mp4?x=1", Options{}),
		"prefix":    signed(t, "https://a.example/films/a.mp4?x=1", Options{Prefix: "/films/", IP: netip.MustParsePrefix("2001:db8::/32")}),
		"bad":       strings.Replace(signed(t, "https://a.example/films/a.mp4", Options{}), "films", "filmt", 1),
		"malformed": "https://a.example/?a=1&%53ignature=1",
		"missing":   "https://a.example/?a=1&b=2",
	} {
		host, path, query := parts(url)
		if n := alloctest.PerRun(100, func() { c.Check(host, path, query, home, now) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	target := "/films/a.mp4?x=1&Expires=1&Signature=2"
	if n := alloctest.PerRun(100, func() { Plain(target) }); n != 0 {
		t.Errorf("Plain: %v allocations", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, o := range map[string]Options{"exact": {}, "prefix": {Prefix: "/films/"}, "address": {IP: netip.MustParsePrefix("203.0.113.0/24")}} {
		b.Run(name, func(b *testing.B) {
			c := keysOf(b, k1).NewChecker()
			host, path, query := parts(signed(b, "https://www.example.org/films/2026/a-name-of-usual-length.mp4?quality=1080", o))
			b.ReportAllocs()
			for b.Loop() {
				if _, v := c.Check(host, path, query, home, now); v != Valid {
					b.Fatal(v)
				}
			}
		})
	}
}
