package forward

import (
	"bytes"
	"container/list"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"net"
	"sync"
	"time"

	"freshet/internal/outbound"
)

// standing is what a server was found to be.
type standing uint8

const (
	unknown   standing = iota
	valid              // its certificate leads to a root, is for its name and in time
	wantsCert          // that, and it asks for one of the client
	noTLS              // what it says is not TLS
)

// What was found is used again for so long: a browser opens many tunnels to a
// server, and each of its requests verifies the server anew.
const (
	validFor     = 5 * time.Minute
	wantsCertFor = time.Hour
	noTLSFor     = time.Minute

	maxStandings = 4096 // what was looked at longest ago goes first
)

func (s standing) keeps() time.Duration {
	switch s {
	case valid:
		return validFor
	case wantsCert:
		return wantsCertFor
	}
	return noTLSFor
}

// checker verifies servers before clients are told that they are those.
type checker struct {
	dial    func(ctx context.Context, hostport string) (net.Conn, error)
	roots   *x509.CertPool // nil: the system's
	timeout time.Duration
	now     func() int64

	mu     sync.Mutex // guards what follows
	by     map[string]*list.Element
	recent list.List // of *found, used last in front
}

type found struct {
	hostport string
	standing standing
	until    int64
}

// look says what the server at hostport is, whose host is given as plainHost
// returns it. The error says why there is no connection to it, or what is wrong
// with its certificate; it is not remembered.
func (c *checker) look(ctx context.Context, hostport, host string) (standing, error) {
	if s := c.known(hostport); s != unknown {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	conn, err := c.dial(ctx, hostport)
	cancel()
	if err != nil {
		return unknown, err
	}
	defer conn.Close()
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	defer cancel()
	asked := false
	config := &tls.Config{
		RootCAs: c.roots, ServerName: host, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12,
		Time:             func() time.Time { return time.Unix(0, c.now()) },
		VerifyConnection: wantsStaple,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			asked = true
			return &tls.Certificate{}, nil
		},
	}
	err = tls.Client(conn, config).HandshakeContext(ctx)
	var other tls.RecordHeaderError
	s := valid
	switch {
	case errors.As(err, &other):
		s = noTLS
	case asked:
		s = wantsCert // whether it comes to an agreement without one or not
	case err != nil:
		return unknown, &outbound.Error{Op: "handshake", Kind: outbound.TLSKind(err), Peer: hostport, Remote: true, Err: err}
	}
	c.keep(hostport, s)
	return s, nil
}

func (c *checker) known(hostport string) standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.by[hostport]
	if e == nil {
		return unknown
	}
	f := e.Value.(*found)
	left := f.until - c.now()
	if left <= 0 || left > int64(f.standing.keeps()) { // the clock was set back
		delete(c.by, hostport)
		c.recent.Remove(e)
		return unknown
	}
	c.recent.MoveToFront(e)
	return f.standing
}

func (c *checker) keep(hostport string, s standing) {
	until := c.now() + int64(s.keeps())
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.by[hostport]; e != nil {
		*e.Value.(*found) = found{hostport, s, until}
		c.recent.MoveToFront(e)
		return
	}
	if c.by == nil {
		c.by = map[string]*list.Element{}
	}
	c.by[hostport] = c.recent.PushFront(&found{hostport, s, until})
	if c.recent.Len() > maxStandings {
		last := c.recent.Back()
		delete(c.by, last.Value.(*found).hostport)
		c.recent.Remove(last)
	}
}

// oidFeatures is the extension of certificates that names what a server has to
// offer beside them (RFC 7633 §4).
var oidFeatures = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

// statusRequest is the number of the extension that OCSP answers come with.
var statusRequest = []byte{2, 1, 5}

// wantsStaple refuses a server whose certificate says that an OCSP answer comes
// with it when none did. What the answer says is not looked at.
func wantsStaple(st tls.ConnectionState) error {
	for _, e := range st.PeerCertificates[0].Extensions {
		if e.Id.Equal(oidFeatures) && bytes.Contains(e.Value, statusRequest) && len(st.OCSPResponse) == 0 {
			return &tls.CertificateVerificationError{UnverifiedCertificates: st.PeerCertificates, Err: errNoStaple}
		}
	}
	return nil
}

var errNoStaple = errors.New("the certificate wants an OCSP answer beside it, and there was none (RFC 7633)")
