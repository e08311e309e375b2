package middleware

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/rule"
)

var (
	changed = time.Date(2020, 5, 1, 12, 0, 0, 0, time.UTC)
	date    = changed.Format(http.TimeFormat)
	before  = changed.Add(-time.Second).Format(http.TimeFormat)
	after   = changed.Add(time.Second).Format(http.TimeFormat)
)

// ruled is a recorder that is told the rule, as the engine's writer is.
type ruled struct {
	*httptest.ResponseRecorder
	why rule.ID
}

func (w *ruled) SetRule(id rule.ID) { w.why = id }

// preconditions are what both ways of validating have to decide alike, for a
// representation with the tag "v1" that changed at date. For methods other
// than GET and HEAD the status is that of the way that is asked beforehand.
var preconditions = []struct {
	method string
	fields []string
	status int
	why    rule.ID
}{
	{"GET", nil, 200, 0},
	{"GET", []string{"If-None-Match", `"v1"`}, 304, rule.NotModifiedETag},
	{"GET", []string{"If-None-Match", `W/"v1"`}, 304, rule.NotModifiedETag},
	{"GET", []string{"If-None-Match", `"v0", "v1"`}, 304, rule.NotModifiedETag},
	{"GET", []string{"If-None-Match", `*`}, 304, rule.NotModifiedETag},
	{"GET", []string{"If-None-Match", `"v0"`}, 200, 0},
	{"GET", []string{"If-None-Match", `"v0"`, "If-Modified-Since", date}, 200, 0},
	{"GET", []string{"If-Modified-Since", date}, 304, rule.NotModifiedSince},
	{"GET", []string{"If-Modified-Since", after}, 304, rule.NotModifiedSince},
	{"GET", []string{"If-Modified-Since", before}, 200, 0},
	{"GET", []string{"If-Modified-Since", "yesterday"}, 200, 0},
	{"GET", []string{"If-Match", `"v1"`}, 200, 0},
	{"GET", []string{"If-Match", `"v0"`}, 412, rule.MatchFailed},
	{"GET", []string{"If-Match", `W/"v1"`}, 412, rule.MatchFailed},
	{"GET", []string{"If-Unmodified-Since", before}, 412, rule.UnmodifiedFailed},
	{"GET", []string{"If-Unmodified-Since", date}, 200, 0},
	{"HEAD", []string{"If-None-Match", `"v1"`}, 304, rule.NotModifiedETag},
	{"HEAD", []string{"If-Modified-Since", date}, 304, rule.NotModifiedSince},
	{"HEAD", []string{"If-Match", `"v0"`}, 412, rule.MatchFailed},
	{"PUT", nil, 200, 0},
	{"PUT", []string{"If-Match", `"v1"`}, 200, 0},
	{"PUT", []string{"If-Match", `*`}, 200, 0},
	{"PUT", []string{"If-Match", `"v0"`}, 412, rule.MatchFailed},
	{"PUT", []string{"If-None-Match", `"v1"`}, 412, rule.NoneMatchFailed},
	{"PUT", []string{"If-None-Match", `*`}, 412, rule.NoneMatchFailed},
	{"PUT", []string{"If-None-Match", `"v0"`}, 200, 0},
	{"PUT", []string{"If-Modified-Since", date}, 200, 0}, // counts for GET and HEAD alone
	{"DELETE", []string{"If-Unmodified-Since", before}, 412, rule.UnmodifiedFailed},
	{"POST", []string{"If-Unmodified-Since", after}, 200, 0},
}

func TestValidate(t *testing.T) {
	v := Validators{ETag: `"v1"`, Modified: changed, Lifetime: 10 * time.Second, Vary: "Cookie", ContentLocation: "/x"}
	ran := false
	handlers := map[string]http.Handler{
		"told": Validate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ran = true
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "body")
		}), func(*http.Request) Validators { return v }),
		"watched": Validate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ran = true
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Location", "/x")
			if reads(r) {
				w.Header().Set("Etag", `"v1"`)
				w.Header().Set("Vary", "Cookie")
				w.Header().Set("Last-Modified", date)
				w.Header().Set("Cache-Control", "max-age=10")
			}
			if n, err := io.WriteString(w, "body"); n != 4 || err != nil {
				t.Error(n, err)
			}
		}), nil),
		"checked": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if Check(w, r, v) {
				return
			}
			ran = true
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, "body")
		}),
	}
	for name, h := range handlers {
		for _, tc := range preconditions {
			ran = false
			r := httptest.NewRequest(tc.method, "/", nil)
			for i := 0; i < len(tc.fields); i += 2 {
				r.Header.Add(tc.fields[i], tc.fields[i+1])
			}
			w := &ruled{ResponseRecorder: httptest.NewRecorder()}
			h.ServeHTTP(w, r)
			status, why := tc.status, tc.why
			if name == "watched" && !reads(r) {
				status, why = 200, 0
			}
			if w.Code != status || w.why != why {
				t.Errorf("%s: %s %q: %d %v, want %d %v", name, tc.method, tc.fields, w.Code, w.why, status, why)
			}
			if want := status == 200 || name == "watched"; ran != want {
				t.Errorf("%s: %s %q: the handler ran: %v", name, tc.method, tc.fields, ran)
			}
			body, h := w.Body.String(), w.Result().Header
			has := func(status string, want ...string) {
				t.Helper()
				for i := 0; i < len(want); i += 2 {
					if got := h.Get(want[i]); got != want[i+1] {
						t.Errorf("%s: %s %q: %s has %s: %q, want %q", name, tc.method, tc.fields, status, want[i], got, want[i+1])
					}
				}
			}
			switch {
			case status == 304:
				has("304", "Etag", `"v1"`, "Cache-Control", "max-age=10", "Last-Modified", "", "Content-Type", "", "Content-Length", "")
				has("304", "Content-Location", "/x", "Vary", "Cookie")
				if body != "" {
					t.Errorf("%s: a 304 with %q", name, body)
				}
			case status == 412:
				has("412", "Etag", "", "Cache-Control", "", "Last-Modified", "", "Content-Location", "", "Content-Type", "text/plain; charset=utf-8")
				if !strings.HasPrefix(body, "412 Precondition Failed: ") || strings.Contains(body, "body") {
					t.Errorf("%s: %q", name, body)
				}
			case reads(r):
				has("200", "Etag", `"v1"`, "Cache-Control", "max-age=10", "Last-Modified", date, "Content-Type", "text/plain",
					"Content-Location", "/x", "Vary", "Cookie")
				if body != "body" {
					t.Errorf("%s: %q", name, body)
				}
			default:
				// The tag would be taken for that of what a PUT made.
				has("200", "Etag", "", "Last-Modified", "", "Cache-Control", "")
			}
		}
	}
}

// The whole way, with clients that know what a 304 may have.
func TestValidateOnServers(t *testing.T) {
	h := Validate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Vary", "Cookie")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Content-Length", "4")
		switch r.URL.Path {
		case "/empty":
			w.Header().Del("Content-Length")
			return
		case "/flush":
			w.(http.Flusher).Flush()
		case "/header":
			w.WriteHeader(200)
		}
		io.Copy(w, strings.NewReader("body"))
	}), nil)
	eachProto(t, h, func(t *testing.T, do func(string, string, ...string) *answered) {
		for _, path := range []string{"/", "/empty", "/flush", "/header"} {
			for _, method := range []string{"GET", "HEAD"} {
				res := do(method, path, "If-None-Match", `"v1"`)
				res.want(t, 304, "Etag", `"v1"`, "Vary", "Cookie", "Access-Control-Allow-Origin", "*", "Content-Length", "")
				if res.Header.Get("Date") == "" || res.body != "" || res.err != nil {
					t.Errorf("%s %s: %v %q %v", method, path, res.Header, res.body, res.err)
				}
				res = do(method, path, "If-Match", `"v0"`)
				res.want(t, 412, "Etag", "", "Content-Type", "text/plain; charset=utf-8")
				if res.Header.Get("Content-Length") == "" {
					t.Errorf("%s %s: a 412 without length", method, path)
				}
				res = do(method, path, "If-None-Match", `"v0"`)
				res.want(t, 200, "Etag", `"v1"`)
				if want := method == "GET" && path != "/empty"; (res.body == "body") != want {
					t.Errorf("%s %s: %q", method, path, res.body)
				}
			}
		}
	})
}

// What is watched is left alone when it is not a 200 with a validator.
func TestValidateLeavesAlone(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"error": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"v1"`)
			w.WriteHeader(404)
		},
		"part": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"v1"`)
			w.WriteHeader(206)
		},
		"no validator":       func(w http.ResponseWriter, r *http.Request) {},
		"nothing but a body": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) },
		"no tag":             func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Etag", `v1`) },
		"two tags": func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Etag"] = []string{`"v1"`, `"v2"`}
		},
		"future": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Last-Modified", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("If-None-Match", `"v1"`)
		switch name {
		case "nothing but a body":
			r.Header.Set("If-None-Match", "*")
		case "future":
			r.Header.Set("If-Modified-Since", time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat))
			r.Header.Del("If-None-Match")
		}
		Validate(h, nil).ServeHTTP(w, r)
		if w.Code == 304 {
			t.Errorf("%s: 304", name)
		}
	}
}

// An answer other than that which was announced has neither its validators nor
// its lifetime.
func TestValidateErrorIsNotKept(t *testing.T) {
	h := Validate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "broken", 500)
	}), func(*http.Request) Validators {
		return Validators{ETag: `"v1"`, Modified: changed, Lifetime: time.Hour}
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for _, name := range []string{"Etag", "Last-Modified", "Cache-Control"} {
		if v := w.Header().Get(name); v != "" {
			t.Errorf("a 500 with %s: %s", name, v)
		}
	}
}

func TestValidateKeepsWhatTheHandlerSays(t *testing.T) {
	h := Validate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"own"`)
		w.Header().Set("Cache-Control", "no-store")
	}), func(*http.Request) Validators { return Validators{ETag: `"v1"`, Lifetime: time.Hour} })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if h := w.Header(); h.Get("Etag") != `"own"` || h.Get("Cache-Control") != "no-store" {
		t.Error(h)
	}
}

// Validators of a resource that is not there yet.
func TestValidateAbsent(t *testing.T) {
	h := Validate(http.NotFoundHandler(), func(*http.Request) Validators { return Validators{Absent: true} })
	for _, tc := range []struct {
		field, value string
		status       int
	}{
		{"If-Match", `*`, 412},
		{"If-Match", `"v1"`, 412},
		{"If-None-Match", `*`, 404},
		{"If-Unmodified-Since", date, 404},
	} {
		for _, method := range []string{"PUT", "GET"} {
			r := httptest.NewRequest(method, "/", nil)
			r.Header.Set(tc.field, tc.value)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != tc.status {
				t.Errorf("%s %s: %s: %d, want %d", method, tc.field, tc.value, w.Code, tc.status)
			}
		}
	}
}

// A time is sent as a validator only when a later change has another one.
func TestModifiedThatIdentifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		get := func(modified time.Time) string {
			w := httptest.NewRecorder()
			Check(w, httptest.NewRequest("GET", "/", nil), Validators{Modified: modified})
			return w.Header().Get("Last-Modified")
		}
		for name, tm := range map[string]time.Time{
			"zero":        {},
			"epoch":       time.Unix(0, 0),
			"one":         time.Unix(1, 0),
			"future":      start.Add(time.Hour),
			"this second": start,
		} {
			if got := get(tm); got != "" {
				t.Errorf("%s: Last-Modified: %s", name, got)
			}
		}
		time.Sleep(time.Second)
		if got, want := get(start), start.UTC().Format(http.TimeFormat); got != want {
			t.Errorf("a second later: %q, want %q", got, want)
		}
	})
}

func TestLifetimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in10 := time.Now().Add(10 * time.Second).UTC().Format(http.TimeFormat)
		for _, tc := range []struct {
			v                Validators
			minor            int
			control, expires string
		}{
			{Validators{ETag: `"v1"`}, 1, "", ""},
			{Validators{ETag: `"v1"`, Lifetime: 10 * time.Second}, 1, "max-age=10", ""},
			{Validators{ETag: `"v1"`, Lifetime: 10 * time.Second}, 0, "max-age=10", in10},
			{Validators{Lifetime: 10 * time.Second}, 0, "max-age=10", in10},
			{Validators{ETag: `"v1"`, Lifetime: 10 * time.Second, CacheControl: "private"}, 0, "private", in10},
			{Validators{ETag: `"v1"`, CacheControl: "private"}, 0, "private", ""},
			{Validators{ETag: `"v1"`, Lifetime: time.Millisecond}, 1, "no-cache", ""},
		} {
			for _, match := range []string{"", `"v1"`} {
				w := httptest.NewRecorder()
				r := httptest.NewRequest("GET", "/", nil)
				r.ProtoMinor = tc.minor
				if match != "" {
					r.Header.Set("If-None-Match", match)
				}
				Validate(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(*http.Request) Validators { return tc.v }).ServeHTTP(w, r)
				if h := w.Header(); h.Get("Cache-Control") != tc.control || h.Get("Expires") != tc.expires {
					t.Errorf("%+v, HTTP/1.%d, %d: %v", tc.v, tc.minor, w.Code, h)
				}
			}
		}
	})
}
