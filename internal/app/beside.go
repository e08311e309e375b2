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

// bare reports whether a request is for the path of the folder without a slash
// at its end, where relative links would be wrong.
func (b *beside) bare(r *http.Request) bool { return b.mount != nil && r.URL.Path == b.mount.prefix }

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

// finder knows which paths are for programs; a runner, too.
type finder interface {
	// Is reports whether a path, as it stands in the URL, is for a program.
	Is(escapedPath string) bool
	// Named guesses that, without asking the file system.
	Named(escapedPath string) bool
	// Find is Is, and what it returns remembers what was found.
	Find(*http.Request) (*http.Request, bool)
}

// mixed gives requests for programs to one handler, and all others to files.
type mixed struct {
	finder      finder
	programs    http.Handler
	programsHot httpd.HotHandler // may be nil
	files       *beside
	others      http.Handler // nil: files answers itself
}

// ServeHTTP implements http.Handler.
func (m *mixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m.files.bare(r) {
		m.files.ServeHTTP(w, r) // which sends the client to the folder
		return
	}
	r, is := m.finder.Find(r)
	switch {
	case is:
		m.programs.ServeHTTP(w, r)
	case m.others != nil:
		m.others.ServeHTTP(w, r)
	default:
		m.files.ServeHTTP(w, r)
	}
}

// ServeHot implements httpd.HotHandler. For what is named like a program it
// looks only once there is an answer: most have none, and ServeHTTP looks.
func (m *mixed) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	named := m.finder.Named(q.Path)
	switch {
	case m.files.mount != nil && q.Path == m.files.mount.prefix:
		return false
	case named && (m.programsHot == nil || !m.programsHot.ServeHot(q, a)):
		return false
	case named:
		return m.finder.Is(q.Path) || declined(a)
	case m.finder.Is(q.Path):
		return m.programsHot != nil && m.programsHot.ServeHot(q, a)
	case !m.files.ServeHot(q, a):
		return false
	case m.others != nil && a.Status >= 400: // others may have more to say
		return declined(a)
	}
	return true
}

// declined takes an answer back, and is false.
func declined(a *httpd.Answer) bool {
	if a.Done != nil {
		a.Done.Release()
	}
	*a = httpd.Answer{Scratch: a.Scratch}
	return false
}
