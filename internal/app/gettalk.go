package app

import (
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/client"
	"freshet/internal/field"
	"freshet/internal/wire"
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

// event tells what a connection that is watched tells.
func (t *getTalk) event(e client.Event) {
	switch e.Kind {
	case client.SentHead, client.GotHead:
		t.head(e.Kind, e.Data)
	case client.Note:
		t.note("%s", e.Data)
	default:
		t.body(e.Kind, e.Data)
	}
}

// getWire sends requests, and tells of their connections; of messages too, when
// they go by HTTP/2, whose bytes are nothing to read.
type getWire struct {
	talk *getTalk
	next http.RoundTripper
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
	sent := req.WithContext(httptrace.WithClientTrace(req.Context(), w.watch(req)))
	resp, err := w.next.RoundTrip(sent)
	if err != nil {
		w.talk.note("%s", getFaultText(err))
		return nil, err
	}
	if resp.ProtoMajor == 2 {
		w.talk.head(client.GotHead, appendAnswerHead(nil, resp))
		if w.talk.trace != nil {
			resp.Body = &getWatched{ReadCloser: resp.Body, talk: w.talk, kind: client.GotBody}
		}
	}
	return resp, nil
}

// watch tells of the making of connections. WroteHeaders is HTTP/2's.
func (w *getWire) watch(req *http.Request) *httptrace.ClientTrace {
	host := req.URL.Hostname()
	return &httptrace.ClientTrace{
		DNSDone: func(i httptrace.DNSDoneInfo) {
			if i.Err == nil {
				w.talk.note("%s is %s", host, joinAddrs(i.Addrs))
			}
		},
		ConnectStart: func(_, addr string) { w.talk.note("  Trying %s...", addr) },
		ConnectDone: func(_, addr string, err error) {
			if err != nil {
				w.talk.note("connect to %s: %v", addr, cause(err))
			}
		},
		TLSHandshakeDone: func(st tls.ConnectionState, err error) {
			if err == nil {
				w.tellTLS(&st)
			}
		},
		GotConn: func(i httptrace.GotConnInfo) {
			switch {
			case i.Conn == nil:
			case i.Reused:
				w.talk.note("Using the connection to %s (%v) again", host, i.Conn.RemoteAddr())
			default:
				w.talk.note("Connected to %s (%v)", host, i.Conn.RemoteAddr())
			}
		},
		WroteHeaders: func() { w.talk.head(client.SentHead, requestHead(req)) },
	}
}

func joinAddrs(addrs []net.IPAddr) string {
	texts := make([]string, len(addrs))
	for i, a := range addrs {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
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

// requestHead is the head of a request as HTTP/2 has it, written as in HTTP/1.
func requestHead(req *http.Request) []byte {
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	dst := fmt.Appendf(nil, "%s %s HTTP/2\r\nhost: %s\r\n", req.Method, req.URL.RequestURI(), host)
	dst = appendGetFields(dst, req.Header, true)
	if req.Body != nil && req.ContentLength > 0 {
		dst = fmt.Appendf(dst, "content-length: %d\r\n", req.ContentLength)
	}
	return append(dst, "\r\n"...)
}

// appendGetFields appends fields in the order of their names.
func appendGetFields(dst []byte, h http.Header, lower bool) []byte {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			shown := wire.SpelledName(name)
			if lower {
				shown = strings.ToLower(name)
			}
			dst = append(append(append(append(dst, shown...), ": "...), value...), "\r\n"...)
		}
	}
	return dst
}

// getWatched tells of a body as it is read, when it is one of HTTP/2.
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
