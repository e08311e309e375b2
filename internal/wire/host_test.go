package wire

import (
	"net"
	"strings"
	"testing"
)

func TestValidHost(t *testing.T) {
	for _, s := range []string{
		"", "h", "example.com", "example.com.", "EXAMPLE.com:80", "h:", "h:0", "h:65535", "h:00080",
		"127.0.0.1", "127.0.0.1:8000", "999.1", "a_b-c~d", "a%20b", "caf%C3%A9:1", "!$&'()*+;=",
		"[::1]", "[::1]:8000", "[::]:", "[2001:db8::1]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::ffff:1.2.3.4]",
		"[::FFFF:1.2.3.4]", "[v1.a:b]", "[vF0.x]:1", "[V1.-]",
	} {
		if !ValidHost(s) {
			t.Errorf("ValidHost(%q) = false", s)
		}
	}
	for _, s := range []string{
		":", ":80", " ", "h ", " h", "a b", "a\tb", "a,b", "a, b", "u@h", "u:p@h", "h/", "h?", "h#", "http://h", "h\\", "<h>",
		"h:x", "h:80x", "h:-1", "h:+1", "h: 80", "h:65536", "h:99999999999999999999999999", "h:80:80", "a:b:c", "::1",
		"%", "h%", "h%4", "h%4g", "h%g4", "é", "h\x00", "h\x7f", "h\r",
		"[", "]", "[]", "[::1", "::1]", "[::1]x", "[::1]80", "[::1]:x", "[[::1]]", "[::1%25eth0]", "[::1%eth0]", "[:::1]",
		"[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[12345::]", "[::1.2.3]", "[::01.2.3.4]", "[127.0.0.1]", "[h]", "[g::]",
		"[::1]:65536", "[v.a]", "[v1.]", "[v1]", "[vg.a]", "[v1.a,b]", "[v1.%41]", "[v1.[]", "a[::1]",
		"[" + strings.Repeat("0", 1000) + "::]",
	} {
		if ValidHost(s) {
			t.Errorf("ValidHost(%q) = true", s)
		}
	}
}

func TestHostName(t *testing.T) {
	for host, want := range map[string]string{
		"a.example": "a.example", "A.example:80": "A.example", "a.example.": "a.example", "a.example.:80": "a.example",
		"[::1]": "[::1]", "[::1]:80": "[::1]", "": "", ":80": "", "a:": "a",
	} {
		if got := HostName(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

// FuzzWithoutPort compares with the standard library.
func FuzzWithoutPort(f *testing.F) {
	for _, s := range []string{
		"", ":", "h", "h:", "h:80", ":80", "::1", "[::1]", "[::1]:80", "[]:80", "[]", "[", "[:80", "]:80", "[h]:80", "[a:b]:", "[[a]]:80",
		"a[b:80", "a]b:80", "h:8]0", "h:[80", "x[::1]:80", "[::1]x:80", "[::1]:80:90", "a:b:c", "[::1%25eth0]:80", "[a]b]:80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, _, err := net.SplitHostPort(s)
		if err != nil {
			want = s
		}
		if got := WithoutPort(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	})
}
