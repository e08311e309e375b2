package app

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"freshet/cache"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/config"
	"freshet/proxy"
)

// openStore opens what the caches of all routes keep their answers in.
func openStore(c *config.Store, w *within) (*cache.Store, error) {
	ring := w.ring
	if c.Data == "" {
		ring = nil // nothing is on disk
	}
	s, err := cache.NewStore(cache.StoreOptions{Memory: c.Memory, Dir: c.Data, Disk: c.Disk, Seal: ring, ErrorLog: w.log})
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
	purge   purgeFunc // nil without a cache
	explain explains
	states  originStates
}

// newCached returns the handler that passes requests on and keeps answers in
// the store.
func newCached(o *config.Origins, c *config.Caching, store *cache.Store, w *within) (cached, error) {
	opt, err := originOptions(o, w.log)
	if err != nil {
		return cached{}, err
	}
	opt.ErrorLog = w.log
	if w.now != nil {
		opt.Now = func() time.Time { return time.Unix(0, w.now()) }
	}
	origins, err := proxy.New(opt)
	if err != nil {
		return cached{}, err
	}
	done := func() error { origins.Close(); return nil }
	if !c.Enabled {
		return cached{handler: origins, close: done, explain: origins, states: origins.States}, nil
	}
	rules := cacheOptions(c, o.Name)
	rules.Next, rules.Store, rules.ErrorLog, rules.Now = origins, store, w.log, w.now
	h, err := cache.New(rules)
	if err != nil {
		return cached{}, errors.Join(err, done())
	}
	return cached{refuseLoops(origins, purgeable(h, store, w.door)), h, done, h.ByURL, newCachedExplains(h, origins, w.door), origins.States}, nil
}

// refuseLoops has the proxy refuse what has passed it before, which the cache
// would let wait for itself, and what is no request for a resource.
func refuseLoops(origins *proxy.Handler, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || origins.Loops(r) {
			origins.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// cacheOptions says to the cache what a configuration says; -1 there is "none"
// here too.
func cacheOptions(c *config.Caching, name string) cache.Options {
	o := cache.Options{
		Name:        name,
		Key:         cache.KeyRules{Drop: c.KeyDrop, Keep: c.KeyKeep, Sort: c.KeySort, Headers: c.KeyHeader},
		MaxObject:   c.MaxObject,
		MaxVariants: int(c.MaxVariants),
		Lease:       c.Lease,
		HitForMiss:  c.HitForMiss,
		EarlyHints:  c.EarlyHints,
		Freshness: freshness.Cache{
			HeuristicPercent: int(c.HeuristicPercent),
			MaxHeuristic:     int64(c.MaxHeuristic),
			MaxStale:         int64(c.MaxStale),
			Disconnected:     int64(c.MaxDisconnected),
			IgnoreRequest:    c.IgnoreRequest,
		},
	}
	if c.Profile == "standard" {
		o.Profile = cache.Standard
	}
	if !c.CacheStatus {
		o.Name = "-"
	}
	return o
}

// openOrigins returns an opener of what the origins have.
func openOrigins(c *config.Proxy) opener {
	return func(w *within) (content, error) {
		store, err := openStore(&c.Store, w)
		if err != nil {
			return content{}, err
		}
		h, err := newCached(&c.Origins, &c.Caching, store, w)
		if err != nil {
			return content{}, errors.Join(err, store.Close())
		}
		closeBoth := func() error { return errors.Join(h.close(), store.Close()) }
		served := content{name: strings.Join(c.To, ", "), handler: h.handler, hot: h.hot, close: closeBoth, data: c.Data, explain: h.explain, given: c.Given,
			command: "proxy", does: "proxy " + strings.Join(c.To, ", "), store: store, states: h.states}
		if h.purge != nil {
			served.purger = onePurger(h.purge, store)
		}
		return served, nil
	}
}
