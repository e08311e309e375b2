//go:build unix

package cgi_test

import (
	"net/http"
	"strings"
	"testing"

	"freshet/cgi"
)

// printf is a program that prints what a format of printf says.
func printf(format string) string { return sh("printf '" + format + "'") }

func TestAnswers(t *testing.T) {
	dir := folder(t,
		"hello", hello,
		"static.txt", "not a program",
		"status", printf(`Status: 404 Not There\r\nContent-Type: text/plain\r\nX-Two: a\r\nX-Two: b\r\n\r\nnone\n`),
		"length", printf(`Content-Type: text/plain\nContent-Length: 2\n\nok`),
		"more", printf(`Content-Type: text/plain\nContent-Length: 2\n\nok, and more`),
		"empty", printf(`Status: 204 No Content\n\n`),
		"304", printf(`Status: 304 Not Modified\nETag: "a"\n\n`),
		"typeless", printf(`Status: 200 OK\n\n<p>not guessed`),
		"hop", printf(`Content-Type: text/plain\nConnection: close, X-A\nKeep-Alive: 1\nX-B: b\n\nok`),
		"away", printf(`Location: http://example.org/there?x#y\n\n`),
		"away-text", printf(`Location: http://example.org/\nStatus: 301 Moved\nContent-Type: text/html\n\n<p>moved`),
		"beside", printf(`Location: //example.org/\n\n`),
		"local", sh(`printf 'Location: /show/info?q=%s\n\n' "$QUERY_STRING"`),
		"local-file", printf(`Location: /static.txt\n\n`),
		"show", sh(`printf 'Content-Type: text/plain\n\n'`, `echo "$REQUEST_METHOD $REQUEST_URI $PATH_INFO $QUERY_STRING len=$CONTENT_LENGTH type=$CONTENT_TYPE"`),
		"loop", printf(`Location: /loop\n\n`),
		"nph-raw", printf(`HTTP/1.0 203 Sure\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nraw`),
		"nph-bad", printf(`Content-Type: text/plain\n\nno status line`),
		"method", sh(`printf 'Content-Type: text/plain\n\n'`, `echo "$REQUEST_METHOD"`),
	)
	s, _ := run(t, dir, nil)
	for _, tt := range []struct {
		method, path string
		status       int
		body         string // "*": any
		// "Name: value" that must be there, "-Name" that must not, "?Name: value"
		// that may (a length is known of what a program prints without a pause),
		// separated by |.
		fields string
		rule   string
	}{
		{"GET", "/hello", 200, "hello\n", "Content-Type: text/plain|?Content-Length: 6", "script-answered"},
		{"HEAD", "/hello", 200, "", "Content-Type: text/plain", "script-answered"},
		{"GET", "/status", 404, "none\n", "X-Two: a, b|-Status", "script-answered"},
		{"GET", "/length", 200, "ok", "Content-Length: 2", "script-answered"},
		{"HEAD", "/length", 200, "", "Content-Length: 2", "script-answered"},
		{"GET", "/more", 200, "ok", "Content-Length: 2", "script-answered"},
		{"GET", "/empty", 204, "", "-Content-Length", "script-answered"},
		{"GET", "/304", 304, "", `ETag: "a"`, "script-answered"},
		{"GET", "/typeless", 200, "<p>not guessed", "-Content-Type", "script-answered"},
		{"GET", "/hop", 200, "ok", "-Keep-Alive|X-B: b", "script-answered"},
		{"GET", "/away", 302, "", "Location: http://example.org/there?x#y", "script-answered"},
		{"GET", "/away-text", 301, "<p>moved", "Location: http://example.org/", "script-answered"},
		{"GET", "/beside", 302, "", "Location: //example.org/", "script-answered"},
		{"GET", "/local?a", 200, "GET /show/info?q=a /info q=a len= type=\n", "-Location", "script-answered"},
		{"POST", "/local?b", 200, "GET /show/info?q=b /info q=b len= type=\n", "-Location", "script-answered"},
		{"HEAD", "/local?a", 200, "", "Content-Type: text/plain|-Location", "script-answered"},
		{"GET", "/local-file", 403, "*", "", "script-not-executable"},
		{"GET", "/loop", 502, "*", "", "script-redirect-loop"},
		{"GET", "/nph-raw", 203, "raw", "Content-Type: text/plain|?Content-Length: 3", "script-answered"},
		{"GET", "/nph-bad", 502, "*", "", "script-head-invalid"},
		{"DELETE", "/method", 200, "DELETE\n", "", "script-answered"},
		{"PROPFIND", "/method", 200, "PROPFIND\n", "", "script-answered"},
		{"OPTIONS", "/method", 200, "OPTIONS\n", "", "script-answered"},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			var body *strings.Reader
			var a answer
			if tt.method == "POST" {
				body = strings.NewReader("a body")
				a = s.do(tt.method, tt.path, body, "Content-Type", "text/x")
			} else {
				a = s.do(tt.method, tt.path, nil)
			}
			if a.err != nil || a.StatusCode != tt.status || tt.body != "*" && a.body != tt.body {
				t.Fatalf("%v %q %v", a.StatusCode, a.body, a.err)
			}
			checkFields(t, a.Header, tt.fields)
			if r := s.next(t); r.Rule.String() != tt.rule {
				t.Errorf("rule %v, want %s; %+v", r.Rule, tt.rule, r.Detail)
			}
		})
	}
}

// checkFields checks what a table says about fields.
func checkFields(t *testing.T, h http.Header, fields string) {
	t.Helper()
	for f := range strings.SplitSeq(fields, "|") {
		if name, absent := strings.CutPrefix(f, "-"); absent {
			if h.Values(name) != nil {
				t.Errorf("%s: %q", name, h.Values(name))
			}
			continue
		}
		f, may := strings.CutPrefix(f, "?")
		if name, value, ok := strings.Cut(f, ": "); ok && !(may && h.Values(name) == nil) && strings.Join(h.Values(name), ", ") != value {
			t.Errorf("%s: %q, want %q", name, h.Values(name), value)
		}
	}
}

// TestBrokenHeads: what a program prints never becomes a field by mistake.
func TestBrokenHeads(t *testing.T) {
	dir := folder(t,
		"none", sh("exit 3"),
		"text", sh("echo hello"),
		"no-end", printf(`Content-Type: text/plain\n`),
		"twice", printf(`Status: 200\nStatus: 404\n\n`),
		"odd-status", printf(`Status: 099 Odd\n\n`),
		"cr", printf(`Content-Type: text/plain\nX-A: a\rSet-Cookie: b\n\nok`),
		"nul", printf(`Content-Type: text/plain\nX-A: a\000b\n\nok`),
		"space", printf(`Content-Type: text/plain\nX A: b\n\nok`),
		"frames", printf(`Content-Type: text/plain\nTransfer-Encoding: chunked\n\n0\n\n`),
		"lengths", printf(`Content-Type: text/plain\nContent-Length: 1\nContent-Length: 2\n\nok`),
		"long", sh(`printf 'X-Long: '`, `head -c 40000 /dev/zero | tr '\000' a`, `printf '\n\nok'`),
		"many", sh("i=0; while [ $i -lt 300 ]; do echo \"X-$i: a\"; i=$((i+1)); done; echo"),
		"fields-only", printf(`X-A: b\n\nok`),
	)
	s, _ := run(t, dir, nil)
	for path, rule := range map[string]string{
		"none": "script-no-head", "text": "script-no-head", "no-end": "script-no-head",
		"twice": "script-head-invalid", "odd-status": "script-head-invalid", "cr": "script-head-invalid", "nul": "script-head-invalid",
		"space": "script-head-invalid", "frames": "script-head-invalid", "lengths": "script-head-invalid", "fields-only": "script-head-invalid",
		"long": "script-head-too-large", "many": "script-head-too-large",
	} {
		a := s.get("/" + path)
		r := s.next(t)
		if a.StatusCode != 502 || a.Header.Get("Set-Cookie") != "" || r.Rule.String() != rule || r.Detail.Error == "" {
			t.Errorf("%s: %d %v, want %s; %+v", path, a.StatusCode, r.Rule, rule, r.Detail)
		}
		if path == "none" && !strings.Contains(r.Detail.Error, "exit status 3") {
			t.Errorf("the exit status is not told: %q", r.Detail.Error)
		}
	}
}

// TestKeepAlive: answers of programs persist connections, nph- or not.
func TestKeepAlive(t *testing.T) {
	dir := folder(t, "hello", hello, "nph-raw", printf(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nraw`))
	s, _ := run(t, dir, nil)
	c, br := s.dial()
	for range 3 {
		for _, path := range []string{"/hello", "/nph-raw"} {
			if _, err := c.Write([]byte("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(br, nil)
			must(t, err)
			if resp.StatusCode != 200 || resp.Close {
				t.Errorf("%s: %v", path, resp)
			}
			must(t, resp.Write(discard{}))
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestRedirects: a local redirect is looked up by whom Options.Redirects says.
func TestRedirects(t *testing.T) {
	dir := folder(t, "local", sh(`cat >/dev/null`, `printf 'Location: /elsewhere?x=y\n\n'`))
	seen := make(chan *http.Request, 1)
	s, _ := run(t, dir, func(o *cgi.Options) {
		o.Running, o.Queue = 1, -1 // its turn is free again by then
		o.Redirects = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen <- r })
	})
	a := s.do("POST", "/local", strings.NewReader("abc"), "Content-Type", "text/x", "X-Kept", "a", "If-Match", `"b"`)
	got := <-seen
	if a.StatusCode != 200 || got.Method != "GET" || got.URL.Path != "/elsewhere" || got.URL.RawQuery != "x=y" ||
		got.RequestURI != "/elsewhere?x=y" || got.ContentLength != 0 || got.Body != http.NoBody || got.Host != s.addr {
		t.Fatalf("%v %+v", a.Status, got)
	}
	checkFields(t, got.Header, "-Content-Type|-Content-Length|-If-Match|X-Kept: a")
}
