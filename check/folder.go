package check

import (
	"context"
	"io/fs"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Server serves listeners: an *http.Server, an *httpd.Server.
type Server interface {
	Serve(net.Listener) error
	Close() error
}

// inProcessHost is what a server in this process is called.
const inProcessHost = "localhost"

// inProcess starts a server on a port of the loopback interface, and returns a
// checker whose connections all lead there. What it is stopped by waits until
// it has ended.
func inProcess(s Server, o Options) (c *Checker, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	o.Public = false
	o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, l.Addr().String())
	}
	c = New(o)
	c.settled = true
	c.only = "http://" + net.JoinHostPort(inProcessHost, "80")
	var ended sync.WaitGroup
	ended.Go(func() { s.Serve(l) })
	return c, func() {
		c.Close()
		s.Close()
		l.Close()
		ended.Wait()
	}, nil
}

// Folder checks what a server in this process answers for each file and folder
// of files, in the order of their names. index are the names of files that
// answer for their folder. What the server does not show (404, 403) is left out,
// and so are the coded forms of files (.gz, .br, .zst) that lie beside them.
//
// Before, everything is asked for in each coding, and given some seconds until
// the server has made them beside its requests, as package static does.
func Folder(ctx context.Context, files fs.FS, index []string, s Server, o Options, work Crawling) ([]*Result, error) {
	c, stop, err := inProcess(s, o)
	if err != nil {
		return nil, err
	}
	defer stop()
	w := &warming{c: c, ctx: ctx, files: files, index: index, most: work.maxPages()}
	if err := fs.WalkDir(files, ".", w.visit); err != nil {
		return nil, err
	}
	w.wait()
	results := c.URLs(ctx, w.pages, work)
	for _, r := range results {
		if u, err := url.Parse(r.URL); err == nil {
			r.Name = strings.TrimPrefix(u.Path, "/")
			if r.Name == "" {
				r.Name = "/"
			}
		}
	}
	return results, nil
}

// How long the codings of a folder are waited for: looked at every warmEvery,
// as long as there are new ones every warmPatience times, and no longer than
// warmLimit.
const (
	warmEvery    = 100 * time.Millisecond
	warmPatience = 30
	warmLimit    = 30 * time.Second
)

// A warming asks for what is in a folder, so that the server has it ready.
type warming struct {
	c     *Checker
	ctx   context.Context
	files fs.FS
	index []string
	most  int
	pages []*url.URL // those that there are
	plain []*url.URL // texts that have no coding yet
}

// visit asks for a file or a folder; it is an fs.WalkDirFunc. A folder that
// cannot be read is left out, and so is one with a hidden name that the server
// does not show, whatever is in it.
func (w *warming) visit(name string, d fs.DirEntry, err error) error {
	switch {
	case err != nil && name == ".":
		return err
	case err != nil:
		return fs.SkipDir
	case len(w.pages) == w.most || w.ctx.Err() != nil:
		return fs.SkipAll
	case d.IsDir() && name == ".":
		w.ask("")
	case d.IsDir():
		if !w.ask(name+"/") && d.Name()[0] == '.' {
			return fs.SkipDir
		}
	case !slices.Contains(w.index, d.Name()) && !isSidecar(w.files, name):
		w.ask(name)
	}
	return nil
}

// ask asks for a path. It is false when the server does not show it.
func (w *warming) ask(name string) bool {
	u := &url.URL{Scheme: "http", Host: inProcessHost, Path: "/" + name}
	r, err := w.c.client.do(w.ctx, probe{url: u})
	if err == nil && (r.Status == 404 || r.Status == 403) {
		return false
	}
	w.pages = append(w.pages, u)
	if err == nil && w.c.asksCodings(w.ctx, u, r) {
		w.plain = append(w.plain, u)
	}
	return true
}

// wait waits until texts have codings.
func (w *warming) wait() {
	late := time.Now().Add(warmLimit)
	for idle := 0; len(w.plain) > 0 && idle < warmPatience && w.ctx.Err() == nil && time.Now().Before(late); idle++ {
		pause(w.ctx, warmEvery)
		before := len(w.plain)
		w.plain = slices.DeleteFunc(w.plain, func(u *url.URL) bool {
			r, err := w.c.client.do(w.ctx, probe{url: u})
			return err != nil || r.get("Content-Encoding") != ""
		})
		if len(w.plain) < before {
			idle = 0
		}
	}
}

// asksCodings asks for each coding of an answer that is a text, and reports
// whether it may have one later: a file may; what is made for each request is
// sent as it is.
func (c *Checker) asksCodings(ctx context.Context, u *url.URL, r *reply) bool {
	if r.Status != 200 || !isText(r.mediaType()) || len(r.Body) < minCoded {
		return false
	}
	for _, coding := range codingNames {
		p := with("Accept-Encoding", coding)
		p.url = u
		if _, err := c.client.do(ctx, p); err != nil {
			return false
		}
	}
	return r.get("Content-Encoding") == "" && isFile(u, r)
}

// isSidecar reports whether a file is a coded form of one beside it.
func isSidecar(files fs.FS, name string) bool {
	ext := path.Ext(name)
	if ext != ".gz" && ext != ".br" && ext != ".zst" {
		return false
	}
	_, err := fs.Stat(files, strings.TrimSuffix(name, ext))
	return err == nil
}
