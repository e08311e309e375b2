package app

import (
	"net/http"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/why"
	"freshet/static"
)

// beside serves the files of a folder that has programs, below a path.
type beside struct {
	folder *static.Handler
	mount  *mount // nil below "/"
}

func newBeside(path string, folder *static.Handler) *beside {
	b := &beside{folder: folder}
	if path != "/" {
		b.mount = &mount{prefix: path, handler: folder, hot: folder}
	}
	return b
}

// ServeHTTP implements http.Handler.
func (b *beside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.mount != nil {
		b.mount.ServeHTTP(w, r)
		return
	}
	b.folder.ServeHTTP(w, r)
}

// ServeHot implements httpd.HotHandler.
func (b *beside) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if b.mount != nil {
		return b.mount.ServeHot(q, a)
	}
	return b.folder.ServeHot(q, a)
}

// Why implements explains.
func (b *beside) Why(r *http.Request) *why.Explanation {
	if b.mount != nil {
		below, to := b.mount.below(r)
		if to != "" {
			return explainRedirect(r, to, http.StatusPermanentRedirect)
		}
		r = below
	}
	return b.folder.Why(r)
}

// Explain implements explains.
func (b *beside) Explain(rec *record.Record) *why.Explanation {
	r := requestOf(rec)
	if r == nil {
		return nil
	}
	inside := *rec
	if b.mount != nil {
		below, to := b.mount.below(r)
		if to != "" {
			return explainRedirect(r, to, rec.Status)
		}
		inside.Target = below.URL.RequestURI()
	}
	return folderExplains{b.folder}.Explain(&inside)
}

// mixed gives requests for programs to one handler, and all others to files.
type mixed struct {
	is          func(escapedPath string) bool
	programs    http.Handler
	programsHot httpd.HotHandler // may be nil
	files       *beside
	others      http.Handler // nil: files answers itself
}

// ServeHTTP implements http.Handler.
func (m *mixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case m.is(r.URL.EscapedPath()):
		m.programs.ServeHTTP(w, r)
	case m.others != nil:
		m.others.ServeHTTP(w, r)
	default:
		m.files.ServeHTTP(w, r)
	}
}

// ServeHot implements httpd.HotHandler.
func (m *mixed) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if m.is(q.Path) {
		return m.programsHot != nil && m.programsHot.ServeHot(q, a)
	}
	if !m.files.ServeHot(q, a) {
		return false
	}
	if m.others != nil && a.Status >= 400 { // others may have more to say
		*a = httpd.Answer{Scratch: a.Scratch}
		return false
	}
	return true
}
