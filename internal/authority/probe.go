package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// ProbeOptions say how a peer is looked at. The zero value is as a browser
// would, with the system's authorities.
type ProbeOptions struct {
	// ServerName is the name that is asked for (SNI) and that the certificate has to
	// be for. Default: the host of the address; an address is not sent as a name.
	ServerName string

	// Roots are the authorities that are trusted. nil means the system's.
	Roots *x509.CertPool

	// ALPN are the protocols that are offered. nil means h2 and http/1.1.
	ALPN []string

	// Timeout is for one handshake with the connection before it; there are two
	// rounds. Default 10 seconds.
	Timeout time.Duration

	// Dial connects. nil means directly; all connections then go to the address
	// that answered first.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Now is the clock. nil is the system's.
	Now func() time.Time
}

// A Peer is what was seen of one. Text in it is the peer's own and may have
// anything in it; [Peer.Text] and [Peer.JSON] make it harmless.
type Peer struct {
	Address    string    `json:"address"`    // as it was given
	Remote     string    `json:"remote"`     // what answered
	ServerName string    `json:"serverName"` // what the certificate has to be for
	Time       time.Time `json:"time"`

	// Chosen is what a usual client gets. Its Accepted is false when it gets
	// nothing.
	Chosen     Version       `json:"chosen"`
	Handshake  time.Duration `json:"handshakeNanoseconds"`
	Versions   []Version     `json:"versions"` // one by one, the newest first
	Weak       *Version      `json:"weakCiphers,omitempty"`
	ClientCert bool          `json:"asksForClientCertificate"`

	Chain []Cert  `json:"chain"` // as it was sent, the peer's own first
	SCTs  int     `json:"scts"`  // in the certificate and beside it
	OCSP  *Staple `json:"ocsp,omitempty"`

	Trusted     bool   `json:"trusted"` // it leads to a root, time aside
	TrustError  string `json:"trustError,omitempty"`
	InTime      bool   `json:"inTime"`
	NameMatches bool   `json:"nameMatches"`
	Verified    bool   `json:"verified"` // all three

	Weaknesses []Weakness `json:"weaknesses"`

	certs    []*x509.Certificate
	trustErr error
}

// A Version is what came of offering one version, or some suites.
type Version struct {
	Name     string `json:"name,omitempty"` // of the version
	Accepted bool   `json:"accepted"`
	Suite    string `json:"suite,omitempty"`
	Group    string `json:"group,omitempty"` // of the key exchange
	ALPN     string `json:"alpn,omitempty"`
	Error    string `json:"error,omitempty"`
	// Unreached: there was no connection, or no answer in time, so that nothing is known.
	Unreached bool `json:"unreached,omitempty"`
}

// versions are those that can be tried; nobody is left who speaks SSL only.
var versions = []uint16{tls.VersionTLS13, tls.VersionTLS12, tls.VersionTLS11, tls.VersionTLS10}

// Probe connects to an address, host:port, some times, and says what there is.
// It sends nothing but handshakes. Its error means that no TLS connection could
// be made; what is wrong with one that could is in the Peer.
func Probe(ctx context.Context, address string, o ProbeOptions) (*Peer, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("probe %q: %w", address, err)
	}
	p := &prober{options: o, address: address, target: address}
	if p.now = o.Now; p.now == nil {
		p.now = time.Now
	}
	if p.name = o.ServerName; p.name == "" {
		p.name = host
	}
	if p.alpn = o.ALPN; p.alpn == nil {
		p.alpn = []string{"h2", "http/1.1"}
	}
	if p.timeout = o.Timeout; p.timeout <= 0 {
		p.timeout = 10 * time.Second
	}
	if p.dial = o.Dial; p.dial == nil {
		p.dial = (&net.Dialer{}).DialContext
	}
	return p.run(ctx)
}

type prober struct {
	options ProbeOptions
	address string
	target  string // what is dialled
	name    string
	alpn    []string
	timeout time.Duration
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	now     func() time.Time
}

// A shake is a handshake that ended.
type shake struct {
	state      tls.ConnectionState
	remote     string
	took       time.Duration
	clientCert bool
	err        error
	unreached  bool
}

func (p *prober) run(ctx context.Context) (*Peer, error) {
	usual := p.shake(ctx, tls.VersionTLS10, tls.VersionTLS13, nil)
	if usual.remote == "" {
		return nil, fmt.Errorf("connect to %s: %w", p.address, usual.err)
	}
	if p.options.Dial == nil {
		p.target = usual.remote
	}
	single := make([]*shake, len(versions))
	var weak *shake
	var all sync.WaitGroup
	for i, v := range versions {
		all.Go(func() { single[i] = p.shake(ctx, v, v, allSuites()) })
	}
	all.Go(func() { weak = p.shake(ctx, tls.VersionTLS10, tls.VersionTLS12, suiteIDs(tls.InsecureCipherSuites())) })
	all.Wait()

	seen := usual
	peer := &Peer{Address: p.address, Remote: usual.remote, ServerName: p.name, Time: p.now(), Handshake: usual.took}
	if peer.Chosen = usual.version(""); usual.err == nil {
		peer.Chosen.Name = tls.VersionName(usual.state.Version)
	}
	for i, s := range single {
		peer.Versions = append(peer.Versions, s.version(tls.VersionName(versions[i])))
		if seen.err != nil && s.err == nil {
			seen = s
		}
	}
	if weak.err == nil {
		w := weak.version(tls.VersionName(weak.state.Version))
		peer.Weak = &w
		if seen.err != nil {
			seen = weak
		}
	}
	if seen.err != nil {
		return nil, fmt.Errorf("handshake with %s: %w%s", p.address, seen.err, hint(seen.err))
	}
	peer.ClientCert = seen.clientCert
	peer.judge(&seen.state, p.options.Roots)
	return peer, nil
}

// hint says what an error is most likely about.
func hint(err error) string {
	var record tls.RecordHeaderError
	switch text := err.Error(); {
	case errors.As(err, &record):
		return "; what answers there does not speak TLS (is it a port for plain HTTP?)"
	case strings.HasSuffix(text, "handshake failure"), strings.HasSuffix(text, "protocol version not supported"):
		return "; it has no version and suite in common with those that can be tried here (SSL, DHE and PSK are not), or wants another name (SNI)"
	case strings.HasSuffix(text, "unrecognized name"):
		return "; it has no certificate for that name (SNI)"
	}
	return ""
}

// shake makes one connection. suites are for what is below TLS 1.3, where
// there is a choice.
func (p *prober) shake(ctx context.Context, from, to uint16, suites []uint16) *shake {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	s := &shake{}
	conn, err := p.dial(ctx, "tcp", p.target)
	if err != nil {
		s.err, s.unreached = err, true
		return s
	}
	defer conn.Close()
	s.remote = conn.RemoteAddr().String()
	config := &tls.Config{
		MinVersion: from, MaxVersion: to, CipherSuites: suites, NextProtos: p.alpn, ServerName: p.name,
		// Who it is is found out below, for what does not verify is to be shown, too.
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			s.clientCert = true
			return &tls.Certificate{}, nil
		},
	}
	if _, err := netip.ParseAddr(p.name); err == nil {
		config.ServerName = ""
	}
	began := time.Now()
	c := tls.Client(conn, config)
	s.err = c.HandshakeContext(ctx)
	s.took = time.Since(began)
	s.state = c.ConnectionState()
	var timeout net.Error
	s.unreached = ctx.Err() != nil || errors.As(s.err, &timeout) && timeout.Timeout()
	return s
}

func (s *shake) version(name string) Version {
	v := Version{Name: name, Accepted: s.err == nil, Unreached: s.unreached && s.err != nil}
	if s.err != nil {
		v.Error = s.err.Error()
		return v
	}
	v.Suite = tls.CipherSuiteName(s.state.CipherSuite)
	v.ALPN = s.state.NegotiatedProtocol
	if s.state.CurveID != 0 {
		v.Group = s.state.CurveID.String()
	}
	return v
}

func allSuites() []uint16 {
	return append(suiteIDs(tls.CipherSuites()), suiteIDs(tls.InsecureCipherSuites())...)
}

func suiteIDs(suites []*tls.CipherSuite) []uint16 {
	ids := make([]uint16, len(suites))
	for i, s := range suites {
		ids[i] = s.ID
	}
	return ids
}
