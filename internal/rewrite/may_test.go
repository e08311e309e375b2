package rewrite

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fields makes a header of lines.
func fields(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func TestMay(t *testing.T) {
	const html = "Content-Type: text/html"
	for _, tt := range []struct {
		method  string
		status  int
		answer  []string
		request []string
		want    Verdict
	}{
		{"GET", 200, []string{html}, nil, Verdict{OK: true}},
		{"HEAD", 200, []string{html}, nil, Verdict{OK: true}},
		{"POST", 200, []string{html}, nil, Verdict{OK: true}},
		{"PUT", 200, []string{html}, nil, Verdict{Reason: BadMethod}},
		{"GET", 404, []string{html}, nil, Verdict{Reason: BadStatus}},
		{"GET", 203, []string{html}, nil, Verdict{Reason: BadStatus}},
		{"GET", 206, []string{html}, nil, Verdict{Reason: BadStatus}},
		{"GET", 200, []string{"Content-Type: Text/HTML ; Charset=\"UTF-8\""}, nil, Verdict{OK: true, Charset: "UTF-8"}},
		{"GET", 200, []string{"Content-Type: text/html;charset=nonsense"}, nil, Verdict{OK: true, Charset: "nonsense"}},
		{"GET", 200, []string{"Content-Type: text/html; charset=utf-16"}, nil, Verdict{Reason: BadCharset}},
		{"GET", 200, []string{"Content-Type: text/html; charset=ISO-2022-JP"}, nil, Verdict{Reason: BadCharset}},
		{"GET", 200, []string{"Content-Type: text/html; =;"}, nil, Verdict{OK: true}},
		{"GET", 200, []string{"Content-Type: text/html;"}, nil, Verdict{OK: true}},
		{"GET", 200, []string{"Content-Type: text/htmlx"}, nil, Verdict{Reason: NotHTMLType}},
		{"GET", 200, []string{"Content-Type: text/html, text/plain"}, nil, Verdict{Reason: NotHTMLType}},
		{"GET", 200, []string{html, html}, nil, Verdict{Reason: NotHTMLType}},
		{"GET", 200, nil, nil, Verdict{Reason: NotHTMLType}},
		{"GET", 200, []string{"Content-Type: application/xhtml+xml"}, nil, Verdict{Reason: XHTML}},
		{"GET", 200, []string{html, "Cache-Control: max-age=1, No-Transform"}, nil, Verdict{Reason: NoTransform}},
		{"GET", 200, []string{html, "Cache-Control: no-transform=1"}, nil, Verdict{Reason: NoTransform}},
		{"GET", 200, []string{html, "Cache-Control: x=\"no-transform\""}, nil, Verdict{OK: true}},
		{"GET", 200, []string{html}, []string{"Cache-Control: no-transform"}, Verdict{Reason: NoTransform}},
		{"GET", 200, []string{html, "Content-Range: bytes 0-1/2"}, nil, Verdict{Reason: Partial}},
		{"GET", 200, []string{html, "Content-Disposition: attachment; filename=a"}, nil, Verdict{Reason: Download}},
		{"GET", 200, []string{html, "Content-Disposition: Form-Data"}, nil, Verdict{Reason: Download}},
		{"GET", 200, []string{html, "Content-Disposition: inline; filename=a"}, nil, Verdict{OK: true}},
		{"GET", 200, []string{html, "Content-Disposition: filename=a"}, nil, Verdict{OK: true}},
		{"GET", 200, []string{html, "Signature-Input: sig=()"}, nil, Verdict{Reason: Signed}},
		{"GET", 200, []string{html, "Content-Length: 0"}, nil, Verdict{Reason: NothingInIt}},
		{"GET", 200, []string{html, "Content-Encoding: x-gzip"}, nil, Verdict{OK: true, Coding: "gzip"}},
		{"GET", 200, []string{html, "Content-Encoding: BR, identity"}, nil, Verdict{OK: true, Coding: "br"}},
		{"GET", 200, []string{html, "Content-Encoding: gzip, br"}, nil, Verdict{Reason: BadCoding}},
		{"GET", 200, []string{html, "Content-Encoding: gzip", "Content-Encoding: gzip"}, nil, Verdict{Reason: BadCoding}},
		{"GET", 200, []string{html, "Content-Encoding: dcb"}, nil, Verdict{Reason: BadCoding}},
		{"GET", 200, []string{html}, []string{"Sec-Fetch-Dest: document"}, Verdict{OK: true}},
		{"GET", 200, []string{html}, []string{"Sec-Fetch-Dest: iframe"}, Verdict{OK: true}},
		{"GET", 200, []string{html}, []string{"Sec-Fetch-Dest: empty"}, Verdict{Reason: NotADocument}},
		{"GET", 200, []string{html}, []string{"X-Requested-With: XMLHttpRequest"}, Verdict{Reason: NotADocument}},
	} {
		r := httptest.NewRequest(tt.method, "/", nil)
		r.Header = fields(tt.request...)
		if got := May(tt.status, fields(tt.answer...), r); got != tt.want {
			t.Errorf("%s %d %q %q: %+v, want %+v", tt.method, tt.status, tt.answer, tt.request, got, tt.want)
		}
	}
}

func TestApply(t *testing.T) {
	h := fields("Content-Type: text/html", "Content-Length: 9", "Content-Encoding: gzip", "Content-MD5: x", "Digest: x", "Content-Digest: x", "Repr-Digest: x",
		"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "ETag: \"abc\"", "Accept-Ranges: bytes", "Vary: Accept-Encoding")
	Verdict{OK: true}.Apply(h, "v1")
	want := fields("Content-Type: text/html", "Vary: Accept-Encoding", "Accept-Ranges: none", `ETag: W/"s:abc~v1"`)
	if len(h) != len(want) {
		t.Errorf("%v", h)
	}
	for name := range want {
		if h.Get(name) != want.Get(name) {
			t.Errorf("%s: %q", name, h.Get(name))
		}
	}
}

// A tag leads back to what it was made of, with its own version alone.
func TestConditions(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for _, tt := range []struct{ etag, modified, changed, none, since string }{
		{`"abc"`, date, `W/"s:abc~v1"`, `"abc"`, ""},
		{`W/"abc"`, "", `W/"w:abc~v1"`, `W/"abc"`, ""},
		{`"a~b"`, "", `W/"s:a~b~v1"`, `"a~b"`, ""},
		{`""`, "", `W/"s:~v1"`, `""`, ""},
		{"", date, `W/"d:Sun,_06_Nov_1994_08:49:37_GMT~v1"`, "", date},
		{"", "", "", "", ""},
		{"bad", date, "", "", ""},
		{`"` + strings.Repeat("a", 600) + `"`, date, "", "", ""},
		{"", "nonsense", "", "", ""},
	} {
		tag := changedTag(tt.etag, tt.modified, "v1")
		if tag != tt.changed {
			t.Errorf("%+v: %s", tt, tag)
		}
		if tag == "" {
			continue
		}
		h := fields("If-None-Match: "+tag, "If-Modified-Since: "+date, "Range: bytes=0-1", "If-Range: "+tag)
		OriginConditions(h, "v1")
		if h.Get("If-None-Match") != tt.none || h.Get("If-Modified-Since") != tt.since || h.Get("Range")+h.Get("If-Range") != "" {
			t.Errorf("%s became %v", tag, h)
		}
		h = fields("If-None-Match: " + tag)
		if OriginConditions(h, "v2"); len(h) > 0 {
			t.Errorf("%s of another version became %v", tag, h)
		}
	}
	h := fields(`If-None-Match: "plain", W/"s:a~v1"`, `If-None-Match: W/"s:b~v0", W/"w:c~v1"`)
	OriginConditions(h, "v1")
	if got := h.Get("If-None-Match"); got != `"plain", "a", W/"c"` {
		t.Errorf("%s", got)
	}
	h = fields("If-None-Match: *")
	if OriginConditions(h, "v1"); h.Get("If-None-Match") != "*" {
		t.Errorf("%v", h)
	}
}

func FuzzTag(f *testing.F) {
	f.Add(`"abc"`, "v1")
	f.Add(`W/"d:a~b"`, "~\",")
	f.Fuzz(func(t *testing.T, etag, version string) {
		tag := changedTag(etag, "", version)
		if tag == "" {
			return
		}
		if back, _, ok := originOf(tag, version); !ok || back != etag || !isChanged(tag) {
			t.Errorf("%q became %q and that %q", etag, tag, back)
		}
	})
}

func TestWantsDocument(t *testing.T) {
	for line, want := range map[string]bool{
		"Sec-Fetch-Dest: document": true, "Sec-Fetch-Dest: image": false, "Accept: text/html,*/*;q=0.8": true, "Accept: TEXT/HTML;q=1": true, "Accept: */*": false, "X: y": false,
	} {
		if got := WantsDocument(&http.Request{Header: fields(line)}); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func gunzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func gzipped(t *testing.T, size int, fill func(i int) byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	chunk := make([]byte, 64<<10)
	for n := 0; n < size; n += len(chunk) {
		for i := range chunk {
			chunk[i] = fill(n + i)
		}
		z.Write(chunk)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBomb(t *testing.T) {
	bomb := gzipped(t, 12<<20, func(int) byte { return 'a' })
	r, err := new(Bound).Reader(bytes.NewReader(bomb), gunzip)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if !errors.Is(err, ErrBomb) || n > DefaultFree+int64(len(bomb))*DefaultRatio {
		t.Errorf("%d bytes of %d, %v", n, len(bomb), err)
	}
	// The same is allowed to be short.
	short := gzipped(t, 4<<20, func(int) byte { return 'a' })
	if r, err = new(Bound).Reader(bytes.NewReader(short), gunzip); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); err != nil || n != 4<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
	// What is long because much was sent is no bomb.
	const size = 2 << 20
	long := gzipped(t, size, func(i int) byte { return byte(i * i >> 7) })
	if r, err = (&Bound{Free: size / 2}).Reader(bytes.NewReader(long), gunzip); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, r); err != nil || n != size {
		t.Errorf("%d bytes of %d, %v", n, len(long), err)
	}
	if _, err := new(Bound).Reader(strings.NewReader("no gzip"), gunzip); err == nil {
		t.Error("no gzip")
	}
	b := &Bound{Ratio: 2, Free: 10}
	if r, err = b.Reader(bytes.NewReader(gzipped(t, 64<<10, func(int) byte { return 'a' })), gunzip); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, ErrBomb) {
		t.Error(err)
	}
}

// A document that was cut off, or a bomb, ends in an error, not in a page that
// looks whole.
func TestHTMLOfABomb(t *testing.T) {
	r, err := (&Bound{Free: 1 << 10}).Reader(bytes.NewReader(gzipped(t, 2<<20, func(int) byte { return 0x20 })), gunzip)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := HTML(io.Discard, r, Edit{Sheet: sheet(t, "p{}"), Charset: "utf-8"}); !errors.Is(err, ErrBomb) {
		t.Errorf("%v", err)
	}
}
