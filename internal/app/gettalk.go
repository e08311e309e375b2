package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/client"
	"freshet/internal/field"
	"freshet/internal/outbound"
)

// getTalk tells what is sent and received: for --verbose without secrets, for
// --trace all of it.
type getTalk struct {
	mu      sync.Mutex // held while something is written
	verbose io.Writer  // or nil
	trace   io.Writer  // or nil
	ascii   bool       // trace has no hexadecimal digits
	noted   map[string]bool
}

func (g *getting) openTalk() (*getTalk, error) {
	c := g.conf
	t := &getTalk{noted: map[string]bool{}}
	name := c.Trace
	if name == "" {
		name, t.ascii = c.TraceASCII, true
	}
	switch {
	case name != "":
		w, closeFile, err := g.create(name)
		if err != nil {
			return nil, err
		}
		t.trace, g.close = w, append(g.close, closeFile)
	case c.Verbose:
		t.verbose = g.env.Stderr
	}
	return t, nil
}

func (t *getTalk) on() bool { return t != nil && (t.verbose != nil || t.trace != nil) }

// note tells something that is neither sent nor received.
func (t *getTalk) note(format string, args ...any) {
	if !t.on() {
		return
	}
	text := printable(fmt.Sprintf(format, args...))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.verbose != nil {
		io.WriteString(t.verbose, "* "+text+"\n")
		return
	}
	io.WriteString(t.trace, "== Info: "+text+"\n")
}

// head tells the head of a message.
func (t *getTalk) head(kind client.EventKind, head []byte) {
	if !t.on() {
		return
	}
	if t.verbose == nil {
		t.dump(map[client.EventKind]string{client.SentHead: "=> Send header", client.GotHead: "<= Recv header"}[kind], head)
		return
	}
	mark := "< "
	if kind == client.SentHead {
		mark = "> "
	}
	head = client.Event{Kind: kind, Data: head}.Masked()
	var b strings.Builder
	for line := range strings.Lines(string(head)) {
		b.WriteString(strings.TrimRight(mark+printable(strings.TrimRight(line, "\r\n")), " ") + "\n")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	io.WriteString(t.verbose, b.String())
}

// body tells a part of a body.
func (t *getTalk) body(kind client.EventKind, p []byte) {
	if t == nil || t.trace == nil || len(p) == 0 {
		return
	}
	t.dump(map[client.EventKind]string{client.SentBody: "=> Send data", client.GotBody: "<= Recv data"}[kind], p)
}

// dump writes bytes as curl does: offset, hexadecimal digits and text, or text
// alone.
func (t *getTalk) dump(what string, p []byte) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d bytes (0x%x)\n", what, len(p), len(p))
	width := 16
	if t.ascii {
		width = 64
	}
	for at := 0; at < len(p); {
		line := p[at:min(at+width, len(p))]
		next := at + len(line)
		if t.ascii { // lines end where they do
			if i := strings.Index(string(line), "\r\n"); i >= 0 {
				line, next = line[:i], at+i+2
			}
		}
		fmt.Fprintf(&b, "%04x: ", at)
		if !t.ascii {
			for i := range width {
				if i < len(line) {
					fmt.Fprintf(&b, "%02x ", line[i])
				} else {
					b.WriteString("   ")
				}
			}
		}
		for _, c := range line {
			if c < ' ' || c > '~' {
				c = '.'
			}
			b.WriteByte(c)
		}
		b.WriteByte('\n')
		at = next
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	io.WriteString(t.trace, b.String())
}

// printable has spaces for what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && field.Obeyed(r) {
			return ' '
		}
		return r
	}, s)
}

// cached tells of an answer that the cache has given.
func (t *getTalk) cached(resp *http.Response) {
	if !t.on() {
		return
	}
	w, ok := client.From(resp)
	if !ok || w.Verdict != "hit" && w.Verdict != "stale" && w.Verdict != "revalidated" && w.Verdict != "refused" {
		return
	}
	t.note("From the cache (%s): %s", w.Verdict, w.Sentence)
	t.head(client.GotHead, appendAnswerHead(nil, resp))
}

// getWire sends requests, and tells of it.
type getWire struct {
	talk    *getTalk
	next    http.RoundTripper
	proxied func(ctx context.Context, scheme, hostport string) ([]*outbound.Parent, error) // or nil
}

// CloseIdleConnections closes the connections that are not in use.
func (w *getWire) CloseIdleConnections() {
	if c, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (w *getWire) RoundTrip(req *http.Request) (*http.Response, error) {
	if !w.talk.on() {
		return w.next.RoundTrip(req)
	}
	trace := &httptrace.ClientTrace{
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				w.talk.note("%s is %s", req.URL.Hostname(), joinAddrs(i.Addrs))
			}
		},
		ConnectStart: func(_, addr string) { w.talk.note("  Trying %s...", addr) },
		ConnectDone: func(_, addr string, err error) {
			if err != nil {
				w.talk.note("connect to %s: %v", addr, cause(err))
			}
		},
		GotConn: func(i httptrace.GotConnInfo) { w.gotConn(req, i) },
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			w.talk.head(client.GotHead, append(appendGetFields(fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", code, http.StatusText(code)), http.Header(header), false), "\r\n"...))
			return nil
		},
	}
	sent := req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
	if sent.Body != nil && w.talk.trace != nil {
		sent.Body = &getWatched{sent.Body, w.talk, client.SentBody}
	}
	resp, err := w.next.RoundTrip(sent)
	if err != nil {
		w.talk.note("%v", err)
		return nil, err
	}
	w.talk.head(client.GotHead, appendAnswerHead(nil, resp))
	if w.talk.trace != nil {
		if _, upgraded := resp.Body.(io.Writer); !upgraded {
			resp.Body = &getWatched{resp.Body, w.talk, client.GotBody}
		}
	}
	return resp, nil
}

func joinAddrs(addrs []net.IPAddr) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// gotConn tells of the connection, and of the head that is about to be sent.
func (w *getWire) gotConn(req *http.Request, i httptrace.GotConnInfo) {
	host := req.URL.Hostname()
	h2 := false
	if i.Conn != nil {
		if i.Reused {
			w.talk.note("Using the connection to %s (%v) again", host, i.Conn.RemoteAddr())
		} else {
			w.talk.note("Connected to %s (%v)", host, i.Conn.RemoteAddr())
		}
		if tc, ok := i.Conn.(*tls.Conn); ok {
			st := tc.ConnectionState()
			h2 = st.NegotiatedProtocol == "h2"
			if !i.Reused {
				w.tellTLS(&st)
			}
		}
	}
	w.talk.head(client.SentHead, w.requestHead(req, h2))
}

func (w *getWire) tellTLS(st *tls.ConnectionState) {
	protocol := st.NegotiatedProtocol
	if protocol == "" {
		protocol = "none agreed on"
	}
	w.talk.note("TLS: %s, %s, protocol: %s", strings.TrimPrefix(tls.VersionName(st.Version), "TLS "), tls.CipherSuiteName(st.CipherSuite), protocol)
	if len(st.PeerCertificates) == 0 {
		return
	}
	leaf := st.PeerCertificates[0]
	w.talk.note("  certificate: %s", leaf.Subject)
	w.talk.note("  of: %s", leaf.Issuer)
	verified := "verified"
	if len(st.VerifiedChains) == 0 {
		verified = "NOT verified"
	}
	w.talk.note("  valid: %s to %s; %s", leaf.NotBefore.UTC().Format(time.DateOnly), leaf.NotAfter.UTC().Format(time.DateOnly), verified)
}

// requestHead is the head of a request as package outbound sends it.
func (w *getWire) requestHead(req *http.Request, h2 bool) []byte {
	proto, host := "HTTP/1.1", req.Host
	if h2 {
		proto = "HTTP/2"
	}
	if host == "" {
		host = req.URL.Host
	}
	target := req.URL.RequestURI()
	if w.proxied != nil && req.URL.Scheme == "http" {
		if by, err := w.proxied(req.Context(), "http", hostPortOf(req)); err == nil && len(by) > 0 && strings.HasPrefix(by[0].String(), "http") {
			target = "http://" + req.URL.Host + target
		}
	}
	name := "Host"
	if h2 {
		name = "host"
	}
	dst := fmt.Appendf(nil, "%s %s %s\r\n%s: %s\r\n", req.Method, target, proto, name, host)
	dst = appendGetFields(dst, req.Header, h2)
	switch {
	case req.Body != nil && req.ContentLength > 0:
		dst = fmt.Appendf(dst, "Content-Length: %d\r\n", req.ContentLength)
	case req.Body != nil && req.Body != http.NoBody && !h2:
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	case req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch:
		dst = append(dst, "Content-Length: 0\r\n"...)
	}
	return append(dst, "\r\n"...)
}

func hostPortOf(req *http.Request) string {
	port := req.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[req.URL.Scheme]
	}
	return net.JoinHostPort(req.URL.Hostname(), port)
}

// appendGetFields appends fields in the order of their names.
func appendGetFields(dst []byte, h http.Header, lower bool) []byte {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			shown := name
			if lower {
				shown = strings.ToLower(name)
			}
			dst = append(append(append(append(dst, shown...), ": "...), value...), "\r\n"...)
		}
	}
	return dst
}

// getWatched tells of a body as it is read.
type getWatched struct {
	io.ReadCloser
	talk *getTalk
	kind client.EventKind
}

// Read implements io.Reader.
func (w *getWatched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	w.talk.body(w.kind, p[:n])
	return n, err
}
