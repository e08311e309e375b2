package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzDifferential reads the same octets with this package and with net/http.
// Where both accept they must have read the same message and left the same
// octets for the next one; where only we accept there must be a reason in
// whyRefused. We may refuse more.
func FuzzDifferential(f *testing.F) {
	for _, s := range []string{
		bareHead, browserHead, "GET / HTTP/1.0\r\n\r\n", get11 + "\r\nGET /next HTTP/1.1\r\n",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel",
		"POST /?a=b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nX-A: b\r\nX-B: c\r\n\r\nGET",
		"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\nPragma: no-cache\r\n\r\n", "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
		"GET http://a:80/b?c HTTP/1.1\r\nHost: h\r\nA: b\r\na: \tc \r\n\r\n", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1, 1\r\n\r\nx",
		"\r\nGET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", get11 + "A : b\r\n c\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(sameMessage)
}

// pieces are what FuzzDifferentialPieces puts messages together from: with
// them it gets past the request line and finds the odd combinations.
var pieces = []string{
	"GET / HTTP/1.1\r\n", "POST /a%20b?c=d HTTP/1.1\r\n", "PUT http://x:8/y HTTP/1.1\r\n", "POST / HTTP/1.0\r\n",
	"CONNECT h:1 HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n", "GET https://[::1] HTTP/1.9\r\n", "HEAD //a/../b HTTP/1.1\r\n",
	"PRI * HTTP/1.1\r\n", "GET ", "/", "?", "%", "%2f", "%00", "[", "]", "|", ":", "://", "@", "*", ".", "..", ";", "HTTP/1.1", "HTTP/1.0",
	"Host: h\r\n", "host:\r\n", "Host: [::1]:80\r\n", "Host: ", "Content-Length: ", "Content-Length: 3\r\n", "content-length:0\r\n",
	"Content-Length: 5, 5\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: ", "chunked", "gzip", "identity",
	"Connection: ", "close", "keep-alive", "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: upgrade\r\n",
	"Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "Trailer: A, B\r\n", "Trailer: Host\r\n", "Pragma: no-cache\r\n", "Cache-Control: x\r\n",
	"A: b\r\n", "a:c\r\n", "B:\t\xe9 \r\n", "Keep-Alive: 3\r\n", "Proxy-Connection: close\r\n", "Cookie: a=b; c=d\r\n", "_-x.y: z\r\n",
	"\r\n", "\r\n\r\n", "\r", "\n", " ", "\t", ",", "\"", "\\", "=", "\x00", "\x7f", "\xff", "0\r\n", "0\r\n\r\n", "1\r\nx\r\n", "3\r\nabc\r\n",
	"3;a=b\r\nabc\r\n", "3;a=\"\\\"\"\r\nabc\r\n", "00003\r\nabc\r\n", "A\r\n0123456789\r\n", "3", "5", "0", "abc", "hello", "x",
}

// FuzzDifferentialPieces is FuzzDifferential for messages whose octets are
// numbers of pieces.
func FuzzDifferentialPieces(f *testing.F) {
	for _, in := range [][]string{
		{"GET / HTTP/1.1\r\n", "Host: h\r\n", "\r\n"},
		{"POST /a%20b?c=d HTTP/1.1\r\n", "Host: h\r\n", "Transfer-Encoding: chunked\r\n", "Trailer: A, B\r\n", "\r\n", "3;a=b\r\nabc\r\n", "0\r\n", "A: b\r\n", "\r\n"},
		{"POST / HTTP/1.0\r\n", "Connection: keep-alive\r\n", "Content-Length: 3\r\n", "Content-Length: 3\r\n", "\r\n", "abc", "GET "},
		{"OPTIONS * HTTP/1.1\r\n", "host:\r\n", "Connection: ", "keep-alive", ",", "close", "\r\n\r\n"},
	} {
		var numbers []byte
		for _, piece := range in {
			numbers = append(numbers, byte(slices.Index(pieces, piece)))
		}
		f.Add(numbers)
	}
	f.Fuzz(func(t *testing.T, numbers []byte) {
		var in []byte
		for _, k := range numbers {
			in = append(in, pieces[int(k)%len(pieces)]...)
		}
		sameMessage(t, in)
	})
}

// sameMessage fails if this package and net/http accept in as different
// messages, or only this package accepts it.
func sameMessage(t *testing.T, in []byte) {
	var l Limits
	var h Head
	n, broken := l.ParseRequest(in, &h)
	if n == 0 || broken != 0 {
		return
	}
	ours, ok := readBody(&h, in[n:])
	if !ok {
		return
	}

	rest := bytes.NewReader(in)
	br := bufio.NewReaderSize(rest, 128<<10) // a trailer section has to fit
	req, err := http.ReadRequest(br)
	if err != nil {
		if whyRefused(&h, in, err) == "" {
			t.Fatalf("only we accept: %v", err)
		}
		return
	}
	if req.Method != h.Method || req.RequestURI != h.Target || req.ProtoMajor != int(h.Major) || req.ProtoMinor != int(h.Minor) {
		t.Fatalf("%s %q %s, ours %+v", req.Method, req.RequestURI, req.Proto, h)
	}
	if req.Host != h.Host && !escapedHost(&h) {
		t.Fatalf("host %q, ours %q", req.Host, h.Host)
	}
	if req.Close != h.Close || req.ContentLength != h.ContentLength || h.Chunked != slices.Equal(req.TransferEncoding, []string{"chunked"}) {
		t.Fatalf("close %v, length %d, codings %q, ours %+v", req.Close, req.ContentLength, req.TransferEncoding, h)
	}
	if want := stdHeader(&h); !maps.EqualFunc(want, req.Header, slices.Equal[[]string]) {
		t.Fatalf("fields %q, ours %q", req.Header, want)
	}

	theirs, err := io.ReadAll(req.Body)
	if err != nil && err.Error() == "chunked encoding contains too much non-data" {
		// A bound on everything around the data; ours are on extensions, and
		// on trailers.
		return
	}
	if !bytes.Equal(theirs, ours.body) || (err == nil) != ours.complete {
		t.Fatalf("body %q, %v, ours %q, complete %v", theirs, err, ours.body, ours.complete)
	}
	for _, f := range ours.trailer {
		if !slices.Contains(req.Trailer[CanonicalName(f.Name)], f.Value) {
			t.Fatalf("trailer %q, ours %+v", req.Trailer, f)
		}
	}
	if used := len(in) - rest.Len() - br.Buffered(); ours.complete && used != n+ours.used {
		t.Fatalf("%d octets used, ours %d", used, n+ours.used)
	}
}

type bodyRead struct {
	body     []byte
	used     int // octets of the input
	complete bool
	trailer  []Field
}

// readBody reads the body of h at the start of in; not ok if we refuse it.
func readBody(h *Head, in []byte) (r bodyRead, ok bool) {
	if h.Chunked {
		var d Chunked
		body, n, done, broken := decode(&d, string(in), len(in)+1)
		return bodyRead{[]byte(body), n, done, d.Trailer}, broken == 0
	}
	n := int(min(h.ContentLength, int64(len(in))))
	return bodyRead{in[:n], n, int64(n) == h.ContentLength, nil}, true
}

// stdHeader returns the fields of h as net/http keeps them.
func stdHeader(h *Head) http.Header {
	want := http.Header{}
	for _, f := range h.Fields {
		name := CanonicalName(f.Name)
		want[name] = append(want[name], f.Value)
	}
	want.Del("Host")
	if h.Chunked {
		want.Del("Transfer-Encoding")
		want.Del("Trailer")
	}
	if lengths := want["Content-Length"]; len(lengths) > 1 {
		want["Content-Length"] = lengths[:1]
	}
	if pragma := want["Pragma"]; len(pragma) > 0 && pragma[0] == "no-cache" && want["Cache-Control"] == nil {
		want["Cache-Control"] = []string{"no-cache"}
	}
	return want
}

// escapedHost reports whether the target's host has escapes, which net/url
// decodes and we leave.
func escapedHost(h *Head) bool { return h.Scheme != "" && strings.Contains(h.Host, "%") }

// whyRefused says why net/http may refuse what we accept, "" if it may not.
func whyRefused(h *Head, in []byte, err error) string {
	var bad *url.Error
	switch {
	case in[0] == '\r':
		return "RFC 9112 §2.2 asks a server to ignore an empty line before the request line; net/http does not"
	case errors.As(err, &bad) && (escapedHost(h) || strings.HasPrefix(h.Host, "[")):
		return "net/url refuses IPvFuture, and escapes in a host that stand for ASCII"
	}
	if strings.HasPrefix(err.Error(), "bad trailer key") && h.Chunked && h.Has(Trailer) {
		return "net/http refuses a Trailer field that announces framing; we refuse the trailer itself"
	}
	switch err.Error() {
	case fmt.Sprintf("http: message cannot contain multiple Content-Length headers; got %q", values(h, ContentLength)),
		fmt.Sprintf("bad Content-Length %q", h.Get(ContentLength)):
		return "RFC 9112 §6.3 item 5 lets a list repeat one length; net/http wants equal texts on lines of their own"
	}
	return ""
}

func values(h *Head, k Known) (vs []string) {
	for _, f := range h.Fields {
		if f.Known == k {
			vs = append(vs, f.Value)
		}
	}
	return vs
}
