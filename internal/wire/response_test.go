package wire

import (
	"strings"
	"testing"

	"freshet/internal/rule"
)

// ok11 is the start of a good response that the field tables extend.
const ok11 = "HTTP/1.1 200 OK\r\n"

func TestResponseAccepted(t *testing.T) {
	for _, c := range []struct {
		in      string
		method  string
		framing Framing
		want    ResponseHead
	}{
		{ok11, "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1}},
		{"HTTP/1.1 200 \r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1}},
		{"HTTP/1.1 200\r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1}},
		{"HTTP/1.1 999 \xe9t\xe9\tx\r\n", "GET", BodyToClose, ResponseHead{Status: 999, ContentLength: -1}},
		{"HTTP/1.0 299 x\r\n", "GET", BodyToClose, ResponseHead{Status: 299, ContentLength: -1, Close: true}},
		{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1}},
		{"HTTP/1.3 200 OK\r\nConnection: Close\r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1, Close: true}},
		{ok11 + "Content-Length: 5\r\n", "GET", SizedBody, ResponseHead{Status: 200, ContentLength: 5}},
		{ok11 + "Content-Length: 5\r\n", "HEAD", NoBody, ResponseHead{Status: 200, ContentLength: 5}},
		{ok11 + "Content-Length: 5, 5\r\ncontent-length:5\r\n", "GET", SizedBody, ResponseHead{Status: 200, ContentLength: 5}},
		{ok11 + "Content-Length: 0\r\n", "GET", NoBody, ResponseHead{Status: 200, ContentLength: 0}},
		{ok11 + "Content-Length: 5\r\n", "CONNECT", Tunnel, ResponseHead{Status: 200, ContentLength: 5}},
		{"HTTP/1.1 403 No\r\nContent-Length: 5\r\n", "CONNECT", SizedBody, ResponseHead{Status: 403, ContentLength: 5}},
		{ok11 + "Transfer-Encoding: Chunked\r\n", "GET", ChunkedBody, ResponseHead{Status: 200, ContentLength: -1, Chunked: true}},
		{ok11 + "Transfer-Encoding: chunked\r\n", "HEAD", NoBody, ResponseHead{Status: 200, ContentLength: -1, Chunked: true}},
		{ok11 + "Transfer-Encoding: foo\r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1, Coded: true}},
		{ok11 + "Transfer-Encoding: foo;a=\"b, chunked\"\r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1, Coded: true}},
		{ok11 + "Transfer-Encoding: gzip, identity\r\n", "GET", BodyToClose, ResponseHead{Status: 200, ContentLength: -1, Coded: true}},
		{"HTTP/1.1 304 x\r\nContent-Length: 5\r\n", "GET", NoBody, ResponseHead{Status: 304, ContentLength: 5}},
		{"HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n", "GET", NoBody, ResponseHead{Status: 304, ContentLength: -1, Chunked: true}},
		{"HTTP/1.1 204 x\r\nContent-Length: 5\r\n", "GET", NoBody, ResponseHead{Status: 204, ContentLength: -1}},
		{"HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n", "GET", NoBody, ResponseHead{Status: 204, ContentLength: -1}},
		{"HTTP/1.1 100 Continue\r\n", "POST", NoBody, ResponseHead{Status: 100, ContentLength: -1}},
		{"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", "GET", Tunnel, ResponseHead{Status: 101, ContentLength: -1, Upgrade: true}},
	} {
		var h ResponseHead
		in := c.in + "\r\n"
		n, broken := new(Limits).ParseResponse([]byte(in+"rest"), &h)
		if n != len(in) || broken != 0 {
			t.Errorf("%q: %d %v", c.in, n, broken)
			continue
		}
		if h.Status != c.want.Status || h.ContentLength != c.want.ContentLength || h.Chunked != c.want.Chunked ||
			h.Coded != c.want.Coded || h.Close != c.want.Close || h.Upgrade != c.want.Upgrade {
			t.Errorf("%q: %+v", c.in, h)
		}
		if f := h.Framing(c.method); f != c.framing {
			t.Errorf("%s, %q: framing %d, want %d", c.method, c.in, f, c.framing)
		}
		// Complete with its last octet and not before.
		for i := range len(in) {
			if n, broken := new(Limits).ParseResponse([]byte(in[:i]), &h); n != 0 || broken != 0 {
				t.Errorf("%q: %d %v", in[:i], n, broken)
			}
		}
	}
}

func TestResponseRefused(t *testing.T) {
	for _, c := range []struct {
		in   string
		want rule.ID
	}{
		{"\r\nHTTP/1.1 200 OK\r\n", rule.ResponseLine},
		{"ICY 200 OK\r\n", rule.ResponseLine},
		{"http/1.1 200 OK\r\n", rule.ResponseLine},
		{"HTTP/1.1  200 OK\r\n", rule.ResponseLine},
		{"HTTP/1.1\t200 OK\r\n", rule.ResponseLine},
		{"HTTP/1.1 20 OK\r\n", rule.ResponseLine},
		{"HTTP/1.1 +20 OK\r\n", rule.ResponseLine},
		{"HTTP/1.1 200OK\r\n", rule.ResponseLine},
		{"HTTP/1.1 200 O\x00K\r\n", rule.ResponseLine},
		{"HTTP/2 200 OK\r\n", rule.ResponseLine},
		{"HTTP/2.0 200 OK\r\n", rule.ResponseVersion},
		{"HTTP/0.9 200 OK\r\n", rule.ResponseVersion},
		{"HTTP/1.1 099 OK\r\n", rule.ResponseStatus},
		{"HTTP/1.1 2000 OK\r\n", rule.ResponseStatus},
		{"HTTP/1.1 200 OK\n", rule.ResponseBareLF},
		{"HTTP/1.1 200 OK\rx\r\n", rule.ResponseBareCR},
		{ok11 + "A: b\n", rule.ResponseBareLF},
		{ok11 + "A: b\rc\r\n", rule.ResponseBareCR},
		{ok11 + "A: b\r\r\n", rule.ResponseBareCR},
		{ok11 + "A: b\x00c\r\n", rule.ResponseFieldValue},
		{ok11 + "A: b\x01\r\n", rule.ResponseFieldValue},
		{ok11 + " A: b\r\n", rule.ResponseLeadingSpace},
		{ok11 + ": b\r\n", rule.ResponseFieldName},
		{ok11 + "A\r\n", rule.ResponseFieldName},
		{ok11 + "A \r\n", rule.ResponseFieldName},
		{ok11 + "A b: c\r\n", rule.ResponseFieldName},
		{ok11 + "A\x00: c\r\n", rule.ResponseFieldName},
		{ok11 + "A\xe9: c\r\n", rule.ResponseFieldName},
		{ok11 + "Content-Length: x\r\n", rule.ResponseLengthInvalid},
		{ok11 + "Content-Length:\r\n", rule.ResponseLengthInvalid},
		{ok11 + "Content-Length: -1\r\n", rule.ResponseLengthInvalid},
		{ok11 + "Content-Length: +1\r\n", rule.ResponseLengthInvalid},
		{ok11 + "Content-Length: 9223372036854775808\r\n", rule.ResponseLengthInvalid},
		{ok11 + "Content-Length: 1\r\n 2\r\n", rule.ResponseLengthInvalid},
		{ok11 + "Content-Length: 1\r\nContent-Length: 2\r\n", rule.ResponseLengthDiffers},
		{ok11 + "Content-Length: 1, 2\r\n", rule.ResponseLengthDiffers},
		{"HTTP/1.1 304 x\r\nContent-Length: 1, 2\r\n", rule.ResponseLengthDiffers},
		{ok11 + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", rule.ResponseLengthWithCoding},
		{ok11 + "Transfer-Encoding : foo\r\nContent-Length : 1\r\n", rule.ResponseLengthWithCoding},
		{ok11 + "Transfer-Encoding: gzip, chunked\r\n", rule.ResponseCodingUnknown},
		{ok11 + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", rule.ResponseCodingUnknown},
		{ok11 + "Transfer-Encoding: chunked, gzip\r\n", rule.ResponseCodingInvalid},
		{ok11 + "Transfer-Encoding: chunked, chunked\r\n", rule.ResponseCodingInvalid},
		{ok11 + "Transfer-Encoding: chunked;a=b\r\n", rule.ResponseCodingInvalid},
		{ok11 + "Transfer-Encoding:\r\n", rule.ResponseCodingInvalid},
		{ok11 + "Transfer-Encoding: \x0bchunked\r\n", rule.ResponseFieldValue},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n", rule.ResponseCodingIn10},
	} {
		var h ResponseHead
		n, broken := new(Limits).ParseResponse([]byte(c.in+"\r\n"), &h)
		if n != 0 || broken != c.want {
			t.Errorf("%q: %d %v, want %v", c.in, n, broken, c.want)
		}
		if rule.Of(broken).Status != 502 {
			t.Errorf("%v leads to %d", broken, rule.Of(broken).Status)
		}
	}
}

// What a proxy has to mend is mended.
func TestResponseMended(t *testing.T) {
	for _, c := range []struct{ in, name, value string }{
		{"A : b\r\n", "A", "b"},
		{"A \t : b\r\n", "A", "b"},
		{"A: b\r\n c\r\n", "A", "b   c"},
		{"A:\r\n\tb\r\n   \r\n", "A", "b"},
		{"A : b\r\n\t\tc : d\r\n", "A", "b    c : d"},
	} {
		var h ResponseHead
		in := ok11 + c.in + "\r\n"
		n, broken := new(Limits).ParseResponse([]byte(in), &h)
		if n != len(in) || broken != 0 || len(h.Fields) != 1 || h.Fields[0].Name != c.name || h.Fields[0].Value != c.value {
			t.Errorf("%q: %d %v %+v", c.in, n, broken, h.Fields)
		}
	}
	// A request gets no such service.
	if _, _, broken := parse(t, &Limits{}, get11+"A : b\r\n\r\n"); broken != rule.SpaceBeforeColon {
		t.Error(broken)
	}
	var h ResponseHead
	lf := "HTTP/1.1 200 OK\nA: b\n\n"
	if n, broken := (&Limits{LenientLF: true}).ParseResponse([]byte(lf), &h); n != len(lf) || broken != 0 {
		t.Error(n, broken)
	}
}

func TestResponseLimits(t *testing.T) {
	head := ok11 + "A: b\r\nB: c\r\n\r\n"
	for _, c := range []struct {
		l    Limits
		in   string
		want rule.ID
	}{
		{Limits{MaxHeadBytes: len(head)}, head + "body", 0},
		{Limits{MaxHeadBytes: len(head) - 1}, head, rule.ResponseHeadTooLarge},
		{Limits{MaxFields: 2}, head, 0},
		{Limits{MaxFields: 1}, head, rule.ResponseTooManyFields},
		{Limits{}, ok11 + "A: " + strings.Repeat("x", 32<<10), rule.ResponseHeadTooLarge},
		{Limits{}, "HTTP/1.1 200 " + strings.Repeat("x", 32<<10), rule.ResponseHeadTooLarge},
	} {
		var h ResponseHead
		if _, broken := c.l.ParseResponse([]byte(c.in), &h); broken != c.want {
			t.Errorf("%+v: %v, want %v", c.l, broken, c.want)
		}
	}
}

// One head serves the next response without a trace of the last.
func TestResponseHeadReused(t *testing.T) {
	var h ResponseHead
	first := []byte("HTTP/1.0 101 x\r\nConnection: upgrade\r\nUpgrade: a\r\nTransfer-Encoding: x\r\n\r\n")
	if _, broken := new(Limits).ParseResponse(first, &h); broken != 0 || !h.Has(Upgrade) {
		t.Fatal(broken)
	}
	if _, broken := new(Limits).ParseResponse([]byte("HTTP/1.1 200\r\n\r\n"), &h); broken != 0 || len(h.Fields) != 0 || h.Has(Upgrade) ||
		h.Get(Connection) != "" || h.Close || h.Reason != "" || h.Coded {
		t.Errorf("%v %+v", broken, h)
	}
}
