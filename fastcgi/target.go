package fastcgi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// maxRedirects is how many local redirects a request may take.
const maxRedirects = 10

// kind is what is done with a request.
type kind uint8

const (
	refused kind = iota
	runScript
	serveFile // by Options.Files
	toFolder  // redirect to the same path with a slash
)

// found is what a path is for.
type found struct {
	kind   kind
	script gateway.Script // of runScript
	why    rule.ID        // of refused
	how    string         // in words, for explanations; "" when direct
	direct bool           // there is a script's file where the path says
}

// find finds what a path, percent-encoded, is for.
func (h *Handler) find(escaped string) found {
	if f := h.lately(escaped); f != nil {
		return *f
	}
	name, dir, fault := wire.DecodePath(escaped)
	if fault != wire.PathSound {
		return found{why: rule.ScriptPath}
	}
	at := "" // the folder, with a slash before it
	if name != "" {
		at = "/" + name
	}
	rest, ok := below(at, h.o.Prefix)
	if !ok {
		return found{why: rule.ScriptMissing, how: "it is not below " + h.o.Prefix}
	}
	if s := h.scripts; s != nil {
		f := s.find(strings.TrimPrefix(rest, "/"), dir)
		if f.direct {
			kept := f
			kept.script.PathInfo = strings.Clone(f.script.PathInfo) // which is a part of the path
			s.seen.note(escaped, &kept)
		}
		return f
	}
	if dir {
		rest += "/"
	}
	return found{kind: runScript, script: gateway.Script{Name: h.o.Prefix, PathInfo: rest}, how: "the backend is an application"}
}

// lately is find for what was found a moment ago, as far as that is remembered;
// else it returns nil.
func (h *Handler) lately(escaped string) *found {
	if h.scripts == nil {
		return nil
	}
	at := h.scripts.seen.lately(escaped)
	if at == nil {
		return nil
	}
	return at.found
}

// below returns what follows a prefix, which has no slash at its end.
func below(path, prefix string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, prefix)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// other answers a request that no script is run for.
func (h *Handler) other(w http.ResponseWriter, r *http.Request, t *found) {
	switch t.kind {
	case serveFile:
		h.o.Files.ServeHTTP(w, r)
	case toFolder:
		to := &url.URL{Path: r.URL.Path + "/", RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
		if to.RawPath != "" {
			to.RawPath += "/"
		}
		httpd.SetRule(w, rule.StaticRedirect)
		httpd.SetVerdict(w, record.File)
		// A path that begins with two slashes would be another host.
		http.Redirect(w, r, "/"+strings.TrimLeft(to.String(), "/"), http.StatusMovedPermanently)
	default:
		h.refuse(w, r, t.why)
	}
}

// redirected is the request that a local redirect makes of r (RFC 3875 §6.2.2).
func redirected(r *http.Request, local string) (*http.Request, bool) {
	u, err := url.ParseRequestURI(local)
	if err != nil {
		return nil, false
	}
	next := new(http.Request)
	*next = *r
	next.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	next.RequestURI = ""
	if r.Method != http.MethodHead {
		next.Method = http.MethodGet
	}
	next.Body, next.ContentLength = http.NoBody, 0
	next.Header = r.Header.Clone()
	for _, name := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect"} {
		next.Header.Del(name)
	}
	return next, true
}

// trailKey is the context's key of the targets that local redirects have led
// through, "" for those with methods that no cache waits for.
type trailKey struct{}

func trailOf(r *http.Request) []string {
	t, _ := r.Context().Value(trailKey{}).([]string)
	return t
}

// redirect has next answered by who answers all requests, so that guards and caches
// before what it leads to are asked. A cache would have what goes round wait for
// itself.
func (h *Handler) redirect(w http.ResponseWriter, r, next *http.Request) {
	been := ""
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		been = r.URL.RequestURI()
	}
	t := append(slices.Clip(trailOf(r)), been)
	next.RequestURI = next.URL.RequestURI()
	if len(t) > maxRedirects || slices.Contains(t, next.RequestURI) {
		h.refuse(w, r, rule.ScriptRedirectLoop)
		return
	}
	h.o.Redirects.ServeHTTP(w, next.WithContext(context.WithValue(next.Context(), trailKey{}, t)))
}
