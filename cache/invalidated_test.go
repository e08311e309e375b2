package cache

import (
	"fmt"
	"net/http"
	"testing"
)

// What an unsafe request made invalid, or a purge removed, does not come back
// with an answer that was under way.
func TestInvalidatedUnderWay(t *testing.T) {
	for _, how := range []string{"POST", "purge", "soft", "all", "all soft"} {
		g := newGate(t)
		version, held := "old", true
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				version = "new"
				return
			}
			w.Header().Set("Cache-Control", "max-age=1000")
			body := version
			if held {
				held = false
				g.pass()
			}
			fmt.Fprint(w, body)
		})
		one := w.start("GET http://e/a")
		g.await(1)
		w.pass(1)
		switch how {
		case "POST":
			w.do("POST http://e/a")
		case "all", "all soft":
			version = "new"
			w.store.PurgeAll(how == "all soft")
		default:
			version = "new"
			w.Purge("http://e/a", how == "soft")
		}
		close(g.open)
		get(t, one)
		w.pass(1)
		if rec := w.do("GET http://e/a"); rec.Body.String() != "new" {
			t.Errorf("%s: got %q %q", how, rec.Body, rec.Header())
		}
	}
}

// The group that was invalidated stays so over two restarts with a purge
// between them.
func TestGroupsSurviveRestarts(t *testing.T) {
	dir := t.TempDir()
	origin := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Cache-Group-Invalidation", `"g"`)
			return
		}
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Header().Set("Cache-Groups", `"g"`)
		fmt.Fprint(w, "hello")
	}
	s := diskStore(t, dir)
	w := newWorld(t, Options{Store: s}, origin)
	w.do("GET http://e/a")
	w.do("POST http://e/other")
	s.Close()
	s = diskStore(t, dir)
	w = newWorld(t, Options{Store: s}, origin)
	w.do("POST http://e2/other") // of another origin
	s.PurgeAll(true)
	s.Close()
	s = diskStore(t, dir)
	defer s.Close()
	w = newWorld(t, Options{Store: s}, origin)
	expect(t, w.do("GET http://e/a"), 200, "hello", "fwd=uri-miss")
}
