package app

import (
	"fmt"
	"net/http"
	"strings"

	"freshet/internal/config"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why implements explains: which site and route there is for a request, and
// what that would do.
func (l *live) Why(r *http.Request) *why.Explanation {
	for {
		s := l.sites()
		t, refused := s.choose(r)
		if refused != 0 {
			return s.unanswered(r, refused)
		}
		if !t.backend.hold() {
			continue // see ServeHTTP
		}
		defer t.backend.release()
		e := t.why(r)
		l.placeRoute(e, s.find(r.Host), t)
		return e
	}
}

// Explain implements explains.
func (l *live) Explain(rec *record.Record) *why.Explanation {
	s := l.sites()
	site, t := s.at(rec.Place)
	if t == nil {
		return s.explainUnanswered(rec)
	}
	if !t.backend.hold() {
		return nil
	}
	defer t.backend.release()
	e := t.explain(rec)
	if e != nil {
		l.placeRoute(e, site, t)
	}
	return e
}

// at returns the route of a place, nil when there is none any more.
func (s *sites) at(place uint16) (*site, *route) {
	for _, t := range s.all {
		for _, r := range t.routes {
			if r.place == place {
				return t, r
			}
		}
	}
	return nil, nil
}

// why is what the route would do.
func (r *route) why(q *http.Request) *why.Explanation { return whyGuarded(q, r.guards, r.whyBehind) }

// whyBehind is why, behind the guards.
func (r *route) whyBehind(q *http.Request) *why.Explanation {
	if most := r.conf.MaxBodyBytes; most > 0 && q.ContentLength > most {
		e := bodyTooLarge(most)
		e.Compared = []why.Comparison{{What: "Content-Length", Value: fmt.Sprint(q.ContentLength), Note: fmt.Sprintf("more than %d", most), Fails: true}}
		return e
	}
	m, mounted := r.mounted()
	if !mounted {
		return r.backend.explain.Why(q)
	}
	below, to := m.below(q)
	if to != "" {
		return explainRedirect(q, to, http.StatusPermanentRedirect)
	}
	return r.backend.explain.Why(below)
}

// bodyTooLarge explains that the route takes no body of more bytes.
func bodyTooLarge(most int64) *why.Explanation {
	row := rule.Of(rule.BodyTooLarge)
	return &why.Explanation{
		Status: row.Status, Rule: rule.BodyTooLarge, Verdict: record.Refused,
		Sentence: fmt.Sprintf("It is refused with %d: %s.", row.Status, row.Sentence),
		Settings: []why.Setting{{Key: "max-body-bytes", Value: fmt.Sprint(most)}},
	}
}

// explain is why the route did what it did.
func (r *route) explain(rec *record.Record) *why.Explanation {
	if e := explainGuard(rec); e != nil {
		return e
	}
	if most := r.conf.MaxBodyBytes; most > 0 && rec.Rule == rule.BodyTooLarge {
		return bodyTooLarge(most)
	}
	m, mounted := r.mounted()
	if !mounted {
		return r.backend.explain.Explain(rec)
	}
	q := requestOf(rec)
	if q == nil {
		return nil
	}
	below, to := m.below(q)
	if to != "" {
		return explainRedirect(q, to, rec.Status)
	}
	inside := *rec
	inside.Target = below.URL.RequestURI()
	return r.backend.explain.Explain(&inside)
}

// mounted returns what serves a folder below a path.
func (r *route) mounted() (*mount, bool) {
	if r.conf.Kind != config.RouteFolder || r.path == "" {
		return nil, false
	}
	return &mount{prefix: r.conf.Path}, true
}

// placeRoute adds which site and route that was, and where its settings come
// from.
func (l *live) placeRoute(e *why.Explanation, s *site, t *route) {
	file := l.run.File
	placeSettings(e.Settings, file, t.conf.InForce(), s.conf.InForce(), l.inForce())
	e.Settings = append([]why.Setting{
		{Key: "site", Value: hosts(s.conf), Place: config.Place(file, s.conf.Line)},
		{Key: "route", Value: t.conf.Path + ": " + does(t.conf), Place: config.Place(file, t.conf.Line)},
	}, e.Settings...)
}

// inForce are the parameters of the file's [server].
func (l *live) inForce() []config.Parameter {
	if f := l.sites().file; f != nil {
		return f.InForce()
	}
	return nil
}

// unanswered explains that nobody answers.
func (s *sites) unanswered(r *http.Request, id rule.ID) *why.Explanation {
	row := rule.Of(id)
	e := &why.Explanation{Status: row.Status, Rule: id, Verdict: record.Refused}
	e.Sentence = fmt.Sprintf("It is refused with %d: %s.", row.Status, row.Sentence)
	host := why.Comparison{What: "host", Value: r.Host}
	switch id {
	case rule.SiteUnknown:
		host.Note, host.Fails = "the sites are "+s.names(), true
		var buf [256]byte
		if name, ok := hostName(buf[:0], r.Host); ok {
			e.Fixes = []why.Fix{{Who: why.Configuration, Do: "add", Name: "names", Value: string(name)}}
		}
	case rule.HTTPSOnly, rule.HTTPSOnlyHost:
		e.Settings = []why.Setting{{Key: "https-only"}}
	case rule.SiteClientCertificate:
		host.Note, host.Fails = "the connection was made for "+serverNameOf(r)+", whose site asks for other certificates", true
	case rule.RouteAmbiguous:
		e.Compared = append(e.Compared, why.Comparison{What: "path", Value: r.URL.EscapedPath(), Note: "it could be of another route, whose guards are others", Fails: true})
	case rule.SiteMisdirected:
		host.Note, host.Fails = "the connection was made for "+serverNameOf(r), true
	default:
		found := s.find(r.Host)
		if found == nil {
			break
		}
		host.Note = "site " + hosts(found.conf)
		e.Compared = append(e.Compared, why.Comparison{What: "path", Value: r.URL.EscapedPath(), Note: "the routes are " + found.paths(), Fails: true})
		e.Fixes = []why.Fix{{Who: why.Configuration, Do: "add", Name: why.Route, Value: "/" + firstSegment(r.URL.EscapedPath())}}
	}
	e.Compared = append([]why.Comparison{host}, e.Compared...)
	return e
}

func serverNameOf(r *http.Request) string {
	if r.TLS == nil || r.TLS.ServerName == "" {
		return "no host by name"
	}
	return r.TLS.ServerName
}

// explainUnanswered explains a record of a request that no route answered.
func (s *sites) explainUnanswered(rec *record.Record) *why.Explanation {
	if rec.Rule != rule.SiteUnknown && rec.Rule != rule.RouteNone && rec.Rule != rule.RouteAmbiguous {
		return nil
	}
	r := requestOf(rec)
	if r == nil {
		return nil
	}
	return s.unanswered(r, rec.Rule)
}

// names lists what hosts there are sites for.
func (s *sites) names() string {
	var all []string
	for _, t := range s.all {
		all = append(all, hosts(t.conf))
	}
	return strings.Join(all, "; ")
}

// paths lists the routes.
func (s *site) paths() string {
	var all []string
	for _, r := range s.routes {
		all = append(all, r.conf.Path)
	}
	return strings.Join(all, ", ")
}

func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	return first
}

// explainRedirect explains that a client is sent elsewhere.
func explainRedirect(r *http.Request, to string, status int) *why.Explanation {
	return &why.Explanation{
		Status: status, Rule: rule.RouteRedirected, Verdict: record.Handled,
		Sentence: "The route sends the client to another address.",
		Compared: []why.Comparison{{What: "path", Value: r.URL.EscapedPath()}, {What: "Location", Value: to}},
		Fixes:    []why.Fix{{Who: why.Request, Do: "set", Name: why.URL, Value: to}},
	}
}

// Why implements explains.
func (d *redirect) Why(r *http.Request) *why.Explanation {
	return explainRedirect(r, d.address(r), d.status)
}

// Explain implements explains.
func (d *redirect) Explain(rec *record.Record) *why.Explanation {
	r := requestOf(rec)
	if r == nil || rec.Rule != rule.RouteRedirected {
		return nil
	}
	return d.Why(r)
}
