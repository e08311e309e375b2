package static

import (
	"strings"
	"testing"

	"freshet/digest"
)

// TestDigests: what is wanted is sent, of the bytes that are sent or that they
// are a part of, in each coding its own, and the hot path leaves such requests to
// the other.
func TestDigests(t *testing.T) {
	content := strings.Repeat("some text of a page\n", 200)
	s := newSite(t, Options{MaxInMemory: 10_000}, map[string]string{"a.txt": content, "large.bin": content + content + content, "d/x": ""})
	s.warm("/a.txt")
	whole, long := digest.Of(digest.SHA256, []byte(content)).String(), digest.Of(digest.SHA512, []byte(content)).String()
	const repr, both = "Want-Repr-Digest: sha-256=1", "Want-Content-Digest: sha-512=1, sha-256=9"
	for _, c := range []struct {
		request       string
		status        int
		repr, content string
	}{
		{raw("GET /a.txt"), 200, "", ""},
		{raw("GET /a.txt", repr), 200, whole, ""},
		{raw("GET /a.txt", repr, both), 200, whole, whole},
		{raw("HEAD /a.txt", repr, both), 200, whole, ""},
		{raw("GET /a.txt", "Want-Repr-Digest: sha-512=2, md5=3"), 200, long, ""},
		{raw("GET /a.txt", "Want-Repr-Digest: sha-512=10", "Want-Repr-Digest: sha-256=2"), 200, long, ""},
		{raw("GET /a.txt", "Want-Repr-Digest: sha-512=2, sha-256=2"), 200, whole, ""},
		{raw("GET /a.txt", repr, "Want-Content-Digest: sha-512=1"), 200, whole, long},
		{raw("HEAD /a.txt", "Want-Repr-Digest: sha-512=1", "Range: bytes=1-5"), 200, long, ""},
		{raw("GET /a.txt", "Want-Repr-Digest: sha-512=1", "Range: bytes=1-5"), 206, long, ""},
		{raw("GET /a.txt", "Want-Repr-Digest: sha-256=0"), 200, "", ""},
		{raw("GET /a.txt", "Want-Repr-Digest: sha-256=,"), 200, "", ""},
		{raw("GET /a.txt", "Range: bytes=1-5", repr, both), 206, whole, ""},
		{raw("GET /a.txt", "Range: bytes=1-5,10-12", repr, both), 206, whole, ""},
		{raw("GET /a.txt", "Range: bytes=100000-", repr, both), 416, "", ""},
		{raw("GET /none", repr, both), 404, "", ""},
		{raw("GET /d", repr, both), 301, "", ""},
	} {
		w := s.cold(c.request)
		if got := w.Header().Get("Repr-Digest"); w.Code != c.status || got != c.repr || w.Header().Get("Content-Digest") != c.content {
			t.Errorf("%q: %d %v", c.request, w.Code, w.Header())
		}
		if answer, ok := s.hot(c.request); ok && strings.Contains(c.request, "Want-") {
			t.Errorf("%q: the hot path answers %.200s", c.request, answer)
		}
	}
	tag := s.get("/a.txt").Header().Get("Etag")
	if w := s.get("/a.txt", repr, "If-None-Match: "+tag); w.Code != 304 || w.Header().Get("Repr-Digest") != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	// Each coding is a representation (RFC 9530 §3.2), and so is a listing.
	for _, path := range []string{"/a.txt", "/d/"} {
		for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
			w := s.get(path, repr, both, "Accept-Encoding: "+coding)
			want := digest.Of(digest.SHA256, w.Body.Bytes()).String()
			if h := w.Header(); h.Get("Repr-Digest") != want || h.Get("Content-Digest") != want || path == "/a.txt" && coding != "identity" && h.Get("Content-Encoding") != coding {
				t.Errorf("%s in %s: %v, want %s", path, coding, w.Header(), want)
			}
		}
	}
	// What is not in memory has one once it has been hashed.
	if w := s.get("/large.bin", repr); w.Code != 200 {
		t.Error(w.Code)
	}
	s.settle()
	if got, want := s.get("/large.bin", repr).Header().Get("Repr-Digest"), digest.Of(digest.SHA256, []byte(content+content+content)).String(); got != want {
		t.Errorf("of a large file: %s, want %s", got, want)
	}
	// Until its sha-512 is made, who prefers that gets the other, if it will do.
	huge := content + content + content
	for want, then := range map[string]string{"Want-Repr-Digest: sha-512=9, sha-256=1": digest.Of(digest.SHA256, []byte(huge)).String(), "Want-Repr-Digest: sha-512=1": ""} {
		if got := s.get("/large.bin", want).Header().Get("Repr-Digest"); got != then && got != digest.Of(digest.SHA512, []byte(huge)).String() {
			t.Errorf("of a large file: %s, want %s", got, then)
		}
	}
	s.settle()
	if got, want := s.get("/large.bin", "Want-Repr-Digest: sha-512=9, sha-256=1").Header().Get("Repr-Digest"), digest.Of(digest.SHA512, []byte(huge)).String(); got != want {
		t.Errorf("of a large file: %s, want %s", got, want)
	}
	s.write("a.txt", "edited")
	if got, want := s.get("/a.txt", "Want-Repr-Digest: sha-512=1").Header().Get("Repr-Digest"), digest.Of(digest.SHA512, []byte("edited")).String(); got != want {
		t.Errorf("after an edit: %s, want %s", got, want)
	}
	if got, want := s.get("/a.txt", repr).Header().Get("Repr-Digest"), digest.Of(digest.SHA256, []byte("edited")).String(); got != want {
		t.Errorf("after an edit: %s, want %s", got, want)
	}
}
