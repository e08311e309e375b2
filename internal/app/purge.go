package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/rule"
)

// purgeFunc forgets what is kept for a URL.
type purgeFunc func(url string, soft bool) (int, error)

// onePurger is the purger of a single cache.
type onePurger struct {
	one purgeFunc
	*cache.Store
}

// Purge implements control.Purger.
func (p *onePurger) Purge(text string, soft bool) (int, error) {
	u, err := parseURL(text)
	if err != nil {
		return 0, err
	}
	return p.one(u.String(), soft)
}

// parseURL parses an absolute URL; one without a path has the path "/".
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// Purge implements control.Purger: the cache of the route that the URL has
// forgets.
func (l *live) Purge(text string, soft bool) (int, error) {
	u, err := parseURL(text)
	if err != nil {
		return 0, err
	}
	found := l.sites().find(u.Host)
	if found == nil {
		return 0, fmt.Errorf("%s: no site has that host", text)
	}
	t := found.find(u.EscapedPath())
	if t == nil || t.backend.purge == nil {
		return 0, fmt.Errorf("%s: no route with a cache has that path", text)
	}
	return t.backend.purge(u.String(), soft)
}

// PurgeAll implements control.Purger.
func (l *live) PurgeAll(soft bool) error { return l.store.PurgeAll(soft) }

// purgeable takes the PURGE requests of those who have the server's token, and
// gives all others to the cache.
func purgeable(h *cache.Handler, d *door) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "PURGE" {
			h.ServeHTTP(w, r)
			return
		}
		if !d.authorized(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="freshet"`)
			refuse(w, r, rule.PurgeUnauthorized)
			return
		}
		scheme := "http://"
		if r.TLS != nil {
			scheme = "https://"
		}
		n, err := h.Purge(scheme+r.Host+r.URL.RequestURI(), r.Header.Get("Soft-Purge") == "1")
		if err != nil {
			httpd.Error(w, r, http.StatusInternalServerError, "")
			return
		}
		httpd.SetRule(w, rule.PurgeDone)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintf(w, "%s\n", answers(n))
	})
}

func answers(n int) string {
	if n == 1 {
		return "1 answer"
	}
	return fmt.Sprintf("%d answers", n)
}

// purge makes a running server forget answers.
func (e *Env) purge(args []string) int {
	c, err := config.ParsePurge(args, e.Environ)
	if err != nil {
		return e.misused("purge", err)
	}
	return e.result(purge(e, c))
}

func purge(e *Env, c *config.Purge) error {
	client, err := reach(e, &c.Reach, c.URLs...)
	if err != nil {
		return err
	}
	a, err := client.Purge(context.Background(), control.Request{URLs: c.URLs, All: c.All, Soft: c.Soft})
	if err != nil {
		return err
	}
	if c.All && len(a.Faults) == 0 {
		io.WriteString(e.Stdout, "all answers\n")
	}
	for i, n := range a.Purged {
		if i < len(c.URLs) {
			fmt.Fprintf(e.Stdout, "%s: %s\n", c.URLs[i], answers(n))
		}
	}
	for _, f := range a.Faults {
		e.tell("freshet: %s", f)
	}
	if len(a.Faults) > 0 {
		return fmt.Errorf("purged not all: %d of %d failed", len(a.Faults), max(len(c.URLs), 1))
	}
	return nil
}
