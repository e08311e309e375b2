package middleware

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"freshet/internal/coding"
	"freshet/internal/field"
)

var long = strings.Repeat("a line of some text\n", 200)

// text answers with long text and a strong tag, and with 304 when it knows the
// tag that it is asked for.
var text = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Etag", `"v1"`)
	w.Header().Set("Accept-Ranges", "bytes")
	if strings.Contains(r.Header.Get("If-None-Match"), `"v1"`) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(long)))
	io.WriteString(w, long)
})

func TestCompressNegotiates(t *testing.T) {
	eachProto(t, Compress(text, CompressOptions{}), func(t *testing.T, do func(string, string, ...string) *answered) {
		for _, tc := range []struct {
			accept string // "-" for no field
			want   field.Coding
		}{
			{"-", field.Identity},
			{"", field.Identity},
			{"gzip", field.Gzip},
			{"x-gzip", field.Gzip},
			{"br", field.Brotli},
			{"zstd", field.Zstd},
			{"gzip, deflate, br, zstd", field.Brotli},
			{"gzip, zstd", field.Zstd},
			{"gzip;q=1, br;q=0.5", field.Gzip},
			{"br;q=0, *", field.Zstd},
			{"identity, gzip;q=0.5", field.Identity},
			{"compress, exi", field.Identity},
			{"identity;q=0, gzip", field.Gzip},
		} {
			var fields []string
			if tc.accept != "-" {
				fields = []string{"Accept-Encoding", tc.accept}
			}
			token, tag, ranges := tc.want.String(), coding.Tag(`"v1"`, tc.want), ""
			if tc.want == field.Identity {
				token, ranges = "", "bytes"
			}
			t.Run(tc.accept, func(t *testing.T) {
				get := do("GET", "/", fields...)
				get.want(t, 200, "Content-Encoding", token, "Etag", tag, "Vary", "Accept-Encoding",
					"Content-Type", "text/plain; charset=utf-8", "Accept-Ranges", ranges)
				if get.err != nil || get.body != stream(tc.want, long) {
					t.Errorf("a body of %d bytes, %v", len(get.body), get.err)
				}
				do("HEAD", "/", fields...).want(t, 200, "Content-Encoding", token, "Etag", tag, "Vary", "Accept-Encoding",
					"Content-Length", get.Header.Get("Content-Length"), "Accept-Ranges", ranges)

				// The tag that was sent is known again, and comes back.
				for _, method := range []string{"GET", "HEAD"} {
					do(method, "/", append(fields, "If-None-Match", tag)...).want(t, 304,
						"Etag", tag, "Vary", "Accept-Encoding", "Content-Encoding", "")
				}
			})
		}
	})
}

func TestCompressNotAcceptable(t *testing.T) {
	ran := false
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ran = true
		text(w, r)
	}), CompressOptions{})
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		for _, accept := range []string{"identity;q=0", "*;q=0", "compress, identity;q=0"} {
			do("GET", "/", "Accept-Encoding", accept).want(t, 406, "Vary", "Accept-Encoding", "Content-Type", "text/plain; charset=utf-8")
			if ran {
				t.Error("the handler ran")
			}
			// What a POST did is done.
			do("POST", "/", "Accept-Encoding", accept).want(t, 200, "Content-Encoding", "")
			ran = false
		}
	})
}

// What is and what is not coded, and how that shows, for a client that takes gzip.
func TestCompressWhat(t *testing.T) {
	set := func(fields ...string) func(http.Header) {
		return func(h http.Header) {
			for i := 0; i < len(fields); i += 2 {
				h.Set(fields[i], fields[i+1])
			}
		}
	}
	for _, tc := range []struct {
		name    string
		status  int
		head    func(http.Header)
		body    string
		request []string
		coded   bool
		vary    string
	}{
		{name: "sniffed text", status: 200, head: set(), body: long, coded: true, vary: "Accept-Encoding"},
		{name: "sniffed noise", status: 200, head: set(), body: "\x89PNG\r\n\x1a\n" + long, vary: ""},
		{name: "no type wanted", status: 200, head: func(h http.Header) { h["Content-Type"] = nil }, body: long, vary: ""},
		{name: "json", status: 200, head: set("Content-Type", "application/json"), body: long, coded: true, vary: "Accept-Encoding"},
		{name: "png", status: 200, head: set("Content-Type", "image/png"), body: long, vary: ""},
		{name: "small", status: 200, head: set("Content-Type", "text/css"), body: "a{}", vary: "Accept-Encoding"},
		{name: "small and sniffed", status: 200, head: set(), body: "<p>hello", vary: "Accept-Encoding"},
		{name: "just long enough", status: 200, head: set("Content-Type", "text/css"), body: long[:coding.MinSize], coded: true, vary: "Accept-Encoding"},
		{name: "just too short", status: 200, head: set("Content-Type", "text/css"), body: long[:coding.MinSize-1], vary: "Accept-Encoding"},
		{name: "empty", status: 200, head: set("Content-Type", "text/css"), body: "", vary: "Accept-Encoding"},
		{name: "error page", status: 404, head: set("Content-Type", "text/html"), body: long, coded: true, vary: "Accept-Encoding"},
		{name: "no content", status: 204, head: set(), vary: ""},
		{name: "part", status: 206, head: set("Content-Type", "text/css", "Content-Range", "bytes 0-3/10"), body: "abcd", vary: "Accept-Encoding"},
		{name: "not modified", status: 304, head: set("Etag", `"v1"`), vary: "Accept-Encoding"},
		{name: "own coding", status: 200, head: set("Content-Type", "text/css", "Content-Encoding", "deflate"), body: long, vary: ""},
		{name: "digest", status: 200, head: set("Content-Type", "text/css", "Repr-Digest", "sha-256=:AAAA:"), body: long, vary: "Accept-Encoding"},
		{name: "no-transform", status: 200, head: set("Content-Type", "text/css", "Cache-Control", "max-age=5, no-transform"), body: long, vary: ""},
		{name: "no-transform asked for", status: 200, head: set("Content-Type", "text/css"), request: []string{"Cache-Control", "no-transform"}, body: long, vary: "Accept-Encoding"},
		{name: "range ignored", status: 200, head: set("Content-Type", "text/css"), request: []string{"Range", "bytes=0-5"}, body: long, vary: "Accept-Encoding"},
		{name: "has vary", status: 200, head: set("Content-Type", "text/css", "Vary", "Origin"), body: long, coded: true, vary: "Origin, Accept-Encoding"},
		{name: "has the vary", status: 200, head: set("Content-Type", "text/css", "Vary", "accept-encoding"), body: long, coded: true, vary: "accept-encoding"},
		{name: "varies on all", status: 200, head: set("Content-Type", "text/css", "Vary", "*"), body: long, coded: true, vary: "*"},
		{name: "must", status: 200, head: set("Content-Type", "image/png"), request: []string{"Accept-Encoding", "identity;q=0"}, body: "abc", coded: true, vary: "Accept-Encoding"},
		{name: "must, but nothing", status: 200, head: set("Content-Type", "text/css"), request: []string{"Accept-Encoding", "identity;q=0"}, vary: "Accept-Encoding"},
		{name: "must, but parts", status: 206, head: set("Content-Type", "multipart/byteranges; boundary=x"), request: []string{"Accept-Encoding", "identity;q=0"}, body: "--x--", vary: ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, declared := range []bool{false, true} {
				h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					tc.head(w.Header())
					if declared && tc.status != 204 && tc.status != 304 {
						w.Header().Set("Content-Length", strconv.Itoa(len(tc.body)))
					}
					w.WriteHeader(tc.status)
					for i := 0; i < len(tc.body); i += 100 {
						io.WriteString(w, tc.body[i:min(i+100, len(tc.body))])
					}
				}), CompressOptions{})
				eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
					fields := append([]string{"Accept-Encoding", "gzip"}, tc.request...)
					get := do("GET", "/x", fields...)
					token := get.Header.Get("Content-Encoding")
					if (token == "gzip") != tc.coded {
						t.Errorf("Content-Encoding %q", token)
					}
					get.want(t, tc.status, "Vary", tc.vary)
					if token == "deflate" {
						if get.body != tc.body {
							t.Error("the body was changed")
						}
					} else if got := get.plain(t); got != tc.body {
						t.Errorf("a body of %d bytes, want %d", len(got), len(tc.body))
					}
					if want := http.DetectContentType([]byte(tc.body)); tc.coded && strings.HasPrefix(tc.name, "sniffed") {
						get.want(t, tc.status, "Content-Type", want)
					}
					// HEAD, by a handler that does not care which it is. Range is for GET alone.
					// Nobody can know of an empty body that it is one.
					if tc.name == "range ignored" || tc.body == "" && !declared && tc.status == 200 {
						return
					}
					head := do("HEAD", "/x", fields...)
					for _, name := range []string{"Content-Encoding", "Content-Type", "Etag", "Vary", "Content-Length"} {
						if g, h := get.Header[name], head.Header[name]; !slices.Equal(g, h) {
							t.Errorf("%s: GET has %q, HEAD %q", name, g, h)
						}
					}
				})
			}
		})
	}
}

// A handler that writes nothing for HEAD says the same as for GET.
func TestCompressHeadWithoutBody(t *testing.T) {
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Etag", `"v1"`)
		q := r.URL.Query()
		if q.Has("length") {
			w.Header().Set("Content-Length", strconv.Itoa(len(long)))
		}
		if q.Has("header") {
			w.WriteHeader(200)
		}
		if q.Has("flush") {
			w.(http.Flusher).Flush()
		}
		if q.Has("some") || r.Method == "GET" {
			io.WriteString(w, long[:300])
		}
		if r.Method == "GET" {
			io.WriteString(w, long[300:])
		}
	}), CompressOptions{})
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		for _, query := range []string{"", "length", "header", "length&header", "flush", "length&flush", "length&some"} {
			for _, method := range []string{"GET", "HEAD"} {
				res := do(method, "/?"+query, "Accept-Encoding", "gzip")
				res.want(t, 200, "Content-Encoding", "gzip", "Etag", `"v1-gz"`, "Vary", "Accept-Encoding")
				if method == "HEAD" && query != "length&some" {
					res.want(t, 200, "Content-Length", "")
				}
				if res.err != nil {
					t.Errorf("%s %s: %v", method, query, res.err)
				}
			}
		}
	})
}

func TestCompressTagsOfRequests(t *testing.T) {
	for _, tc := range []struct {
		method, field, accept, value, want string
		ranged                             bool
	}{
		{method: "GET", field: "If-None-Match", accept: "gzip", value: `"a-gz"`, want: `"a"`},
		{method: "GET", field: "If-None-Match", accept: "gzip", value: `W/"a-gz"`, want: `W/"a"`},
		{method: "GET", field: "If-None-Match", accept: "br", value: `"a-gz"`, want: noTag},
		{method: "GET", field: "If-None-Match", accept: "", value: `"a-gz", "b"`, want: noTag + `, "b"`},
		{method: "GET", field: "If-None-Match", accept: "gzip, br", value: `"a-gz","b-br" , "c-zst"`, want: `"a", "b", ` + noTag},
		{method: "GET", field: "If-None-Match", accept: "gzip", value: `"a-gz-id"`, want: `"a-gz"`},
		{method: "GET", field: "If-None-Match", accept: "gzip, identity;q=0", value: `"a"`, want: noTag},
		{method: "GET", field: "If-None-Match", accept: "gzip", value: `*`, want: `*`},
		{method: "GET", field: "If-None-Match", accept: "gzip", value: `"a-gz", junk "b-gz"`, want: `"a", junk "b-gz"`},
		{method: "GET", field: "If-None-Match", accept: "gzip", value: `a-gz`, want: `a-gz`},
		{method: "GET", field: "If-None-Match", accept: "gzip", value: ``, want: ``},
		{method: "PUT", field: "If-None-Match", accept: "", value: `"a-gz"`, want: `"a"`},
		{method: "PUT", field: "If-Match", accept: "", value: `"a-gz", "b-br"`, want: `"a", "b"`},
		{method: "GET", field: "If-Match", accept: "gzip", value: `"a-gz"`, want: `"a"`},
		{method: "GET", field: "If-Match", accept: "", value: `"a-gz"`, want: noTag},
		{method: "GET", field: "If-Match", accept: "gzip", value: `"a-gz", "a"`, want: noTag + `, "a"`, ranged: true},
		{method: "GET", field: "If-Range", accept: "gzip", value: `"a-gz"`, want: noTag, ranged: true},
		{method: "GET", field: "If-Range", accept: "gzip", value: `"a"`, want: `"a"`, ranged: true},
		{method: "GET", field: "If-Range", accept: "gzip", value: `"a-gz-id"`, want: `"a-gz"`, ranged: true},
		{method: "GET", field: "If-Range", accept: "gzip", value: `Sun, 06 Nov 1994 08:49:37 GMT`, want: `Sun, 06 Nov 1994 08:49:37 GMT`, ranged: true},
	} {
		r := httptest.NewRequest(tc.method, "/", nil)
		r.Header.Set("Accept-Encoding", tc.accept)
		r.Header.Set(tc.field, tc.value)
		if tc.ranged {
			r.Header.Set("Range", "bytes=10-")
		}
		var got string
		Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = strings.Join(r.Header.Values(tc.field), " | ")
		}), CompressOptions{}).ServeHTTP(httptest.NewRecorder(), r)
		if got != tc.want {
			t.Errorf("%s with Accept-Encoding %q, %s: %s: the handler sees %s, want %s", tc.method, tc.accept, tc.field, tc.value, got, tc.want)
		}
		if r.Header.Get(tc.field) != tc.value {
			t.Errorf("the client's request was changed to %q", r.Header.Get(tc.field))
		}
	}
}

func TestCompressTagOf304(t *testing.T) {
	eachProto(t, Compress(text, CompressOptions{}), func(t *testing.T, do func(string, string, ...string) *answered) {
		for _, tc := range []struct {
			accept, listed string
			status         int
			tag            string
		}{
			{"gzip, br", `"v1-gz"`, 304, `"v1-gz"`},
			{"gzip, br", `"v1-gz", "v1-br"`, 304, `"v1-br"`},
			{"gzip, br;q=0.5", `"v1-br", "v1-gz"`, 304, `"v1-gz"`},
			{"gzip", `"v1"`, 304, `"v1"`},
			{"gzip, br", `"v0-br", "v1-gz"`, 304, `"v1-gz"`},
			{"gzip", `"v0", W/"v1-gz"`, 304, `"v1-gz"`},
			{"gzip", `"v0-gz"`, 200, `"v1-gz"`},
			{"gzip", `"v1-br"`, 200, `"v1-gz"`},
			{"", `"v1-gz"`, 200, `"v1"`},
			{"gzip, identity;q=0", `"v1"`, 200, `"v1-gz"`},
		} {
			do("GET", "/", "Accept-Encoding", tc.accept, "If-None-Match", tc.listed).want(t, tc.status, "Etag", tc.tag, "Vary", "Accept-Encoding")
		}
	})
}

// A range is of the identity's bytes; a client that has coded ones must not
// add them to those.
func TestCompressAndRanges(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/a.txt", []byte(long), 0o644); err != nil {
		t.Fatal(err)
	}
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		http.ServeFile(w, r, dir+"/a.txt")
	}), CompressOptions{})
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		part := do("GET", "/a.txt", "Accept-Encoding", "gzip", "Range", "bytes=2-5")
		part.want(t, 206, "Content-Encoding", "", "Etag", `"v1"`, "Vary", "Accept-Encoding", "Content-Range", "bytes 2-5/4000")
		if part.body != long[2:6] {
			t.Errorf("%q", part.body)
		}
		do("GET", "/a.txt", "Accept-Encoding", "gzip", "Range", "bytes=2-5", "If-Range", `"v1"`).want(t, 206, "Etag", `"v1"`)
		whole := do("GET", "/a.txt", "Accept-Encoding", "gzip", "Range", "bytes=2-5", "If-Range", `"v1-gz"`)
		whole.want(t, 200, "Content-Encoding", "", "Etag", `"v1"`, "Vary", "Accept-Encoding")
		if whole.body != long {
			t.Error("not the whole")
		}
		do("GET", "/a.txt", "Accept-Encoding", "gzip", "Range", "bytes=9000-").want(t, 416, "Content-Range", "bytes */4000", "Content-Encoding", "")
		coded := do("GET", "/a.txt", "Accept-Encoding", "gzip")
		coded.want(t, 200, "Content-Encoding", "gzip", "Etag", `"v1-gz"`, "Accept-Ranges", "")
		if coded.plain(t) != long {
			t.Error("not the whole")
		}
	})
}

// Each piece arrives when it is flushed, and not with the next one.
func TestCompressFlush(t *testing.T) {
	next := make(chan struct{})
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		for i := range 3 {
			io.WriteString(w, "data: "+strconv.Itoa(i)+"\n\n")
			if err := rc.Flush(); err != nil {
				t.Error(err)
			}
			<-next
		}
	}), CompressOptions{})
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			c, url := serve(t, h, proto)
			req, _ := http.NewRequest("GET", url, nil)
			req.Header.Set("Accept-Encoding", "gzip")
			res, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.Header.Get("Content-Encoding") != "gzip" {
				t.Fatal(res.Header)
			}
			z, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 9)
			for i := range 3 {
				if _, err := io.ReadFull(z, buf); err != nil || string(buf) != "data: "+strconv.Itoa(i)+"\n\n" {
					t.Fatalf("%q, %v", buf, err)
				}
				next <- struct{}{}
			}
			if rest, err := io.ReadAll(z); err != nil || len(rest) > 0 {
				t.Fatalf("%q, %v", rest, err)
			}
		})
	}
}

// A body that is cut off must not look whole.
func TestCompressCutsOff(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"short": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(2*len(long)))
			io.WriteString(w, long)
		},
		"short after a flush": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", strconv.Itoa(2*len(long)))
			io.WriteString(w, long)
			w.(http.Flusher).Flush()
		},
		"abort": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, long)
			panic(http.ErrAbortHandler)
		},
		"abort after a flush": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, long)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(name+"/"+proto, func(t *testing.T) {
				c, url := serve(t, Compress(h, CompressOptions{}), proto)
				req, _ := http.NewRequest("GET", url, nil)
				req.Header.Set("Accept-Encoding", "gzip")
				res, err := c.Do(req)
				if err != nil {
					return
				}
				defer res.Body.Close()
				if b, err := io.ReadAll(res.Body); err == nil {
					t.Errorf("%d bytes look whole", len(b))
				}
			})
		}
	}
}

func TestCompressTooMuch(t *testing.T) {
	for _, typ := range []string{"text/plain", ""} {
		var err error
		h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if typ != "" {
				w.Header().Set("Content-Type", typ)
			}
			w.Header().Set("Content-Length", "300")
			io.WriteString(w, long[:300])
			_, err = io.WriteString(w, "!")
		}), CompressOptions{})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if !errors.Is(err, http.ErrContentLength) {
			t.Errorf("%q: a byte more than the stated length: %v", typ, err)
		}
	}
}

// Fields that are set after WriteHeader are not of the head, even though the
// head waits for the first bytes of the body; trailers are sent.
func TestCompressLateFieldsAndTrailers(t *testing.T) {
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Trailer", "Sum")
		w.WriteHeader(200)
		w.Header().Set("Late", "yes")
		w.Header().Set("Content-Type", "text/late")
		io.WriteString(w, long)
		w.Header().Set("Sum", "42")
		w.Header().Set(http.TrailerPrefix+"More", "43")
	}), CompressOptions{})
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		for _, accept := range []string{"gzip", ""} {
			res := do("GET", "/", "Accept-Encoding", accept)
			res.want(t, 200, "Content-Type", "text/plain", "Late", "", "Content-Encoding", accept)
			if res.plain(t) != long {
				t.Error("another body")
			}
			if res.Trailer.Get("Sum") != "42" || res.Trailer.Get("More") != "43" {
				t.Errorf("trailers %v", res.Trailer)
			}
		}
	})
}

func TestCompressOptions(t *testing.T) {
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
		io.WriteString(w, "abcdefghij")
	}), CompressOptions{MinSize: 10, Type: func(t string) bool { return t == "x/y" }})
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		do("GET", "/?type=x/y", "Accept-Encoding", "gzip").want(t, 200, "Content-Encoding", "gzip")
		do("GET", "/?type=text/plain", "Accept-Encoding", "gzip").want(t, 200, "Content-Encoding", "", "Vary", "")
	})
}

func FuzzCompress(f *testing.F) {
	f.Add("gzip", `"v1-gz"`, "text/plain", []byte("hello"), uint(3), true)
	f.Add("br;q=0.1, zstd", `*`, "", bytes.Repeat([]byte("<html>"), 300), uint(700), false)
	f.Add("identity;q=0, gzip", `W/"a", x`, "image/png", []byte{}, uint(0), true)
	f.Fuzz(func(t *testing.T, accept, match, typ string, body []byte, step uint, flush bool) {
		h := Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if typ != "" {
				w.Header().Set("Content-Type", typ)
			}
			for p := body; len(p) > 0; {
				n := min(int(step%1000)+len(body)/20+1, len(p))
				if m, err := w.Write(p[:n]); m != n || err != nil {
					t.Fatal(m, err)
				}
				if p = p[n:]; flush {
					w.(http.Flusher).Flush()
				}
			}
		}), CompressOptions{})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Accept-Encoding"] = []string{accept}
		r.Header["If-None-Match"] = []string{match}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code == http.StatusNotAcceptable {
			return
		}
		switch rec.Header().Get("Content-Encoding") {
		case "":
			if !bytes.Equal(rec.Body.Bytes(), body) {
				t.Fatalf("%d bytes of %d", rec.Body.Len(), len(body))
			}
		case "gzip":
			z, err := gzip.NewReader(rec.Body)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, body) {
				t.Fatalf("%d bytes of %d, %v", len(b), len(body), err)
			}
		}
	})
}
