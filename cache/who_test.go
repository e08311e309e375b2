package cache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"freshet/internal/rule"
	"freshet/internal/who"
)

// What an origin made for somebody whom a guard has let pass is given to nobody
// else, unless the origin says that it may be: the request counts as one with
// Authorization, although it has none any more (RFC 9111 §3.5).
func TestNotForOthers(t *testing.T) {
	for _, tt := range []struct {
		control, vary string
		shared        bool
		why           rule.ID
	}{
		{"max-age=60", "", false, rule.NotStoredAuthorized},
		{"", "", false, rule.NotStoredAuthorized},
		{"private, max-age=60", "", false, rule.NotStoredPrivate},
		{"public, max-age=60", "", true, 0},
		{"s-maxage=60", "", true, 0},
		{"public, max-age=60", who.Field, false, 0},
	} {
		for _, profile := range []Profile{Safe, Standard} {
			t.Run(fmt.Sprint(tt.control, tt.vary, profile), func(t *testing.T) {
				w := newWorld(t, Options{Profile: profile}, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", tt.control)
					if tt.vary != "" {
						w.Header().Set("Vary", tt.vary)
					}
					fmt.Fprintf(w, "made for %s", r.Header.Get(who.Field))
				})
				as := func(name string) string {
					rec := httptest.NewRecorder()
					w.ServeHTTP(rec, who.On(httptest.NewRequest("GET", "http://x/page", nil), &who.Who{Name: name, Method: "Basic"}))
					return rec.Body.String()
				}
				first, second, again := as("alice"), as("bob"), as("alice")
				if first != "made for alice" || again != first {
					t.Errorf("alice gets %q, and then %q", first, again)
				}
				if got := second == first; got != tt.shared {
					t.Errorf("bob gets %q", second)
				}
				if tt.why != 0 && w.asked.Load() != 3 {
					t.Errorf("the origin was asked %d times", w.asked.Load())
				}
			})
		}
	}
}

// Nor when both ask at the same moment, and one would wait for the other's answer.
func TestNotForOthersAtOnce(t *testing.T) {
	var together sync.WaitGroup
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "made for %s", r.Header.Get(who.Field))
	})
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		together.Go(func() {
			for range 50 {
				rec := httptest.NewRecorder()
				w.ServeHTTP(rec, who.On(httptest.NewRequest("GET", "http://x/page", nil), &who.Who{Name: name}))
				if rec.Body.String() != "made for "+name {
					t.Errorf("%s gets %q", name, rec.Body)
				}
			}
		})
	}
	together.Wait()
}
