package cache

import (
	"testing"
)

// MaxObject holds for bodies of declared and of unknown length.
func TestMaxObject(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s, err := newStore(StoreOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, Options{Store: s, MaxObject: 1000}, bySize)
		for _, query := range []string{"", "?declared"} {
			for range 2 {
				expect(t, get(t, w.start("GET /1001"+query)), 200, text(1001), "uri-miss")
			}
			w.do("GET /1000" + query)
			expect(t, w.do("GET /1000"+query), 200, text(1000), "hit")
		}
		s.Close()
	}
}
