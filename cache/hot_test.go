package cache

import (
	"fmt"
	"net/http"
	"testing"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/wire"
)

// parse makes a head of a request's text.
func parse(t testing.TB, text string) *httpd.Head {
	t.Helper()
	var l wire.Limits
	h := new(httpd.Head)
	if n, broken := l.ParseRequest([]byte(text), h); n != len(text) || broken != 0 {
		t.Fatalf("%q: %d %v", text, n, broken)
	}
	h.Now = 1_700_000_010e9
	return h
}

func TestHotAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w := newWorld(t, Options{Key: KeyRules{Headers: []string{"X-Site"}, Drop: []string{"utm_*"}, Sort: true}}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Vary", "Accept-Language, Accept-Encoding")
		fmt.Fprint(w, "hello")
	})
	w.do("GET http://example.org/a?b=1&a=2", "Accept-Language: en, de;q=0.5", "Accept-Encoding: gzip, br")
	for _, text := range []string{
		"GET /a?utm_x=1&a=2&b=1 HTTP/1.1\r\nHost: Example.org:80\r\nAccept-Language: en,de;q=0.5\r\nAccept-Encoding: gzip, br\r\n\r\n",
		"GET /a?b=1&a=2 HTTP/1.1\r\nHost: example.org\r\nAccept-Language: en,de;q=0.5\r\nAccept-Encoding: gzip, br\r\nCache-Control: max-age=50\r\nPragma: x\r\n\r\n",
		"GET /a?b=1&a=2 HTTP/1.1\r\nHost: example.org\r\nAccept-Language: en,de;q=0.5\r\nAccept-Encoding: gzip, br\r\nIf-None-Match: \"x\"\r\n\r\n",
		"GET /a?b=1&a=2 HTTP/1.1\r\nHost: example.org\r\nAccept-Language: en,de;q=0.5\r\nAccept-Encoding: gzip, br\r\nRange: bytes=1-2\r\n\r\n",
	} {
		head := parse(t, text)
		var a httpd.Answer
		scratch := make([]byte, 0, 2048)
		if n := alloctest.PerRun(100, func() {
			a = httpd.Answer{Scratch: scratch}
			if !w.ServeHot(head, &a) {
				t.Fatalf("declined %q", text)
			}
		}); n != 0 {
			t.Errorf("%v allocations for %q", n, text)
		}
	}
}
