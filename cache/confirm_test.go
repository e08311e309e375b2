package cache

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What a 304 says about storing holds for what it freshens.
func TestConfirmedMayForbid(t *testing.T) {
	for name, c := range map[string]struct {
		profile Profile
		field   string // of the 304
		kept    bool
	}{
		"max-age":            {Safe, "Cache-Control: max-age=100", true},
		"no-store":           {Safe, "Cache-Control: no-store", false},
		"private":            {Safe, "Cache-Control: private", false},
		"cookie, safe":       {Safe, "Set-Cookie: a=b", false},
		"cookie, standard":   {Standard, "Set-Cookie: a=b", true},
		"vary on everything": {Safe, "Vary: *", false},
		"private field":      {Safe, `Cache-Control: max-age=100, private="X-Mine"`, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{Profile: c.profile}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Cache-Control", "max-age=10")
				w.Header().Set("X-Mine", "1")
				if r.Header.Get("If-None-Match") != "" {
					field, value, _ := strings.Cut(c.field, ": ")
					w.Header().Set(field, value)
					w.WriteHeader(304)
					return
				}
				fmt.Fprint(w, "x")
			})
			w.do("GET /")
			w.pass(11)
			rec := w.do("GET /")
			expect(t, rec, 200, "x", "fwd-status=304")
			if rec.Header().Get("X-Mine") != "1" {
				t.Error("the client of the request lacks a field")
			}
			r := w.store.find("http://example.com/")
			if kept := r != nil && len(r.objects) == 1; kept != c.kept {
				t.Errorf("kept: %v", kept)
			}
			if name == "private field" && r != nil && r.objects[0].fields["X-Mine"] != nil {
				t.Error("a private field is stored")
			}
		})
	}
}

// A newer answer that may not be stored takes the older one with it, unless
// only the request was why.
func TestSuperseded(t *testing.T) {
	for name, c := range map[string]struct {
		second  int
		control string
		request string
		gone    bool
	}{
		"private":              {200, "private", "Cache-Control: no-cache", true},
		"gone, not stored":     {410, "no-store", "Cache-Control: no-cache", true},
		"an error":             {500, "no-store", "Cache-Control: no-cache", false},
		"the request's doing":  {200, "max-age=100", "Cache-Control: no-store, no-cache", false},
		"an authorized client": {200, "max-age=100", "Cache-Control: no-cache|Authorization: x", false},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			w := newWorld(t, Options{Profile: Standard}, func(w http.ResponseWriter, r *http.Request) {
				if n++; n == 1 {
					w.Header().Set("Cache-Control", "max-age=100")
				} else {
					w.Header().Set("Cache-Control", c.control)
					w.WriteHeader(c.second)
				}
				fmt.Fprint(w, n)
			})
			w.do("GET /")
			expect(t, w.do("GET /", strings.Split(c.request, "|")...), c.second, "2", "fwd=request")
			if rec := w.do("GET /"); (rec.Body.String() != "1") != c.gone {
				t.Errorf("then %q", rec.Body)
			}
		})
	}
}
