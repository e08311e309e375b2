package representation

import (
	"testing"

	"freshet/conditional"
	"freshet/internal/alloctest"
	"freshet/internal/field"
)

var meta = &Meta{Type: "text/css; charset=utf-8", CacheControl: "no-cache", Vary: "Accept-Encoding", Modified: 784111777}

func TestHeads(t *testing.T) {
	v := New(meta, field.Brotli, `"t-br"`, 1000, make([]byte, 1000))
	bare := New(&Meta{Type: "image/png", Modified: 784111777}, field.Identity, "", 5, nil)
	listing := New(&Meta{Type: "text/html", Policy: "default-src 'none'", Link: "<?page=2>; rel=next"}, field.Identity, `"l"`, 9, nil)
	const policy = "Content-Security-Policy: default-src 'none'\r\n"
	const behind = "ETag: \"l\"\r\nLink: <?page=2>; rel=next\r\nX-Content-Type-Options: nosniff\r\n"
	const tail = "Content-Type: text/css; charset=utf-8\r\nETag: \"t-br\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n" +
		"Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n"
	const front = "Accept-Ranges: bytes\r\nCache-Control: no-cache\r\nContent-Encoding: br\r\n"
	for _, c := range []struct{ name, got, want string }{
		{"200", string(v.Head()), "HTTP/1.1 200 OK\r\n" + front + "Content-Length: 1000\r\n" + tail},
		{"304", string(v.NotModified()), "HTTP/1.1 304 Not Modified\r\nCache-Control: no-cache\r\nETag: \"t-br\"\r\nVary: Accept-Encoding\r\n"},
		{"206", string(v.AppendPartial(nil, field.Range{Start: 10, Length: 20})),
			"HTTP/1.1 206 Partial Content\r\n" + front + "Content-Length: 20\r\nContent-Range: bytes 10-29/1000\r\n" + tail},
		{"multipart", string(v.AppendMultipart(nil, 77, "multipart/x")), "HTTP/1.1 206 Partial Content\r\n" + front +
			"Content-Length: 77\r\nContent-Type: multipart/x\r\n" + tail[len("Content-Type: text/css; charset=utf-8\r\n"):]},
		{"bare 200", string(bare.Head()), "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 5\r\nContent-Type: image/png\r\n" +
			"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Content-Type-Options: nosniff\r\n"},
		{"bare 304", string(bare.NotModified()), "HTTP/1.1 304 Not Modified\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{"policy", string(listing.Head()), "HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 9\r\n" + policy + "Content-Type: text/html\r\n" + behind},
		{"policy, 304", string(listing.NotModified()), "HTTP/1.1 304 Not Modified\r\nETag: \"l\"\r\n"},
		{"policy, 206", string(listing.AppendPartial(nil, field.Range{Start: 1, Length: 2})), "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\n" +
			"Content-Length: 2\r\nContent-Range: bytes 1-2/9\r\n" + policy + "Content-Type: text/html\r\n" + behind},
		{"policy, multipart", string(listing.AppendMultipart(nil, 77, "multipart/x")), "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\n" +
			"Content-Length: 77\r\n" + policy + "Content-Type: multipart/x\r\n" + behind},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, c.got, c.want)
		}
	}
	if v.Cost() < 1000 || bare.Cost() > 1000 {
		t.Errorf("costs %d and %d", v.Cost(), bare.Cost())
	}
}

func testSet() *Set {
	return NewSet(meta, New(meta, field.Identity, `"t"`, 1000, nil)).
		With(New(meta, field.Gzip, `"t-gz"`, 300, nil)).With(New(meta, field.Brotli, `"t-br"`, 200, nil))
}

func TestDecide(t *testing.T) {
	s := testSet()
	for _, c := range []struct {
		accept string
		q      conditional.Request
		tag    string // of the variant; "" for none
		status int
	}{
		{"", conditional.Request{}, `"t"`, 200},
		{"gzip, br", conditional.Request{}, `"t-br"`, 200},
		{"gzip, br;q=0.5", conditional.Request{}, `"t-gz"`, 200},
		{"zstd", conditional.Request{}, `"t"`, 200},
		{"zstd, identity;q=0", conditional.Request{}, "", 0},
		{"gzip, br", conditional.Request{IfNoneMatch: `"t-gz"`}, `"t-gz"`, 304},
		{"br", conditional.Request{IfNoneMatch: `"t-gz"`}, `"t-br"`, 200},
		{"br", conditional.Request{Range: "bytes=0-9"}, `"t"`, 206},
		{"br", conditional.Request{Range: "bytes=0-9", IfRange: `"t-br"`}, `"t-br"`, 206},
		{"br, identity;q=0", conditional.Request{Range: "bytes=0-9"}, `"t-br"`, 200},
		{"br", conditional.Request{IfModifiedSince: "Sun, 06 Nov 1994 08:49:37 GMT"}, `"t-br"`, 304},
		{"br", conditional.Request{IfMatch: `"x"`}, `"t-br"`, 412},
	} {
		c.q.Method = "GET"
		a := field.ParseAcceptEncoding(c.accept, c.accept != "")
		v, d := s.Decide(&c.q, a, 1_800_000_000, nil)
		tag := ""
		if v != nil {
			tag = v.Tag
		}
		if tag != c.tag || d.Status != c.status {
			t.Errorf("%q, %+v: %d of %s, want %d of %s", c.accept, c.q, d.Status, tag, c.status, c.tag)
		}
		if c.q == (conditional.Request{Method: "GET"}) && s.Pick(a) != v {
			t.Errorf("%q: Pick and Decide differ", c.accept)
		}
	}
}

// TestSetIsImmutable: a reader of an old set sees no new variant.
func TestSetIsImmutable(t *testing.T) {
	s := testSet()
	more := s.With(New(meta, field.Zstd, `"t-zst"`, 100, nil))
	if s.Has(field.Zstd) || !more.Has(field.Zstd) || more.Variant(field.Gzip) != s.Variant(field.Gzip) {
		t.Error("With changed the set that it was called on")
	}
}

func TestAllocs(t *testing.T) {
	s := testSet()
	scratch := make([]byte, 0, 1024)
	var buf [4]field.Range
	q := conditional.Request{Method: "GET", Range: "bytes=0-9", IfRange: `"t-br"`, IfNoneMatch: `"x"`}
	if n := alloctest.PerRun(100, func() {
		a := field.ParseAcceptEncoding("gzip, deflate, br", true)
		v, d := s.Decide(&q, a, 1_800_000_000, buf[:0])
		_ = v.AppendPartial(scratch, d.Ranges[0])
		_, _ = s.Pick(a).Head(), v.NotModified()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
