package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"freshet/internal/atrest"
	"freshet/internal/authority"
	"freshet/internal/follow"
)

// localTLS signs certificates of the user's own authority for names by which a
// site is reached while it is made.
type localTLS struct {
	authority *authority.Authority
	made      bool // the authority, now
	machine   []string
	ours      func(name string) bool                               // a site has it; nil: no names
	next      func(*tls.ClientHelloInfo) (*tls.Certificate, error) // certificates from files; nil: none
}

// openLocal opens the user's authority, or makes it.
func openLocal(environ []string, ring *atrest.Ring) (*localTLS, error) {
	dir, err := authorityFolder("", environ)
	if err != nil {
		return nil, errors.New("--tls-local needs an authority, and its folder is not known: set HOME or XDG_DATA_HOME")
	}
	l := &localTLS{}
	l.authority, err = authority.Open(dir, ring)
	if errors.Is(err, authority.ErrNone) {
		l.made = true
		l.authority, err = authority.Create(dir, authority.Options{Seal: ring})
	}
	if errors.Is(err, authority.ErrExists) { // by another process, meanwhile
		l.made = false
		l.authority, err = authority.Open(dir, ring)
	}
	if err != nil {
		return nil, fmt.Errorf("--tls-local: %w", err)
	}
	if host, err := os.Hostname(); err == nil {
		l.machine = []string{strings.ToLower(host)}
	}
	return l, nil
}

// openLocalTLS puts the user's own authority beside the certificates that there
// are, when it is asked for.
func (s *service) openLocalTLS(given *tls.Config) (*tls.Config, error) {
	if !s.conf.TLSLocal {
		return given, nil
	}
	var err error
	if s.local, err = openLocal(s.env.Environ, s.ring); err != nil {
		return nil, err
	}
	if given != nil {
		s.local.next = given.GetCertificate
	}
	if live := s.content.live; live != nil {
		s.local.ours = func(name string) bool {
			all := live.sites()
			found := all.find(name)
			return found != nil && found != all.other
		}
		live.auto.local = s.local
	}
	return &tls.Config{GetCertificate: s.local.get}, nil
}

// localDomains are those of which nobody else has a name: RFC 6761 §6.2 and §6.3,
// RFC 6762 §3, RFC 8375 §3, and internal, which ICANN has set aside.
var localDomains = []string{"localhost", "test", "local", "home.arpa", "internal"}

// signs reports whether it makes a certificate for a name, in lower case.
func (l *localTLS) signs(name string) bool {
	if slices.Contains(l.machine, name) || l.ours != nil && l.ours(name) {
		return true
	}
	return isLocal(name)
}

// isLocal reports whether a name is one of those domains, or below one.
func isLocal(name string) bool {
	return slices.ContainsFunc(localDomains, func(d string) bool { return strings.HasSuffix("."+name, "."+d) })
}

// errNotLocal refuses a handshake: nobody gets a certificate for a name that may
// be another's.
var errNotLocal = errors.New("--tls-local has no certificate for that name: it signs for this machine, the address that is connected to, names of sites, and names below " + strings.Join(localDomains, ", "))

// get is for tls.Config. A client that names nobody has come for the address.
func (l *localTLS) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name, address := askedFor(hello), false
	if name == "" && hello.Conn != nil {
		var a *net.TCPAddr
		if a, address = hello.Conn.LocalAddr().(*net.TCPAddr); address {
			name = a.AddrPort().Addr().Unmap().WithZone("").String()
		}
	}
	var given *tls.Certificate
	var err error
	if l.next != nil {
		given, err = l.next(hello)
		if err == nil && isGood(given, name) {
			return given, nil
		}
	}
	switch {
	case address || l.signs(name):
		return l.authority.Leaf(name)
	case given != nil || err != nil && !errors.Is(err, errNoCertificate):
		return given, err
	}
	return nil, errNotLocal
}

// covers reports whether a connection that was made for a name, or for an address
// when there is none, may ask for another host: each certificate of the authority
// is for one name. What has a certificate of files that is for it has that one.
func (l *localTLS) covers(asked, wants string, file *follow.KeyPair) (covered, decided bool) {
	named := asked != ""
	switch {
	case file != nil && named && isFor(file, asked), named && !l.signs(asked):
		return false, false // it has a certificate of files
	case named:
		return false, true
	}
	_, err := netip.ParseAddr(strings.Trim(wants, "[]"))
	return err == nil, file == nil || err == nil
}

// announce says by whom certificates are signed, and how that is trusted.
func (l *localTLS) announce(e *Env) {
	name := l.authority.Certificate().Subject.CommonName
	if l.made {
		e.tell("made an authority, %s, in %s", name, l.authority.File())
	}
	e.tell("certificates are signed by %s; browsers that do not trust it yet: freshet tls trust", name)
}
