package wire

import (
	"bytes"
	"io"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"freshet/internal/rule"
)

// fuzzLimits makes every combination of what is forgiven, and tight bounds.
func fuzzLimits(flags byte) Limits {
	l := Limits{LenientLF: flags&1 != 0, LenientFold: flags&2 != 0, AllowHTTP09: flags&4 != 0}
	if flags&8 != 0 {
		l.MaxHeadBytes, l.MaxTargetBytes, l.MaxFields = 100, 20, 4
	}
	return l
}

func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		bareHead, browserHead, "GET /a\r\n", "GET / HTTP/1.1\nHost: h\n\n", get11 + "A: b\r\n c\r\n\r\n",
		"\r\nPOST http://u:80/?q HTTP/1.0\r\nContent-Length: 5, 5\r\n\r\nhello", "CONNECT [::1]:1 HTTP/1.1\r\nHost:\r\n\r\n",
		get11 + "Transfer-Encoding: chunked\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
	} {
		for flags := range byte(16) {
			f.Add([]byte(s), flags)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, flags byte) {
		l := fuzzLimits(flags)
		var h Head
		buf := bytes.Clone(in)
		n, broken := l.ParseRequest(buf, &h)
		if !l.LenientFold && !bytes.Equal(buf, in) {
			t.Fatal("the buffer was written to")
		}
		if n < 0 || n > len(in) || n > l.maxHeadBytes() || n != 0 && broken != 0 {
			t.Fatalf("n = %d, %v", n, broken)
		}

		// A shorter read says the same, or that it cannot tell yet. A long
		// buffer that does not end in a whole line is not looked through.
		for cut := range min(len(in), 300) {
			var early Head
			m, fault := l.ParseRequest(bytes.Clone(in[:cut]), &early)
			if m == 0 && fault == 0 || n == 0 && broken == 0 && fault != 0 && len(in) >= searchFrom {
				continue
			}
			if m != n || fault != broken {
				t.Fatalf("%d octets: %d %v; all: %d %v", cut, m, fault, n, broken)
			}
		}
		if n == 0 {
			return
		}

		if len(h.Fields) > l.maxFields() || len(h.Target) > l.maxTargetBytes() || !ValidMethod(h.Method) ||
			!ValidTarget(h.Method, h.Target) || !ValidHost(h.Host) || h.Chunked != (h.ContentLength < 0) {
			t.Fatalf("%+v", h)
		}
		for _, x := range h.Fields {
			if !ValidFieldName(x.Name) || !ValidFieldValue(x.Value) || x.Known != LookupKnown(x.Name) {
				t.Fatalf("%+v", x)
			}
		}
		if h.Major == 0 {
			return
		}
		// What was understood, written plainly, is understood as the same.
		plain := h.Method + " " + h.Target + " HTTP/1." + strconv.Itoa(int(h.Minor)) + "\r\n"
		for _, x := range h.Fields {
			plain += x.Name + ": " + x.Value + "\r\n"
		}
		plain += "\r\n"
		var again Head
		wide := Limits{MaxHeadBytes: 1 << 20}
		if n, broken := wide.ParseRequest([]byte(plain), &again); n != len(plain) || broken != 0 {
			t.Fatalf("%q: %d %v", plain, n, broken)
		}
		if !slices.Equal(h.Fields, again.Fields) || h.Host != again.Host || h.Path != again.Path || h.Query != again.Query ||
			h.ContentLength != again.ContentLength || h.Close != again.Close || h.Upgrade != again.Upgrade {
			t.Fatalf("%+v\nbut written plainly\n%+v", h, again)
		}
	})
}

func FuzzChunked(f *testing.F) {
	for _, s := range []string{
		"0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\nGET /", "1;a=b;c=\"\\\"d\"\r\nx\r\n0;e\r\nA: b\r\n\r\n", "5;\r\n", "5 \r\n",
		"7fffffffffffffff\r\nx", "1\r\nxx", "0\r\nContent-Length: 1\r\n\r\n", "a\r\n0123456789\r\nB\r\n",
	} {
		f.Add([]byte(s), byte(1))
		f.Add([]byte(s), byte(5))
	}
	f.Fuzz(func(t *testing.T, in []byte, step byte) {
		var whole, parts Chunked
		body, n, done, broken := decode(&whole, string(in), len(in)+1)
		body2, n2, done2, broken2 := decode(&parts, string(in), int(step)+1)
		if body != body2 || n != n2 && broken == 0 || done != done2 || broken != broken2 || !slices.Equal(whole.Trailer, parts.Trailer) {
			t.Fatalf("whole: %q %d %v %v; in portions of %d: %q %d %v %v", body, n, done, broken, int(step)+1, body2, n2, done2, broken2)
		}
		if !done {
			if broken == 0 && n != len(in) {
				t.Fatalf("%d of %d octets taken", n, len(in))
			}
			return
		}
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(in)))
		if err != nil || string(want) != body {
			t.Fatalf("%q, net/http/httputil reads %q, %v", body, want, err)
		}
		for _, x := range whole.Trailer {
			if !ValidFieldName(x.Name) || !ValidFieldValue(x.Value) || refusedInTrailer&(1<<x.Known) != 0 {
				t.Fatalf("%+v", x)
			}
		}
	})
}

var hostGrammar = regexp.MustCompile(`^(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+(?::([0-9]*))?$`)

func FuzzValidHost(f *testing.F) {
	for _, s := range []string{
		"", "h", "h:80", "127.0.0.1:8000", "[::1]:80", "[v1.a]", "[::1", "a%20b", "a%2", "h:65536", "h:80:80", "u@h", "a,b", ":80",
		"[::ffff:1.2.3.4]", "[fe80::1%25eth0]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ValidHost(s)
		if s != "" && s[0] != '[' {
			m := hostGrammar.FindStringSubmatch(s)
			want := m != nil
			if want && strings.Trim(m[1], "0") != "" {
				port, err := strconv.Atoi(m[1])
				want = err == nil && port <= 65535
			}
			if got != want {
				t.Fatalf("ValidHost(%q) = %v", s, got)
			}
		}
		// net/url knows no IPvFuture, and decodes the escapes of a host.
		if got && !strings.HasPrefix(s, "[v") && !strings.HasPrefix(s, "[V") && !strings.Contains(s, "%") {
			if u, err := url.Parse("http://" + s + "/"); err != nil || u.Host != s || u.User != nil || u.Path != "/" {
				t.Fatalf("ValidHost(%q), but net/url says %v, %v", s, u, err)
			}
		}
		if got {
			head := "GET / HTTP/1.1\r\nHost: " + s + "\r\n\r\n"
			if n, broken := new(Limits).ParseRequest([]byte(head), new(Head)); n != len(head) && broken != rule.HeadTooLarge {
				t.Fatalf("%q: %v", head, broken)
			}
		}
	})
}
