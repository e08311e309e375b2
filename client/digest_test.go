package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"freshet/digest"
)

// TestDigests: a body that is not what the answer says of it ends in an error,
// with the cache and without, and is not stored; one that is, or of which nothing
// is said, is as ever.
func TestDigests(t *testing.T) {
	const content = "a content of some length"
	right := digest.Of(digest.SHA256, []byte(content)).String()
	wrong := digest.Of(digest.SHA256, []byte("another")).String()
	part := digest.Of(digest.SHA256, []byte(content[:4])).String()
	empty := digest.Of(digest.SHA512, nil).String()
	for _, c := range []struct {
		name            string
		method          string
		request         string // a field
		fields          []string
		status          int
		body            string
		chunked         bool
		trailer         string
		wrong, isStored bool
	}{
		{name: "nothing said", body: content, isStored: true},
		{name: "right", fields: []string{"Content-Digest: " + right, "Repr-Digest: " + right}, body: content, isStored: true},
		{name: "right, in chunks", fields: []string{"Repr-Digest: " + right}, body: content, chunked: true, isStored: true},
		{name: "content wrong", fields: []string{"Content-Digest: " + wrong, "Repr-Digest: " + right}, body: content, wrong: true},
		{name: "representation wrong", fields: []string{"Repr-Digest: " + wrong}, body: content, wrong: true},
		{name: "wrong, in chunks", fields: []string{"Repr-Digest: " + wrong}, body: content, chunked: true, wrong: true},
		{name: "wrong, and long", fields: []string{"Repr-Digest: " + wrong}, body: strings.Repeat(content, 20000), wrong: true},
		{name: "one of two wrong", fields: []string{"Repr-Digest: " + right + ", sha-512=:AAAA:"}, body: content, wrong: true},
		{name: "not trusted", fields: []string{"Repr-Digest: md5=:AAAA:"}, body: content, isStored: true},
		{name: "malformed", fields: []string{"Repr-Digest: sha-256=:AAAA"}, body: content, isStored: true},
		{name: "empty, right", fields: []string{"Content-Digest: " + empty}, isStored: true},
		{name: "empty, wrong", fields: []string{"Content-Digest: " + wrong}, wrong: true},
		{name: "trailer, right", body: content, trailer: right, chunked: true, isStored: true},
		{name: "trailer, wrong", body: content, trailer: wrong, chunked: true, wrong: true},
		{name: "of an error", status: 404, fields: []string{"Repr-Digest: " + wrong}, body: content, wrong: true},
		{name: "head", method: "HEAD", fields: []string{"Content-Digest: " + empty, "Repr-Digest: " + wrong}},
		{name: "post", method: "POST", fields: []string{"Repr-Digest: " + wrong}, body: content},
		{name: "post, content", method: "POST", fields: []string{"Content-Digest: " + wrong}, body: content, wrong: true},
		{name: "part", request: "Range: bytes=0-3", status: 206, fields: []string{"Content-Range: bytes 0-3/24", "Repr-Digest: " + right, "Content-Digest: " + part}, body: content[:4]},
		{name: "part, wrong", request: "Range: bytes=0-3", status: 206, fields: []string{"Content-Range: bytes 0-3/24", "Content-Digest: " + right}, body: content[:4], wrong: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			serve := func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				h.Set("Cache-Control", "max-age=60")
				h.Set("ETag", `"1"`)
				for _, f := range c.fields {
					name, value, _ := strings.Cut(f, ": ")
					h.Set(name, value)
				}
				if c.trailer != "" {
					h.Set("Trailer", "Repr-Digest")
				}
				if !c.chunked {
					h.Set("Content-Length", strconv.Itoa(len(c.body)))
				}
				w.WriteHeader(max(c.status, 200))
				if c.chunked {
					w.(http.Flusher).Flush()
				}
				if r.Method != "HEAD" {
					io.WriteString(w, c.body)
				}
				if c.trailer != "" {
					h.Set("Repr-Digest", c.trailer)
				}
			}
			ask := func(t *testing.T, w *world) {
				t.Helper()
				method := c.method
				if method == "" {
					method = "GET"
				}
				var fields []string
				if c.request != "" {
					fields = append(fields, c.request)
				}
				resp, err := w.RoundTrip(w.request(method, "/", fields...))
				var body []byte
				if err == nil {
					body, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				var e *digest.Error
				if errors.As(err, &e) != c.wrong || (err != nil) != c.wrong {
					t.Errorf("the error is %v", err)
				}
				if err == nil && method != "HEAD" && string(body) != c.body {
					t.Errorf("%.50q came", body)
				}
				if c.wrong && len(body) >= len(c.body) && c.body != "" {
					t.Error("a wrong body came as a whole")
				}
			}
			t.Run("no cache", func(t *testing.T) {
				w := newWorld(t, NewMemoryCache(0), serve)
				w.Transport.Cache = nil
				ask(t, w)
			})
			eachCache(t, func(t *testing.T, open func() *Cache) {
				w := newWorld(t, open(), serve)
				ask(t, w)
				ask(t, w)
				if asked := w.asked.Load(); c.isStored && asked != 1 || c.wrong && asked != 2 {
					t.Errorf("the origin was asked %d times", asked)
				}
			})
		})
	}
}

// TestDigestDecoded: digests are of what was sent. A Base that has undone a
// coding leaves nothing to compare; a Client that does has compared before.
func TestDigestDecoded(t *testing.T) {
	const gzipped = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00" // hello
	of := digest.Of(digest.SHA256, []byte(gzipped)).String()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Repr-Digest", of)
		io.WriteString(w, gzipped)
	}))
	defer origin.Close()
	get := func(rt http.RoundTripper) error {
		c := &Client{Transport: rt, Decode: true}
		req, err := http.NewRequest("GET", origin.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err == nil && string(body) != "hello" {
			t.Errorf("%q", body)
		}
		return err
	}
	own := &Transport{}
	defer own.CloseIdleConnections()
	theirs := &http.Transport{}
	defer theirs.CloseIdleConnections()
	for _, rt := range []http.RoundTripper{own, &Transport{Base: theirs}} {
		if err := get(rt); err != nil {
			t.Error(err)
		}
	}
	of = digest.Of(digest.SHA256, []byte("hello")).String()
	var e *digest.Error
	if err := get(own); !errors.As(err, &e) {
		t.Errorf("the digest of what is decoded: %v", err)
	}
}

// TestDigestAtLength: a wrong body of a known length does not come as a whole,
// though more digests may come behind it.
func TestDigestAtLength(t *testing.T) {
	const content = "a content"
	resp := &http.Response{
		StatusCode: 200, ContentLength: int64(len(content)),
		Header:  http.Header{"Content-Digest": {digest.Of(digest.SHA256, []byte("another")).String()}},
		Trailer: http.Header{"Repr-Digest": nil},
		Body:    io.NopCloser(strings.NewReader(content)),
	}
	verifyDigests("GET", resp)
	n, err := io.ReadFull(resp.Body, make([]byte, len(content)))
	var e *digest.Error
	if !errors.As(err, &e) || n == len(content) {
		t.Errorf("%d bytes came, %v", n, err)
	}
}
