package cache

import (
	"fmt"
	"net/http"
	"testing"
)

// A 304 says nothing that may be told to others: neither a cookie nor an answer
// that nobody may keep.
func TestPrivateConfirmation(t *testing.T) {
	for _, field := range []string{"Set-Cookie: session=alice", "Cache-Control: no-store", "Cache-Control: private, max-age=100"} {
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=10")
			w.Header().Set("ETag", `"x"`)
			if r.Header.Get("If-None-Match") == "" {
				fmt.Fprint(w, "hello")
				return
			}
			name, value, _ := cutField(field)
			w.Header().Set(name, value)
			w.WriteHeader(304)
		})
		w.do("GET /a")
		w.pass(20)
		w.do("GET /a", "Cookie: session=alice")
		rec := w.do("GET /a")
		if rec.Header().Get("Set-Cookie") != "" && w.asked.Load() == 2 {
			t.Errorf("%s: another client got %q", field, rec.Header())
		}
		if field != "Set-Cookie: session=alice" && w.asked.Load() != 3 {
			t.Errorf("%s: what may not be stored was used again", field)
		}
	}
}

// So does an answer to HEAD.
func TestPrivateHead(t *testing.T) {
	for _, field := range []string{"Set-Cookie: session=alice", "Cache-Control: no-store", "Cache-Control: private, max-age=100"} {
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=10")
			w.Header().Set("ETag", `"x"`)
			if r.Method == "HEAD" {
				name, value, _ := cutField(field)
				w.Header().Set(name, value)
				return
			}
			fmt.Fprint(w, "hello")
		})
		w.do("GET /a")
		w.pass(20)
		w.do("HEAD /a", "Cookie: session=alice")
		rec := w.do("GET /a")
		if rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: another client got %q", field, rec.Header())
		}
		if field != "Set-Cookie: session=alice" && w.asked.Load() != 3 {
			t.Errorf("%s: what may not be stored was used again", field)
		}
	}
}

// And a part that is fetched to complete what is stored.
func TestPrivatePart(t *testing.T) {
	for _, field := range []string{"Set-Cookie: session=alice", "Cache-Control: no-store", "Cache-Control: private, max-age=100"} {
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=100")
			w.Header().Set("ETag", `"x"`)
			if r.Header.Get("Range") == "bytes=0-4" {
				w.Header().Set("Content-Range", "bytes 0-4/10")
				w.WriteHeader(206)
				fmt.Fprint(w, "01234")
				return
			}
			name, value, _ := cutField(field)
			w.Header().Set(name, value)
			if r.Header.Get("Range") == "" {
				fmt.Fprint(w, "0123456789")
				return
			}
			w.Header().Set("Content-Range", "bytes 5-9/10")
			w.WriteHeader(206)
			fmt.Fprint(w, "56789")
		})
		w.do("GET /a", "Range: bytes=0-4")
		expect(t, w.do("GET /a", "Cookie: session=alice"), 200, "0123456789", "")
		rec := w.do("GET /a")
		expect(t, rec, 200, "0123456789", "")
		if w.asked.Load() < 3 {
			t.Errorf("%s: what may not be stored was used again: %q", field, rec.Header())
		}
	}
}

func cutField(s string) (name, value string, ok bool) {
	for i := range s {
		if s[i] == ':' {
			return s[:i], s[i+2:], true
		}
	}
	return "", "", false
}
