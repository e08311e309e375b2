package outbound

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// Answers that are well-formed, and what is made of them.
func TestAnswers(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 10<<10)
	for _, c := range []struct {
		name, method, answer, body string
		length                     int64
		kept                       bool // the connection is used again
	}{
		{"sized", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 5, true},
		{"sized in a list", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "hello", 5, true},
		{"long", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 163840\r\n\r\n" + long, long, 163840, true},
		{"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 0, true},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n", "hello", -1, true},
		{"long chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n28000\r\n" + long + "\r\n0\r\n\r\n", long, -1, true},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", 5, true},
		{"HEAD in chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", -1, true},
		{"204", "GET", "HTTP/1.1 204 x\r\n\r\n", "", 0, true},
		{"204 with a length", "GET", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", "", 0, true},
		{"304 with a length", "GET", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", "", 0, true},
		{"1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 5, false},
		{"1.0 kept", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", 5, true},
		{"close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", 5, false},
		{"interim", "GET", "HTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 100 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 2, true},
		{"299", "GET", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok", "ok", 2, true},
		{"fold", "GET", "HTTP/1.1 200 OK\r\nA : b\r\n c\r\nContent-Length : 2\r\n\r\nok", "ok", 2, true},
		// What is left over makes the connection useless.
		{"more than the length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!", "ok", 2, false},
		{"more than the chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n", "ok", -1, false},
		{"HEAD with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "", 2, false},
		{"204 with a body", "GET", "HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nok", "", 0, false},
		{"a second answer", "GET", "HTTP/1.1 304 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := answers(t, c.answer)
			tr := newTransport(t)
			for i := range 2 {
				req, _ := http.NewRequest(c.method, o.url, nil)
				resp, body, err := do(tr, req)
				if err != nil || body != c.body || resp.ContentLength != c.length || resp.Request != req {
					t.Fatalf("request %d: %.100q %v %+v", i, body, err, resp)
				}
			}
			if kept := o.conns.Load() == 1; kept != c.kept {
				t.Errorf("%d connections, kept should be %v", o.conns.Load(), c.kept)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	o := answers(t, "HTTP/1.1 203 Non-Author \r\netag: \"a\"\r\nset-cookie: a\r\nX-Y:\r\nSET-COOKIE: b\r\nset-Cookie: c\r\n"+
		"connection: x\r\nTrailer: X-Sum, x-late\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx-sum: 1\r\nX-Other: 2\r\nContent-Type: z\r\n\r\n")
	resp, _, err := get(t, newTransport(t), o.url)
	if err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Etag": {`"a"`}, "Set-Cookie": {"a", "b", "c"}, "X-Y": {""}, "Connection": {"x"}}
	if !equal(resp.Header, want) || resp.Status != "203 Non-Author" || resp.Proto != "HTTP/1.1" || resp.StatusCode != 203 {
		t.Errorf("%+v", resp)
	}
	if !equal(resp.Trailer, http.Header{"X-Sum": {"1"}, "X-Late": nil, "X-Other": {"2"}}) {
		t.Errorf("trailer %q", resp.Trailer)
	}
}

func equal(a, b http.Header) bool {
	var x, y bytes.Buffer
	a.Write(&x)
	b.Write(&y)
	return x.String() == y.String() && len(a) == len(b)
}

// A body that ends with the connection.
func TestToClose(t *testing.T) {
	for _, coding := range []string{"", "Transfer-Encoding: foo\r\n"} {
		o := newOrigin(t, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\n" + coding + "\r\nhello")
		})
		tr := newTransport(t)
		for range 2 {
			resp, body, err := get(t, tr, o.url)
			if err != nil || body != "hello" || resp.ContentLength != -1 || !resp.Close || resp.Header["Transfer-Encoding"] != nil {
				t.Errorf("%q %v %+v", body, err, resp)
			}
		}
		if o.conns.Load() != 2 {
			t.Error("the connection was used again")
		}
	}
}

// Answers that are no good, all of them before the body.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		answer string
		kind   Kind
		broken rule.ID
	}{
		{"", ConnectionTerminated, 0},
		{"HTTP/1.1 200 OK\r\nContent-Le", ResponseIncomplete, 0},
		{"HTTP/1.1 100 x\r\n\r\n", ConnectionTerminated, 0},
		{"SSH-2.0-x\r\n", ProtocolError, rule.ResponseLine},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", ProtocolError, rule.ResponseLengthDiffers},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", ProtocolError, rule.ResponseLengthWithCoding},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nx", ResponseTransferCoding, rule.ResponseCodingUnknown},
		{"HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n", ProtocolError, rule.ResponseFieldValue},
		{"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 100<<10), ResponseHeadSize, rule.ResponseHeadTooLarge},
		{"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 257) + "\r\n", ResponseHeadSize, rule.ResponseTooManyFields},
		{strings.Repeat("HTTP/1.1 102 x\r\n\r\n", 17), ProtocolError, rule.ResponseInterimFlood},
		{"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", ProtocolError, rule.ResponseUpgrade},
	} {
		o := newOrigin(t, func(p *peer) {
			p.head()
			p.say(c.answer)
		})
		_, _, err := get(t, newTransport(t), o.url)
		t.Logf("%.60q: %v", c.answer, err)
		want(t, err, c.kind, true)
		var fault *Fault
		if errors.As(err, &fault) != (c.broken != 0) || fault != nil && fault.Rule != c.broken {
			t.Errorf("%.60q: %v, want %v", c.answer, err, c.broken)
		}
		if o.conns.Load() != 1 {
			t.Errorf("%.60q: tried %d times", c.answer, o.conns.Load())
		}
	}
}

// Bodies that are cut off, or in chunks that are none.
func TestCutOff(t *testing.T) {
	for _, c := range []struct {
		answer, body string
		kind         Kind
	}{
		{"Content-Length: 10\r\n\r\nhello", "hello", ResponseIncomplete},
		{"Content-Length: 10\r\n\r\n", "", ResponseIncomplete},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello", ResponseIncomplete},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "hel", ResponseIncomplete},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello", ResponseIncomplete},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n", "hello", ResponseIncomplete},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n", "hello", ProtocolError},
		{"Transfer-Encoding: chunked\r\n\r\nx\r\n", "", ProtocolError},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n", "hello", ProtocolError},
	} {
		o := newOrigin(t, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\n" + c.answer)
		})
		_, body, err := get(t, newTransport(t), o.url)
		want(t, err, c.kind, true)
		if body != c.body || errors.Is(err, io.ErrUnexpectedEOF) != (c.kind == ResponseIncomplete) || errors.Is(err, io.EOF) {
			t.Errorf("%q: %q %v", c.answer, body, err)
		}
	}
}

func TestInterim(t *testing.T) {
	o := answers(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	tr := newTransport(t)
	var got []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if got = append(got, h.Get("Link")); code != 103 {
			t.Error(code)
		}
		if len(got) == 2 {
			return errors.New("enough")
		}
		return nil
	}}
	for i := range 2 {
		req, _ := http.NewRequest("GET", o.url, nil)
		_, _, err := do(tr, req.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
		if (err == nil) != (i == 0) {
			t.Error(err)
		}
	}
	if len(got) != 2 || got[0] != "</a>" {
		t.Errorf("%q", got)
	}
}

func TestRefusedDial(t *testing.T) {
	_, _, err := get(t, newTransport(t), "http://"+wiretest.Reserve(t))
	want(t, err, ConnectionRefused, true)
	tr := newTransport(t)
	tr.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, &net.DNSError{IsNotFound: true} }
	_, _, err = get(t, tr, "http://a/")
	want(t, err, DNSError, true)
	tr = newTransport(t)
	tr.Dial = Unix(filepath.Join(t.TempDir(), "none"))
	_, _, err = get(t, tr, "http://a/")
	want(t, err, DestinationUnavailable, true)
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	heads := make(chan string, 2)
	o := serve(t, l, "http://origin.test/x", func(p *peer) {
		for h := p.head(); h != ""; h = p.head() {
			heads <- h
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	tr := newTransport(t)
	tr.Dial = Unix(path)
	for range 2 {
		if _, body, err := get(t, tr, o.url); body != "ok" || err != nil {
			t.Fatal(body, err)
		}
		if h := <-heads; h != "GET /x HTTP/1.1\r\nHost: origin.test\r\n\r\n" {
			t.Errorf("%q", h)
		}
	}
	if o.conns.Load() != 1 {
		t.Error("the connection was not kept")
	}
}
