package check

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// style is a text that compresses.
var style = []byte(strings.Repeat("a:hover { color: #0a0b0c; text-decoration: none }\n", 80))

// right answers as it should: a style sheet at "/", with everything about it,
// and nothing elsewhere.
func right(w http.ResponseWriter, r *http.Request) { rightly(w, r, style, "", 1) }

// rightly is right, for another content with other tags, modified on a day of
// September.
func rightly(w http.ResponseWriter, r *http.Request, content []byte, version string, day int) {
	h := w.Header()
	switch {
	case r.Method != "GET" && r.Method != "HEAD":
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "not so", http.StatusMethodNotAllowed)
		return
	case r.URL.Path != "/":
		h.Set("Cache-Control", "max-age=60")
		http.Error(w, "nothing here", http.StatusNotFound)
		return
	}
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=600")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	body, tag := content, fmt.Sprintf("%q", "plain"+version)
	accepted := field.ParseAcceptEncoding(strings.Join(r.Header["Accept-Encoding"], ", "), r.Header["Accept-Encoding"] != nil)
	if order, n := accepted.Order(coding.All); n > 0 && order[0] != field.Identity {
		coded, err := coding.Encode(nil, order[0], content, coding.Quick)
		if err != nil {
			panic(err)
		}
		body, tag = coded, fmt.Sprintf("%q", order[0].String()+version)
		h.Set("Content-Encoding", order[0].String())
		if r.Header.Get("Range") == "" {
			h.Set("Content-Length", fmt.Sprint(len(body)))
		}
	}
	h.Set("Etag", tag)
	http.ServeContent(w, r, "", time.Date(2026, 9, day, 0, 0, 0, 0, time.UTC), bytes.NewReader(body))
}

// asks makes requests other ones before they are answered rightly.
func asks(change func(*http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		change(r)
		right(w, r)
	}
}

// answers changes the fields of right answers.
func answers(change func(status int, h http.Header, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		right(&changing{w, func(status int) int { change(status, w.Header(), r); return status }}, r)
	}
}

// statuses changes the status codes of right answers.
func statuses(change func(status int, h http.Header, r *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		right(&changing{w, func(status int) int { return change(status, w.Header(), r) }}, r)
	}
}

type changing struct {
	http.ResponseWriter
	change func(status int) int
}

func (c *changing) WriteHeader(status int) { c.ResponseWriter.WriteHeader(c.change(status)) }

// says answers with other text when the request has a field; a part of the
// text %BODY% is the style sheet.
func says(text string, when func(*http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !when(r) {
			right(w, r)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		text := strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\r\n"), "%BODY%", string(style))
		io.WriteString(conn, strings.ReplaceAll(text, "\\LF", "\n"))
	}
}

func has(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get(name) != "" }
}

func method(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == name }
}

func whenRange(value string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Range") == value }
}

func home(r *http.Request) bool { return r.URL.Path == "/" && r.Method == "GET" }

func location(status int, to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			right(w, r)
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}
}

// faulty are handlers, each of which makes one mistake; by the note that is to
// find it.
func faulty() map[string]http.Handler {
	var n atomic.Int64
	const head = "HTTP/1.1 200 OK\nDate: Tue, 01 Sep 2026 00:00:00 GMT\n"
	const notModified = "HTTP/1.1 304 Not Modified\nConnection: close\nCache-Control: public, max-age=600\nVary: Accept-Encoding\n"
	return map[string]http.Handler{
		"answer-missing":     says("", has("Range")),
		"line-feed-alone":    says("HTTP/1.1 200 OK\\LFContent-Length: 1\n\nx", home),
		"field-folded":       says(head+"X-A: b\n  c\nContent-Length: 1\n\nx", home),
		"space-before-colon": says(head+"X-A : b\nContent-Length: 1\n\nx", home),
		"body-cut-off":       says(head+"Content-Length: 10\n\nxyz", home),
		"chunks-broken":      says(head+"Transfer-Encoding: chunked\n\n3\nxyzzy\n0\n\n", home),
		"bytes-behind":       says(head+"Content-Length: 1\n\nxyz", home),

		"redirect-loop": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, map[string]string{"/": "/a", "/a": "/b"}[r.URL.Path], http.StatusPermanentRedirect)
		}),
		"redirect-many": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusPermanentRedirect)
		}),
		"redirect-chain": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if to := map[string]string{"/": "/a", "/a": "/b"}[r.URL.Path]; to != "" {
				http.Redirect(w, r, to, http.StatusPermanentRedirect)
			}
		}),
		"redirect-changes-method": location(http.StatusMovedPermanently, "/a"),

		"etag-not-honoured": asks(func(r *http.Request) { r.Header.Del("If-None-Match") }),
		"etag-list-not-honoured": asks(func(r *http.Request) {
			if strings.Contains(r.Header.Get("If-None-Match"), ",") {
				r.Header.Del("If-None-Match")
			}
		}),
		"etag-matches-any": asks(func(r *http.Request) {
			if r.Header.Get("If-None-Match") != "" {
				r.Header.Set("If-None-Match", "*")
			}
		}),
		"etag-changes": answers(func(_ int, h http.Header, _ *http.Request) { h.Set("Etag", fmt.Sprintf(`"%d"`, n.Add(1))) }),
		"etag-two-bodies": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"a"`)
			fmt.Fprintf(w, "%d", n.Add(1))
		}),
		"last-modified-not-honoured": asks(func(r *http.Request) { r.Header.Del("If-Modified-Since") }),
		"modified-since-ignores-date": asks(func(r *http.Request) {
			if r.Header.Get("If-Modified-Since") != "" {
				r.Header.Set("If-Modified-Since", time.Now().UTC().Format(http.TimeFormat))
			}
		}),
		"modified-since-beats-etag": asks(func(r *http.Request) {
			if r.Header.Get("If-Modified-Since") != "" {
				r.Header.Del("If-None-Match")
			}
		}),
		"not-modified-body": says(notModified+"Etag: \"zstd\"\n\nstyle", has("If-None-Match")),
		"not-modified-lacks-field": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 304 {
				h.Del("Cache-Control")
			}
		}),
		"not-modified-lacks-vary": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 304 {
				h.Del("Vary")
			}
		}),
		"not-modified-differs": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 304 {
				h.Set("Cache-Control", "no-store")
			}
		}),
		"not-modified-length": says(notModified+"Etag: \"zstd\"\nContent-Length: 0\n\n", has("If-None-Match")),

		"range-not-honoured": asks(func(r *http.Request) { r.Header.Del("Range") }),
		"range-wrong-bytes":  says("HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-0/4000\nContent-Length: 1\n\nX", whenRange("bytes=0-0")),
		"range-content-range": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 206 {
				h.Del("Content-Range")
			}
		}),
		"range-lacks-field": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 206 {
				h.Del("Cache-Control")
			}
		}),
		"range-etag-differs": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 206 {
				h.Set("Etag", `"part"`)
			}
		}),
		"range-beyond-206": says("HTTP/1.1 206 Partial Content\nContent-Range: bytes 0-0/4000\nContent-Length: 1\n\na", whenRange("bytes=5000-")),
		"range-416-size": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 416 {
				h.Del("Content-Range")
			}
		}),
		"range-multiple-broken": says("HTTP/1.1 206 Partial Content\nContent-Type: text/css\nContent-Length: 1\n\na", whenRange("bytes=0-0,-1")),
		"if-range-ignored":      asks(func(r *http.Request) { r.Header.Del("If-Range") }),
		"if-range-not-honoured": asks(func(r *http.Request) {
			if r.Header.Get("If-Range") != "" {
				r.Header.Del("Range")
			}
		}),

		"head-status": statuses(func(status int, h http.Header, r *http.Request) int {
			if r.Method == "HEAD" {
				return http.StatusMethodNotAllowed
			}
			return status
		}),
		"head-body": says(head+"Content-Length: 1\n\nx", method("HEAD")),
		"head-differs": answers(func(_ int, h http.Header, r *http.Request) {
			if r.Method == "HEAD" {
				h.Set("Content-Type", "text/plain")
			}
		}),
		"head-length": answers(func(_ int, h http.Header, r *http.Request) {
			if r.Method == "HEAD" {
				h.Set("Content-Length", "7")
			}
		}),

		"coding-no-vary": answers(func(_ int, h http.Header, _ *http.Request) { h.Del("Vary") }),
		"coding-vary-missing": answers(func(_ int, h http.Header, _ *http.Request) {
			if h.Get("Content-Encoding") == "" {
				h.Del("Vary")
			}
		}),
		"coding-same-etag": answers(func(_ int, h http.Header, _ *http.Request) { h.Set("Etag", `"one"`) }),
		"coding-unasked":   asks(func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") }),
		"coding-broken": says(head+"Content-Encoding: br\nVary: Accept-Encoding\nContent-Length: 6\n\nbroken",
			func(r *http.Request) bool { return r.Header.Get("Accept-Encoding") == "br" }),
		"coding-content-differs": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				right(w, r)
				return
			}
			old, _ := coding.Encode(nil, field.Gzip, []byte("old"), coding.Quick)
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Vary", "Accept-Encoding")
			w.Write(old)
		}),
		"coding-missing": asks(func(r *http.Request) { r.Header.Del("Accept-Encoding") }),
		"coding-larger": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "Accept-Encoding")
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				io.WriteString(w, "x")
				return
			}
			larger, _ := coding.Encode(nil, field.Gzip, []byte("x"), coding.Quick)
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(larger)
		}),
		"coding-gain": http.HandlerFunc(right),

		"language-no-vary": answers(func(_ int, h http.Header, r *http.Request) {
			h.Set("Content-Language", r.Header.Get("Accept-Language"))
		}),
		"type-no-vary": answers(func(_ int, h http.Header, r *http.Request) {
			if accept := r.Header.Get("Accept"); !strings.Contains(accept, ",") {
				h.Set("Content-Type", accept)
			}
		}),
		"origin-no-vary": answers(func(_ int, h http.Header, r *http.Request) {
			if from := r.Header.Get("Origin"); from != "" {
				h.Set("Access-Control-Allow-Origin", from)
			}
		}),
		"vary-without-effect":  answers(func(_ int, h http.Header, r *http.Request) { h.Set("Vary", "Accept-Encoding, Accept-Language") }),
		"query-without-effect": http.HandlerFunc(right),

		"connection-not-kept": answers(func(_ int, h http.Header, _ *http.Request) { h.Set("Connection", "close") }),
		"http10-chunked": says(head+"Transfer-Encoding: chunked\n\n1\nx\n0\n\n",
			func(r *http.Request) bool { return r.ProtoMinor == 0 }),

		"method-unknown-succeeds": asks(func(r *http.Request) {
			if r.Method != "HEAD" {
				r.Method = "GET"
			}
		}),
		"method-allow-missing": answers(func(_ int, h http.Header, _ *http.Request) { h.Del("Allow") }),
		"trace-enabled": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "TRACE" {
				w.Header().Set("Content-Type", "message/http")
				r.Write(w)
				return
			}
			right(w, r)
		}),
		"missing-page-succeeds": asks(func(r *http.Request) { r.URL.Path = "/" }),
		"missing-page-is-start": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<!DOCTYPE html><title>application</title>")
		}),
		"missing-page-fails": statuses(func(status int, _ http.Header, _ *http.Request) int {
			if status == 404 {
				return 500
			}
			return status
		}),
		"missing-page-kept": answers(func(status int, h http.Header, _ *http.Request) {
			if status == 404 {
				h.Set("Cache-Control", "max-age=31536000")
			}
		}),
	}
}
