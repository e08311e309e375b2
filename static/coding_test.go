package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// sidecar writes a real coding beside a file.
func (s *site) sidecar(name string, c field.Coding, content string) {
	s.t.Helper()
	b, err := coding.Encode(nil, c, []byte(content), coding.Quick)
	must(s.t, err)
	s.write(name+coding.Sidecar(c), string(b))
}

// TestCodingMatrix: every coding with every status.
func TestCodingMatrix(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"app.js": script})
	s.warm("/app.js")
	for _, c := range []struct{ accept, coding string }{
		{"", ""}, {"Accept-Encoding: identity", ""}, {"Accept-Encoding: deflate", ""},
		{"Accept-Encoding: gzip", "gzip"}, {"Accept-Encoding: br", "br"}, {"Accept-Encoding: zstd", "zstd"},
		{"Accept-Encoding: gzip, deflate, br, zstd", "br"}, {"Accept-Encoding: gzip;q=1, br;q=0.5", "gzip"},
		{"Accept-Encoding: *", "br"}, {"Accept-Encoding: br;q=0, *", "zstd"}, {"Accept-Encoding: identity;q=0, gzip", "gzip"},
		{"Accept-Encoding: GZIP;Q=0.5", "gzip"},
	} {
		fields := func(more ...string) []string {
			if c.accept != "" {
				more = append(more, c.accept)
			}
			return more
		}
		full := s.get("/app.js", fields()...)
		f := full.Header()
		if full.Code != 200 || f.Get("Content-Encoding") != c.coding || f.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %d %v", c.accept, full.Code, f)
			continue
		}
		body, tag := full.Body.String(), f.Get("Etag")
		check := func(what string, w *httptest.ResponseRecorder, code int, body, tag string) {
			t.Helper()
			f := w.Header()
			if w.Code != code || w.Body.String() != body || f.Get("Etag") != tag || !strings.Contains(f.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s, %s: %d, %d bytes, %v", c.accept, what, w.Code, w.Body.Len(), f)
			}
			if code != 304 && f.Get("Content-Encoding") != c.coding {
				t.Errorf("%s, %s: coding %q", c.accept, what, f.Get("Content-Encoding"))
			}
		}
		check("304", s.get("/app.js", fields("If-None-Match: "+tag)...), 304, "", tag)
		check("weak 304", s.get("/app.js", fields("If-None-Match: \"x\", W/"+tag)...), 304, "", tag)
		check("HEAD", s.cold(raw("HEAD /app.js", fields()...)), 200, "", tag)
		check("If-Match", s.get("/app.js", fields("If-Match: "+tag)...), 200, body, tag)
		if w := s.get("/app.js", fields("If-Match: \"x\"")...); w.Code != 412 || w.Header().Get("Vary") != "Accept-Encoding, Accept" || w.Header().Get("Etag") != "" {
			t.Errorf("%s: 412: %d %v", c.accept, w.Code, w.Header())
		}
		part := s.get("/app.js", fields("Range: bytes=10-19", "If-Range: "+tag)...)
		check("206", part, 206, body[10:20], tag)
		if f := s.cold(raw("HEAD /app.js", fields()...)).Header(); f.Get("Content-Length") != full.Header().Get("Content-Length") {
			t.Errorf("%s: HEAD says %v", c.accept, f)
		}
	}

	// A tag of a coding that the request refuses confirms nothing.
	br := s.get("/app.js", "Accept-Encoding: br").Header().Get("Etag")
	if w := s.get("/app.js", "Accept-Encoding: gzip", "If-None-Match: "+br); w.Code != 200 {
		t.Errorf("the tag of a refused coding: %d", w.Code)
	}
	// A range without a tag is one of the identity: who resumes so does not know of codings.
	if w := s.get("/app.js", "Accept-Encoding: br", "Range: bytes=0-9"); w.Code != 206 || w.Body.String() != script[:10] || w.Header().Get("Content-Encoding") != "" {
		t.Errorf("a range without a tag: %d %v", w.Code, w.Header())
	}
}

// TestMadeOnDemand: what nobody asks for is not made, and what is asked for is
// made once.
func TestMadeOnDemand(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"app.js": script, "tiny.js": "let a", "noise.js": string(noise(2000))})
	codings := func(path string) (all string) {
		set := s.table.get(path).set.Load()
		for c := field.Identity; c < field.NumCodings; c++ {
			if set.Has(c) {
				all += c.String() + " "
			}
		}
		return all
	}
	for _, c := range []struct{ path, accept, want string }{
		{"app.js", "identity", "identity "},
		{"app.js", "identity, br;q=0.5", "identity "},
		{"app.js", "br, gzip", "identity br "},
		{"app.js", "br, gzip", "identity br "},
		{"app.js", "gzip", "identity gzip br "},
		{"tiny.js", "gzip", "identity "},
		{"noise.js", "gzip", "identity "},
	} {
		s.get("/"+c.path, "Accept-Encoding: "+c.accept)
		s.settle()
		if got := codings(c.path); got != c.want {
			t.Errorf("%s, after %s: %s, want %s", c.path, c.accept, got, c.want)
		}
	}
	s.auditTable()
}

// noise returns bytes that do not compress.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestGzipRoundTrip(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"app.js": script})
	s.warm("/app.js")
	zr, err := gzip.NewReader(s.get("/app.js", "Accept-Encoding: gzip").Body)
	must(t, err)
	if b, err := io.ReadAll(zr); err != nil || string(b) != script {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// TestSidecars: which files beside an original are used.
func TestSidecars(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.css": script, "old.css": script, "empty.css": script, "photo.png": script, "dir.css": script, "large.js": strings.Repeat(script, 60)})
	other := script + "/* by the build */"
	s.sidecar("a.css", field.Gzip, other)
	s.sidecar("old.css", field.Gzip, other)
	s.sidecar("photo.png", field.Gzip, other)
	s.write("empty.css.gz", "")
	s.write("dir.css.gz/x", "")
	s.sidecar("large.js", field.Gzip, other)
	before := mustStat(t, s.path("old.css")).ModTime().Add(-time.Second)
	must(t, os.Chtimes(s.path("old.css.gz"), before, before))

	gunzipped := func(path string) string {
		t.Helper()
		w := s.get(path, "Accept-Encoding: gzip")
		if w.Header().Get("Content-Encoding") != "gzip" {
			return w.Body.String()
		}
		zr, err := gzip.NewReader(w.Body)
		must(t, err)
		b, err := io.ReadAll(zr)
		must(t, err)
		return string(b)
	}
	for range 2 {
		for path, want := range map[string]string{
			"/a.css": other, "/old.css": script, "/empty.css": script, "/photo.png": script, "/dir.css": script, "/large.js": other,
		} {
			if got := gunzipped(path); got != want {
				t.Errorf("%s: %d bytes, want %d", path, len(got), len(want))
			}
		}
		s.settle()
	}
	if w := s.get("/a.css.gz"); w.Code != 404 {
		t.Errorf("the sidecar itself: %d", w.Code)
	}

	// The sidecar of an entry in memory changes, goes and is half written.
	s.both(raw("GET /a.css", "Accept-Encoding: gzip"))
	s.sidecar("a.css", field.Gzip, script+"/* once more */")
	if got := gunzipped("/a.css"); got != script+"/* once more */" {
		t.Error("the new sidecar is not served")
	}
	must(t, os.Remove(s.path("a.css.gz")))
	if _, ok := s.hot(raw("GET /a.css", "Accept-Encoding: gzip")); ok {
		t.Error("a sidecar that has gone was served")
	}
	if got := gunzipped("/a.css"); got != script {
		t.Error("without a sidecar: another body")
	}

	// One that was written a moment ago may be half written.
	s.Handler.table.clear()
	s.sidecar("a.css", field.Gzip, other)
	f, err := s.tree.open("a.css.gz")
	must(t, err)
	f.Close()
	e := s.resolve("a.css", false, moment{at: s.clock().UnixNano()}).entry
	if v, fresh := s.Handler.sidecar(e, field.Gzip, f.stamp.ctime+stampTick-1, false); v != nil || fresh {
		t.Errorf("a sidecar written just now: %v, %v", v, fresh)
	}
	if v, fresh := s.Handler.sidecar(e, field.Gzip, f.stamp.ctime+coarseStampTick, false); v == nil || !fresh {
		t.Errorf("a sidecar written a while ago: %v, %v", v, fresh)
	}
}

// TestSidecarChanges: a sidecar that is written while it is read is not used.
func TestSidecarChanges(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.css": script})
	s.sidecar("a.css", field.Gzip, script+"/* by the build */")
	old := s.tree
	s.tree = &changingTree{old, func() { s.write("a.css.gz", string(noise(100+rand.IntN(1000)))) }}
	w := s.get("/a.css", "Accept-Encoding: gzip")
	s.tree = old
	if w.Code != 200 || w.Header().Get("Content-Encoding") != "" || w.Body.String() != script || s.table.get("a.css") != nil {
		t.Errorf("%d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
}

// TestSidecarTags: another encoder's bytes have another tag.
func TestSidecarTags(t *testing.T) {
	tag := func(effort coding.Effort) string {
		s := newSite(t, Options{}, map[string]string{"a.js": script})
		b, err := coding.Encode(nil, field.Gzip, []byte(script), effort)
		must(t, err)
		if effort == coding.Quick {
			b = append(b, gzipped(t, "")...) // an empty member: other bytes, same content
		}
		s.write("a.js.gz", string(b))
		return s.get("/a.js", "Accept-Encoding: gzip").Header().Get("Etag")
	}
	if a, b := tag(coding.Quick), tag(coding.Best); a == b || a == "" {
		t.Errorf("tags %s and %s", a, b)
	}
}

func gzipped(t *testing.T, content string) []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, err := io.WriteString(zw, content)
	must(t, err)
	must(t, zw.Close())
	return b.Bytes()
}

// TestNotAcceptable: a client that refuses the file as it is gets a coding, at
// once if need be, or is told that there is none.
func TestNotAcceptable(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"app.js": script, "photo.png": "x"})
	w := s.get("/app.js", "Accept-Encoding: gzip, identity;q=0")
	zr, err := gzip.NewReader(w.Body)
	must(t, err)
	if b, err := io.ReadAll(zr); w.Code != 200 || string(b) != script || err != nil || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("made at once: %d %v, %d bytes, %v", w.Code, w.Header(), len(b), err)
	}
	for _, c := range [][2]string{
		{"/app.js", "Accept-Encoding: *;q=0"},
		{"/app.js", "Accept-Encoding: compress, identity;q=0"},
		{"/photo.png", "Accept-Encoding: gzip, identity;q=0"},
	} {
		if w := s.get(c[0], c[1]); w.Code != 406 || w.Header().Get("Vary") != "Accept-Encoding, Accept" {
			t.Errorf("%s, %s: %d %v", c[0], c[1], w.Code, w.Header())
		}
	}
}

func TestNoCompress(t *testing.T) {
	s := newSite(t, Options{NoCompress: true}, map[string]string{"app.js": script, "app.js.gz": "anything"})
	s.get("/app.js", "Accept-Encoding: gzip")
	s.settle()
	w := s.get("/app.js", "Accept-Encoding: gzip")
	if f := w.Header(); f.Get("Content-Encoding") != "" || f.Get("Vary") != "" {
		t.Errorf("%v", f)
	}
	if w := s.get("/app.js.gz"); w.Code != 200 || w.Body.String() != "anything" {
		t.Errorf("the other file: %d", w.Code)
	}
}

// TestRanges: what becomes of a Range, in memory and from disk.
func TestRanges(t *testing.T) {
	content := strings.Repeat("0123456789", 3000)
	s := newSite(t, Options{MaxInMemory: 20_000}, map[string]string{"small.bin": content[:10_000], "large.bin": content, "empty.bin": ""})
	for path, content := range map[string]string{"/small.bin": content[:10_000], "/large.bin": content} {
		size := len(content)
		for _, c := range []struct {
			value, body string
			code        int
		}{
			{"bytes=0-4", content[:5], 206},
			{"bytes=5-", content[5:], 206},
			{"bytes=-3", content[size-3:], 206},
			{"bytes=-999999999", content, 206},
			{"bytes=9000-99999999999999999999999999", content[9000:], 206},
			{"BYTES=0-0", "0", 206},
			{"bytes=0-0,999999999-", "0", 206},
			{"bytes=-0", "", 416},
			{"bytes=999999999-", "", 416},
			{"lines=1-2", content, 200},
			{"bytes=4-1", content, 200},
			{"bytes=x", content, 200},
		} {
			w := s.get(path, "Range: "+c.value)
			if w.Code != c.code || c.body != "" && w.Body.String() != c.body {
				t.Errorf("%s %s: %d, %d bytes, %v", path, c.value, w.Code, w.Body.Len(), w.Header())
			}
			if got := w.Header().Get("Content-Range"); (got != "") != (c.code != 200) || c.code == 416 && !strings.HasPrefix(got, "bytes */") {
				t.Errorf("%s %s: Content-Range %q", path, c.value, got)
			}
		}
		w := s.get(path, "Range: bytes=0-4, 100-104")
		kind := w.Header().Get("Content-Type")
		boundary, ok := strings.CutPrefix(kind, "multipart/byteranges; boundary=")
		body := w.Body.String()
		if w.Code != 206 || !ok || strings.Count(body, "--"+boundary) != 3 || strings.Count(body, "01234") != 2 || w.Header().Get("Content-Range") != "" {
			t.Errorf("%s: several ranges: %d %s\n%s", path, w.Code, kind, body)
		}
		if w.Header().Get("Content-Length") != strconv.Itoa(len(body)) {
			t.Errorf("%s: several ranges: %s is not %d", path, w.Header().Get("Content-Length"), len(body))
		}
	}
	if w := s.get("/empty.bin", "Range: bytes=0-"); w.Code != 416 {
		t.Errorf("a range of nothing: %d", w.Code)
	}
}
