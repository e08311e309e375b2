package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// connPeer is a server's end of a connection.
type connPeer struct {
	net.Conn
	in *bufio.Reader
}

// head reads a request head, "" at the end.
func (p *connPeer) head() string {
	var b strings.Builder
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return ""
		}
		b.WriteString(line)
		if line == "\r\n" {
			return b.String()
		}
	}
}

func (p *connPeer) say(s string) { io.WriteString(p.Conn, s) }
func (p *connPeer) gone()        { io.Copy(io.Discard, p.in) }

// take reads n octets.
func (p *connPeer) take(n int) string {
	b := make([]byte, n)
	io.ReadFull(p.in, b)
	return string(b)
}

// connServer starts a server that plays each of its connections.
func connServer(t testing.TB, play func(p *connPeer)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wiretest.Connections(t, l, func(nc net.Conn) { play(&connPeer{nc, bufio.NewReader(nc)}) })
	return "http://" + l.Addr().String()
}

func dialTest(t testing.TB, url string, o DialOptions) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// must fails the test when a step failed.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// putGet puts a GET.
func putGet(t testing.TB, c *Conn, target string) {
	t.Helper()
	must(t, c.PutRequest("GET", target), c.EndHeaders())
}

// readReply gets a reply and its body.
func readReply(t testing.TB, c *Conn) (*Reply, string) {
	t.Helper()
	r, err := c.GetReply()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(b)
}

// What is sent is what was put, and the two fields that are told of.
func TestConnRequest(t *testing.T) {
	heard := make(chan string, 1)
	url := connServer(t, func(p *connPeer) {
		for {
			got := p.head()
			if got == "" {
				return
			}
			switch {
			case strings.Contains(got, "Content-Length: 5"):
				got += p.take(5)
			case strings.Contains(got, "Transfer-Encoding"):
				for !strings.HasSuffix(got, "0\r\n\r\n") && !strings.HasSuffix(got, "T: v\r\n\r\n") {
					got += p.take(1)
				}
			}
			heard <- got
			p.say("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
		}
	})
	host := strings.TrimPrefix(url, "http://")
	added := "Accept-Encoding: identity\r\n\r\n"
	for _, c := range []struct {
		name string
		o    DialOptions
		put  func(c *Conn) error
		want string
	}{
		{"plain", DialOptions{}, func(c *Conn) error {
			return errors.Join(c.PutRequest("GET", "/a?b"), c.PutHeader("x-CASE", "  1 \t"), c.PutHeader("X-Case", "2"), c.EndHeaders())
		}, "GET /a?b HTTP/1.1\r\nHost: " + host + "\r\nx-CASE: 1\r\nX-Case: 2\r\n" + added},
		{"put by the caller", DialOptions{}, func(c *Conn) error {
			return errors.Join(c.PutRequest("GET", "/"), c.PutHeader("accept-encoding", "gzip"), c.PutHeader("host", "a.test"), c.EndHeaders())
		}, "GET / HTTP/1.1\r\naccept-encoding: gzip\r\nhost: a.test\r\n\r\n"},
		{"skipped", DialOptions{SkipHost: true, SkipAcceptEncoding: true}, func(c *Conn) error {
			return errors.Join(c.PutRequest("GET", "/"), c.EndHeaders())
		}, "GET / HTTP/1.1\r\n\r\n"},
		{"absolute", DialOptions{}, func(c *Conn) error {
			return errors.Join(c.PutRequest("GET", "http://a.test:81/x"), c.EndHeaders())
		}, "GET http://a.test:81/x HTTP/1.1\r\nHost: a.test:81\r\n" + added},
		{"1.0", DialOptions{HTTP10: true}, func(c *Conn) error {
			return errors.Join(c.PutRequest("GET", "/"), c.PutHeader("Connection", "keep-alive"), c.EndHeaders())
		}, "GET / HTTP/1.0\r\nHost: " + host + "\r\nConnection: keep-alive\r\n" + added},
		{"sized", DialOptions{}, func(c *Conn) error {
			return errors.Join(c.PutRequest("POST", "/"), c.PutHeader("Content-Length", "5"), c.EndHeaders(), c.Send([]byte("he")), c.Send(nil), c.SendFrom(strings.NewReader("llo, and more")))
		}, "POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 5\r\n" + added + "hello"},
		{"chunks", DialOptions{}, func(c *Conn) error {
			return errors.Join(c.PutRequest("POST", "/"), c.PutHeader("Transfer-Encoding", "chunked"), c.EndHeaders(), c.Send([]byte("he")), c.Send(nil), c.Send([]byte("llo")), c.EndBody(Field{"T", "v"}))
		}, "POST / HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n" + added + "2\r\nhe\r\n3\r\nllo\r\n0\r\nT: v\r\n\r\n"},
		{"SendChunked", DialOptions{}, func(c *Conn) error {
			return errors.Join(c.PutRequest("POST", "/"), c.SendChunked(strings.NewReader("hello")))
		}, "POST / HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n" + added + "5\r\nhello\r\n0\r\n\r\n"},
		{"Request, sized", DialOptions{}, func(c *Conn) error {
			return c.Request("PUT", "/", http.Header{"B": {"1", "2"}, "A": {"x"}}, strings.NewReader("hello"))
		}, "PUT / HTTP/1.1\r\nHost: " + host + "\r\nA: x\r\nB: 1\r\nB: 2\r\nContent-Length: 5\r\n" + added + "hello"},
		{"Request, chunks", DialOptions{}, func(c *Conn) error {
			return c.Request("PUT", "/", nil, io.MultiReader(strings.NewReader("hello")))
		}, "PUT / HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: chunked\r\n" + added + "5\r\nhello\r\n0\r\n\r\n"},
		{"Request, empty", DialOptions{}, func(c *Conn) error {
			return c.Request("PUT", "/", nil, strings.NewReader(""))
		}, "PUT / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\n" + added},
		{"raw", DialOptions{Raw: true}, func(c *Conn) error {
			return errors.Join(c.PutRequest("G T", "/\x00"), c.PutHeader("Content-Length", "5"), c.PutHeader("content-length", "+5"), c.PutHeader("A\r\nB", "c\x01"), c.EndHeaders(), c.Send([]byte("hel")), c.Send([]byte("lo")))
		}, "G T /\x00 HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: +5\r\nA\r\nB: c\x01\r\n\r\nhello"},
		{"raw chunks", DialOptions{Raw: true}, func(c *Conn) error {
			return errors.Join(c.PutRequest("POST", "/"), c.SendChunked(strings.NewReader("hello")))
		}, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
	} {
		conn := dialTest(t, url, c.o)
		for range 2 {
			if err := c.put(conn); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if got := <-heard; got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			if r, _ := readReply(t, conn); r.Status != 200 {
				t.Errorf("%s: %+v", c.name, r)
			}
		}
		conn.Close()
	}
}

// What could be read in two ways is refused, and the connection stays good.
func TestConnUnsafe(t *testing.T) {
	url := connServer(t, func(p *connPeer) {
		for p.head() != "" {
			p.say("HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	c := dialTest(t, url, DialOptions{})
	for _, line := range [][2]string{{"", "/"}, {"G T", "/"}, {"GET\r\n", "/"}, {"GET", ""}, {"GET", "/ HTTP/1.1\r\nX: y"}, {"GET", "/\x00"}, {"GET", "/a b"}, {"GET", "a"}, {"GET", "/é"}, {"GET", "*"}, {"CONNECT", "/"}, {"GET", "/a#b"}} {
		if err := c.PutRequest(line[0], line[1]); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%q: %v", line, err)
		}
		if err := c.EndHeaders(); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%q: %v at the end", line, err)
		}
	}
	for _, fields := range [][]Field{
		{{"", "x"}}, {{"a b", "x"}}, {{"a:", "x"}}, {{"a\r\nb", "x"}}, {{"a", "x\r\ny"}}, {{"a", "x\ny"}}, {{"a", "x\x00"}}, {{"a", "x\ry"}}, {{"a", "\x7f"}},
		{{"Content-Length", "-1"}}, {{"Content-Length", "+1"}}, {{"Content-Length", "1,1"}}, {{"Content-Length", "0x1"}}, {{"Content-Length", ""}}, {{"Content-Length", "99999999999999999999"}},
		{{"Content-Length", "1"}, {"content-length", "1"}}, {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}}, {{"Transfer-Encoding", "chunked"}, {"Content-Length", "1"}},
		{{"Transfer-Encoding", "gzip, chunked"}}, {{"Transfer-Encoding", "identity"}}, {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
		{{"Host", "a"}, {"host", "b"}}, {{"Host", "a b"}}, {{"Host", "u@a"}},
	} {
		must(t, c.PutRequest("GET", "/"))
		for _, f := range fields {
			c.PutHeader(f.Name, f.Value)
		}
		c.PutHeader("A", "b")
		if err := c.EndHeaders(); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%q: %v", fields, err)
		}
	}
	must(t, c.PutRequest("POST", "/"), c.PutHeader("Transfer-Encoding", "chunked"), c.EndHeaders())
	for _, f := range []Field{{"a b", ""}, {"a", "\r"}, {"Content-Length", "1"}, {"Host", "a"}, {"transfer-encoding", "x"}} {
		if err := c.EndBody(f); !errors.Is(err, ErrUnsafe) {
			t.Errorf("trailer %q: %v", f, err)
		}
	}
	must(t, c.EndBody())
	if r, _ := readReply(t, c); r.Status != 204 || r.Request.Number != 1 {
		t.Error(r)
	}
}

func TestConnOrder(t *testing.T) {
	url := connServer(t, func(p *connPeer) {
		for p.head() != "" {
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	c := dialTest(t, url, DialOptions{})
	wrong := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", what, err)
		}
	}
	reply := func() error { _, err := c.GetReply(); return err }
	wrong("PutHeader", c.PutHeader("a", "b"))
	wrong("EndHeaders", c.EndHeaders())
	wrong("Send", c.Send([]byte("x")))
	wrong("SendFrom", c.SendFrom(strings.NewReader("x")))
	wrong("SendChunked", c.SendChunked(strings.NewReader("x")))
	wrong("EndBody", c.EndBody())
	wrong("GetReply", reply())
	must(t, c.PutRequest("POST", "/"))
	wrong("PutRequest", c.PutRequest("GET", "/"))
	wrong("Request", c.Request("GET", "/", nil, nil))
	wrong("Send", c.Send([]byte("x")))
	must(t, c.PutHeader("Content-Length", "2"), c.EndHeaders())
	wrong("EndHeaders", c.EndHeaders())
	wrong("PutRequest", c.PutRequest("GET", "/"))
	wrong("EndBody", c.EndBody())
	wrong("Send", c.Send([]byte("xyz")))
	must(t, c.Send([]byte("x")))
	wrong("PutRequest", c.PutRequest("GET", "/"))
	r, err := c.GetReply() // it may be there before the request's end
	must(t, err)
	wrong("GetReply", reply())
	if b, err := io.ReadAll(r.Body); string(b) != "hello" || err != nil {
		t.Error(string(b), err)
	}
	if _, err := r.Tunnel(); !errors.Is(err, ErrOrder) {
		t.Error(err)
	}
	must(t, c.Send([]byte("x")))
	must(t, c.PutRequest("GET", "/"), c.EndHeaders(), reply())
}

// Every framing of a reply.
func TestConnReplies(t *testing.T) {
	const big = 100 << 10
	for _, c := range []struct {
		method, says, body string
		status             int
		length             int64
		last               bool
		trailer            string
	}{
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, false, ""},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, 0, false, ""},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", 200, 5, false, ""},
		{"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "", 200, -1, false, ""},
		{"GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, -1, false, ""},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 304, 5, false, ""},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: v\r\n\r\n", "hello", 200, -1, false, "[{X-T v}]"},
		{"GET", "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n", big) + strings.Repeat("x", big) + "\r\n0\r\n\r\n", strings.Repeat("x", big), 200, -1, false, ""},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n" + strings.Repeat("x", big), strings.Repeat("x", big), 200, big, false, ""},
		{"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, true, ""},
		{"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, true, ""},
		{"GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 5, false, ""},
		{"GET", "HTTP/1.1 200 OK\r\n\r\nhello", "hello", 200, -1, true, ""},
		{"GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", 200, 1, false, ""},
		{"GET", "HTTP/1.1 200 OK\r\nX : a\r\n b\r\nContent-Length: 0\r\n\r\n", "", 200, 0, false, ""},
	} {
		for _, portion := range []int{1 << 20, 1} {
			if portion == 1 && len(c.says) > 1000 {
				continue
			}
			url := connServer(t, func(p *connPeer) {
				p.head()
				for says := c.says; says != ""; {
					n := min(portion, len(says))
					p.say(says[:n])
					says = says[n:]
				}
				if !c.last {
					p.head()
					p.say("HTTP/1.1 204 Next\r\n\r\n")
				}
			})
			conn := dialTest(t, url, DialOptions{})
			must(t, conn.PutRequest(c.method, "/"), conn.EndHeaders())
			r, body := readReply(t, conn)
			if r.Status != c.status || body != c.body || r.Length != c.length || r.Last != c.last || c.trailer != "" && fmt.Sprint(r.Trailer) != c.trailer {
				t.Errorf("%.60q: %+v %.20q", c.says, r, body)
			}
			err := conn.PutRequest("GET", "/")
			if c.last {
				if !errors.Is(err, ErrLast) {
					t.Errorf("%.60q: %v", c.says, err)
				}
				if _, err := conn.GetReply(); !errors.Is(err, ErrOrder) && !errors.Is(err, ErrLast) {
					t.Errorf("%.60q: %v", c.says, err)
				}
				continue
			}
			must(t, err, conn.EndHeaders())
			if r, _ := readReply(t, conn); r.Reason != "Next" || r.Version != "HTTP/1.1" || r.Request.Number != 2 {
				t.Errorf("%.60q: then %+v", c.says, r)
			}
		}
	}
}

// Fields come in their order, with duplicates, and interim replies are seen.
func TestConnFields(t *testing.T) {
	url := connServer(t, func(p *connPeer) {
		p.head()
		p.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine, thanks\r\nSet-Cookie: b=2\r\nx-a: 1\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n")
	})
	c := dialTest(t, url, DialOptions{})
	putGet(t, c, "/")
	r, _ := readReply(t, c)
	if got, want := fmt.Sprint(r.Fields), "[{Set-Cookie b=2} {x-a 1} {Set-Cookie a=1} {Content-Length 0}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if r.Get("set-cookie") != "b=2" || !slices.Equal(r.Values("SET-COOKIE"), []string{"b=2", "a=1"}) || r.Header().Get("X-A") != "1" || r.Get("none") != "" || r.Reason != "Fine, thanks" {
		t.Errorf("%+v", r)
	}
	if len(r.Interims) != 1 || r.Interims[0].Status != 103 || r.Interims[0].Get("Link") != "</a>" {
		t.Errorf("%+v", r.Interims)
	}
}

// Several requests are put before the first reply is read; replies come in
// order.
func TestConnPipelining(t *testing.T) {
	const n = 100
	url := connServer(t, func(p *connPeer) {
		var targets []string
		for range n {
			targets = append(targets, strings.Fields(p.head())[1])
		}
		for _, target := range targets {
			p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(target), target))
		}
		p.gone()
	})
	c := dialTest(t, url, DialOptions{})
	for i := range n {
		putGet(t, c, fmt.Sprintf("/%d", i))
	}
	if u := c.Unanswered(); len(u) != n || u[0].Target != "/0" {
		t.Error(len(u))
	}
	for i := range n {
		if r, body := readReply(t, c); body != fmt.Sprintf("/%d", i) || r.Request.Target != body || r.Request.Number != i+1 {
			t.Fatal(i, body, r)
		}
	}
}

// One goroutine puts while another one reads: more than buffers hold.
func TestConnBothWays(t *testing.T) {
	const n, size = 50, 200 << 10
	url := connServer(t, func(p *connPeer) {
		for p.head() != "" {
			p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size) + p.take(size))
		}
	})
	var mu sync.Mutex
	sent, got := 0, 0
	c := dialTest(t, url, DialOptions{Trace: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		switch e.Kind {
		case SentBody:
			sent += len(e.Data)
		case GotBody:
			got += len(e.Data)
		}
	}})
	text := strings.Repeat("x", size)
	put := make(chan error, 1)
	first := make(chan bool)
	go func() {
		var err error
		for i := range n {
			err = errors.Join(err, c.Request("POST", "/", nil, strings.NewReader(text)))
			if i == 0 {
				close(first)
			}
		}
		put <- err
	}()
	<-first
	for i := range n {
		for len(c.Unanswered()) == 0 {
			time.Sleep(time.Millisecond)
		}
		if _, body := readReply(t, c); body != text {
			t.Fatal(i, len(body))
		}
	}
	must(t, <-put)
	if sent != n*size || got != n*size {
		t.Error(sent, got)
	}
}

// When the connection ends, what is unanswered is told, and what of it may be
// sent again.
func TestConnUnanswered(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	for _, c := range []struct {
		says     string
		answered int    // replies that come whole
		why      error  // of the end
		kind     string // of the end
		cut      bool   // the reply after those is cut in its body
	}{
		{"", 0, io.EOF, "connection_terminated", false},
		{ok, 1, io.EOF, "connection_terminated", false},
		{ok + "HTTP/1.1 2", 1, io.ErrUnexpectedEOF, "http_response_incomplete", false},
		{ok + ok[:len(ok)-2], 1, io.ErrUnexpectedEOF, "http_response_incomplete", true},
		{ok + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 1, io.ErrUnexpectedEOF, "http_response_incomplete", true},
		{ok + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0", 1, io.ErrUnexpectedEOF, "http_response_incomplete", true},
		{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello" + ok, 1, ErrLast, "", false},
		{"HTTP/1.1 200 OK\r\n\r\nhello", 1, ErrLast, "", false},
	} {
		url := connServer(t, func(p *connPeer) {
			for range 3 {
				p.head()
			}
			p.take(1)
			p.say(c.says)
		})
		conn := dialTest(t, url, DialOptions{})
		putGet(t, conn, "/1")
		putGet(t, conn, "/2")
		must(t, conn.Request("POST", "/3", nil, strings.NewReader("x")))
		for range c.answered {
			readReply(t, conn)
		}
		left := 3 - c.answered
		if c.cut {
			left--
			r, err := conn.GetReply()
			must(t, err)
			var failed *ConnError
			if _, err := io.ReadAll(r.Body); !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &failed) || failed.Kind != c.kind {
				t.Errorf("%.60q: %v", c.says, err)
			}
		}
		for range 2 {
			_, err := conn.GetReply()
			var lost *UnansweredError
			if !errors.As(err, &lost) || len(lost.Requests) != left || !errors.Is(err, c.why) {
				t.Fatalf("%.60q: %v", c.says, err)
			}
			last := lost.Requests[left-1]
			if last.Target != "/3" || last.Again || left > 1 && !lost.Requests[0].Again {
				t.Errorf("%.60q: %+v", c.says, lost.Requests)
			}
			var failed *ConnError
			if errors.As(err, &failed) != (c.kind != "") || c.kind != "" && failed.Kind != c.kind {
				t.Errorf("%.60q: %+v", c.says, failed)
			}
			if !strings.Contains(err.Error(), `no reply to `) || !strings.Contains(err.Error(), `POST "/3"`) {
				t.Error(err)
			}
		}
		if err := conn.PutRequest("GET", "/"); err == nil {
			t.Errorf("%.60q: another request is taken", c.says)
		}
	}
}
