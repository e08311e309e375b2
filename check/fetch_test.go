package check

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/wiretest"
)

// serveBytes answers each connection with bytes once a request head has come,
// and returns the address and a place where the first head goes.
func serveBytes(t *testing.T, answer string, keep bool) (*url.URL, <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heads := make(chan string, 16)
	done := make(chan struct{})
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			head := readHead(conn)
			heads <- head
			io.WriteString(conn, answer)
			if keep {
				conn.SetReadDeadline(time.Now().Add(time.Minute))
				io.Copy(io.Discard, conn)
			}
			conn.Close()
		}
	}()
	u, err := url.Parse("http://" + l.Addr().String() + "/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	return u, heads
}

func readHead(conn net.Conn) string {
	var head []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(head, []byte("\r\n\r\n")) {
		n, err := conn.Read(buf)
		head = append(head, buf[:n]...)
		if err != nil {
			break
		}
	}
	return string(head)
}

func fetch(t *testing.T, o *Options, p probe) (*reply, error) {
	t.Helper()
	c := newClient(o)
	defer c.close()
	return c.do(context.Background(), p)
}

// What is recorded is what was sent.
func TestFetchRequest(t *testing.T) {
	u, heads := serveBytes(t, "HTTP/1.1 204 No Content\r\n\r\n", false)
	r, err := fetch(t, &Options{Header: http.Header{"Accept-Language": {"de"}, "X-Two": {"a", "b"}, "Content-Length": {"5"}}},
		probe{method: "HEAD", url: u, header: http.Header{"Accept": nil, "Range": {"bytes=0-0"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := "HEAD /a?b=c HTTP/1.1\r\nHost: " + u.Host + "\r\nAccept-Encoding: gzip, br, zstd\r\nAccept-Language: de\r\nRange: bytes=0-0\r\n" +
		"User-Agent: Mozilla/5.0 (compatible; freshet check)\r\nX-Two: a\r\nX-Two: b\r\n\r\n"
	if head := <-heads; head != want {
		t.Errorf("sent %q\nwant %q", head, want)
	}
	if h := r.RequestHeader; h.Get("Host") != u.Host || h.Get("Range") != "bytes=0-0" || len(h["X-Two"]) != 2 || h["Accept"] != nil || len(h) != 6 {
		t.Errorf("recorded %v", h)
	}
}

// What is recorded is what came: no coding is undone, no line is joined or
// left out.
func TestFetchAnswer(t *testing.T) {
	packed, err := coding.Encode(nil, field.Gzip, []byte("hello"), coding.Quick)
	if err != nil {
		t.Fatal(err)
	}
	head := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 Fine\r\nset-cookie: a=b\r\nPragma: no-cache\r\nSet-Cookie: c=d\r\nContent-Encoding: gzip\r\nConnection: x\r\n"
	for name, answer := range map[string]string{
		"sized":   fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(packed), packed),
		"chunked": fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\nX-After: z\r\n\r\n", head, len(packed), packed),
		"to end":  head + "\r\n" + string(packed),
	} {
		u, _ := serveBytes(t, answer, false)
		r, err := fetch(t, &Options{}, probe{url: u})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		h := r.Header
		if !bytes.Equal(r.Body, packed) || r.BodySize != int64(len(packed)) || !r.whole || r.Status != 200 || r.Proto != "HTTP/1.1" || r.early != 1 ||
			strings.Join(h["Set-Cookie"], "|") != "a=b|c=d" || h["Cache-Control"] != nil || h.Get("Connection") != "x" || len(r.faults) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if name == "chunked" && (h.Get("Transfer-Encoding") != "chunked" || r.Trailer.Get("X-After") != "z") {
			t.Errorf("%s: %v, %v", name, h, r.Trailer)
		}
		if content, ok := r.decoded(); !ok || string(content) != "hello" {
			t.Errorf("%s: decoded %q, %v", name, content, ok)
		}
	}
}

func TestFetchBound(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, answer := range map[string]string{
		"sized":   fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(long), long),
		"chunked": fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(long), long),
		"to end":  "HTTP/1.1 200 OK\r\n\r\n" + long,
	} {
		u, _ := serveBytes(t, answer, false)
		r, err := fetch(t, &Options{MaxBody: 1000}, probe{url: u})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Body) != 1000 || r.whole || r.BodySize != -1 || r.kept {
			t.Errorf("%s: %d bytes, whole %v, size %d, kept %v", name, len(r.Body), r.whole, r.BodySize, r.kept)
		}
	}
}

// A fault is one line that says what is wrong.
func TestFetchFaults(t *testing.T) {
	for _, tt := range []struct {
		answer string
		keep   bool
		want   string
	}{
		{"", false, "HOST closed the connection without an answer"},
		{"HTTP/1.1 200 OK\r\nA: b", false, "HOST does not answer in HTTP: the connection ended in the middle of the answer's head"},
		{"SSH-2.0-OpenSSH\r\n", false, "HOST does not answer in HTTP: the origin's answer does not begin with HTTP/, a version and a status code"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false, "HOST does not answer in HTTP: the origin sent Content-Length twice with different values"},
		{"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxHead) + "\r\n\r\n", false, "HOST does not answer in HTTP: the head of the origin's answer is larger than is accepted"},
		{strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 40), false, "HOST does not answer in HTTP: more than 32 interim answers come before the final one"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", true, "the answer of HOST does not end within 2s"},
		{"HTTP/1.1 200 OK\r\nContent-Length", true, "no answer from HOST within 2s"},
	} {
		u, _ := serveBytes(t, tt.answer, tt.keep)
		o := &Options{}
		if tt.keep { // then it ends by the timeout
			o.Timeout = 2 * time.Second
		}
		_, err := fetch(t, o, probe{url: u})
		want := strings.ReplaceAll(tt.want, "HOST", u.Host)
		if err == nil || err.Error() != want {
			t.Errorf("%.40q: %v\nwant %s", tt.answer, err, want)
		}
	}
}

func TestConnectFaults(t *testing.T) {
	closed := wiretest.Reserve(t)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(right))
	secure.Config.ErrorLog = nil
	secure.StartTLS()
	defer secure.Close()
	open := httptest.NewServer(http.HandlerFunc(right))
	defer open.Close()
	at := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	for _, tt := range []struct{ url, want string }{
		{"http://" + closed, "connect to " + closed + ": nobody listens there (connection refused)"},
		{"https://" + at(secure), "the certificate of " + at(secure) + " is signed by nobody who is trusted; --insecure checks without looking at it"},
		{"https://" + at(open), at(open) + " does not speak TLS; is it http://?"},
	} {
		r := checkURL(t, Options{}, tt.url)[0]
		if r.Err == nil || r.Err.Error() != tt.want {
			t.Errorf("%s: %v\nwant %s", tt.url, r.Err, tt.want)
		}
	}
	if r := checkURL(t, Options{Insecure: true, PassiveOnly: true}, "https://"+at(secure))[0]; r.Err != nil {
		t.Error(r.Err)
	}
	// The certificate is for another name.
	o := Options{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, Dial: dialTo(map[string]string{"other.example:443": at(secure)})}
	if r := checkURL(t, o, "https://other.example/")[0]; r.Err == nil || !strings.Contains(r.Err.Error(), "does not hold: certificate is valid for") {
		t.Errorf("%v", r.Err)
	}
}

// A connection is used again, and one that the server has closed meanwhile is
// replaced.
func TestFetchReuse(t *testing.T) {
	var mu sync.Mutex
	var conns []net.Conn
	s := httptest.NewUnstartedServer(http.HandlerFunc(right))
	closed := make(chan struct{}, 8)
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	u, err := ParseURL(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(&Options{})
	defer c.close()
	for i, reused := range []bool{false, true, false} {
		if i == 2 {
			s.CloseClientConnections()
			<-closed
		}
		r, err := c.do(context.Background(), probe{url: u})
		if err != nil {
			t.Fatal(err)
		}
		if r.reused != reused || r.missed != (i == 2) {
			t.Errorf("request %d: reused %v, missed %v", i, r.reused, r.missed)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(conns) != 2 {
		t.Errorf("%d connections", len(conns))
	}
}

func TestFetchCanceled(t *testing.T) {
	u, heads := serveBytes(t, "HTTP/1.1 200 OK\r\n", true)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-heads
		cancel()
	}()
	c := newClient(&Options{})
	defer c.close()
	if _, err := c.do(ctx, probe{url: u}); err == nil {
		t.Error("there was an answer")
	}
}

// Of a stream of events, which does not end, the head is looked at.
func TestFetchEvents(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" || r.Method != "GET" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	all := checkURL(t, Options{Insecure: true}, s.URL)
	if r := all[0]; r.Err != nil || r.Exchange.Status != 200 || r.Exchange.BodySize != -1 {
		t.Errorf("%+v", r)
	}
	if found := foundIn(all); found["answer-missing"] != "" {
		t.Error(found)
	}
}

// A body that is cut off, or too long, over HTTP/2.
func TestFetchHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cut" {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "abc")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Write(bytes.Repeat([]byte("x"), 5000))
	}))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{}
	s.StartTLS()
	defer s.Close()
	o := &Options{Insecure: true, MaxBody: 1000}
	u, _ := ParseURL(s.URL)
	r, err := fetch(t, o, probe{url: u, http2: true})
	if err != nil || len(r.Body) != 1000 || r.BodySize != -1 || r.whole || r.Proto != "HTTP/2.0" {
		t.Errorf("%+v, %v", r, err)
	}
	u, _ = ParseURL(s.URL + "/cut")
	r, err = fetch(t, o, probe{url: u, http2: true})
	if err != nil || r.whole || len(r.faults) != 1 || r.faults[0].note != "body-cut-off" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestParseURL(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"example.com", "http://example.com/"},
		{"localhost:8000/a", "http://localhost:8000/a"},
		{"HTTP://Example.COM:80/A?b#c", "http://example.com/A?b"},
		{"https://u:p@example.com:443", "https://example.com/"},
		{"https://example.com:8443/%2f", "https://example.com:8443/%2f"},
		{"http://[::1]:80/", "http://[::1]/"},
		{"ftp://example.com/", `"ftp://example.com/" is no address; give one of http:// or https://`},
		{"http:///a", `"http:///a" is no address; it names no host`},
		{"http://exämple.com/", `"http://exämple.com/": write the host in ASCII, in the form that begins with xn--`},
		{"http://a b/", `"http://a b/" is no address: invalid character " " in host name`},
	} {
		u, err := ParseURL(tt.text)
		got := fmt.Sprint(u)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// What does not answer three times is not asked any more.
func TestLost(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
		right(w, r)
	}))
	defer s.Close()
	found := foundIn(checkURL(t, Options{}, s.URL))
	if found["answer-missing"] == "" || asked.Load() > 2*(1+maxLost) {
		t.Errorf("after %d requests: %v", asked.Load(), found)
	}
}

// Of a body that is not read to its end, the parts are looked at all the same.
func TestLargeBody(t *testing.T) {
	large := bytes.Repeat([]byte("0123456789"), 10_000)
	for name, h := range map[string]http.HandlerFunc{
		"": func(w http.ResponseWriter, r *http.Request) { serveLarge(w, r, large) },
		"range-content-range": func(w http.ResponseWriter, r *http.Request) {
			serveLarge(&changing{w, func(s int) int { w.Header().Del("Content-Range"); return s }}, r, large)
		},
	} {
		s := httptest.NewServer(h)
		found := foundIn(checkURL(t, Options{MaxBody: 1000}, s.URL))
		s.Close()
		if name != "" && found[name] == "" || name == "" && (found["range-content-range"] != "" || found["range-wrong-bytes"] != "" || found["answer-missing"] != "") {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func serveLarge(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Cache-Control", "max-age=600")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
