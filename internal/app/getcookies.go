package app

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"freshet/client"
)

// openCookies reads what --cookie says. A file, and --cookie-jar, make cookies
// of answers be kept.
func (g *getting) openCookies() error {
	c := g.conf
	var pairs []string
	for _, text := range c.Cookies {
		if strings.Contains(text, "=") {
			pairs = append(pairs, strings.TrimRight(text, "; "))
			continue
		}
		g.keepThem()
		if text == "" {
			continue
		}
		r, err := g.input(text)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return getFaultf(getReadError, "--cookie %s: %w", text, cause(err))
		}
		bad, err := g.jar.ReadCookies(r, c.JunkSession)
		r.Close()
		if err != nil {
			return getFaultf(getReadError, "--cookie %s: %w", text, err)
		}
		if bad > 0 {
			g.tell("--cookie %s: %d lines have no cookie, and were left out", text, bad)
		}
	}
	if c.CookieJar != "" {
		g.keepThem()
	}
	g.typed = strings.Join(pairs, "; ")
	return nil
}

// keepThem makes cookies of answers be kept.
func (g *getting) keepThem() {
	if g.jar == nil {
		g.jar = &client.Jar{Now: time.Now}
		if now := g.env.Now; now != nil {
			g.jar.Now = func() time.Time { return time.Unix(0, now()) }
		}
	}
}

// writeCookies writes the file of --cookie-jar, in the place of what was there.
func (g *getting) writeCookies() error {
	name := g.conf.CookieJar
	if name == "" || g.jar == nil {
		return nil
	}
	if name == "-" {
		return g.jar.WriteCookies(g.env.Stdout)
	}
	fault := func(err error) error { return getFaultf(getWriteError, "--cookie-jar %s: %w", name, cause(err)) }
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return fault(err)
		}
		defer f.Close()
		return g.jar.WriteCookies(f)
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".cookies-*") // mode 0600: it logs in
	if err != nil {
		return fault(err)
	}
	err = g.jar.WriteCookies(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fault(err)
	}
	return nil
}

// sendCookies sets Cookie: those that are kept, and what the command line says,
// which is for the first origin. --header goes before both.
func (f *fetch) sendCookies(req *http.Request, h *getHop) {
	if len(req.Header["Cookie"]) > 0 {
		return
	}
	var all []string
	if f.jar != nil {
		for _, c := range f.jar.Cookies(req.URL) {
			value := c.Value
			if c.Quoted {
				value = `"` + value + `"`
			}
			all = append(all, c.Name+"="+value)
		}
	}
	if f.typed != "" && h.trusted(f.conf) {
		all = append(all, f.typed)
	}
	if len(all) > 0 {
		req.Header.Set("Cookie", strings.Join(all, "; "))
	}
}

// keepCookies keeps the cookies of an answer, unless the cache has given it:
// then they were kept when it came.
func (f *fetch) keepCookies(h *getHop, resp *http.Response) {
	if f.jar == nil || verdictOf(resp) == "hit" || verdictOf(resp) == "stale" {
		return
	}
	if cookies := resp.Cookies(); len(cookies) > 0 {
		f.jar.SetCookies(h.url, cookies)
	}
}
