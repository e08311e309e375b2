package middleware

import (
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Freshness says how long some answers may be used without asking again.
type Freshness struct {
	// Path says which paths are meant: "/assets/" all below it, "*.css" all
	// whose last segment matches, "/feed/*.xml" all that match as a whole (see
	// path.Match). "" means all.
	Path string

	// Type says which media types are meant: "text/css", or "image/*". ""
	// means all.
	Type string

	// Lifetime is sent as "max-age", and to HTTP/1.0 clients as Expires too.
	// Zero, when there is no CacheControl either, means "no-cache": to be kept,
	// but used only after asking.
	Lifetime time.Duration

	// CacheControl is sent instead of what Lifetime stands for, as in
	// "max-age=31536000, immutable"; Expires still follows Lifetime.
	CacheControl string
}

// Expires adds Cache-Control to answers of next by the first of the rules
// whose Path and Type both fit, and to HTTP/1.0 clients, which do not know that
// field, Expires.
//
// It adds to 200, 206 and 304 for GET and HEAD, and only when next said neither
// Cache-Control nor Expires nor Pragma, and sets no cookie: what is made for
// one visitor is not for a shared cache, unless its author says so.
//
// The type of a 304 that does not state it is guessed from the extension of
// the path. When the type is not known, nor stated by a 200, rules are tried up
// to the first that asks for one, and what a cache was told before stays in
// force.
//
// Expires panics when a Path is malformed.
func Expires(next http.Handler, rules ...Freshness) http.Handler {
	rules = slices.Clone(rules)
	for _, f := range rules {
		if _, err := path.Match(f.Path, ""); err != nil {
			panic("middleware: path " + f.Path + ": " + err.Error())
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !reads(r) {
			next.ServeHTTP(w, r)
			return
		}
		ww := &watcher{writer: writer{ResponseWriter: w}}
		ww.head = func(status int) (int, []byte) {
			h := w.Header()
			switch status {
			case http.StatusOK, http.StatusPartialContent, http.StatusNotModified:
				if _, personal := h["Set-Cookie"]; personal {
					break
				}
				if f := find(rules, r, mediaType(h, r, status)); f != nil {
					setLifetime(h, r, f.CacheControl, f.Lifetime, time.Now())
				}
			}
			return status, nil
		}
		next.ServeHTTP(ww, r)
		ww.finish()
	})
}

// find returns the rule for a request whose answer has media type typ, or nil.
func find(rules []Freshness, r *http.Request, typ string) *Freshness {
	for i := range rules {
		f := &rules[i]
		switch {
		case !f.onPath(r.URL.Path):
		case f.Type == "" || typ != "" && f.onType(typ):
			return f
		case typ == "":
			return nil
		}
	}
	return nil
}

func (f *Freshness) onPath(p string) bool {
	switch {
	case f.Path == "":
		return true
	case strings.HasSuffix(f.Path, "/"):
		return strings.HasPrefix(p, f.Path)
	case !strings.Contains(f.Path, "/"):
		p = p[strings.LastIndexByte(p, '/')+1:]
	}
	ok, err := path.Match(f.Path, p)
	return ok && err == nil
}

func (f *Freshness) onType(typ string) bool {
	if major, ok := strings.CutSuffix(f.Type, "*"); ok {
		return len(typ) >= len(major) && strings.EqualFold(typ[:len(major)], major)
	}
	return strings.EqualFold(typ, f.Type)
}

// mediaType returns the media type of an answer without its parameters, ""
// when it is not known. That of a 304, which has no body to describe, is
// guessed from the path.
func mediaType(h http.Header, r *http.Request, status int) string {
	v := h.Get("Content-Type")
	if v == "" && status == http.StatusNotModified {
		v = mime.TypeByExtension(path.Ext(r.URL.Path))
	}
	typ, _, _ := strings.Cut(v, ";")
	return strings.TrimSpace(typ)
}
