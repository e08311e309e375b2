package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"freshet/internal/alloctest"
)

func TestPageKindOf(t *testing.T) {
	for _, tt := range []struct {
		accept string
		want   PageKind
	}{
		{"", PageText},
		{"*/*", PageText},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", PageHTML},
		{"text/html;q=0.1", PageHTML},
		{"text/html;q=0, */*", PageText},
		{"text/*", PageText},
		{"text/plain", PageText},
		{"image/avif,image/webp,*/*;q=0.8", PageText},
		{"application/json", PageProblem},
		{"application/problem+json", PageProblem},
		{"application/problem+json, text/html;q=0.5", PageProblem},
		{"application/json;q=0.5, text/html", PageHTML},
		{"image/png", PageText}, // nothing we have: an error is still told
	} {
		if got := PageKindOf(tt.accept); got != tt.want {
			t.Errorf("PageKindOf(%q) = %d, want %d", tt.accept, got, tt.want)
		}
	}
	browser := "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	if n := alloctest.PerRun(100, func() { PageKindOf(browser) }); n != 0 {
		t.Errorf("PageKindOf allocates %v times, want 0", n)
	}
}

func TestAppendErrorPage(t *testing.T) {
	const nasty = "no <script>alert(\"x\")</script> & 'y' \xff\x00"
	for code := 400; code < 600; code++ {
		text := string(AppendErrorPage(nil, PageText, code, nasty))
		if !strings.HasPrefix(text, strconv.Itoa(code)+" ") || !strings.Contains(text, "alert") || !strings.HasSuffix(text, "\n") {
			t.Errorf("text page %d:\n%s", code, text)
		}

		page := string(AppendErrorPage([]byte("kept"), PageHTML, code, nasty))
		if !strings.HasPrefix(page, "kept<!doctype html>") || strings.Contains(page, "<script") {
			t.Errorf("html page %d:\n%s", code, page)
		}
		if !strings.Contains(page, "no &lt;script&gt;") || !utf8.ValidString(page) {
			t.Errorf("html page %d: message not there, or not escaped:\n%s", code, page)
		}
		if len(page) > 2048 {
			t.Errorf("html page %d has %d bytes, want 2048 at most", code, len(page))
		}

		var problem struct {
			Type, Title, Detail string
			Status              int
		}
		if err := json.Unmarshal(AppendErrorPage(nil, PageProblem, code, nasty), &problem); err != nil {
			t.Fatalf("problem %d: %v", code, err)
		}
		if problem.Type != "about:blank" || problem.Status != code || !strings.HasPrefix(problem.Detail, "no <script>") {
			t.Errorf("problem %d: %+v", code, problem)
		}
	}
	if page := string(AppendErrorPage(nil, PageHTML, 404, "")); strings.Contains(page, `class="why"`) || !strings.Contains(page, "Not Found") {
		t.Errorf("page without a message:\n%s", page)
	}
	var problem struct{ Detail string }
	if json.Unmarshal(AppendErrorPage(nil, PageProblem, 404, ""), &problem); problem.Detail == "" {
		t.Error("a problem without a message lacks the explanation")
	}
}

func TestErrorFields(t *testing.T) {
	for _, tt := range []struct {
		name    string
		method  string
		code    int
		request http.Header
		before  http.Header
		want    http.Header // a nil value: the field must be absent
		empty   bool
	}{
		{name: "plain", code: 404, want: http.Header{
			"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}, "Vary": {"Accept"}, "Cache-Control": {"no-store"}}},
		{name: "browser", code: 404, request: http.Header{"Accept": {"text/html"}}, want: http.Header{"Content-Type": {"text/html; charset=utf-8"}}},
		{name: "accept on two lines", code: 404, request: http.Header{"Accept": {"image/png", "application/json"}}, want: http.Header{"Content-Type": {"application/problem+json"}}},
		{name: "head", method: "HEAD", code: 404, want: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, empty: true},
		{name: "no content", code: 204, want: http.Header{"Content-Type": nil, "Content-Length": nil}, empty: true},
		{name: "not modified", code: 304, before: http.Header{"Etag": {`"a"`}, "Vary": {"Cookie"}},
			want: http.Header{"Etag": {`"a"`}, "Vary": {"Cookie"}, "Content-Type": nil, "Content-Length": nil}, empty: true},
		{name: "other body", code: 500, before: http.Header{"Etag": {`"a"`}, "Content-Encoding": {"br"}, "Last-Modified": {"x"}, "Content-Length": {"9"}, "Content-Range": {"bytes 0-1/2"}, "Accept-Ranges": {"bytes"}, "Content-Disposition": {"attachment"}, "Allow": {"GET"}, "Retry-After": {"5"}},
			want: http.Header{"Etag": nil, "Content-Encoding": nil, "Last-Modified": nil, "Content-Range": nil, "Accept-Ranges": nil, "Content-Disposition": nil, "Allow": {"GET"}, "Retry-After": {"5"}}},
		{name: "416 tells the length", code: 416, before: http.Header{"Content-Range": {"bytes */10"}}, want: http.Header{"Content-Range": {"bytes */10"}}},
		{name: "vary kept", code: 404, before: http.Header{"Vary": {"Accept-Encoding", "Origin"}}, want: http.Header{"Vary": {"Accept-Encoding, Origin, Accept"}}},
		{name: "vary has it", code: 404, before: http.Header{"Vary": {"accept"}}, want: http.Header{"Vary": {"accept"}}},
		{name: "vary star", code: 404, before: http.Header{"Vary": {"*"}}, want: http.Header{"Vary": {"*"}}},
		{name: "forever", code: 404, before: http.Header{"Cache-Control": {"max-age=31536000, immutable"}}, want: http.Header{"Cache-Control": {"no-store"}}},
		{name: "long", code: 404, before: http.Header{"Cache-Control": {"public, max-age=3601"}}, want: http.Header{"Cache-Control": {"no-store"}}},
		{name: "short", code: 404, before: http.Header{"Cache-Control": {"public, max-age=60"}}, want: http.Header{"Cache-Control": {"public, max-age=60"}}},
		{name: "short, but an accident", code: 500, before: http.Header{"Cache-Control": {"public, max-age=60"}}, want: http.Header{"Cache-Control": {"no-store"}}},
		{name: "no-cache", code: 500, before: http.Header{"Cache-Control": {"No-Cache"}}, want: http.Header{"Cache-Control": {"No-Cache"}}},
		{name: "nonsense", code: 404, before: http.Header{"Cache-Control": {"max-age=soon"}}, want: http.Header{"Cache-Control": {"no-store"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			if tt.method != "" {
				r.Method = tt.method
			}
			if tt.request != nil {
				r.Header = tt.request
			}
			w := httptest.NewRecorder()
			for name, values := range tt.before {
				w.Header()[name] = values
			}
			Error(w, r, tt.code, "because")
			if w.Code != tt.code {
				t.Errorf("code %d, want %d", w.Code, tt.code)
			}
			for name, want := range tt.want {
				if got := w.Header()[name]; strings.Join(got, "|") != strings.Join(want, "|") {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if tt.empty {
				if w.Body.Len() != 0 {
					t.Errorf("body %q, want none", w.Body)
				}
				return
			}
			if got := w.Header().Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
				t.Errorf("Content-Length %s, body has %d bytes", got, w.Body.Len())
			}
			if !strings.Contains(w.Body.String(), "because") {
				t.Errorf("body %q lacks the message", w.Body)
			}
		})
	}
}

func TestErrorTemplate(t *testing.T) {
	pages := &Pages{Template: template.Must(template.New("").Parse(`<h1>{{.Code}} {{.Phrase}}</h1>{{.Message}}`))}
	get := func(p *Pages, accept string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		Error(w, r.WithContext(p.Context(context.Background())), 404, "a<b")
		return w.Body.String()
	}
	if got, want := get(pages, "text/html"), "<h1>404 Not Found</h1>a&lt;b"; got != want {
		t.Errorf("page %q, want %q", got, want)
	}
	if got := get(pages, "*/*"); !strings.HasPrefix(got, "404 Not Found\n") {
		t.Errorf("text %q is not the built-in one", got)
	}
	broken := &Pages{Template: template.Must(template.New("").Parse(`partly {{.NoSuchField}}`))}
	builtIn := AppendErrorPage(nil, PageHTML, 404, "a<b")
	for name, p := range map[string]*Pages{"broken": broken, "zero": {}, "nil": nil} {
		if got := get(p, "text/html"); !bytes.Equal([]byte(got), builtIn) {
			t.Errorf("%s: page %q, want the built-in one", name, got)
		}
	}
}
