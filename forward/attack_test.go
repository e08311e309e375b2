package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
)

// witness is a server that notes each request as another parser than ours reads
// it.
type witness struct {
	l     net.Listener
	reply func(r *http.Request, body string) string // an answer, octet by octet; nil means 200

	mu    sync.Mutex
	seen  []string
	heads []http.Header
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

// newWitness starts a witness at an address.
func newWitness(t *testing.T, at string, reply func(r *http.Request, body string) string) *witness {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{l: l, reply: reply, conns: map[net.Conn]bool{}}
	w.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.conns[c] = true
			w.mu.Unlock()
			w.all.Go(func() { w.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		w.mu.Lock()
		for c := range w.conns {
			c.Close()
		}
		w.mu.Unlock()
		w.all.Wait()
	})
	return w
}

func (w *witness) serve(c net.Conn) {
	defer c.Close()
	br := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		line := r.Method + " " + r.RequestURI + " " + r.Host
		if len(body) > 0 {
			line += fmt.Sprintf(" %q", body)
		}
		if err != nil {
			line += " cut"
		}
		w.mu.Lock()
		w.seen, w.heads = append(w.seen, line), append(w.heads, r.Header)
		w.mu.Unlock()
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
		if w.reply != nil {
			answer = w.reply(r, string(body))
		}
		if _, werr := io.WriteString(c, answer); err != nil || werr != nil || strings.Contains(answer, "Connection: close") {
			return
		}
	}
}

func (w *witness) host() string { return w.l.Addr().String() }

// requests returns what came since it was asked last.
func (w *witness) requests() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := strings.ReplaceAll(strings.Join(w.seen, "; "), w.l.Addr().String(), "O")
	w.seen = nil
	return seen
}

// fields returns the fields of the last request.
func (w *witness) fields() http.Header {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heads[len(w.heads)-1]
}

// exchange is an answer to a request of a list.
type exchange struct {
	status int
	body   string
	fields http.Header
}

// talk sends raw octets to the proxy and returns all answers, until the proxy
// closes the connection.
func talk(t *testing.T, addr, raw string) []exchange { return converse(t, addr, raw, true) }

// ask is talk for one request, until there is an answer that is not interim.
func ask(t *testing.T, addr, raw string) []exchange { return converse(t, addr, raw, false) }

func converse(t *testing.T, addr, raw string, all bool) (got []exchange) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	br := bufio.NewReader(c)
	for all || len(got) == 0 {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return got
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			body = append(body, " cut"...)
		}
		if resp.StatusCode/100 != 1 {
			got = append(got, exchange{resp.StatusCode, string(body), resp.Header})
		}
	}
	return got
}

func statuses(got []exchange) string {
	var b []string
	for _, e := range got {
		b = append(b, fmt.Sprint(e.status))
	}
	return strings.Join(b, " ")
}

// newStore makes a store that ends with the test.
func newStore(t *testing.T) *cache.Store {
	t.Helper()
	store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// startHot is start, with the hot path or without.
func startHot(t *testing.T, o forward.Options, hot bool) string {
	t.Helper()
	h, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: h}
	if hot {
		srv.Hot = h
	}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done; h.Close() })
	return l.Addr().String()
}

// smuggled is what is sent, and what is to come of it.
type smuggled struct{ name, raw, want, reached string }

// smuggling are the attempts upon a server.
func smuggling(at string) []smuggled {
	line := "POST http://" + at + "/p HTTP/1.1\r\n"
	post := line + "Host: " + at + "\r\n"
	next := "GET http://" + at + "/next HTTP/1.1\r\nHost: " + at + "\r\nConnection: close\r\n\r\n"
	const p, n = "POST /p O", "GET /next O"
	return []smuggled{
		{"CL.TE", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" + next, "400", ""},
		{"TE.CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + next, "400", ""},
		{"TE.TE, one unknown", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + next, "400", ""},
		{"TE.TE, one hidden by a space", post + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + next, "400", ""},
		{"TE.TE, one hidden by a tab", post + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + next, "200 200", p + "; " + n},
		{"an underscore for a hyphen", post + "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + next, "200 200", p + ` "0\r\n\r\n"; ` + n},
		{"two lengths", post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello" + next, "400", ""},
		{"one length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + next, "200 200", p + ` "hello"; ` + n},
		{"bare line feeds", "GET http://" + at + "/p HTTP/1.1\nHost: x\n\n" + next, "400", ""},
		{"a bare line feed in the value of a field", post + "A: b\nContent-Length: 5\r\n\r\nhello" + next, "400", ""},
		{"a bare carriage return", post + "A: b\rContent-Length: 5\r\n\r\nhello" + next, "400", ""},
		{"a folded line", post + "A: b\r\n Content-Length: 5\r\n\r\nhello" + next, "400", ""},
		{"a folded coding", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + next, "400", ""},
		{"an extension of a chunk ends here", post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"b;c\"\r\nhello\r\n0;x\r\n\r\n" + next, "200 200", p + ` "hello"; ` + n},
		{"a line feed in an extension", post + "Transfer-Encoding: chunked\r\n\r\n5;a\nGET / HTTP/1.1\r\nhello\r\n0\r\n\r\n" + next, "400", "POST /p O cut"},
		{"a chunk of 2^64+5", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n" + next, "400", "POST /p O cut"},
		{"framing in a trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\nhello" + next, "400", "POST /p O cut"},
		{"a GET with a request for a body", "GET http://" + at + "/p HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(next)) + "\r\n\r\n" + next + next, "200 200",
			"GET /p O " + fmt.Sprintf("%q", strings.ReplaceAll(next, at, "O")) + "; " + n},
		{"two fields Host", line + "Host: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n" + next, "400", ""},
		{"no field Host", line + "Content-Length: 0\r\n\r\n" + next, "400", ""},
		{"a space in the target", "GET http://" + at + "/p HTTP/1.1 HTTP/1.1\r\nHost: x\r\n\r\n" + next, "400", ""},
		{"a host with a path, written as an address", "GET http://" + at + "\\@evil.test/p HTTP/1.1\r\nHost: x\r\n\r\n" + next, "400", ""},
		{"an upgrade to HTTP/2", "GET http://" + at + "/p HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n" + next, "200 200", "GET /p O; " + n},
		{"HTTP/1.0 with a coding", "POST http://" + at + "/p HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, "400", ""},
		{"a fragment", "GET http://" + at + "/p#f HTTP/1.1\r\nHost: x\r\n\r\n" + next, "400", ""},
	}
}

// What two readers could take apart differently reaches no server, or as one
// reading alone.
func TestAttackSmuggling(t *testing.T) {
	for i, tt := range smuggling("") {
		t.Run(tt.name, func(t *testing.T) {
			o := newWitness(t, "127.0.0.1:0", nil) // of this case alone: what it notes late is not the next one's
			tt := smuggling(o.host())[i]
			addr := start(t, forward.Options{AllowPrivate: true, Store: newStore(t)})
			got, reached := statuses(talk(t, addr, tt.raw)), o.requests()
			early := tt.want == "400" && reached == "" // what is wrong with a body may be seen before anything is sent
			if got != tt.want || reached != tt.reached && !early {
				t.Errorf("answers %q, the server saw %q; want %q, %q", got, reached, tt.want, tt.reached)
			}
		})
	}
}
