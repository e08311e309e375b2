package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/config"
)

// openStore opens what the caches of all routes keep their answers in.
func openStore(c *config.Store, log *slog.Logger) (*cache.Store, error) {
	s, err := cache.NewStore(cache.StoreOptions{Memory: c.Memory, Dir: c.Data, Disk: c.Disk, ErrorLog: log})
	if err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	return s, nil
}

// cached is origins, mostly with a cache in front of them.
type cached struct {
	handler http.Handler
	hot     httpd.HotHandler // nil without a cache
	close   func() error
}

// newCached returns the handler that passes requests on and keeps answers in
// the store.
func newCached(o *config.Origins, c *config.Caching, store *cache.Store, log *slog.Logger) (cached, error) {
	origins, err := newOrigins(o, log)
	if err != nil {
		return cached{}, err
	}
	done := func() error { origins.Close(); return nil }
	if !c.Enabled {
		return cached{handler: origins, close: done}, nil
	}
	opt := cache.Options{
		Next:       origins,
		Store:      store,
		Key:        cache.KeyRules{Drop: c.KeyDrop, Keep: c.KeyKeep, Sort: c.KeySort, Headers: c.KeyHeader},
		MaxObject:  c.MaxObject,
		EarlyHints: c.EarlyHints,
		ErrorLog:   log,
	}
	if c.Profile == "standard" {
		opt.Profile = cache.Standard
	}
	if !c.CacheStatus {
		opt.Name = "-"
	}
	h, err := cache.New(opt)
	if err != nil {
		return cached{}, errors.Join(err, done())
	}
	return cached{h, h, done}, nil
}

// openOrigins returns an opener of what the origins have.
func openOrigins(c *config.Proxy) opener {
	return func(_ *httpd.Pages, log *slog.Logger) (content, error) {
		store, err := openStore(&c.Store, log)
		if err != nil {
			return content{}, err
		}
		h, err := newCached(&c.Origins, &c.Caching, store, log)
		if err != nil {
			return content{}, errors.Join(err, store.Close())
		}
		closeBoth := func() error { return errors.Join(h.close(), store.Close()) }
		return content{name: strings.Join(c.To, ", "), handler: h.handler, hot: h.hot, close: closeBoth}, nil
	}
}
