package cache

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What is answered with is open before the origin is asked: it is sent whole,
// also when it has left the disk by the time the origin's answer comes.
func TestGoneWhileValidated(t *testing.T) {
	for _, profile := range []Profile{Safe, Standard} {
		for name, answer := range map[string]func(http.ResponseWriter){
			"confirmed":        func(w http.ResponseWriter) { w.WriteHeader(304) },
			"not to be kept":   func(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store"); w.WriteHeader(304) },
			"the origin fails": func(w http.ResponseWriter) { w.WriteHeader(503) },
		} {
			t.Run(fmt.Sprint(name, ", ", profile), func(t *testing.T) {
				s, err := newStore(StoreOptions{Dir: t.TempDir()})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				body := strings.Repeat("x", 5000)
				var w *world
				w = newWorld(t, Options{Store: s, Profile: profile, MaxInMemory: 500}, func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("Cache-Control", "max-age=10, stale-if-error=1000")
					rw.Header().Set("ETag", `"1"`)
					if r.Header.Get("If-None-Match") == "" {
						fmt.Fprint(rw, body)
						return
					}
					s.disk.open.closeAll() // and again
					s.drop("http://e/", w.store.find("http://e/").objects[0])
					if !s.disk.drain(context.Background()) || s.disk.peek("http://e/") != nil {
						t.Error("it is still on the disk")
					}
					answer(rw)
				})
				w.do("GET http://e/")
				s.disk.open.closeAll() // as if many others had been asked for
				w.pass(11)
				rec := w.do("GET http://e/")
				expect(t, rec, 200, body, "")
			})
		}
	}
}
