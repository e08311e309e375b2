package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/proxy"
)

// rude is an origin that closes every connection after what it was sent so
// far, and counts them.
func rude(t testing.TB, first string) (url string, n *atomic.Int64) {
	n = new(atomic.Int64)
	return script(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := readHead(br); err == nil {
			n.Add(1)
			io.WriteString(c, first)
		}
	}), n
}

func TestRetries(t *testing.T) {
	good, heads := seen(t)
	dead := "http://" + deadAddr(t)
	for _, c := range []struct {
		name, method, body string
		bad                string // "dead", or what a rude origin says before it closes
		o                  proxy.Options
		want               int
	}{
		{"refused", "GET", "", "dead", proxy.Options{}, 200},
		{"refused, not idempotent", "POST", "", "dead", proxy.Options{}, 200},
		{"refused, body unread", "POST", "x", "dead", proxy.Options{}, 200},
		{"refused, no retries", "GET", "", "dead", proxy.Options{Retries: -1}, 502},
		{"closed", "GET", "", "", proxy.Options{}, 200},
		{"closed, not idempotent", "POST", "", "", proxy.Options{}, 502},
		{"closed, body sent", "PUT", "x", "", proxy.Options{}, 502},
		{"closed after a part of the head", "GET", "", "HTTP/1.1 200 OK\r\nA: ", proxy.Options{}, 502},
		{"closed after an interim answer", "GET", "", "HTTP/1.1 103 Early Hints\r\n\r\n", proxy.Options{}, 502},
		{"nonsense", "GET", "", "nonsense\r\n\r\n", proxy.Options{}, 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad, asked := dead, new(atomic.Int64)
			if c.bad != "dead" {
				bad, asked = rude(t, c.bad)
			}
			c.o.Origins = []string{bad, good}
			c.o.MaxFails = -1
			addr, _ := serve(t, newProxy(t, c.o))
			raw := c.method + " / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			if c.body != "" {
				raw += "Content-Length: 1\r\n"
			}
			got := talk(t, addr, raw+"\r\n"+c.body)
			for strings.HasPrefix(got, "HTTP/1.1 103 ") {
				_, got, _ = strings.Cut(got, "\r\n\r\n")
			}
			if resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil); err != nil || resp.StatusCode != c.want {
				t.Errorf("%q, want %d", got, c.want)
			}
			if c.want == 200 {
				receive(t, heads)
			}
			if len(heads) > 0 || asked.Load() > 1 {
				t.Errorf("asked the bad one %d times, the good one once more: %v", asked.Load(), len(heads) > 0)
			}
		})
	}
}

// failing is a transport that fails as it is told.
type failing struct {
	errs  []error
	asked []string
}

func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	f.asked = append(f.asked, r.URL.Host)
	err := f.errs[0]
	f.errs = f.errs[1:]
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}, nil
}

// No origin is asked twice for one request, and no more than Retries further ones.
func TestRetryLimit(t *testing.T) {
	ended := io.ErrUnexpectedEOF
	for _, c := range []struct {
		retries, origins int
		errs             []error
		asked, status    int
	}{
		{0, 4, []error{ended, ended, nil}, 2, 502},
		{2, 4, []error{ended, ended, nil}, 3, 200},
		{9, 3, []error{ended, ended, ended}, 3, 502},
		{9, 3, []error{errors.New("odd"), nil}, 1, 502},
	} {
		tr := &failing{errs: c.errs}
		h := newProxy(t, proxy.Options{Origins: []string{"http://a", "http://b", "http://c", "http://d"}[:c.origins], Transport: tr, Retries: c.retries})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		seen := map[string]bool{}
		for _, a := range tr.asked {
			if seen[a] {
				t.Errorf("%s was asked twice", a)
			}
			seen[a] = true
		}
		if w.Code != c.status || len(tr.asked) != c.asked {
			t.Errorf("%+v: %d, asked %v", c, w.Code, tr.asked)
		}
	}
}

// With net/http's transport the answers are the same.
func TestStandardTransport(t *testing.T) {
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	url, heads := seen(t)
	for _, c := range []struct {
		origin, want string
	}{
		{url, "200"},
		{"http://" + deadAddr(t), "connection_refused"},
		{"http://nowhere.invalid", "dns_error"},
		{script(t, func(net.Conn, *bufio.Reader) {}), "connection_terminated"},
		{script(t, func(c net.Conn, br *bufio.Reader) { readHead(br); io.WriteString(c, "nonsense\r\n\r\n") }), "http_protocol_error"},
	} {
		addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{c.origin}, Transport: tr}))
		if got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.want, got)
		}
	}
	if head := receive(t, heads); lineOf(head, "User-Agent") != "" {
		t.Errorf("%q", head)
	}
}
