package cache

import (
	"fmt"
	"net/http"
	"testing"
)

// When the origin confirms a variant that is stored for others, its body is
// used, and the request's own fields select it from then on.
func TestVariantConfirmed(t *testing.T) {
	var sent []string
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("If-None-Match"))
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("Vary", "Accept-Language")
		tag := `"en"`
		if r.Header.Get("Accept-Language") == "de" {
			tag = `"de"`
		}
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") != "" && tag == `"en"` {
			w.WriteHeader(304)
			return
		}
		fmt.Fprint(w, tag)
	})
	expect(t, w.do("GET /", "Accept-Language: en"), 200, `"en"`, "uri-miss")
	expect(t, w.do("GET /", "Accept-Language: de"), 200, `"de"`, "vary-miss")
	expect(t, w.do("GET /", "Accept-Language: fr"), 200, `"en"`, "fwd=vary-miss; fwd-status=304")
	expect(t, w.do("GET /", "Accept-Language: fr"), 200, `"en"`, "hit")
	expect(t, w.do("GET /", "Accept-Language: en"), 200, `"en"`, "hit")
	expect(t, w.do("GET /", "Accept-Language: de"), 200, `"de"`, "hit")
	if fmt.Sprint(sent) != `[ "en" "en", "de"]` && fmt.Sprint(sent) != `[ "en" "de", "en"]` {
		t.Errorf("the origin was asked about %q", sent)
	}
}

// At most MaxVariants answers are kept for a key.
func TestMaxVariants(t *testing.T) {
	w := newWorld(t, Options{MaxVariants: 3}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("Vary", "X-N")
		fmt.Fprint(w, r.Header.Get("X-N"))
	})
	for n := range 5 {
		w.pass(1)
		expect(t, w.do("GET /", fmt.Sprint("X-N: ", n)), 200, fmt.Sprint(n), "miss")
	}
	for n, want := range []string{"miss", "miss", "hit", "hit", "hit"} {
		if want == "hit" {
			expect(t, w.do("GET /", fmt.Sprint("X-N: ", n)), 200, fmt.Sprint(n), want)
		}
	}
	if r := w.store.find("http://example.com/"); len(r.objects) != 3 {
		t.Errorf("%d objects", len(r.objects))
	}
}

// What no-cache names goes to the client that caused the request, and to
// nobody else.
func TestQualifiedNoCache(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", `max-age=100, no-cache="X-Mine"`)
		w.Header().Set("X-Mine", "1")
		fmt.Fprint(w, "x")
	})
	rec := w.do("GET /")
	expect(t, rec, 200, "x", "stored")
	if rec.Header().Get("X-Mine") != "1" {
		t.Error("the first client did not get the field")
	}
	rec = w.do("GET /")
	expect(t, rec, 200, "x", "hit")
	if rec.Header().Get("X-Mine") != "" {
		t.Error("the second client got the field")
	}
}

// A field that a handler has switched off is no new value for a stored one.
func TestNoValueUpdatesNothing(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header()["Content-Type"] = nil
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		w.Header().Set("Content-Type", "text/x-mine")
		fmt.Fprint(w, "x")
	})
	w.do("GET /")
	rec := w.do("GET /")
	expect(t, rec, 200, "x", "fwd-status=304")
	if got := rec.Header().Get("Content-Type"); got != "text/x-mine" {
		t.Errorf("Content-Type %q", got)
	}
}
