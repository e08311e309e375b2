package app

import (
	"net/http"
	"slices"
	"strings"

	"freshet/httpd"
	"freshet/internal/acme"
	"freshet/internal/config"
	"freshet/internal/field"
	"freshet/internal/follow"
	"freshet/internal/guard"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// sites finds who is to answer: by host the site, by path the route. It does
// not change once it is made.
type sites struct {
	named map[string]*site // by exact name
	below map[string]*site // by what follows the "*"; ".example.org"
	other *site            // for all other hosts; nil: they are refused
	all   []*site
	file  *config.File // that they are made of; nil before the first

	certificates map[keyPairFiles]*follow.KeyPair
	signed       map[signedOf]*guard.SignedURL
	signers      map[string]*guard.Signature // by what the configuration says of them
	clients      map[clientFiles]*guard.ClientTrust
	demands      map[string]*demand
	guarded      bool            // some route has a guard
	fallback     *follow.KeyPair // for hosts whose site has none; may be nil
	auto         *autoTLS        // certificates by ACME
}

// site is what some hosts have.
type site struct {
	conf        *config.Site
	certificate *follow.KeyPair // nil: that of the server
	https       *httpsOnly      // nil: it is served without TLS, too
	demand      *demand         // what handshakes ask of clients; nil: nothing
	routes      []*route        // the longest paths first
	differ      bool            // some of them have other guards than others
}

// route is what some paths of a site have.
type route struct {
	conf    *config.Route
	path    string // without slashes at its ends; "" for all
	backend *backend
	handler http.Handler
	hot     httpd.HotHandler // nil: requests need more than the backend
	guards  []guard.Guard    // before the backend
	place   uint16           // see places

	guarding guarding // that the guards are made of
	group    int      // the same for the routes of a site with the same guards
}

// find returns the site of a host as requests have it, with or without a port;
// nil when there is none.
func (s *sites) find(host string) *site {
	var buf [256]byte
	name, ok := hostName(buf[:0], host)
	if !ok {
		return s.other
	}
	if found := s.named[string(name)]; found != nil {
		return found
	}
	if len(s.below) > 0 {
		for i, c := range name {
			if c != '.' || i == 0 {
				continue
			}
			if found := s.below[string(name[i:])]; found != nil {
				return found
			}
		}
	}
	return s.other
}

// hostName appends the name in a Host field: in lower case, without the port
// and without a dot at its end. It is not ok for what cannot be a name.
func hostName(dst []byte, host string) ([]byte, bool) {
	host = wire.HostName(host)
	if host == "" || len(host) > cap(dst) {
		return dst, false
	}
	for i := range len(host) {
		dst = append(dst, field.Lower(host[i]))
	}
	return dst, true
}

// find returns the route of a path, still percent-encoded; nil when there is
// none.
func (s *site) find(path string) *route {
	if len(s.routes) == 1 && s.routes[0].path == "" {
		return s.routes[0]
	}
	name, _ := wire.RoutePath(path)
	return s.of(name)
}

// of returns the route of a path that is decoded.
func (s *site) of(name string) *route {
	for _, r := range s.routes {
		if r.covers(name) {
			return r
		}
	}
	return nil
}

// covers reports whether a name is the route's path or below it.
func (r *route) covers(name string) bool {
	n := len(r.path)
	return n == 0 || len(name) >= n && name[:n] == r.path && (len(name) == n || name[n] == '/')
}

// choose returns the route of a request, or why there is none.
func (s *sites) choose(r *http.Request) (*route, rule.ID) {
	found := s.find(r.Host)
	switch {
	case found == nil:
		return nil, rule.SiteUnknown
	case r.TLS == nil && found.https != nil:
		return nil, found.https.rule(r)
	case r.TLS != nil && !s.covers(r.TLS.ServerName, r.Host, found):
		return nil, rule.SiteMisdirected
	case r.TLS != nil && s.demandFor(r.TLS.ServerName) != found.demand:
		return nil, rule.SiteClientCertificate
	}
	path := r.URL.EscapedPath()
	t := found.find(path)
	switch {
	case t == nil:
		return nil, rule.RouteNone
	case found.evades(path, t):
		return nil, rule.RouteAmbiguous
	}
	return t, 0
}

// covers reports whether a connection may ask for a host: whether it was made
// with the certificate that the host has, or with one that is for the host too
// (RFC 9110 §15.5.20). Which one it was made with is what its name gets now.
func (s *sites) covers(serverName, host string, found *site) bool {
	var bufs [2][256]byte
	asked, named := hostName(bufs[0][:0], serverName)
	wants, ok := hostName(bufs[1][:0], host)
	if named && ok && string(asked) == string(wants) {
		return true
	}
	if own := s.auto.manager(); own != nil {
		switch {
		case named && s.byACME(own, string(asked)):
			return ok && own.Same(string(asked), string(wants))
		case ok && s.byACME(own, string(wants)):
			used := s.certificateFor(serverName)
			return used != nil && isFor(used, host)
		}
	}
	if own := s.auto.signer(); own != nil && ok {
		if covered, decided := own.covers(string(asked), string(wants), s.certificateFor(serverName)); decided {
			return covered
		}
	}
	used, wanted := s.certificateFor(serverName), s.fallback
	if found.certificate != nil {
		wanted = found.certificate
	}
	return used == wanted || used != nil && isFor(used, host)
}

// byACME reports whether a name gets a certificate by ACME: it is one of those,
// and there is no file for it; see autoTLS.get.
func (s *sites) byACME(own *acme.Manager, name string) bool {
	if !own.Has(name) {
		return false
	}
	file := s.certificateFor(name)
	return file == nil || !isFor(file, name)
}

// ServeHot implements httpd.HotHandler.
func (s *sites) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if len(q.Path) == 0 || q.Path[0] != '/' {
		return false
	}
	found := s.find(q.Host)
	if found == nil || !q.TLS && found.https != nil || q.TLS && (!s.covers(q.ServerName, q.Host, found) || s.demandFor(q.ServerName) != found.demand) {
		return false
	}
	route := found.find(q.Path)
	if route == nil || route.hot == nil || found.differ && !wire.ReadAlike(q.Path) || !route.hot.ServeHot(q, a) {
		return false
	}
	a.Place = route.place
	return true
}

// refuse answers a request that nobody has an answer for.
func refuse(w http.ResponseWriter, r *http.Request, id rule.ID) {
	row := rule.Of(id)
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	httpd.Error(w, r, row.Status, row.Explain())
}

// add puts a site where find looks.
func (s *sites) add(t *site) {
	s.all = append(s.all, t)
	slices.SortStableFunc(t.routes, func(a, b *route) int { return len(b.path) - len(a.path) })
	if len(t.conf.Names) == 0 {
		s.other = t
	}
	for _, name := range t.conf.Names {
		if below, ok := strings.CutPrefix(name, "*"); ok {
			s.below[below] = t
		} else {
			s.named[name] = t
		}
	}
}
