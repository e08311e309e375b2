//go:build unix

package cgi_test

import (
	"os"
	"strings"
	"testing"

	"freshet/cache"
	"freshet/cgi"
)

// TestBehindCache: an answer whose fields say so is kept, validated with the
// program, and purged.
func TestBehindCache(t *testing.T) {
	dir := folder(t, "cut", sh(`printf 'Content-Type: text/plain\nCache-Control: max-age=1000\n\nbegun'`, `[ -e whole ] || kill -9 $$`), "page", sh(
		`[ -e broken ] && exit 1`,
		`if [ "$HTTP_IF_NONE_MATCH" = '"a"' ]; then printf 'Status: 304 Not Modified\nETag: "a"\nCache-Control: %s\n\n' "$QUERY_STRING"; exit; fi`,
		`printf 'Content-Type: text/plain\nETag: "a"\nCache-Control: %s\n\nrun %s' "$QUERY_STRING" "$UNIQUE_ID"`))
	store, err := cache.NewStore(cache.StoreOptions{ErrorLog: quiet})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	h := newHandler(t, cgi.Options{Dir: dir})
	front, err := cache.New(cache.Options{Next: h, Store: store, ErrorLog: quiet})
	must(t, err)
	s := serve(t, front)
	verdict := func(path, want, body string) string {
		t.Helper()
		a := s.get(path)
		r := s.next(t)
		if a.StatusCode != 200 || r.Verdict.String() != want || body != "" && a.body != body {
			t.Fatalf("%s: %v %q, %v, want %s %q; %v", path, a.Status, a.body, r.Verdict, want, body, r.Detail)
		}
		return a.body
	}
	fresh := verdict("/page?max-age=1000", "miss", "")
	if !strings.HasPrefix(fresh, "run ") {
		t.Fatalf("%q", fresh)
	}
	verdict("/page?max-age=1000", "hit", fresh)
	stale := verdict("/page?max-age=0,stale-if-error=1000", "miss", "")
	verdict("/page?max-age=0,stale-if-error=1000", "revalidated", stale)
	if once, again := verdict("/page?no-store", "miss", ""), s.get("/page?no-store"); once == again.body {
		t.Errorf("no-store, but %q twice", once)
	}
	s.next(t)
	touch(t, dir, "broken")
	verdict("/page?max-age=1000", "hit", fresh)
	verdict("/page?max-age=0,stale-if-error=1000", "stale", stale) // the cache has another answer than 502
	must(t, os.Remove(dir+"/broken"))
	must(t, store.PurgeAll(false))
	if again := verdict("/page?max-age=1000", "miss", ""); again == fresh {
		t.Errorf("%q after a purge", again)
	}
	// What was cut is not kept.
	if a := s.get("/cut"); a.err == nil && a.StatusCode != 502 {
		t.Errorf("%v %q", a.Status, a.body)
	}
	s.next(t)
	touch(t, dir, "whole")
	verdict("/cut", "miss", "begun")
	verdict("/cut", "hit", "begun")
}
