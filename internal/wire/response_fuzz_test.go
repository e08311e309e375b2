package wire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzParseResponse checks what holds for every response that is accepted, and
// that net/http, where it accepts too, has read the same message.
func FuzzParseResponse(f *testing.F) {
	for _, s := range []string{
		ok11 + "\r\nbody", ok11 + "Content-Length: 5\r\n\r\nhelloHTTP/1.1 ", "HTTP/1.1 200\r\nA : b\r\n c\r\n\r\n",
		ok11 + "Transfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\nHTTP",
		"HTTP/1.0 304 Not Modified\r\nConnection: keep-alive\r\nContent-Length: 1, 1\r\n\r\nx",
		"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81", "HTTP/1.1 204 x\r\nContent-Length: 3\r\n\r\nabc",
		ok11 + "Transfer-Encoding: foo\r\n\r\nx", "HTTP/1.1 200 OK\nA: b\n\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		for flags := range byte(16) {
			f.Add([]byte(s), flags)
		}
	}
	f.Fuzz(func(t *testing.T, in []byte, flags byte) {
		l := Limits{LenientLF: flags&1 != 0}
		if flags&8 != 0 {
			l.MaxHeadBytes, l.MaxFields = 100, 4
		}
		method := []string{"GET", "HEAD", "CONNECT", "POST"}[flags>>1&3]
		var h ResponseHead
		n, broken := l.ParseResponse(bytes.Clone(in), &h)
		if n < 0 || n > len(in) || n > l.maxHeadBytes() || n != 0 && broken != 0 {
			t.Fatalf("n = %d, %v", n, broken)
		}
		// A shorter read says the same, or that it cannot tell yet. In one
		// buffer, as it fills, folds that were mended stay mended.
		fill := bytes.Clone(in)
		for cut := range min(len(in), 300) {
			var early ResponseHead
			m, fault := l.ParseResponse(fill[:cut], &early)
			if m == 0 && fault == 0 || n == 0 && broken == 0 && fault != 0 && len(in) >= searchFrom {
				continue
			}
			if m != n || fault != broken {
				t.Fatalf("%d octets: %d %v; all: %d %v", cut, m, fault, n, broken)
			}
		}
		if n == 0 {
			return
		}
		checkResponse(t, &l, &h)
		sameResponse(t, &h, method, in, n)
	})
}

// checkResponse fails if h has what no accepted head may have, or reads
// otherwise when it is written plainly.
func checkResponse(t *testing.T, l *Limits, h *ResponseHead) {
	if len(h.Fields) > l.maxFields() || h.Status < 100 || h.Status > 999 || !ValidFieldValue(h.Reason) ||
		h.Chunked && (h.Coded || h.ContentLength >= 0) {
		t.Fatalf("%+v", h)
	}
	plain := "HTTP/1." + strconv.Itoa(int(h.Minor)) + " " + strconv.Itoa(h.Status) + " " + h.Reason + "\r\n"
	for _, x := range h.Fields {
		if !ValidFieldName(x.Name) || !ValidFieldValue(x.Value) || x.Known != LookupKnown(x.Name) {
			t.Fatalf("%+v", x)
		}
		plain += x.Name + ": " + x.Value + "\r\n"
	}
	plain += "\r\n"
	var again ResponseHead
	wide := Limits{MaxHeadBytes: 1 << 20}
	if n, broken := wide.ParseResponse([]byte(plain), &again); n != len(plain) || broken != 0 {
		t.Fatalf("%q: %d %v", plain, n, broken)
	}
	if !slices.Equal(h.Fields, again.Fields) || h.ContentLength != again.ContentLength || h.Chunked != again.Chunked ||
		h.Coded != again.Coded || h.Close != again.Close || h.Upgrade != again.Upgrade || h.Reason != again.Reason {
		t.Fatalf("%+v\nbut written plainly\n%+v", h, again)
	}
}

// sameResponse fails if net/http accepts in as another message than h and the
// body behind it. It refuses some that RFC 9112 has us mend, and we may refuse
// bodies that it reads.
func sameResponse(t *testing.T, h *ResponseHead, method string, in []byte, n int) {
	framing := h.Framing(method)
	if framing == Tunnel || h.Coded {
		return // net/http leaves 101 to its transport, and refuses codings
	}
	ours, complete := in[n:], true
	switch framing {
	case NoBody:
		ours = nil
	case SizedBody:
		complete = int64(len(ours)) >= h.ContentLength
		ours = ours[:min(int64(len(ours)), h.ContentLength)]
	case ChunkedBody:
		var d Chunked
		body, _, done, broken := decode(&d, string(ours), len(ours)+1)
		if broken != 0 {
			return
		}
		ours, complete = []byte(body), done
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(bytes.NewReader(in), 128<<10), &http.Request{Method: method})
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != h.Status || resp.ProtoMinor != int(h.Minor) {
		t.Fatalf("%s %s, ours %+v", resp.Proto, resp.Status, h)
	}
	for _, x := range h.Fields {
		switch x.Known {
		case ContentLength, TransferEncoding, Trailer:
			continue // net/http rewrites them
		}
		if !hasField(resp.Header, x) {
			t.Fatalf("field %+v, net/http %q", x, resp.Header)
		}
	}
	for name := range resp.Header {
		if strings.TrimRight(name, " \t") != name {
			return // net/http keeps the white space in the name, and so misses a field on framing
		}
	}
	theirs, err := io.ReadAll(resp.Body)
	if err != nil && err.Error() == "chunked encoding contains too much non-data" {
		return // a bound that we do not have
	}
	if !bytes.Equal(theirs, ours) || (err == nil) != complete {
		t.Fatalf("%s: body %q, %v, ours %q, complete %v", method, theirs, err, ours, complete)
	}
}

// hasField reports whether header has f, whose name it may keep with the white
// space before the colon, and whose fold it may mend in its own way.
func hasField(header http.Header, f Field) bool {
	for name, values := range header {
		if strings.EqualFold(strings.TrimRight(name, " \t"), f.Name) && slices.ContainsFunc(values, func(v string) bool {
			return slices.Equal(blankSplit(v), blankSplit(f.Value))
		}) {
			return true
		}
	}
	return false
}

func blankSplit(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' })
}
