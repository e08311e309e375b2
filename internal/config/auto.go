package config

import (
	"errors"
	"net/url"
	"path/filepath"
)

// Auto says for which names an authority is asked for certificates.
type Auto struct {
	Names     []string
	Directory []string // asked in this order; none: the default of internal/acme
	Email     string
	CA        string // a file; "": the system's
	DNS       string // a program; ""
	Data      string // a folder; "": the user's
	Ask       string // a program, or an address, that permits names on demand; ""
	NewNames  int64  // on demand, in an hour
	Fleet     bool   // certificates are those of the fleet, kept by its hub
}

// Where a server listens that has certificates of its own for names, and no
// address: where an authority asks, and browsers do.
const (
	autoListen    = ":80"
	autoTLSListen = ":443"
	openListen    = ":8000" // the default of servers that are for all
)

// defaultNewNames is how many names on demand are new in an hour.
const defaultNewNames = 60

// checkAuto looks at what single rows of certificates by ACME cannot tell, and
// says where such a server listens.
func (s *settings) checkAuto(c *Server) {
	auto := s.label("tls-auto")
	s.checkAutoFleet(c)
	ask := s.label("tls-auto-ask")
	if c.Auto.NewNames != defaultNewNames && s.has("tls-auto-new-names") && c.Auto.Ask == "" {
		s.faultAbout("tls-auto-new-names", "%s is used with %s only; give %s too", s.label("tls-auto-new-names"), ask, ask)
	}
	if len(c.Auto.Names) == 0 && !s.autoSites && c.Auto.Ask == "" {
		for _, row := range []string{"tls-auto-directory", "tls-auto-email", "tls-auto-ca", "tls-auto-dns", "tls-auto-data"} {
			if s.has(row) {
				s.faultAbout(row, "%s is used with %s only; give %s NAME too", s.label(row), auto, auto)
			}
		}
		return
	}
	// What listens for this machine alone by default, as a forward proxy does, is
	// not opened to all for the sake of a proof.
	open := s.flags[s.index("listen")].Default == openListen
	switch {
	case open && !s.has("listen") && !s.has("tls-listen"):
		c.Listen, c.TLSListen = []string{autoListen}, []string{autoTLSListen}
	case len(c.TLSListen) == 0 && len(c.Auto.Names) > 0:
		listen := s.label("tls-listen")
		s.faultAbout("tls-auto", "%s is used by %s only; give %s ADDR too", auto, listen, listen)
	case len(c.TLSListen) == 0 && c.Auto.Ask != "":
		listen := s.label("tls-listen")
		s.faultAbout("tls-auto-ask", "%s is used by %s only; give %s ADDR too", ask, listen, listen)
	}
}

// checkAutoFleet looks at certificates of a fleet. They travel, with their keys,
// between its own servers only, and one hub keeps them.
func (s *settings) checkAutoFleet(c *Server) {
	label := s.label("tls-auto-fleet")
	switch {
	case !c.Auto.Fleet:
	case c.Jobs.NATS.URL != "":
		s.faultAbout("tls-auto-fleet", "%s is not for a fleet that is kept in NATS elsewhere, where others could read the keys; leave it out, or %s", label, s.label("nats"))
	case c.Jobs.Peer != (Secret{}):
		s.faultAbout("tls-auto-fleet", "%s is not for a fleet that several servers keep: one hub keeps the certificates; leave it out", label)
	case c.Jobs.Fleet == "" && c.Jobs.Join == (Secret{}):
		s.faultAbout("tls-auto-fleet", "%s is for a server with a fleet, or in one; give %s ADDR, or %s TOKEN", label, s.label("fleet"), s.label("join"))
	}
}

// parseAsked checks what is asked about names: an address, or a program, which is
// looked for nowhere.
func parseAsked(s string) (string, error) {
	if filepath.IsAbs(s) {
		return s, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", errors.New("give the whole path of a program, or an address that begins with http:// or https://")
	}
	return s, nil
}

// parseAuthority checks the address of an authority, which is asked by TLS alone
// (RFC 8555 §6.1).
func parseAuthority(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", errors.New("give the address of a directory that begins with https://")
	}
	return s, nil
}
