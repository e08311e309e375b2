package wiretest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"time"
)

// TestOriginCommands proves that each expectation of the origin's side can fail.
func TestOriginCommands(t *testing.T) {
	const asked = "req GET /a\norigin rx GET /a\n"
	const answered = asked + "origin res 200 hello\n\tContent-Type: text/plain\nrx 200\n"
	for _, c := range []struct{ script, fault string }{
		{answered + "origin expect nofield X\norigin expect body \"\"\npoll_", "unknown command"},
		{answered + "expect body hello\nadvance 1s\nexpect field Date ${now-1s}", ""},
		{answered, ""},
		{"req GET /a\norigin rx GET /b", "it was asked [GET /a]"},
		{asked + "origin expect field Via x", `expected "x"`},
		{asked + "origin expect nofield Via", "the request has Via"},
		{asked + "origin expect field X x", "the request has no X"},
		{asked + "origin expect body x", `expected "x"`},
		{asked + "origin expect status 200", "origin expect takes"},
		{asked + "origin close\norigin tx x", "has closed"},
		{asked + "origin res 200\n\tno field", "no field"},
		{asked + "origin use first", "origin use takes"},
		{asked + "origin frobnicate", "unknown command"},
		{"origin res 200", "asked nothing"},
		{"origin", "does what"},
		{"advance -1s", "bad duration"},
		{"advance", "advance takes"},
		{"set A ${now*1s}", "no variable"},
		{"poll /a", "poll takes"},
	} {
		wait := patience
		if strings.Contains(c.fault, "it was asked") {
			wait = 50 * time.Millisecond // the time-out is what is expected
		}
		Longer(t, wait, func(wait time.Duration) error {
			if err := playBetween(t, c.script, wait); (c.fault == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fault) {
				return fmt.Errorf("%q: %v, want %q", c.script, err, c.fault)
			}
			return nil
		})
	}
}

// playBetween plays a script before and behind a proxy.
func playBetween(t *testing.T, script string, wait time.Duration) (err error) {
	t.Helper()
	o, err := newOrigin()
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	front := &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(t.Output(), "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", o.listener.Addr().String()
		r.Out.Header.Set("Via", "1.1 test")
	}}
	err = playAgainst(t, front, script, wait, func(p *player) {
		p.origin, p.clock, p.exchanges = o, newClock(), map[string]*exchange{}
	})
	return errors.Join(err, o.left())
}

// TestOriginLeft asks what no script mentions.
func TestOriginLeft(t *testing.T) {
	o, err := newOrigin()
	if err != nil {
		t.Fatal(err)
	}
	defer o.end()
	for _, text := range []string{"GET /a HTTP/1.1\r\nHost: a\r\nVia: 1.1 test\r\n\r\n", "nonsense\r\n"} {
		conn, err := net.Dial("tcp", o.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		e, err := o.take(patience, func(*exchange) bool { return true })
		if (err == nil) != strings.HasPrefix(text, "GET") {
			t.Errorf("%q: %v", text, err)
		}
		if e != nil {
			o.queue = append(o.queue, e)
			if err := o.left(); err == nil || !strings.Contains(err.Error(), "asked GET /a, and no line of the script says so") {
				t.Errorf("left: %v", err)
			}
			o.queue = nil
		}
	}
}

// TestPoll asks until an answer is as wanted, and gives up when none is.
func TestPoll(t *testing.T) {
	asked := 0
	count := func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("X-Enough", map[bool]string{true: "yes", false: "no"}[asked > 3])
	}
	if err := playAgainst(t, http.HandlerFunc(count), "poll /a field X-Enough yes", patience); err != nil {
		t.Error(err)
	}
	if err := playAgainst(t, http.HandlerFunc(count), "poll /a body x", 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no answer is so") {
		t.Errorf("error %v", err)
	}
}

func TestReadRequest(t *testing.T) {
	const via = "Host: a\r\nVia: 1.1 test\r\n"
	for _, c := range []struct{ raw, body, fault string }{
		{"GET / HTTP/1.1\r\n" + via + "\r\n", "", ""},
		{"PUT /a HTTP/1.1\r\n" + via + "Content-Length: 2\r\n\r\nab", "ab", ""},
		{"PUT /a HTTP/1.1\r\n" + via + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab", ""},
		{"GET /a b HTTP/1.1\r\n" + via + "\r\n", "", "not a request line"},
		{"GET / HTTP/1.1\r\n" + via + "Host: a\r\n\r\n", "", "2 times"},
		{"GET / HTTP/1.1\r\n" + via + "Range: a\r\nRange: b\r\n\r\n", "", "Range is sent 2 times"},
		{"GET / HTTP/1.1\r\n" + via + "Keep-Alive: 5\r\n\r\n", "", "passed on"},
		{"GET / HTTP/1.1\r\n" + via + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "", ""},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "", "no Via"},
		{"GET / HTTP/1.1\r\n" + via + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "", "RFC 9112 §6.2"},
	} {
		e, err := readRequest(bufio.NewReader(strings.NewReader(c.raw)))
		if e == nil {
			t.Errorf("%q: %v", c.raw, err)
			continue
		}
		if e.body != c.body || (c.fault == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%q: body %q, error %v, want %q", c.raw, e.body, err, c.fault)
		}
	}
	if e, err := readRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHo"))); e != nil || err == nil {
		t.Errorf("a request that is cut off: %v, %v", e, errors.Unwrap(err))
	}
}
