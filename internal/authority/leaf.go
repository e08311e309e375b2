package authority

import (
	"container/list"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net"
	"sync"
	"time"
)

// Bounds on leaves.
const (
	// LeafLife is how long a leaf is valid.
	LeafLife = 7 * day
	// LeafReuse is how long one is handed out again: a client whose clock is wrong
	// by some days still takes it at the end.
	LeafReuse = day
	// MaxLeaves is how many are kept at once. When there is one more, the one that
	// was not asked for longest goes, and is signed anew when it is.
	MaxLeaves = 1024
)

// leaves are those that were signed. They share one key, which lives as long as
// the process and is in no file.
type leaves struct {
	keyOnce sync.Once
	key     *ecdsa.PrivateKey
	keyErr  error

	mu     sync.Mutex // guards what follows; nothing is signed under it
	byHost map[string]*list.Element
	recent list.List // of *leaf, that asked for last in front
}

// A leaf is signed by who asks for it first; others wait for that.
type leaf struct {
	host  string
	until time.Time // reused until then
	once  sync.Once
	cert  *tls.Certificate
	err   error
}

// Leaf returns a certificate of a server, with the authority's behind it and a
// key, for the name of a host or an address, without a port. It is signed when
// there is none yet; calls for the same host at the same time sign once. The
// certificate is shared: it must not be changed. A wildcard is refused, and so
// is what the authority's constraints do not cover; see ErrNotFor.
func (a *Authority) Leaf(host string) (*tls.Certificate, error) {
	n, err := parseName(host)
	if err == nil {
		err = a.covers(n)
	}
	if err != nil {
		return nil, notFor{err}
	}
	// Without the monotonic clock, which stands still while a machine sleeps.
	l := a.leaves.find(n.String(), a.now().Round(0))
	l.once.Do(func() { l.cert, l.err = a.signLeaf(n) })
	if l.err != nil {
		a.leaves.forget(l)
	}
	return l.cert, l.err
}

// ErrNotFor is in the errors of Leaf that are about the name.
var ErrNotFor = errors.New("there is no certificate for that name")

type notFor struct{ error }

func (notFor) Is(target error) bool { return target == ErrNotFor }

// find returns the leaf of a host, perhaps one that is not signed yet.
func (s *leaves) find(host string, now time.Time) *leaf {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byHost[host]; e != nil {
		l := e.Value.(*leaf)
		// A clock that was set back must not keep one for long.
		if now.Before(l.until) && l.until.Sub(now) <= LeafReuse {
			s.recent.MoveToFront(e)
			return l
		}
		s.remove(e)
	}
	if s.byHost == nil {
		s.byHost = make(map[string]*list.Element)
	}
	l := &leaf{host: host, until: now.Add(LeafReuse)}
	s.byHost[host] = s.recent.PushFront(l)
	if s.recent.Len() > MaxLeaves {
		s.remove(s.recent.Back())
	}
	return l
}

func (s *leaves) remove(e *list.Element) {
	delete(s.byHost, e.Value.(*leaf).host)
	s.recent.Remove(e)
}

// forget removes a leaf that could not be signed, so that it is tried again.
func (s *leaves) forget(l *leaf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byHost[l.host]; e != nil && e.Value == l {
		s.remove(e)
	}
}

func (s *leaves) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recent.Len()
}

// leafKey returns the key of all leaves.
func (s *leaves) leafKey() (*ecdsa.PrivateKey, error) {
	s.keyOnce.Do(func() { s.key, s.keyErr = newKey() })
	return s.key, s.keyErr
}

func (a *Authority) signLeaf(n name) (*tls.Certificate, error) {
	key, err := a.leaves.leafKey()
	if err != nil {
		return nil, err
	}
	template, err := a.template(n, LeafLife)
	if err != nil {
		return nil, err
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	cert, err := sign(template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{cert.Raw, a.cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// template is what all certificates for a name share.
func (a *Authority) template(n name, life time.Duration) (*x509.Certificate, error) {
	now := a.now()
	begin, end := now.Add(-backdated), now.Add(life)
	if begin.Before(a.cert.NotBefore) {
		begin = a.cert.NotBefore
	}
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	if !end.After(now) {
		return nil, errors.New("the authority expired on " + a.cert.NotAfter.Format(time.DateOnly) + "; make a new one")
	}
	t := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{Organization: []string{"freshet"}},
		NotBefore:    begin,
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	// An address is no common name: OpenSSL takes one for a host's name when there
	// is no other, and finds that the authority's constraints do not permit it.
	if len(n.host) <= maxCommonName {
		t.Subject.CommonName = n.host
	}
	addName(t, n)
	return t, nil
}

func addName(t *x509.Certificate, n name) {
	if n.addr.IsValid() {
		t.IPAddresses = append(t.IPAddresses, net.IP(n.addr.AsSlice()))
		return
	}
	t.DNSNames = append(t.DNSNames, n.host)
}

// GetCertificate returns a function for tls.Config that answers with a leaf for
// the name that the client asks for, or else for host, which is where the client
// wanted to go; "" means that a client without a name is refused. Whoever stands
// between must have verified the server behind for the name that the leaf is
// for, which is tls.ConnectionState.ServerName when the client named one.
func (a *Authority) GetCertificate(host string) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName != "" {
			return a.Leaf(hello.ServerName)
		}
		if host == "" {
			return nil, errors.New("the client named no host (no SNI)")
		}
		return a.Leaf(host)
	}
}
