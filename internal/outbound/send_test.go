package outbound

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// echo makes an origin that reads requests with net/http and tells what it
// read, the raw octets included.
func echo(t *testing.T, got chan<- *http.Request, bodies chan<- string) *origin {
	return newOrigin(t, func(p *peer) {
		for {
			req, err := http.ReadRequest(p.Reader)
			if err != nil {
				return
			}
			b, err := io.ReadAll(req.Body)
			if err != nil {
				return
			}
			got <- req
			bodies <- string(b)
			p.say(ok)
		}
	})
}

func TestBodies(t *testing.T) {
	got, bodies := make(chan *http.Request, 1), make(chan string, 1)
	o := echo(t, got, bodies)
	tr := newTransport(t)
	big := strings.Repeat("0123456789", 30_000)
	for _, c := range []struct {
		name    string
		body    io.Reader
		length  int64 // what the request says
		trailer http.Header
		want    string
		wire    int64 // what the origin sees
	}{
		{"none", nil, 0, nil, "", 0},
		{"http.NoBody", http.NoBody, 0, nil, "", 0},
		{"small", strings.NewReader("hello"), 5, nil, "hello", 5},
		{"as large as small is", strings.NewReader(big[:smallBody]), smallBody, nil, big[:smallBody], smallBody},
		{"large", strings.NewReader(big), int64(len(big)), nil, big, int64(len(big))},
		{"more than its length", strings.NewReader("hello"), 2, nil, "he", 2},
		{"much more than its length", strings.NewReader(big), 100_000, nil, big[:100_000], 100_000},
		{"of unknown length", strings.NewReader("hello"), -1, nil, "hello", -1},
		{"of unknown length, large", strings.NewReader(big), -1, nil, big, -1},
		{"of unknown length, empty", io.MultiReader(), 0, nil, "", -1},
		{"with trailers", strings.NewReader(big), int64(len(big)), http.Header{"X-Sum": {"1", "2"}, "Etag": {"x"}, "Host": {"evil"}}, big, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequest("POST", o.url, c.body)
			req.ContentLength, req.Trailer = c.length, c.trailer
			if _, body, err := do(tr, req); body != "ok" || err != nil {
				t.Fatal(body, err)
			}
			r, b := <-got, <-bodies
			if b != c.want || r.ContentLength != c.wire {
				t.Errorf("%.100q, length %d", b, r.ContentLength)
			}
			for name, values := range c.trailer {
				if got := r.Trailer[name]; strings.Join(got, ",") != strings.Join(values, ",") && name != "Host" || name == "Host" && got != nil {
					t.Errorf("trailer %s %q", name, got)
				}
			}
		})
	}
	if o.conns.Load() != 1 {
		t.Errorf("%d connections", o.conns.Load())
	}
}

// A small body goes out in one write with the head.
func TestOneWrite(t *testing.T) {
	first := make(chan string, 1)
	o := newOrigin(t, func(p *peer) {
		b := make([]byte, 16<<10)
		n, _ := p.Conn.Read(b)
		first <- string(b[:n])
		p.say(ok)
	})
	req, _ := http.NewRequest("PUT", o.url+"/a%2Fb?q", strings.NewReader("hello"))
	req.Header = http.Header{"Www-Authenticate": {"x", "y"}, "Etag": {"z"}, "Content-Length": {"7"}, "Accept": {" \t"}, "content-length": {"9"},
		"Transfer-Encoding": {"gzip"}, "Host": {"evil"}, "x-lower": {"1"}, "Trailer": {"x"}}
	req.Host = "h.test:80"
	req.Close = true
	if _, _, err := do(newTransport(t), req); err != nil {
		t.Fatal(err)
	}
	want := "PUT /a%2Fb?q HTTP/1.1\r\nHost: h.test:80\r\nAccept: \r\nETag: z\r\nWWW-Authenticate: x\r\nWWW-Authenticate: y\r\n" +
		"x-lower: 1\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
	if got := <-first; got != want {
		t.Errorf("%q", got)
	}
}

func TestTargets(t *testing.T) {
	lines := make(chan string, 1)
	o := newOrigin(t, func(p *peer) {
		for h := p.head(); h != ""; h = p.head() {
			lines <- strings.SplitN(h, " HTTP", 2)[0]
			p.say("HTTP/1.1 204 x\r\n\r\n")
		}
	})
	tr := newTransport(t)
	for _, c := range []struct{ method, path, opaque, want string }{
		{"", "", "", "GET /"},
		{"GET", "?", "", "GET /?"},
		{"GET", "/a b?c d", "", ""},
		{"GET", "/a b?c", "", "GET /a%20b?c"},
		{"GET", "/%7e%2F", "", "GET /%7e%2F"},
		{"GET", "/", "/raw|?[]", ""},
		{"GET", "/", "/raw/%2e%2e?[]", "GET /raw/%2e%2e?[]"},
		{"OPTIONS", "", "*", "OPTIONS *"},
		{"GET", "", "/\r\nA: b", ""},
	} {
		req, err := http.NewRequest(c.method, o.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Method = c.method
		req.URL.Opaque = c.opaque
		_, _, err = do(tr, req)
		if c.want == "" {
			want(t, err, RequestError, false)
			continue
		}
		if got := <-lines; err != nil || got != c.want {
			t.Errorf("%+v: %q %v", c, got, err)
		}
	}
	if o.conns.Load() != 1 {
		t.Errorf("%d connections: a request that was not sent cost one", o.conns.Load())
	}
}

// What cannot be a request is not sent, and its body is closed.
func TestUnsendable(t *testing.T) {
	o := answers(t, ok)
	for _, spoil := range []func(r *http.Request){
		func(r *http.Request) { r.Method = "G T" },
		func(r *http.Request) { r.URL = nil },
		func(r *http.Request) { r.URL.Scheme = "ftp" },
		func(r *http.Request) { r.URL.Host = "" },
		func(r *http.Request) { r.URL.Host = "a b" },
		func(r *http.Request) { r.URL.Host = ":80" },
		func(r *http.Request) { r.Host = "a\r\nb" },
		func(r *http.Request) { r.Header["A b"] = []string{"c"} },
		func(r *http.Request) { r.Header["A"] = []string{"c\r\nd"} },
		func(r *http.Request) { r.Header["A"] = []string{"c\x00"} },
		func(r *http.Request) { r.Trailer = http.Header{"A\r\n": nil} },
	} {
		closed := false
		req, _ := http.NewRequest("POST", o.url, closer{strings.NewReader("x"), func() { closed = true }})
		spoil(req)
		_, _, err := do(newTransport(t), req)
		want(t, err, RequestError, false)
		if !closed {
			t.Error("the body was not closed")
		}
	}
}

var errBody = errors.New("the client is gone")

// A request body that fails ends the exchange, whose error says why.
func TestBodyFails(t *testing.T) {
	failing := io.MultiReader(strings.NewReader("hello"), failReader{})
	for _, c := range []struct {
		body   io.Reader
		length int64
		cause  error
	}{
		{failing, 10, errBody},
		{io.MultiReader(strings.NewReader("hello"), failReader{}), -1, errBody},
		{io.MultiReader(strings.NewReader("hello"), failReader{}), 1 << 20, errBody},
		{strings.NewReader("hello"), 10, errShortBody},
		{strings.NewReader("hello"), 1 << 20, errShortBody},
	} {
		o := newOrigin(t, func(p *peer) {
			p.head()
			p.gone()
		})
		req, _ := http.NewRequest("POST", o.url, c.body)
		req.ContentLength = c.length
		_, _, err := do(newTransport(t), req)
		want(t, err, RequestError, false)
		if !errors.Is(err, c.cause) {
			t.Error(err)
		}
	}
}

type failReader struct{}

func (failReader) Read([]byte) (int, error) { return 0, errBody }

func TestExpect(t *testing.T) {
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	for _, c := range []struct {
		name, first string
		sent        bool
		status      int
	}{
		{"continue", goOn, true, 200},
		{"hints first", "HTTP/1.1 103 x\r\n\r\n" + goOn, true, 200},
		{"nothing", "", true, 200},
		{"half a head", "HTTP/1.1 100", true, 200},
		{"no", "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", false, 417},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrigin(t, func(p *peer) {
				if h := p.head(); !strings.Contains(h, "Expect: 100-continue\r\n") {
					t.Errorf("%q", h)
				}
				p.say(c.first)
				b := make([]byte, 5)
				if n, _ := io.ReadFull(p, b); (n == 5) != c.sent {
					t.Errorf("%d octets of the body came", n)
				}
				if c.sent {
					if c.name == "half a head" {
						p.say(" Continue\r\n\r\n")
					}
					p.say(ok)
				}
				p.gone()
			})
			tr := newTransport(t)
			tr.ExpectTimeout = -1
			if c.first == "" || c.name == "half a head" {
				tr.ExpectTimeout = short
			}
			told := 0
			trace := &httptrace.ClientTrace{Got100Continue: func() { told++ }}
			req, _ := http.NewRequest("POST", o.url, strings.NewReader("hello"))
			req = req.WithContext(httptrace.WithClientTrace(t.Context(), trace))
			req.Header.Set("Expect", "100-continue")
			resp, _, err := do(tr, req)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("%v %+v", err, resp)
			}
			if wantTold := strings.Contains(c.first, "100") && c.sent; (told == 1) != wantTold {
				t.Errorf("told of 100 %d times", told)
			}
			tr.mu.Lock()
			if idle := len(tr.hosts) > 0; idle != c.sent {
				t.Errorf("kept %v", idle)
			}
			tr.mu.Unlock()
		})
	}
}

// An answer that comes before the body is sent is delivered; the connection is
// not used again.
func TestEarlyAnswer(t *testing.T) {
	for _, end := range []func(p *peer){(*peer).gone, func(p *peer) {}} {
		o := newOrigin(t, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
			end(p)
		})
		tr := newTransport(t)
		r, w := io.Pipe()
		req, _ := http.NewRequest("POST", o.url, r)
		resp, body, err := do(tr, req)
		w.Close()
		if err != nil || resp.StatusCode != 413 || body != "no" {
			t.Fatal(resp, body, err)
		}
		waitForNone(t, tr)
	}
}

// Question and answer may flow at the same time.
func TestBothWays(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		req, err := http.ReadRequest(p.Reader)
		if err != nil {
			return
		}
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		b := make([]byte, 1)
		for {
			if _, err := req.Body.Read(b); err != nil {
				break
			}
			p.say("1\r\n" + strings.ToUpper(string(b)) + "\r\n")
		}
		p.say("0\r\n\r\n")
		p.gone()
	})
	tr := newTransport(t)
	r, w := io.Pipe()
	req, _ := http.NewRequest("POST", o.url, r)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"a", "b", "c"} {
		io.WriteString(w, s)
		b := make([]byte, 1)
		if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != strings.ToUpper(s) {
			t.Fatal(string(b), err)
		}
	}
	w.Close()
	if rest, err := io.ReadAll(resp.Body); len(rest) != 0 || err != nil {
		t.Error(rest, err)
	}
	resp.Body.Close()
	waitFor(t, tr, func(h *host) bool { return len(h.idle) == 1 })
}

// The time for the head begins when the body has been sent, and again with each
// interim answer.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		play := func(nc net.Conn) {
			defer nc.Close()
			req, err := http.ReadRequest(bufio.NewReader(nc))
			if err != nil {
				t.Error(err)
				return
			}
			if b, err := io.ReadAll(req.Body); string(b) != "ab" || err != nil {
				t.Errorf("%q %v", b, err)
			}
			for range 3 {
				time.Sleep(9 * time.Second)
				io.WriteString(nc, "HTTP/1.1 102 x\r\n\r\n")
			}
			time.Sleep(9 * time.Second)
			io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n")
			time.Sleep(time.Minute - 1)
			io.WriteString(nc, "ok")
		}
		tr := &Transport{HeadTimeout: 10 * time.Second}
		tr.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go play(server)
			return client, nil
		}
		body := io.MultiReader(strings.NewReader("a"), slow{}, strings.NewReader("b"), slow{})
		req, _ := http.NewRequest("POST", "http://a/", body)
		if _, body, err := do(tr, req); body != "ok" || err != nil {
			t.Error(body, err)
		}
	})
}

// slow is empty, and takes an hour to say so.
type slow struct{}

func (slow) Read([]byte) (int, error) {
	time.Sleep(time.Hour)
	return 0, io.EOF
}

func TestUpgrade(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		p.head()
		p.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhi ")
		p.echo()
		p.say("bye")
	})
	tr := newTransport(t)
	tr.ReadTimeout = short
	req, _ := http.NewRequest("GET", o.url, nil)
	req.Header = http.Header{"Connection": {"upgrade"}, "Upgrade": {"echo"}}
	resp, err := tr.RoundTrip(req)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "echo" {
		t.Fatal(resp, err)
	}
	both := resp.Body.(io.ReadWriteCloser)
	time.Sleep(2 * short) // no limits any more
	io.WriteString(both, "there ")
	resp.Body.(interface{ CloseWrite() error }).CloseWrite()
	if all, err := io.ReadAll(both); string(all) != "hi there bye" || err != nil {
		t.Errorf("%q %v", all, err)
	}
	both.Close()
	both.Close()
	waitForNone(t, tr)
}

func TestConnect(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		if h := p.head(); h != "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n" {
			t.Errorf("%q", h)
		}
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
		p.echo()
	})
	tr := newTransport(t)
	req, _ := http.NewRequest("CONNECT", o.url, nil)
	req.Host = "a.test:443"
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(resp.Body.(io.Writer), "x")
	b := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, b); err != nil || !bytes.Equal(b, []byte("x")) {
		t.Error(err)
	}
	resp.Body.Close()
}
