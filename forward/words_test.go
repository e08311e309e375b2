package forward_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/forward"
	"freshet/internal/outbound"
	"freshet/internal/wiretest"
)

// failing is a transport, and a dialler, that fails.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func (f failing) dial(context.Context, string) (net.Conn, error) { return nil, f.err }

func failsWith(kind outbound.Kind, op string, err error) error {
	return &outbound.Error{Op: op, Kind: kind, Peer: "far.example:80", Remote: true, Err: err}
}

// The page for a request that got no answer says who speaks, of which host, what
// happened, and what to do.
func TestWords(t *testing.T) {
	certificate := func(change func(*x509.Certificate)) *x509.Certificate {
		c := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e9, 0), DNSNames: []string{"a.example", "b.example"}, Issuer: pkix.Name{CommonName: "Some CA"}}
		if change != nil {
			change(c)
		}
		return c
	}
	untrusted := func(err error) error {
		return failsWith(outbound.TLSCertificateError, "TLS handshake", &tls.CertificateVerificationError{Err: err})
	}
	tooMany := certificate(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "c.example", "d.example", "e.example") })
	by := func(e outbound.ParentError) *outbound.ParentError { e.Parent = "http://parent.example:3128"; return &e }
	for _, tt := range []struct {
		name   string
		err    error
		status int
		kind   string
		want   []string // beside who speaks, and of which host
	}{
		{"no such name", failsWith(outbound.DNSError, "dial", &net.DNSError{Err: "no such host", Name: "far.example", IsNotFound: true}), 502, "dns_error",
			[]string{"no host of that name is known", "Check the spelling"}},
		{"resolver broken", failsWith(outbound.DNSError, "dial", &net.DNSError{Err: "server misbehaving", Name: "far.example"}), 502, "dns_error",
			[]string{"could not be resolved (server misbehaving)", "resolver of the machine"}},
		{"refused", failsWith(outbound.ConnectionRefused, "dial", errors.New("x")), 502, "connection_refused",
			[]string{"far.example refused the connection at port 80", "Check the port"}},
		{"too slow to connect", failsWith(outbound.ConnectionTimeout, "dial", context.DeadlineExceeded), 504, "connection_timeout",
			[]string{"far.example took no connection at port 80 within 7 s"}},
		{"too slow a handshake", failsWith(outbound.ConnectionTimeout, "TLS handshake", context.DeadlineExceeded), 504, "connection_timeout",
			[]string{"far.example did not end the handshake of TLS within 7 s"}},
		{"no route", failsWith(outbound.DestinationUnroutable, "dial", errors.New("x")), 502, "destination_ip_unroutable",
			[]string{"no way from here to far.example"}},
		{"too slow to answer", failsWith(outbound.ResponseTimeout, "read response head", context.DeadlineExceeded), 504, "http_response_timeout",
			[]string{"far.example did not begin its answer within 9 s"}},
		{"gone", failsWith(outbound.ConnectionTerminated, "read response head", io.EOF), 502, "connection_terminated",
			[]string{"far.example closed the connection before it answered"}},
		{"private", failsWith(outbound.DestinationProhibited, "dial", &outbound.ProhibitedError{Host: "far.example", Addr: netip.MustParseAddr("10.1.2.3"), What: "a private address"}), 403, "destination_ip_prohibited",
			[]string{"it is 10.1.2.3, a private address", "--allow-destination 10.1.2.3/32", "--allow-private"}},
		{"no HTTP", failsWith(outbound.ProtocolError, "read response head", errors.New("x")), 502, "http_protocol_error",
			[]string{"far.example's answer breaks the rules of HTTP", "Have far.example speak HTTP/1.1"}},
		{"nobody vouches", untrusted(x509.UnknownAuthorityError{Cert: certificate(nil)}), 502, "tls_certificate_error",
			[]string{"is not valid: nobody whom the proxy trusts vouches for it", "Some CA", "Nothing was sent"}},
		{"another name", untrusted(x509.HostnameError{Certificate: certificate(nil), Host: "far.example"}), 502, "tls_certificate_error",
			[]string{"it is for a.example, b.example"}},
		{"many other names", untrusted(x509.HostnameError{Certificate: tooMany, Host: "far.example"}), 502, "tls_certificate_error",
			[]string{"it is for a.example, b.example, c.example and 2 other names"}},
		{"expired", untrusted(x509.CertificateInvalidError{Cert: certificate(nil), Reason: x509.Expired}), 502, "tls_certificate_error",
			[]string{"it has expired, on 2001-09-09"}},
		{"not yet", untrusted(x509.CertificateInvalidError{Cert: certificate(func(c *x509.Certificate) { c.NotBefore = time.Unix(3e9, 0) }), Reason: x509.Expired}), 502, "tls_certificate_error",
			[]string{"it is valid from 2065-01-24 on, and today is 2033-05-18"}},
		{"parent down", failsWith(outbound.ConnectionRefused, "dial the proxy", by(outbound.ParentError{Err: errors.New("x")})), 502, "connection_refused",
			[]string{"the proxy that it goes through refused the connection"}},
		{"parent wants a login", failsWith(outbound.RequestError, "ask the proxy", by(outbound.ParentError{Status: 407})), 502, "http_request_error",
			[]string{"the proxy that it goes through wants a name and a password, or others (407)", "--parent"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := failing{tt.err}
			addr := start(t, forward.Options{Transport: f, Dial: f.dial, ConnectTimeout: 7 * time.Second, HeadTimeout: 9 * time.Second, Now: func() int64 { return 2e18 }})
			for _, request := range []string{"GET http://far.example/ HTTP/1.1\r\nHost: far.example\r\n", "GET http://far.example:80/x HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n"} {
				got := ask(t, addr, request+"Connection: close\r\n\r\n")
				if len(got) != 1 || got[0].status != tt.status || !strings.Contains(got[0].fields.Get("Proxy-Status"), "error="+tt.kind) {
					t.Fatalf("got %+v, want %d %s", got, tt.status, tt.kind)
				}
				text := strings.ReplaceAll(got[0].body, "&#39;", "'")
				for _, want := range append(tt.want, "freshet filter, your proxy,", "far.example: ") {
					if !strings.Contains(text, want) {
						t.Errorf("no %q in\n%s", want, text)
					}
				}
				if strings.Contains(text, "origin") || strings.Contains(text, "parent.example") {
					t.Errorf("it speaks of an origin, or names the parent\n%s", text)
				}
			}
			got := ask(t, addr, "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n")
			if len(got) != 1 || !strings.Contains(got[0].body, "freshet filter, your proxy,") || !strings.Contains(got[0].body, "far.example: ") || strings.Contains(got[0].body, "origin") {
				t.Errorf("of a tunnel: %+v", got)
			}
		})
	}
}

// What happens on the way is told by its name, too.
func TestWordsOfSockets(t *testing.T) {
	serveNames(t, map[string][]string{"here.example": {"127.0.0.1"}})
	_, port, _ := net.SplitHostPort(wiretest.Reserve(t))
	open, closed := start(t, forward.Options{AllowPrivate: true}), start(t, forward.Options{})
	for _, tt := range []struct{ addr, target, want string }{
		{open, "nowhere.example", "has no answer of nowhere.example: no host of that name is known"},
		{open, "here.example:" + port, "here.example refused the connection at port " + port},
		{closed, "here.example:" + port, "does not connect to here.example:" + port + ": it is 127.0.0.1, a loopback address. If it is to be reached, start freshet filter with --allow-destination 127.0.0.1/32"},
		{closed, "here.example:25", "connects to no port 25 (here.example:25): start it with --port 25"},
	} {
		got := ask(t, tt.addr, "GET http://"+tt.target+"/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if len(got) != 1 || !strings.Contains(got[0].body, tt.want) {
			t.Errorf("%s: no %q in\n%+v", tt.target, tt.want, got)
		}
	}
}

// Whatever names and certificates contain, it is text on the page.
func TestAttackWords(t *testing.T) {
	const evil = "<script>alert(1)</script>\x1b[2J\u202e\"'&"
	bad := &x509.Certificate{DNSNames: []string{evil}, Issuer: pkix.Name{CommonName: strings.Repeat(evil, 100)}}
	for _, err := range []error{
		x509.UnknownAuthorityError{Cert: bad}, x509.HostnameError{Certificate: bad, Host: "far.example"}, errors.New(evil),
	} {
		f := failing{failsWith(outbound.TLSCertificateError, "TLS handshake", err)}
		h, err := forward.New(forward.Options{Transport: f, Dial: f.dial})
		if err != nil {
			t.Fatal(err)
		}
		for _, accept := range []string{"text/html", "text/plain", "application/json"} {
			for _, host := range []string{"far.example", "<img src=x onerror=alert(1)>", "x\"><script>", evil} {
				r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: host, Path: "/"}, Host: host, RemoteAddr: "127.0.0.1:1", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
					Header: http.Header{"Accept": {accept}}}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				body := w.Body.String()
				if w.Code < 400 || len(body) > 6<<10 || strings.ContainsAny(body, "\x1b\u202e") {
					t.Errorf("%q, %s: %d, %d bytes\n%q", host, accept, w.Code, len(body), body)
				}
				if accept == "text/html" && (strings.Contains(body, "<script") || strings.Contains(body, "<img")) || w.Header().Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%q: markup on the page\n%s", host, body)
				}
			}
		}
		h.Close()
	}
}
