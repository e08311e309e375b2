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
	names, err := served(files, index)
	if err != nil {
		return nil, err
	}
	c, stop, err := inProcess(s, o)
	if err != nil {
		return nil, err
	}
	defer stop()
	pages := c.warm(ctx, names)
	if work.MaxPages == 0 {
		work.MaxPages = len(pages) + 1
	}
	results := c.URLs(ctx, pages, work)
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

// warm asks for all names, until texts have codings, and returns the addresses
// of those that there are.
func (c *Checker) warm(ctx context.Context, names []string) []*url.URL {
	var pages, plain []*url.URL
	for _, name := range names {
		u := &url.URL{Scheme: "http", Host: inProcessHost, Path: "/" + name}
		r, err := c.client.do(ctx, probe{url: u})
		if err == nil && (r.Status == 404 || r.Status == 403) {
			continue
		}
		pages = append(pages, u)
		if err == nil && c.asksCodings(ctx, u, r) {
			plain = append(plain, u)
		}
	}
	late := time.Now().Add(warmLimit)
	for idle := 0; len(plain) > 0 && idle < warmPatience && ctx.Err() == nil && time.Now().Before(late); idle++ {
		pause(ctx, warmEvery)
		before := len(plain)
		plain = slices.DeleteFunc(plain, func(u *url.URL) bool {
			r, err := c.client.do(ctx, probe{url: u})
			return err != nil || r.get("Content-Encoding") != ""
		})
		if len(plain) < before {
			idle = 0
		}
	}
	return pages
}

// asksCodings asks for each coding of an answer that is a text, and reports
// whether it may have one later: a file may; what is made for each request is
// sent as it is.
func (c *Checker) asksCodings(ctx context.Context, u *url.URL, r *reply) bool {
	if r.Status != 200 || !isText(r.mediaType()) || len(r.Body) < minCoded {
		return false
	}
	for _, coding := range codingNames {
		p := with("Accept-Encoding", coding.name)
		p.url = u
		if _, err := c.client.do(ctx, p); err != nil {
			return false
		}
	}
	return r.get("Content-Encoding") == "" && isFile(u, r)
}

// served returns the paths of what is in a folder: "" for itself.
func served(files fs.FS, index []string) ([]string, error) {
	var names []string
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			names = append(names, "")
		case d.IsDir():
			names = append(names, name+"/")
		case slices.Contains(index, d.Name()):
		case isSidecar(files, name):
		default:
			names = append(names, name)
		}
		return nil
	})
	return names, err
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
