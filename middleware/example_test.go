package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"freshet/middleware"
)

// clock stands in for time.Now, so that the example can pass the time.
var clock = time.Date(2026, 3, 1, 12, 0, 3, 0, time.UTC)

// A page that is made anew every ten seconds: until then everybody gets the
// same one, and who has it is told so without making it.
func ExampleValidate() {
	const period = 10 * time.Second
	made := 0
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		made++
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "The time is about ", clock.Truncate(period).Format(time.TimeOnly))
	})
	h := middleware.Validate(page, func(r *http.Request) middleware.Validators {
		now := clock.Truncate(period)
		return middleware.Validators{
			ETag:     `"` + strconv.FormatInt(now.Unix(), 36) + `"`,
			Lifetime: now.Add(period).Sub(clock), // what is left of the ten seconds
		}
	})

	get := func(tag string) string {
		r := httptest.NewRequest("GET", "/", nil)
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Printf("%d %s %q\n", w.Code, w.Header().Get("Cache-Control"), w.Body)
		return w.Header().Get("Etag")
	}
	tag := get("")
	clock = clock.Add(4 * time.Second)
	tag = get(tag)
	clock = clock.Add(4 * time.Second)
	get(tag)
	fmt.Println("made", made, "times")
	// Output:
	// 200 max-age=7 "The time is about 12:00:00"
	// 304 max-age=3 ""
	// 200 max-age=9 "The time is about 12:00:10"
	// made 2 times
}

func ExampleCheck() {
	note := struct{ text, tag string }{"buy milk", `"1"`}
	h := func(w http.ResponseWriter, r *http.Request) {
		if middleware.Check(w, r, middleware.Validators{ETag: note.tag}) {
			return
		}
		if r.Method == http.MethodPut {
			b, _ := io.ReadAll(r.Body)
			note.text, note.tag = string(b), `"2"`
			w.WriteHeader(http.StatusNoContent)
			return
		}
		io.WriteString(w, note.text)
	}

	put := func(text string) {
		r := httptest.NewRequest("PUT", "/", strings.NewReader(text))
		r.Header.Set("If-Match", `"1"`) // both writers have seen the first version
		w := httptest.NewRecorder()
		h(w, r)
		fmt.Println(w.Code, note.text)
	}
	put("buy oat milk")
	put("buy soy milk")
	// Output:
	// 204 buy oat milk
	// 412 buy oat milk
}

func ExampleCompress() {
	h := middleware.Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if middleware.Check(w, r, middleware.Validators{ETag: `"v1"`}) {
			return
		}
		io.WriteString(w, strings.Repeat("All work and no play makes Jack a dull boy. ", 100))
	}), middleware.CompressOptions{})

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	tag := w.Header().Get("Etag")
	fmt.Println(w.Code, w.Header().Get("Content-Encoding"), w.Header().Get("Vary"), tag, w.Body.Len() < 200)

	r.Header.Set("If-None-Match", tag)
	w = httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Header().Get("Etag"))
	// Output:
	// 200 gzip Accept-Encoding "v1-gz" true
	// 304 "v1-gz"
}

func ExampleExpires() {
	h := middleware.Expires(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
	}),
		middleware.Freshness{Path: "/assets/", CacheControl: "max-age=31536000, immutable"},
		middleware.Freshness{Type: "image/*", Lifetime: time.Hour},
		middleware.Freshness{}, // the rest: ask each time
	)
	for _, path := range []string{"/assets/app.3f9a1c.js", "/"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Println(w.Header().Get("Cache-Control"))
	}
	// Output:
	// max-age=31536000, immutable
	// no-cache
}
