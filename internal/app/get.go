package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"freshet/client"
	"freshet/internal/config"
)

// getting is a run of freshet get: what its URLs share.
type getting struct {
	env  *Env
	conf *config.Get
	talk *getTalk

	wire  http.RoundTripper // what sends, and tells of it
	trip  *client.Transport // the same, behind the cache
	cache *client.Cache     // nil without
	close []func()

	logins *client.Netrc  // nil without
	signer *client.Signer // nil without
	jar    *client.Jar    // nil when cookies are not kept
	typed  string         // cookies that the command line has itself
	header []getField     // of --header
	heads  io.Writer      // of --dump-header, or nil
	format string         // of --write-out
	stdin  atomic.Bool    // standard input was used

	dataText []byte // what --data and its kin come to
	dataJSON bool
	dataRead bool
}

// get fetches URLs.
func (e *Env) get(args []string) int {
	c, err := config.ParseGet(args, e.readFlags)
	if err != nil {
		return e.misused("get", err)
	}
	ctx, stop := e.untilSignal()
	defer stop()
	if c.AtOnce {
		e = e.shared()
	}
	g := &getting{env: e, conf: c}
	if err := g.open(); err != nil {
		g.finish()
		return g.failed(err)
	}
	fetchAll := g.inTurn
	if c.AtOnce {
		fetchAll = g.together
	}
	status := fetchAll(ctx)
	if err := g.finish(); err != nil {
		status = g.failed(err)
	}
	return status
}

// maxFlags bounds a file of flags, in bytes.
const maxFlags = 16 << 20

// readFlags reads a file of flags; "-" is standard input.
func (e *Env) readFlags(name string) ([]byte, error) {
	in := e.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, cause(err)
		}
		defer f.Close()
		in = f
	}
	if in == nil {
		return nil, errors.New("there is no standard input")
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFlags+1))
	switch {
	case err != nil:
		return nil, cause(err)
	case len(text) > maxFlags:
		return nil, fmt.Errorf("it has more than %d bytes", maxFlags)
	}
	return text, nil
}

// open makes ready what URLs share.
func (g *getting) open() error {
	var err error
	if g.talk, err = g.openTalk(); err != nil {
		return err
	}
	if g.conf.Insecure {
		g.env.tell("freshet: --insecure: certificates are not verified; anybody on the way can read and change what is fetched")
	}
	if err := g.openWay(); err != nil {
		return err
	}
	if err := g.openLogins(); err != nil {
		return err
	}
	if err := g.openSigner(); err != nil {
		return err
	}
	if err := g.openCookies(); err != nil {
		return err
	}
	if g.header, err = g.readHeaders(); err != nil {
		return err
	}
	if g.format, err = g.readFormat(); err != nil {
		return err
	}
	if name := g.conf.HeadFile; name != "" {
		w, closeFile, err := g.create(name)
		if err != nil {
			return err
		}
		g.heads, g.close = w, append(g.close, closeFile)
	}
	return g.openCache()
}

// create opens a file for heads, which have what logs in, so that nobody else may
// read it; "-" is standard output, "%" standard error.
func (g *getting) create(name string) (io.Writer, func(), error) {
	switch name {
	case "-":
		return g.env.Stdout, func() {}, nil
	case "%":
		return g.env.Stderr, func() {}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, &getFault{getWriteError, fmt.Errorf("write %s: %w", name, cause(err))}
	}
	return f, func() { f.Close() }, nil
}

// openCache opens the user's cache. A cache that cannot be opened is not worth
// a failure: then there is none.
func (g *getting) openCache() error {
	g.trip = &client.Transport{Base: g.wire, Offline: g.conf.Offline, Sign: g.sign}
	if !g.conf.Cache || g.unlike() != "" {
		return nil
	}
	dir, err := cacheFolder(g.conf.CacheDir, g.env.Environ)
	if err == nil {
		err = ownFolder(dir)
	}
	if err == nil {
		var now func() time.Time
		if g.env.Now != nil {
			now = func() time.Time { return time.Unix(0, g.env.Now()) }
		}
		g.cache, err = client.OpenCache(dir, client.CacheOptions{MaxBytes: g.conf.CacheSize, Now: now})
	}
	switch {
	case err == nil:
		g.trip.Cache = g.cache
	case g.conf.Offline || g.conf.CacheDir != "":
		return &getFault{exitFault, fmt.Errorf("open the cache%s: %w; name another one with --cache-dir", in(dir), cause(err))}
	default:
		g.tell("there is no cache%s: %v; --cache-dir names a folder for one, --no-cache does without", in(dir), cause(err))
	}
	return nil
}

// in says which folder, if there is one.
func in(dir string) string {
	if dir == "" {
		return ""
	}
	return " in " + dir
}

// ownFolder makes a folder, unless it is there. One of another user is refused:
// who can write to it says what is answered.
func ownFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err == nil && !isOurs(info) {
		err = errors.New("the folder belongs to another user")
	}
	return err
}

// unlike says why what this run is answered may not be what its URLs name, ""
// if it is: the cache would give it to those who ask without these flags.
func (g *getting) unlike() string {
	switch c := g.conf; {
	case c.Offline: // nobody is asked
		return ""
	case c.Insecure:
		return "servers are not verified (--insecure)"
	case len(c.Resolve)+len(c.ConnectTo) > 0 || c.Unix != "" || c.Abstract != "":
		return "another server may answer than the URL names (--resolve, --connect-to, --unix-socket)"
	}
	if _, said := g.says("Host"); said {
		return "the answer is for another host than the URL names (--header Host)"
	}
	return ""
}

// cacheFolder returns the folder of the cache: the one that was named, else the
// user's own for what programs keep.
func cacheFolder(dir string, environ []string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	folder := userFolder(environ, "XDG_CACHE_HOME", ".cache")
	if folder == "" {
		return "", errors.New("neither HOME nor XDG_CACHE_HOME is set")
	}
	return folder, nil
}

// finish closes what open has opened, and writes cookies.
func (g *getting) finish() error {
	err := g.writeCookies()
	if g.cache != nil {
		g.cache.Close()
	}
	for i := len(g.close) - 1; i >= 0; i-- {
		g.close[i]()
	}
	return err
}

// prepare makes the i-th URL one that can be fetched.
func (g *getting) prepare(i int, raw string) (*fetch, error) {
	u, err := parseGetURL(raw, g.conf.AsIs)
	if err != nil {
		return nil, err
	}
	f := &fetch{getting: g, first: u}
	if f.out, err = g.outputFor(i, u); err != nil {
		return nil, err
	}
	if f.body, err = g.bodyFor(u); err != nil {
		return nil, err
	}
	if err := f.prepareResume(); err != nil {
		return nil, err
	}
	return f, nil
}

// run fetches, and tries again if need be.
func (f *fetch) run(ctx context.Context) error {
	err := f.tries(ctx)
	f.out.close()
	f.out.leftBehind()
	if f.stats.url == nil {
		f.stats.url = f.first
	}
	if f.out.name == "" && f.format != "" {
		f.out.wait()
	}
	f.writeOut(&f.stats, err)
	if f.conf.Why {
		f.tellWhy()
	}
	return err
}

// failed tells of an error, and returns the exit status for it.
func (g *getting) failed(err error) int {
	var fault *getFault
	status := exitFault
	if errors.As(err, &fault) {
		status = fault.status
	}
	if !g.conf.Silent || g.conf.ShowErrors {
		g.env.tell("freshet: (%d) %v", status, err)
	}
	return status
}

// tell says something that is no error.
func (g *getting) tell(format string, args ...any) {
	if !g.conf.Silent {
		g.env.tell("freshet: "+format, args...)
	}
}
