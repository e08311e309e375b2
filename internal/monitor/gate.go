package monitor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"freshet/internal/control"
	"freshet/internal/field"
	"freshet/internal/monitor/ui"
	"freshet/internal/wire"
)

// Access says who may read and who may change something.
type Access struct {
	// Names are host names by which the monitor may be asked for, besides
	// localhost and addresses: with a dot at the end, all names that begin so.
	Names []string

	// Token, when not "", is needed to read and to change.
	Token string

	// Owner reports whether a text is the token that the server keeps for
	// commands of its user, which is needed to change something when there is
	// no Token. nil: nobody may.
	Owner func(token string) bool

	// OwnerFile returns where that token is, for people; nil: it is not known.
	OwnerFile func() string
}

// A gate lets through who may do what is asked for.
type gate struct {
	Access
	key    [32]byte // of this process: cookies end with it
	strict *http.CrossOriginProtection
	tries  attempts
}

func newGate(a Access, now func() time.Time) *gate {
	g := &gate{Access: a, strict: http.NewCrossOriginProtection(), tries: attempts{now: now}}
	rand.Read(g.key[:])
	return g
}

// guard refuses requests by a wrong name, of other sites, and of those who
// have no token where one is needed.
func (g *gate) guard(next http.Handler) http.Handler {
	return secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.known(r.Host):
			fail(w, r, http.StatusMisdirectedRequest, "The monitor is not known by the name "+r.Host+
				". Ask for it by its address, or start the server with that name in --monitor.")
			return
		case g.strict.Check(r) != nil, embeds(r):
			fail(w, r, http.StatusForbidden, "The request was made by a page of another site.")
			return
		case g.Token == "" && len(r.Header["Via"]) > 0:
			// Without a token, this machine's users may read: a proxy on it that
			// may go to private addresses would make all its clients such.
			fail(w, r, http.StatusForbidden, "The request came by a proxy, which anybody may use. Ask without it, or start the server with --monitor-token.")
			return
		}
		read := (r.Method == http.MethodGet || r.Method == http.MethodHead) && !private(r.URL.Path)
		switch {
		case r.URL.Path == loginPath, strings.HasPrefix(r.URL.Path, ui.AssetPath),
			read && g.Token == "", g.authorized(r):
			next.ServeHTTP(w, r)
		default:
			g.refuse(w, r)
		}
	}))
}

// private reports whether a path is not for all users of this machine, even
// when they may look at the monitor: what programs have written, and all that
// their jobs were given, which the log of the queue has, too.
func private(path string) bool {
	return path == "/jobs/log" || path == entryPath || path == jobFilePath || strings.HasPrefix(path, jobCommands)
}

// elsewhere reports whether a browser says that something else than the monitor
// made it send a request: a page of another site, or of another port.
func elsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return true
}

// embeds reports whether a page of another site has the monitor's answer loaded
// as a part of itself. It could not read it, but hold streams open and have
// tables sorted. To follow a link is all that others may ask of a browser.
func embeds(r *http.Request) bool {
	if !elsewhere(r) {
		return false
	}
	dest := r.Header.Get("Sec-Fetch-Dest")
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || dest != "" && dest != "document"
}

// secured sets the fields that bound what a page can do.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", ui.Policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// known reports whether a host is one of this machine: an address, or a name
// that no stranger can let point here. A page of another site reaches the
// monitor under that site's name only.
func (g *gate) known(hostport string) bool {
	host := strings.ToLower(strings.TrimSuffix(wire.WithoutPort(hostport), "."))
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if _, err := netip.ParseAddr(bare); err == nil {
		return true
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return true
	}
	for _, name := range g.Names {
		name = strings.ToLower(name)
		if host == strings.TrimSuffix(name, ".") || strings.HasSuffix(name, ".") && strings.HasPrefix(host, name) {
			return true
		}
	}
	return false
}

// authorized reports whether a request shows the token: as a bearer token, as
// a password, or by the cookie of a login.
func (g *gate) authorized(r *http.Request) bool {
	if c, err := r.Cookie(cookieName(r)); err == nil && control.Same(c.Value, g.pass()) {
		return true
	}
	text := ""
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		text = strings.TrimSpace(token)
	case strings.EqualFold(scheme, "Basic"):
		_, text, _ = r.BasicAuth()
	}
	return text != "" && g.knows(r, text)
}

// knows reports whether a text is a token, as long as the client does not guess.
func (g *gate) knows(r *http.Request, text string) bool {
	if g.tries.tooMany(r) {
		return false
	}
	ok := g.Token != "" && control.Same(text, g.Token) || g.Token == "" && g.Owner != nil && g.Owner(text)
	if !ok {
		g.tries.failed(r)
	}
	return ok
}

// pass is the value of the cookie of those who have shown the token.
func (g *gate) pass() string {
	h := hmac.New(sha256.New, g.key[:])
	h.Write([]byte("monitor"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// cookieName is by port, for cookies are not: what is served at other ports gets
// them, too. The proxy does not pass them on.
func cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil || strings.Trim(port, "0123456789") != "" {
		port = "0"
	}
	return field.MonitorCookie + port
}

// refuse asks for the token.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Www-Authenticate", `Bearer realm="freshet monitor"`)
	next := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		// What was sent is not kept: back to the page that it was sent from.
		next = "/"
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
			next = from.RequestURI()
		}
	}
	g.askFor(w, r, http.StatusUnauthorized, next, "")
}
