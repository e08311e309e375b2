package forward

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"freshet/internal/cookierule"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// Policy says what becomes of cookies and of fields that tell about the user, in
// requests that the proxy can read. The zero value is what each field has for its
// default.
//
// A cookie is a third party's when the request is for a page of another site: of
// another domain that somebody has registered. Browsers say so in Sec-Fetch-Site,
// and Chromium in Sec-Fetch-Storage-Access of requests inside of frames, to https
// servers and loopback; else Referer and Origin tell. What leads to another page
// (a link, a form, a login that comes back) is the page's own, and so is what
// cannot be told, for to refuse it would break what is not tracking. So a frame
// over plain http is taken for a page, and a request that a frame of a third
// party makes to its own server, by another browser than Chromium, is not known
// to be in a frame.
type Policy struct {
	// Cookies is "no-third-party" (the default), "allow", "session" (they live
	// until the browser ends), "refuse", or "learn": all pass, and what
	// no-third-party would have done is noted. A third party's cookie is refused
	// by the default whatever its attributes say (Partitioned, too: in Cookie
	// nothing tells how it was set). A line that deletes a cookie is refused by
	// none.
	Cookies string

	// CookieLife bounds how long cookies live that pass; 0: no bound.
	CookieLife time.Duration

	// CookieRules are policies for hosts and cookies: "HOST=POLICY", for the host
	// and all below it, or "NAME@HOST=POLICY". "*" is every host, and may end a
	// name. One with a name goes before one without; then the longest host
	// decides. What somebody chose for a site goes before all.
	CookieRules []string

	// Folder keeps what was chosen; "": until the proxy ends.
	Folder string

	// Referrer is what becomes of Referer: "trim" (the default) leaves the
	// scheme and the host of it to servers of other sites, and nothing on the
	// way from https to http; "origin" does so to all servers; "same-origin"
	// takes it away but for the server that the page came from; "none" takes it
	// away; "keep" does nothing.
	Referrer string

	// NoGPC leaves Sec-GPC as the client sends it. Otherwise it is 1: do not
	// sell or share what you know of the user (Global Privacy Control).
	NoGPC bool

	// UserAgent takes the place of User-Agent, and of the hints that would give
	// it the lie; "" leaves it.
	UserAgent string

	// ClientHints is what becomes of fields that describe the browser and the
	// machine: "drop-high-entropy" (the default) takes away those that few users
	// share, "drop" all, "keep" none.
	ClientHints string
}

// privacy is a Policy in the form in which it is asked.
type privacy struct {
	cookies   *cookierule.Table
	referrer  string
	gpc       bool
	userAgent string
	dropped   map[string]string // fields, and what is said of those that are gone
}

// valueOn is the one line of Sec-GPC, which nobody changes.
var valueOn = []string{"1"}

var (
	referrers = []string{"trim", "origin", "same-origin", "none", "keep"}
	hintings  = []string{"drop-high-entropy", "drop", "keep"}
)

// compile returns p in another form, or all its faults.
func (p *Policy) compile() (*privacy, error) {
	q := &privacy{referrer: p.Referrer, gpc: !p.NoGPC, userAgent: p.UserAgent}
	rules := cookierule.Rules{Life: p.CookieLife, Texts: p.CookieRules}
	var faults []error
	var err error
	if p.Cookies != "" {
		if rules.Policy, err = cookierule.ParsePolicy(p.Cookies); err != nil {
			faults = append(faults, err)
		}
	}
	if q.cookies, err = cookierule.Compile(rules); err != nil {
		faults = append(faults, err)
	}
	if q.referrer == "" {
		q.referrer = referrers[0]
	}
	if !slices.Contains(referrers, q.referrer) {
		faults = append(faults, fmt.Errorf("%q is none of what Referer can become: %s", q.referrer, strings.Join(referrers, ", ")))
	}
	hints := p.ClientHints
	if hints == "" {
		hints = hintings[0]
	}
	if !slices.Contains(hintings, hints) {
		faults = append(faults, fmt.Errorf("%q is none of what client hints can become: %s", hints, strings.Join(hintings, ", ")))
	}
	if strings.ContainsFunc(p.UserAgent, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		faults = append(faults, errors.New("the text for User-Agent has control characters"))
	}
	q.dropped = droppedFields(hints, p.UserAgent != "")
	return q, errors.Join(faults...)
}

// applyFields changes the fields of a request that tell about the user, and
// returns in words what it did, but for Sec-GPC. The header is the request's
// own.
func (q *privacy) applyFields(r *http.Request) (did []string) {
	if lines := r.Header["Referer"]; len(lines) > 0 {
		switch to := q.referer(lines[0], r); {
		case to == "":
			delete(r.Header, "Referer")
			did = append(did, "Referer removed")
		case to != lines[0]:
			r.Header["Referer"] = []string{to}
			did = append(did, "Referer trimmed")
		}
	}
	for name := range r.Header {
		if say, drop := q.dropped[name]; drop {
			delete(r.Header, name)
			if !slices.Contains(did, say) {
				did = append(did, say)
			}
		}
	}
	if q.userAgent != "" && len(r.Header["User-Agent"]) > 0 {
		r.Header["User-Agent"] = []string{q.userAgent}
		did = append(did, "User-Agent replaced")
	}
	if q.gpc {
		r.Header["Sec-Gpc"] = valueOn[:1:1]
	}
	slices.Sort(did)
	return did
}

// referer returns what is left of a Referer, "" when nothing is (Referrer
// Policy, "determine request's referrer").
func (q *privacy) referer(given string, r *http.Request) string {
	if q.referrer == "keep" {
		return given
	}
	from, host, ok := originOf(given)
	if q.referrer == "none" || !ok || from == "https" && r.TLS == nil {
		return ""
	}
	to := "http"
	if r.TLS != nil {
		to = "https"
	}
	switch {
	case q.referrer == "same-origin" && (from != to || withPort(host, from) != withPort(r.Host, to)):
		return ""
	case q.referrer == "same-origin", q.referrer == "trim" && cookierule.Site(host) == cookierule.Site(r.Host):
		return given
	}
	return from + "://" + host + "/"
}

// originOf returns the scheme and the host, with its port, of an address of a
// page. Others, and what only looks like one, have none.
func originOf(address string) (scheme, host string, ok bool) {
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case !ok:
		return "", "", false
	case field.EqualFold(scheme, "http"):
		scheme = "http"
	case field.EqualFold(scheme, "https"):
		scheme = "https"
	default:
		return "", "", false
	}
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		rest = rest[:i]
	}
	host = rest[strings.LastIndexByte(rest, '@')+1:]
	for i := range len(host) {
		switch c := host[i]; {
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z', c == '.', c == '-', c == '_', c == ':', c == '[', c == ']':
		default:
			return "", "", false
		}
	}
	return scheme, host, host != "" && host[0] != ':'
}

// withPort returns a host with its port, in lower case.
func withPort(host, scheme string) string {
	host = strings.ToLower(host)
	name, port := wire.WithoutPort(host), ""
	if len(name) < len(host) {
		port = host[strings.LastIndexByte(host, ':')+1:]
	}
	switch {
	case port != "":
	case scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return strings.Trim(name, "[]") + " " + port
}

// openPolicy opens what decides on cookies and fields.
func (h *Handler) openPolicy() error {
	var err error
	if h.privacy, err = h.o.Policy.compile(); err != nil {
		return err
	}
	if err := h.cookies.choices.open(h.o.Policy.Folder); err != nil {
		h.o.ErrorLog.Warn("filter: choices about cookies are not all there", "err", err)
	}
	return nil
}
