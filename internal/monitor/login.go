package monitor

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"freshet/httpd"
	"freshet/internal/control"
	"freshet/internal/monitor/ui"
	"freshet/internal/who"
)

const loginPath = "/login"

// maxFormBytes bounds a form that is sent; then 413.
const maxFormBytes = 64 << 10

// serveLogin takes a token and gives a cookie for it.
func (g *gate) serveLogin(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		g.askFor(w, r, http.StatusOK, inside(r.URL.Query().Get("next")), "")
		return
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		fail(w, r, http.StatusMethodNotAllowed, "The method "+r.Method+" means nothing here.")
		return
	}
	if !readForm(w, r, maxFormBytes) {
		return
	}
	next := inside(r.PostForm.Get("next"))
	if !g.knows(r, strings.TrimSpace(r.PostForm.Get("token"))) {
		if g.tries.tooMany(r) {
			w.Header().Set("Retry-After", "10")
			fail(w, r, http.StatusTooManyRequests, "There were too many wrong tokens. Try again in ten seconds.")
			return
		}
		g.askFor(w, r, http.StatusForbidden, next, "That is not the token.")
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: g.pass(), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
	seeOther(w, next)
}

// askFor sends the form for the token.
func (g *gate) askFor(w http.ResponseWriter, r *http.Request, status int, next, wrong string) {
	if status == http.StatusUnauthorized && httpd.PageKindOf(strings.Join(r.Header.Values("Accept"), ",")) != httpd.PageHTML {
		httpd.Error(w, r, status, "Send the token as \"Authorization: Bearer …\". "+g.where())
		return
	}
	f := &ui.Form{
		Action: loginPath, Post: true, Submit: "Go on", Hidden: []ui.Value{{Name: "next", Value: next}},
		Fields: []ui.Field{{Name: "token", Label: "Token", Kind: ui.PasswordField, Hint: g.where(), Required: true, Wide: true, Invalid: wrong != ""}},
	}
	if wrong != "" {
		f.Errors = []string{wrong}
	}
	sendView(w, r, status, &ui.View{Title: "Token", Path: loginPath, Sections: []ui.Section{f}})
}

// where says where the token is to be found.
func (g *gate) where() string {
	switch {
	case g.Token != "":
		return "It is what --monitor-token names."
	case g.OwnerFile != nil && g.OwnerFile() != "":
		return "It is in " + g.OwnerFile() + ", and changes with each start."
	}
	return "This server has none, so that nothing can be changed."
}

// readForm reads a form that was sent, of so many bytes at most; else it has
// answered.
func readForm(w http.ResponseWriter, r *http.Request, most int64) bool {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			status = http.StatusRequestEntityTooLarge
		}
		fail(w, r, status, "The form cannot be read: "+err.Error()+".")
		return false
	}
	return true
}

// inside returns an address of the monitor: what leads elsewhere becomes "/".
func inside(next string) string {
	if len(next) == 0 || next[0] != '/' || len(next) > 1 && (next[1] == '/' || next[1] == '\\') {
		return "/"
	}
	for i := range len(next) {
		if next[i] <= ' ' || next[i] >= 0x7f {
			return "/"
		}
	}
	return next
}

func seeOther(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusSeeOther)
}

// How many wrong tokens of a client count, how long, and of how many clients.
const (
	maxAttempts = control.MaxGuesses
	attemptTime = control.GuessTime
	maxGuessers = control.MaxGuessKeys
)

// attempts counts wrong tokens by client.
type attempts struct {
	now   func() time.Time
	wrong control.Guesses[netip.Prefix]
}

// guesser is what clients are told apart by: the address, of IPv6 the network,
// for a client has all of its addresses.
func guesser(r *http.Request) netip.Prefix {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	return who.ClientOf(addr.Addr())
}

func (a *attempts) tooMany(r *http.Request) bool { return a.wrong.TooMany(guesser(r), a.now()) }

func (a *attempts) failed(r *http.Request) { a.wrong.Failed(guesser(r), a.now()) }
