package app

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"freshet/internal/journal"
	"freshet/internal/rule"
)

// FuzzWhy asks about any request: what is no request is refused, and what is
// one is explained, as text and as JSON, in the same way as it is answered.
func FuzzWhy(f *testing.F) {
	f.Add("/a.txt", "GET", "Range: bytes=0-1")
	f.Add("http://b.example/a.txt?x=%2f", "HEAD", "If-None-Match: \"x\", *")
	f.Add("https://a.example/../x", "OPTIONS", "Host: a.example:80")
	f.Add("/old/x", "POST", "Content-Length: 3")
	f.Add("//", "\x00", ":")
	f.Fuzz(func(t *testing.T, address, method, field string) {
		dir := folder(t, "a.txt", "abc", "index.html", "<p>")
		l := liveOf(t, "[[site]]\nnames = ['a.example', 'localhost']\n[[site.route]]\nstatic = '"+dir+"'\n[[site.route]]\npath = '/old'\nredirect = '/new/'\n[[site.route]]\npath = '/docs'\nstatic = '"+dir+"'\n")
		s := &service{journal: journal.New(journal.Options{Records: 1, Details: 1}), content: content{explain: l, live: l}}
		q := url.Values{"url": {address}, "method": {method}, "field": {field}}
		for _, form := range []string{"json", "txt"} {
			w := httptest.NewRecorder()
			s.whyHandler().ServeHTTP(w, httptest.NewRequest("GET", "/why."+form+"?"+q.Encode(), nil))
			body := w.Body.Bytes()
			switch {
			case w.Code != 200 && w.Code != 400:
				t.Fatalf("status %d", w.Code)
			case w.Code == 200 && form == "json" && !json.Valid(body):
				t.Fatalf("%q", body)
			case w.Code == 200 && form == "txt" && bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' && r != '\n' }):
				t.Fatalf("%q", body)
			}
		}
		r, err := s.requestFor(address, method, []string{field})
		if err != nil || r.TLS != nil || r.ContentLength != 0 || strings.Contains(field, "Accept") {
			return
		}
		e, w := l.Why(r), httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if e.Status != w.Code && e.Rule != rule.HandlerAnswered {
			t.Errorf("%s %s: explained as %d (%v), answered with %d", r.Method, r.URL, e.Status, e.Rule, w.Code)
		}
	})
}
