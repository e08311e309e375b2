package app

import (
	"net/http"
	"net/url"
	"strings"

	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// mount serves a folder below a path: what follows the path is looked up in
// the folder. The handler's own links and redirects are relative, and so right
// there, too.
type mount struct {
	prefix  string // "/docs"
	handler http.Handler
	hot     httpd.HotHandler
}

func (m *mount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	below, to := m.below(r)
	if to != "" {
		sendRedirect(w, to, http.StatusPermanentRedirect)
		return
	}
	m.handler.ServeHTTP(w, below)
}

// below returns the request as the folder's handler sees it, or where to the
// client is sent instead.
func (m *mount) below(r *http.Request) (below *http.Request, to string) {
	name, dir := wire.RoutePath(r.URL.EscapedPath())
	rest := strings.TrimPrefix("/"+name, m.prefix)
	if rest == "" && !dir {
		return nil, folderAddress(r, name)
	}
	if dir {
		rest += "/"
	}
	// A path with a fault goes on as it was sent: the folder's handler says
	// what is wrong with it.
	if _, _, fault := wire.DecodePath(r.URL.EscapedPath()); fault == wire.PathSound {
		inside := *r
		address := *r.URL
		address.Path, address.RawPath = rest, ""
		inside.URL = &address
		r = &inside
	}
	return r, ""
}

// folderAddress adds the slash that a folder's address ends in. The address is
// relative, and begins with a dot so that it is not taken for a scheme.
func folderAddress(r *http.Request, name string) string {
	to := "./" + url.PathEscape(name[strings.LastIndexByte(name, '/')+1:]) + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	return to
}

// ServeHot implements httpd.HotHandler, for paths that need no decoding.
func (m *mount) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	rest, ok := strings.CutPrefix(q.Path, m.prefix)
	if !ok || rest == "" || rest[0] != '/' || m.hot == nil {
		return false
	}
	path := q.Path
	q.Path = rest
	answered := m.hot.ServeHot(q, a)
	q.Path = path
	return answered
}

// redirect sends clients elsewhere.
type redirect struct {
	to     string
	path   string // of the route, encoded as wire.EncodedPath does
	status int
	rest   bool // what follows the path is appended
}

var redirectCodes = map[string]int{"301": 301, "302": 302, "303": 303, "307": 307, "308": 308}

func newRedirect(r *config.Route) *redirect {
	return &redirect{r.Redirect, escapePath(strings.TrimSuffix(r.Path, "/")), redirectCodes[r.Status], strings.HasSuffix(r.Redirect, "/")}
}

func (d *redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sendRedirect(w, d.address(r), d.status)
}

// address returns where to a request is sent.
func (d *redirect) address(r *http.Request) string {
	to := d.to
	if d.rest {
		// Without empty and dot segments, what is appended can lead neither
		// out of the address nor, as "//host", to another one.
		path, dir := wire.EncodedPath(r.URL.EscapedPath())
		rest := strings.TrimPrefix(strings.TrimPrefix("/"+path, d.path), "/")
		if rest != "" {
			to += rest
			if dir {
				to += "/"
			}
		}
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
	}
	return to
}

func escapePath(name string) string {
	segments := strings.Split(name, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return strings.Join(segments, "/")
}

func sendRedirect(w http.ResponseWriter, to string, status int) {
	h := w.Header()
	h.Set("Location", to)
	h.Set("Content-Length", "0")
	httpd.SetRule(w, rule.RouteRedirected)
	w.WriteHeader(status)
}
