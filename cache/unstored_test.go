package cache

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"freshet/internal/alloctest"
)

// unkeepable are answers, most of which may not be stored, and requests for
// which that is so.
var (
	unkeepable = [][]string{
		{},
		{"Cache-Control: no-store"},
		{"Cache-Control: no-store, private"},
		{"Cache-Control: private"},
		{"Cache-Control: max-age=0"},
		{"Cache-Control: max-age=60"},
		{"Cache-Control: max-age=60", "Set-Cookie: a=1"},
		{"Cache-Control: max-age=60", "Set-Cookie: a=2; Secure", "Set-Cookie: b=1"},
		{"Set-Cookie: a=3"},
		{"Set-Cookie: ab"},
		{"Expires: Thu, 19 Nov 1981 08:52:00 GMT"},
		{"Expires: Thu, 19 Nov 2043 08:52:00 GMT"},
		{"Vary: *", "Cache-Control: max-age=60"},
		{"Etag: \"1\"", "Cache-Control: no-store"},
		{"Etag: \"2\""},
		{"Content-Length: 2"},
	}
	askers = [][]string{
		{},
		{"Authorization: Basic eA=="},
		{"Cookie: a=1"},
		{"Cache-Control: no-cache"},
	}
)

// Whatever came a moment before, an answer is judged and remembered as if it
// were the first, but for its length.
func TestRepeats(t *testing.T) {
	var answer []string
	open := func() *world {
		return newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			for _, f := range answer {
				name, value, _ := strings.Cut(f, ": ")
				w.Header().Add(name, value)
			}
			fmt.Fprint(w, "ok")
		})
	}
	// came is what is said of an answer, and what is remembered of it.
	came := func(w *world, asker []string) (said string, u *unstored) {
		rec := w.do("GET /a", asker...)
		said = rec.Header().Get("Cache-Status")
		if strings.Contains(said, "; stored") {
			return "stored", nil
		}
		if rec.Body.String() != "ok" {
			t.Fatalf("%q %v", rec.Body, rec.Header())
		}
		return said, w.store.find("http://example.com/a").unstored
	}
	for _, asker := range askers {
		for _, next := range unkeepable {
			answer = next
			alone, kept := came(open(), asker)
			for _, before := range unkeepable {
				for _, first := range askers {
					w := open()
					answer = before
					if said, _ := came(w, first); said == "stored" {
						continue
					}
					came(w, first)
					w.pass(0.3)
					answer = next
					said, u := came(w, asker)
					if said != alone {
						t.Errorf("%q to %q after %q to %q: %s, and not %s", next, asker, before, first, said, alone)
					}
					if u != nil && (u.rule != kept.rule || u.evidence != kept.evidence || !reflect.DeepEqual(lengthless(u.fields), lengthless(kept.fields))) {
						t.Errorf("%q to %q after %q to %q: %+v is remembered, and not %+v", next, asker, before, first, u, kept)
					}
				}
			}
		}
	}
}

func lengthless(fields http.Header) http.Header {
	fields = fields.Clone()
	delete(fields, "Content-Length")
	return fields
}

// What is remembered is left while answers say the same, for a second at most.
func TestRemembersAnew(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Set-Cookie", "session="+r.URL.Query().Get("n"))
		fmt.Fprint(w, "ok")
	})
	last := func() *resource { return w.store.find("http://example.com/a") }
	w.do("GET /a")
	first := last()
	w.pass(0.9)
	w.do("GET /a")
	if last() != first {
		t.Error("remembered anew within a second")
	}
	w.pass(0.2)
	w.do("GET /a")
	if r := last(); r == first || r.passUntil != w.now+int64(w.opt.HitForMiss) {
		t.Error("not remembered anew after a second")
	}
}

// The fields of an answer that turns out to be another one than was expected do
// not stay with the client.
func TestDetached(t *testing.T) {
	n := 0
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Link", "</a>; rel=preload")
		if n == 2 {
			w.WriteHeader(http.StatusEarlyHints)
		}
		w.Header().Del("Link")
		if w.Header().Set("X-N", fmt.Sprint(n)); n == 3 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Cache-Control", "no-store")
		if n == 4 {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("Connection", "x-n")
			w.Header().Set("Warning", "199 - x")
		}
		fmt.Fprint(w, "ok")
	})
	for range 2 {
		if rec := w.do("GET /a"); rec.Header().Get("X-N") != fmt.Sprint(n) || rec.Header().Get("Link") != "" {
			t.Error(rec.Header())
		}
	}
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("an answer that broke off was completed")
			}
		}()
		w.do("GET /a")
	}()
	if rec := w.do("GET /a"); rec.Body.String() != "ok" || !strings.Contains(rec.Header().Get("Cache-Status"), "; stored") || rec.Header().Get("X-N") != "" {
		t.Error(rec.Header())
	}
}

// What is passed on again and again costs little memory.
func TestPassAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	h, err := New(Options{Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Content-Type"], header["Cache-Control"] = html, noStore
		w.Write(hello)
	})})
	if err != nil {
		t.Fatal(err)
	}
	defer h.store.Close()
	r := httptest.NewRequest("GET", "http://example.org/a", nil)
	w := &sink{http.Header{}}
	n := alloctest.PerRun(100, func() {
		clear(w.header)
		h.ServeHTTP(w, r)
	})
	if n > 8 {
		t.Errorf("%.0f allocations", n)
	}
}
