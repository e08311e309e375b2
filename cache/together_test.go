package cache

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Variants of one address whose bodies are in files are all there, though they
// were stored at the same moment, and though another was purged meanwhile.
func TestStoredTogether(t *testing.T) {
	s, err := newStore(StoreOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	body := strings.Repeat("x", 2000)
	w := newWorld(t, Options{Store: s, Profile: Standard, MaxInMemory: 500}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Header().Set("Vary", "X-V")
		w.Header().Set("Surrogate-Key", r.Header.Get("X-V"))
		fmt.Fprint(w, body, r.Header.Get("X-V"))
	})
	ask := func(url, x string) string {
		rec := w.do("GET http://e"+url, "X-V: "+x)
		if got := rec.Body.String(); got != body+x {
			t.Errorf("%s %s: %d, %d bytes", url, x, rec.Code, len(got))
		}
		return rec.Header().Get("Cache-Status")
	}
	for round := range 60 {
		url := fmt.Sprint("/", round)
		ask(url, "purged")
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := s.PurgeBy(Purge{What: []Selector{mustSelect(t, "tag purged")}}); err != nil {
				t.Error(err)
			}
		})
		for i := range 4 {
			all.Go(func() { ask(url, fmt.Sprint(i)) })
		}
		all.Wait()
		for i := range 4 {
			if got := ask(url, fmt.Sprint(i)); !strings.HasPrefix(got, "freshet; hit") {
				t.Errorf("round %d, variant %d: %s", round, i, got)
			}
		}
	}
}
