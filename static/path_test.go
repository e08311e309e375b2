package static

import (
	"strings"
	"testing"

	"freshet/internal/rule"
)

func TestDecodePath(t *testing.T) {
	long := strings.Repeat("x", maxSegment)
	for _, c := range []struct {
		raw    string
		name   string
		dir    bool
		broken rule.ID
	}{
		{"/", "", true, 0},
		{"", "", true, 0},
		{"/a", "a", false, 0},
		{"a", "a", false, 0}, // as http.StripPrefix may leave it
		{"/a/b.css", "a/b.css", false, 0},
		{"/a/", "a", true, 0},
		{"/a//b", "a/b", false, 0},
		{"//a", "a", false, 0},
		{"/a//", "a", true, 0},
		{"/./a/./b/.", "a/b", true, 0},
		{"/a/../b", "b", false, 0},
		{"/a/..", "", true, 0},
		{"/a/%2e%2E/b", "b", false, 0},
		{"/a%20b", "a b", false, 0},
		{"/%e4%BD%a0", "你", false, 0},
		{"/100%25", "100%", false, 0},
		{"/a;b=c,d@e", "a;b=c,d@e", false, 0},
		{"/.well-known/x", ".well-known/x", false, 0},
		{"/...", "...", false, 0},
		{"/" + long, long, false, 0},
		{"/%78" + long[1:], long, false, 0},

		{"/..", "", false, rule.StaticOutside},
		{"/../etc/passwd", "", false, rule.StaticOutside},
		{"/a/../../b", "", false, rule.StaticOutside},
		{"/%2e%2e/b", "", false, rule.StaticOutside},
		{"/a%2fb", "", false, rule.StaticBadPath},
		{"/a%2Fb", "", false, rule.StaticBadPath},
		{"/..%2f..%2fetc", "", false, rule.StaticBadPath},
		{"/a%5cb", "", false, rule.StaticBadPath},
		{`/a\b`, "", false, rule.StaticBadPath},
		{"/a%00", "", false, rule.StaticBadPath},
		{"/a%", "", false, rule.StaticBadPath},
		{"/a%4", "", false, rule.StaticBadPath},
		{"/a%zz", "", false, rule.StaticBadPath},
		{"/" + long + "x", "", false, rule.StaticPathTooLong},
		{"/%78" + long, "", false, rule.StaticPathTooLong},
		{"/" + strings.Repeat("x/", maxPath/2+2), "", false, rule.StaticPathTooLong},
	} {
		name, dir, broken := decodePath(c.raw)
		if broken != c.broken || broken == 0 && (name != c.name || dir != c.dir) {
			t.Errorf("decodePath(%.60q) = %.60q, %v, %v, want %q, %v, %v", c.raw, name, dir, broken, c.name, c.dir, c.broken)
		}
	}
}

// FuzzDecodePath: whatever comes in, a name that is accepted is canonical and
// below the root, and encoding it again leads back to it.
func FuzzDecodePath(f *testing.F) {
	for _, seed := range []string{"/", "/a/b.css", "/a/../b", "/..", "/%2e%2e/%2e%2e/etc", "/a%2fb", "//x//", "/%C3%A4/", "/a%00", "/%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name, dir, broken := decodePath(raw)
		if broken != 0 {
			return
		}
		if strings.ContainsAny(name, "\\\x00") || len(name) > maxPath {
			t.Fatalf("%q: name %q", raw, name)
		}
		escaped := ""
		if name != "" {
			for _, segment := range strings.Split(name, "/") {
				if segment == "" || segment == "." || segment == ".." || len(segment) > maxSegment {
					t.Fatalf("%q: name %q has the segment %q", raw, name, segment)
				}
				escaped += "/" + escapeSegment(segment)
			}
		}
		if dir {
			escaped += "/"
		}
		if n, d, b := decodePath(escaped); n != name || d != dir || b != 0 {
			t.Fatalf("%q → %q, %v; %q → %q, %v, %v", raw, name, dir, escaped, n, d, b)
		}
	})
}

func TestHiddenPath(t *testing.T) {
	for name, want := range map[string]bool{
		"":                             false,
		"index.html":                   false,
		".env":                         true,
		".env.production":              true,
		".htpasswd":                    true,
		".git/config":                  true,
		"a/.git/config":                true,
		".well-known/acme-challenge/x": false,
		".well-known/.secret":          true,
		"a/.well-known/x":              true,
		"CVS/Root":                     true,
		"cvs/jane.pdf":                 false,
		"a/.svn":                       true,
		"page.html~":                   true,
		"#page.html#":                  true,
		"#1.html":                      false,
		".#page.html":                  true,
		"page.html.bak":                true,
		"PAGE.BAK":                     true,
		"x.orig":                       true,
		".page.swp":                    true,
		"page.swp":                     true,
		"server.key":                   true,
		"Server.KEY":                   true,
		"server.pem":                   false,
		"fullchain.pem":                false,
		"pubkey.pem":                   false,
		"key.pem":                      true,
		"a/privkey1.pem":               true,
		"localhost+2-key.pem":          true,
		"id_rsa":                       true,
		"a/id_ed25519":                 true,
		"store.p12":                    true,
		"passwords.kdbx":               true,
		"a/b/c.txt":                    false,
		"key":                          false,
		"keyboard.html":                false,
		"background.jpg":               false,
		"a/...":                        true,
	} {
		if got := hiddenPath(name); got != want {
			t.Errorf("hiddenPath(%q) = %v", name, got)
		}
	}
}

func TestEscapeSegment(t *testing.T) {
	for in, want := range map[string]string{"a-b_c.d~e": "a-b_c.d~e", "a b": "a%20b", "a:b": "a%3Ab", "ä?#": "%C3%A4%3F%23", "%": "%25", "a\r\n": "a%0D%0A"} {
		if got := escapeSegment(in); got != want {
			t.Errorf("escapeSegment(%q) = %q, want %q", in, got, want)
		}
	}
}
