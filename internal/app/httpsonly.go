package app

import (
	"net"
	"net/http"
	"strconv"
	"strings"

	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// httpsOnly is what is served over TLS only.
type httpsOnly struct {
	port  func() int
	edits []config.FieldEdit // of answers over TLS
}

// newHTTPSOnly returns nil for what is served without TLS, too.
func newHTTPSOnly(c *config.HTTPS, listening func() int) *httpsOnly {
	if !c.Only {
		return nil
	}
	o := &httpsOnly{port: listening}
	if c.Port != 0 {
		o.port = func() int { return int(c.Port) }
	}
	if c.HSTS != "" {
		o.edits = []config.FieldEdit{{Op: config.FieldSet, Name: "Strict-Transport-Security", Value: c.HSTS}}
	}
	return o
}

// over has the answers of handlers say that browsers are to come by TLS.
func (o *httpsOnly) over(h http.Handler, hot httpd.HotHandler) (http.Handler, httpd.HotHandler) {
	if o == nil || o.edits == nil {
		return h, hot
	}
	return editFields(h, o.edits), editHot(hot, o.edits)
}

// rule says what becomes of a request without TLS: without a host there is nowhere
// to send the client.
func (o *httpsOnly) rule(r *http.Request) rule.ID {
	if wire.HostName(r.Host) == "" {
		return rule.HTTPSOnlyHost
	}
	return rule.HTTPSOnly
}

// address is the same one over TLS: at the host that was asked for, which the site
// has, with the path and the query as they came.
func (o *httpsOnly) address(r *http.Request) string {
	to := "https://" + strings.ToLower(wire.HostName(r.Host))
	if port := o.port(); port != 443 && port != 0 {
		to += ":" + strconv.Itoa(port)
	}
	if path := r.URL.EscapedPath(); strings.HasPrefix(path, "/") {
		to += path
	} else {
		to += "/"
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	return to
}

// send sends a client there. Nothing of it is kept: what is served where may
// change.
func (o *httpsOnly) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Location", o.address(r))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	httpd.SetRule(w, rule.HTTPSOnly)
	httpd.SetVerdict(w, record.Handled)
	w.WriteHeader(http.StatusPermanentRedirect)
}

// instead puts this before handlers that have no sites.
func (o *httpsOnly) instead(h http.Handler, hot httpd.HotHandler) (http.Handler, httpd.HotHandler) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch id := o.rule(r); {
		case r.TLS != nil:
			h.ServeHTTP(w, r)
		case id != rule.HTTPSOnly:
			refuse(w, r, id)
		default:
			o.send(w, r)
		}
	})
	if hot == nil {
		return handler, nil
	}
	return handler, secureHot{hot}
}

// secureHot is a hot path for requests over TLS.
type secureHot struct{ next httpd.HotHandler }

// ServeHot implements httpd.HotHandler.
func (s secureHot) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	return q.TLS && s.next.ServeHot(q, a)
}

// unserved answers a request that no route has an answer for.
func (s *sites) unserved(w http.ResponseWriter, r *http.Request, id rule.ID) {
	found := s.find(r.Host)
	switch {
	case found == nil || found.https == nil:
	case id == rule.HTTPSOnly:
		found.https.send(w, r)
		return
	case r.TLS != nil:
		for _, e := range found.https.edits {
			w.Header().Set(e.Name, e.Value)
		}
	}
	refuse(w, r, id)
}

// securePort is the port of the first TLS listener; 0 for none.
func (s *service) securePort() int {
	for _, l := range s.listening() {
		if addr, ok := l.Addr().(*net.TCPAddr); ok && l.scheme == "https" {
			return addr.Port
		}
	}
	return 0
}
