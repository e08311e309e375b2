package wiretest_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"freshet/cache"
	"freshet/internal/wiretest"
	"freshet/proxy"
)

// TestCacheScripts runs scripts about the cache in front of the proxy, put
// together as "freshet proxy" does.
func TestCacheScripts(t *testing.T) {
	wiretest.RunFront(t, "testdata/cache/*.txtar", func(t testing.TB, f wiretest.Front, settings map[string]string, way wiretest.Way) wiretest.Server {
		return startCache(t, f, settings, way, "")
	})
}

// TestCacheScriptsOnDisk runs the same scripts with a disk tier behind the
// memory.
func TestCacheScriptsOnDisk(t *testing.T) {
	wiretest.RunFront(t, "testdata/cache/*.txtar", func(t testing.TB, f wiretest.Front, settings map[string]string, way wiretest.Way) wiretest.Server {
		return startCache(t, f, settings, way, t.TempDir())
	})
}

// cacheSettings are the keys of a script's "server" line. Without any the
// profile is the standard one.
var cacheSettings = map[string]func(o *cache.Options, value string) error{
	"profile": func(o *cache.Options, v string) error {
		for _, p := range []cache.Profile{cache.Safe, cache.Standard} {
			if p.String() == v {
				o.Profile = p
				return nil
			}
		}
		return fmt.Errorf("there is no profile %s", v)
	},
	"early-hints": func(o *cache.Options, v string) error { o.EarlyHints = true; return nil },
	"key-drop":    func(o *cache.Options, v string) error { o.Key.Drop = append(o.Key.Drop, v); return nil },
	"key-header":  func(o *cache.Options, v string) error { o.Key.Headers = append(o.Key.Headers, v); return nil },
	"max-object":  func(o *cache.Options, v string) error { return number(&o.MaxObject, v) },
	"variants":    func(o *cache.Options, v string) error { return number(&o.MaxVariants, v) },
}

// startCache starts a cache that keeps answers in memory and, with a folder,
// on disk.
func startCache(t testing.TB, f wiretest.Front, settings map[string]string, way wiretest.Way, folder string) wiretest.Server {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	behind, err := proxy.New(proxy.Options{
		Origins: []string{"http://" + f.Origin}, ErrorLog: log,
		Now: func() time.Time { return time.Unix(0, f.Now()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	store, err := cache.NewStore(cache.StoreOptions{ErrorLog: log, Dir: folder})
	if err != nil {
		t.Fatal(err)
	}
	o := cache.Options{Next: behind, Store: store, Profile: cache.Standard, ErrorLog: log, Now: f.Now}
	for key, value := range settings {
		set, known := cacheSettings[key]
		if !known {
			t.Fatalf("unknown setting %s", key)
		}
		if err := set(&o, value); err != nil {
			t.Fatalf("setting %s=%s: %v", key, value, err)
		}
	}
	h, err := cache.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(t)
	server.Handler = h
	if way != wiretest.Cold {
		server.Hot = h
	}
	return serve(t, server, way, func() {
		if err := store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
		behind.Close()
	})
}
