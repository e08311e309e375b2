package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/gateway"
)

// runner is what answers requests with programs: by CGI, or at a FastCGI
// backend.
type runner interface {
	http.Handler
	explains

	Board() *gateway.Board
	Load() (running, waiting int)
	Describe() string
	Close() error
}

// programs is a runner, mostly with a cache in front of it, and mostly with
// files beside the programs.
type programs struct {
	runner  runner
	finder  finder // the runner
	kind    string // "cgi" or "fastcgi"
	handler http.Handler
	hot     httpd.HotHandler // may be nil
	close   func() error
	purge   purgeFunc // nil without a cache
	explain explains
	files   *beside // nil: all that there is are programs
	pool    poolState
	most    int // programs that may run at once; 0: see pool
}

// ownStore is the memory for the answers of programs where nothing says how
// much there is.
const ownStore = 32 << 20

// openPrograms opens a folder that has programs, which a command line names.
func openPrograms(c *config.Serve, w *within) (content, error) {
	if err := checkFolder(c.Dir); err != nil {
		return content{}, err
	}
	store, err := openStore(&config.Store{Memory: ownStore}, w)
	if err != nil {
		return content{}, err
	}
	for _, folder := range c.CGI {
		dir := filepath.Join(c.Dir, filepath.FromSlash(folder))
		switch fi, err := os.Stat(dir); {
		case err != nil:
			w.log.Warn("the folder of --cgi cannot be read yet", "folder", dir, "err", cause(err))
		case othersWrite(fi) && !c.Programs.AllowWritable:
			w.log.Warn("no program in the folder of --cgi will run: its group or everybody may write there; chmod go-w it, or give --cgi-allow-writable", "folder", dir)
		}
	}
	caching := config.DefaultCaching()
	p := &programs{kind: "cgi"}
	folders := c.CGI
	if err = p.serveBeside(c.Dir, "/", &c.Files, isProgram(folders, c.Programs.Extensions), w); err == nil {
		o := cgiOptions(&c.Programs, w)
		o.Dir, o.Folders, o.Index, o.Redirects = c.Dir, folders, c.Index, p
		if err = p.runCGI(o, w); err == nil {
			err = p.cached(&caching, store, w)
		}
	}
	if err != nil {
		return content{}, errors.Join(err, p.shut(), store.Close())
	}
	closeAll := func() error { return errors.Join(p.close(), store.Close()) }
	return content{name: folderName(c.Dir), handler: p.handler, hot: p.hot, close: closeAll, data: c.Data, explain: p.explain, given: c.Given,
		command: "serve", does: "static " + c.Dir + ", programs in it", store: store, purger: onePurger(p.purge, store), programs: p, folders: newFolders(p.files.folder)}, nil
}

// newPrograms opens what a route with programs needs.
func newPrograms(r *config.Route, store *cache.Store, w *within) (*programs, error) {
	p := &programs{}
	open := p.openCGI
	if r.Kind == config.RouteFastCGI {
		open = p.openFastCGI
	}
	err := open(r, w)
	if err == nil {
		err = p.cached(&r.Caching, store, w)
	}
	if err != nil {
		return nil, errors.Join(err, p.shut())
	}
	return p, nil
}

// routeFiles is how a route of programs serves its other files.
func routeFiles() *config.Files {
	f := config.DefaultFiles()
	f.Listing = false
	return &f
}

// serveBeside serves the files of a folder that are no programs.
func (p *programs) serveBeside(dir, path string, c *config.Files, programs func(string) bool, w *within) error {
	h, err := newFolder(dir, c, programs, w)
	if err != nil {
		return err
	}
	p.files = newBeside(path, h)
	return nil
}

// cached puts a cache in front of the programs, and the files beside both.
func (p *programs) cached(c *config.Caching, store *cache.Store, w *within) error {
	own := runnerExplains{p.runner}
	p.handler, p.explain, p.close = p.runner, own, p.shut
	if c.Enabled {
		rules := cacheOptions(c, "freshet")
		rules.Next, rules.Store, rules.ErrorLog, rules.Now = p.runner, store, w.log, w.now
		h, err := cache.New(rules)
		if err != nil {
			return err
		}
		p.handler, p.hot, p.purge = p.unlessConnect(purgeable(h, store, w.door)), h, h.ByURL
		p.explain = &programExplains{h, own, w.door}
	}
	if p.files == nil {
		return nil
	}
	m := &mixed{finder: p.finder, programs: p.handler, programsHot: p.hot, files: p.files}
	if p.kind == "fastcgi" {
		m.others = p.runner // which looks for an index, or what answers instead
	}
	p.handler, p.hot, p.explain = m, m, &mixedExplains{m, p.explain, own}
	return nil
}

// unlessConnect has the programs refuse what asks for no resource.
func (p *programs) unlessConnect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			p.runner.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP implements http.Handler: it is where local redirects lead.
func (p *programs) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// shut ends what was opened.
func (p *programs) shut() error {
	var faults []error
	if p.runner != nil {
		faults = append(faults, p.runner.Close())
	}
	if p.files != nil {
		faults = append(faults, p.files.folder.Close())
	}
	return errors.Join(faults...)
}

// isProgram returns what tells the programs of a folder from its other files,
// whatever the case of letters: what is in one of the folders, which are URL
// paths below it, and what has one of the extensions.
func isProgram(folders, extensions []string) func(name string) bool {
	return func(name string) bool {
		for _, folder := range folders {
			folder = strings.Trim(folder, "/")
			n := len(folder)
			if n == 0 || len(name) >= n && strings.EqualFold(name[:n], folder) && (len(name) == n || name[n] == '/') {
				return true
			}
		}
		return hasExtension(name, extensions)
	}
}

// hasExtension reports whether a file's name ends in one of the extensions, as
// far as file systems count what it ends in.
func hasExtension(name string, extensions []string) bool {
	name = strings.TrimRight(name, ". ")
	i := strings.LastIndexByte(name, '.')
	if i < 0 || strings.IndexByte(name[i:], '/') >= 0 {
		return false
	}
	for _, e := range extensions {
		if strings.EqualFold(name[i:], e) {
			return true
		}
	}
	return false
}

// variables are the variables that programs are given, with those that have no
// value here as they are in the environment; those that are not there are left
// out.
func variables(names, environ []string) []string {
	var all []string
	for _, v := range names {
		if strings.Contains(v, "=") {
			all = append(all, v)
			continue
		}
		for _, e := range environ {
			if name, _, _ := strings.Cut(e, "="); name == v {
				all = append(all, e)
			}
		}
	}
	return all
}

// announcePrograms tells who programs run as, and within which limits.
func (s *service) announcePrograms() {
	for _, p := range s.allPrograms() {
		s.env.tell("programs of %s: %s", p.where, p.programs.runner.Describe())
	}
}

// located are the programs of a route.
type located struct {
	*programs
	where string // for people
}

// allPrograms are what runs programs now.
func (s *service) allPrograms() []located {
	l := s.content.live
	switch {
	case l == nil && s.content.programs == nil:
		return nil
	case l == nil:
		return []located{{s.content.programs, s.content.name}}
	}
	var all []located
	for _, t := range l.sites().all {
		for _, r := range t.routes {
			where := fmt.Sprintf("route %s (%s)", r.conf.Path, hosts(t.conf))
			if p := r.backend.programs; p != nil {
				all = append(all, located{p, where})
			}
			if a := r.backend.asked; a != nil {
				all = append(all, located{&programs{runner: a, kind: "fastcgi", pool: a.Pool}, where + ", authorizer"})
			}
		}
	}
	return all
}

// absoluteOf completes a folder's path, for those who must know where it is
// wherever they are.
func absoluteOf(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
