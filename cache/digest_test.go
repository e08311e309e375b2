package cache

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"freshet/digest"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// TestDigests: an answer that is not what it says of itself goes to who asked for
// it, and is not stored; one that is, is, with its digests.
func TestDigests(t *testing.T) {
	long := strings.Repeat("0123456789", 50_000)
	for _, content := range []string{"0123456789", long} {
		right := digest.Of(digest.SHA256, []byte(content)).String()
		bad := digest.Of(digest.SHA512, []byte("another")).String()
		for _, c := range []struct {
			name, field, value string
			stored             bool
		}{
			{"nothing", "X-Nothing", "", true},
			{"content right", "Content-Digest", right, true},
			{"content wrong", "Content-Digest", bad, false},
			{"representation right", "Repr-Digest", right, true},
			{"representation wrong", "Repr-Digest", bad, false},
			{"one of two wrong", "Repr-Digest", right + ", " + bad, false},
			{"not trusted", "Repr-Digest", "md5=:AAAA:", true},
			{"malformed", "Repr-Digest", "sha-256=:AAAA", true},
		} {
			for _, tier := range []string{"memory", "disk", "small memory"} {
				t.Run(fmt.Sprintf("%d bytes, %s, %s", len(content), c.name, tier), func(t *testing.T) {
					o := Options{}
					if tier != "memory" {
						o.Store = closedStore(t)
					}
					if tier == "small memory" {
						o.MaxInMemory = 1000
					}
					asked := 0
					w := newWorld(t, o, func(w http.ResponseWriter, r *http.Request) {
						asked++
						w.Header().Set("Cache-Control", "max-age=1000")
						w.Header().Set("Etag", `"1"`)
						w.Header().Set(c.field, c.value)
						io.WriteString(w, content)
					})
					for range 2 {
						r := w.do("GET /a")
						if r.Code != 200 || r.Body.String() != content || r.Header().Get(c.field) != c.value {
							t.Errorf("%d %d bytes %v", r.Code, r.Body.Len(), r.Header())
						}
					}
					if want := map[bool]int{true: 1, false: 2}[c.stored]; asked != want {
						t.Errorf("the origin was asked %d times, want %d", asked, want)
					}
					if !c.stored {
						return
					}
					// A part has the digest of the whole, and none of a content that is
					// not its own; what the client has needs none.
					r := w.do("GET /a", "Range: bytes=1-2")
					if r.Code != 206 || r.Header().Get("Content-Digest") != "" || c.field == "Repr-Digest" && r.Header().Get(c.field) != c.value {
						t.Errorf("a part: %d %v", r.Code, r.Header())
					}
					r = w.do("GET /a", `If-None-Match: "1"`)
					if r.Code != 304 || r.Header().Get("Content-Digest") != "" || r.Header().Get("Repr-Digest") != "" {
						t.Errorf("not modified: %d %v", r.Code, r.Header())
					}
				})
			}
		}
	}
}

// closedStore is a store on disk that is closed before its folder goes.
func closedStore(t *testing.T) *Store {
	s := diskStore(t, t.TempDir())
	t.Cleanup(func() { s.Close() })
	return s
}

// TestDigestsOfParts: parts are stored when they are what they say; when they have
// become a whole that is not what its Repr-Digest says, that is forgotten.
func TestDigestsOfParts(t *testing.T) {
	for _, size := range []int{1000, 300_000} {
		for _, c := range []struct {
			name      string
			repr      bool // of the whole, right
			part      bool // of each part, right
			wantParts bool // parts are stored
			wantWhole bool
		}{
			{"right", true, true, true, true},
			{"of something else", false, true, true, false},
			{"parts of something else", true, false, false, false},
		} {
			t.Run(fmt.Sprintf("%d bytes, %s", size, c.name), func(t *testing.T) {
				f := newFilm(size, `"1"`)
				other := newFilm(size, `"2"`)
				of := func(ok bool, b []byte, not []byte) string {
					if !ok {
						b = not
					}
					return digest.Of(digest.SHA256, b).String()
				}
				o := Options{MaxInMemory: 10_000, Store: closedStore(t)}
				asked := 0
				w := newWorld(t, o, func(w http.ResponseWriter, r *http.Request) {
					asked++
					h := w.Header()
					h.Set("Cache-Control", "max-age=1000")
					h.Set("Etag", `"1"`)
					h.Set("Repr-Digest", of(c.repr, f.data, other.data))
					var from, to int
					if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); n == 2 {
						h.Set("Content-Digest", of(c.part, f.data[from:to+1], other.data[from:to+1]))
					}
					http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
				})
				half := size / 2
				get := func(from, to int) {
					t.Helper()
					r := w.do("GET /film", fmt.Sprintf("Range: bytes=%d-%d", from, to-1))
					if r.Code != 206 || !bytes.Equal(r.Body.Bytes(), f.data[from:to]) {
						t.Errorf("%d %d bytes", r.Code, r.Body.Len())
					}
				}
				get(0, half)
				get(0, half)
				if want := map[bool]int{true: 1, false: 2}[c.wantParts]; asked != want {
					t.Errorf("the origin was asked %d times, want %d", asked, want)
				}
				get(half, size)
				asked = 0
				r := w.do("GET /film")
				if whole := asked == 0; r.Code != 200 || !bytes.Equal(r.Body.Bytes(), f.data) || whole != c.wantWhole {
					t.Errorf("%d, %d bytes; the origin was asked %d times", r.Code, r.Body.Len(), asked)
				}
			})
		}
	}
}

// TestDigestOfMissingPart: what is missing is not what its digest says, as when
// an origin puts the digest of the whole everywhere: all of it is asked for then,
// and the client gets that.
func TestDigestOfMissingPart(t *testing.T) {
	f := newFilm(1000, `"1"`)
	says, asked := "", []string{}
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		h := w.Header()
		h.Set("Cache-Control", "max-age=1000")
		h.Set("Etag", `"1"`)
		if says != "" {
			h.Set("Content-Digest", says)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
	})
	w.do("GET /film", "Range: bytes=0-499")
	says = digest.Of(digest.SHA256, f.data).String()
	for range 2 {
		if r := w.do("GET /film"); r.Code != 200 || !bytes.Equal(r.Body.Bytes(), f.data) {
			t.Errorf("%d, %d bytes; the origin was asked %q", r.Code, r.Body.Len(), asked)
		}
	}
	if len(asked) != 3 || asked[1] != "bytes=500-" || asked[2] != "" {
		t.Errorf("the origin was asked %q: a part, what was missing, and all of it", asked)
	}
}

// TestDigestUpdates: what a 304 says of bytes that it does not have with it does
// not take the place of what was compared.
func TestDigestUpdates(t *testing.T) {
	const content = "0123456789"
	right := digest.Of(digest.SHA256, []byte(content)).String()
	now, said := false, right
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Repr-Digest", said)
		if now = r.Header.Get("If-None-Match") != ""; now {
			w.Header().Set("Content-Digest", digest.Of(digest.SHA256, nil).String())
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, content)
	})
	w.do("GET /a")
	said = digest.Of(digest.SHA256, []byte("another")).String()
	r := w.do("GET /a")
	if !now || r.Code != 200 || r.Body.String() != content || r.Header().Get("Repr-Digest") != right || r.Header().Get("Content-Digest") != "" {
		t.Errorf("validated %v: %d %v", now, r.Code, r.Header())
	}
}

// toldWriter is a client that is cut when the handler aborts, and knows why.
type toldWriter struct {
	*httptest.ResponseRecorder
	rule   httpd.RuleID
	detail record.Detail
}

func (w *toldWriter) SetRule(id httpd.RuleID) { w.rule = id }

func (w *toldWriter) Detail() *record.Detail { return &w.detail }

// TestWrongPart: a part that is not what it was, or not what its digest says, is
// found when it is joined with what is stored, however it came: nobody gets the
// two as a whole, they are forgotten, the record says so, and who asks again when
// the origin is right gets what is right.
func TestWrongPart(t *testing.T) {
	for _, size := range []int{1000, 300_000} {
		for _, c := range []struct {
			name       string
			repr, part bool   // the origin says the digest of the whole, and of each part
			first      string // the part that is stored first
			ask        string // ... and what is asked for then; "" is all
			alone      bool   // what is asked for is not joined with what is stored
		}{
			{name: "the end", repr: true, first: "0-399"},
			{name: "the end, by its own digest", part: true, first: "0-399"},
			{name: "the beginning", repr: true, first: "400-"},
			{name: "the beginning, by its own digest", part: true, first: "400-"},
			{name: "the middle", repr: true, first: "0-99,600-"},
			{name: "the middle, by both", repr: true, part: true, first: "0-99,600-"},
			{name: "a range", repr: true, first: "0-399", ask: "200-"},
			{name: "a range, by its own digest", part: true, first: "0-399", ask: "200-899"},
			{name: "a range alone", repr: true, first: "0-399", ask: "400-", alone: true},
		} {
			t.Run(fmt.Sprintf("%d bytes, %s", size, c.name), func(t *testing.T) {
				right, bad := newFilm(size, `"1"`), newFilm(size, `"1"`)
				for i := range bad.data {
					bad.data[i] ^= 1
				}
				serves := right.data
				asked := 0
				w := newWorld(t, Options{MaxInMemory: 10_000, Store: closedStore(t)}, func(w http.ResponseWriter, r *http.Request) {
					asked++
					h := w.Header()
					h.Set("Cache-Control", "max-age=1000")
					h.Set("Etag", `"1"`)
					if c.repr {
						h.Set("Repr-Digest", digest.Of(digest.SHA512, right.data).String())
					}
					from, to := 0, size-1
					fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
					if c.part {
						h.Set("Content-Digest", digest.Of(digest.SHA256, right.data[from:to+1]).String())
					}
					http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(serves))
				})
				scaled := func(ranges string) (all []string) {
					for _, r := range strings.Split(ranges, ",") {
						from, to, _ := strings.Cut(r, "-")
						n, _ := strconv.Atoi(from)
						line := fmt.Sprintf("Range: bytes=%d-", n*size/1000)
						if to != "" {
							n, _ = strconv.Atoi(to)
							line += strconv.Itoa((n+1)*size/1000 - 1)
						}
						all = append(all, line)
					}
					return all
				}
				for _, r := range scaled(c.first) {
					if rec := w.do("GET /film", r); rec.Code != 206 {
						t.Fatal(rec.Code)
					}
				}
				var fields []string
				if c.ask != "" {
					fields = scaled(c.ask)
				}
				want := func(data []byte) []byte {
					from, to := 0, size-1
					if c.ask != "" {
						fmt.Sscanf(fields[0], "Range: bytes=%d-%d", &from, &to)
					}
					return data[from : to+1]
				}
				serves = bad.data
				rec := &toldWriter{ResponseRecorder: httptest.NewRecorder()}
				r := httptest.NewRequest("GET", "/film", nil)
				for _, f := range fields {
					name, value, _ := strings.Cut(f, ": ")
					r.Header.Set(name, value)
				}
				cut := func() (cut bool) {
					defer func() { cut = recover() != nil }()
					w.ServeHTTP(rec, r)
					return false
				}()
				// All of it came from the origin at once, or it is cut.
				switch got := rec.Body.Bytes(); {
				case !cut && !bytes.Equal(got, want(bad.data)):
					t.Errorf("%d, %d bytes came, of several answers", rec.Code, len(got))
				case cut && len(got) >= len(want(bad.data)):
					t.Error("all of what is wrong came")
				case cut && (rec.rule != rule.CacheDigestWrong || rec.detail.Storing != rule.CacheDigestWrong || rec.detail.Stored):
					t.Errorf("the record says %v, %+v", rec.rule, rec.detail)
				case !cut && rec.rule != rule.CachePartsDiffer && rec.detail.Storing != rule.CacheDigestWrong:
					t.Errorf("the record says %v, %+v", rec.rule, rec.detail)
				case cut && (size == 1000 || c.alone):
					t.Error("it is cut, where all could be asked for")
				}
				// What no digest is of may be stored by now; it is found when it is joined.
				serves, asked = right.data, 0
				for range 2 {
					if rec := w.do("GET /film"); rec.Code != 200 || !bytes.Equal(rec.Body.Bytes(), right.data) {
						t.Errorf("then: %d, %d bytes", rec.Code, rec.Body.Len())
					}
				}
				if asked == 0 {
					t.Error("what is wrong is still stored")
				}
			})
		}
	}
}

// TestMadeDigests: of what is stored the digests are made that a request wants,
// each of the right bytes, where the origin says none; and never of a part.
func TestMadeDigests(t *testing.T) {
	short, long := strings.Repeat("0123456789", 100), strings.Repeat("0123456789", 50_000)
	for _, content := range []string{short, long, ""} {
		sha256, sha512 := digest.Of(digest.SHA256, []byte(content)).String(), digest.Of(digest.SHA512, []byte(content)).String()
		const repr, both = "Want-Repr-Digest: sha-256=1", "Want-Content-Digest: sha-512=9, sha-256=1"
		for _, tier := range []string{"memory", "disk", "small memory"} {
			t.Run(fmt.Sprintf("%d bytes, %s", len(content), tier), func(t *testing.T) {
				o := Options{}
				if tier != "memory" {
					o.Store = closedStore(t)
				}
				if tier == "small memory" {
					o.MaxInMemory = 100
				}
				w := newWorld(t, o, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", "max-age=1000")
					w.Header().Set("Etag", `"1"`)
					if r.URL.Path == "/said" {
						w.Header().Set("Repr-Digest", sha512)
					}
					io.WriteString(w, content)
				})
				w.do("GET http://e/a")
				awaitDigest := func(path, want string) {
					t.Helper()
					for range 3 { // the first one begins it
						if w.do("GET "+path, "Want-Repr-Digest: "+want).Header().Get("Repr-Digest") != "" {
							return
						}
						w.Handler.store.hashing.wg.Wait()
					}
					t.Error("no digest is made")
				}
				awaitDigest("http://e/a", "sha-256=1")
				awaitDigest("http://e/a", "sha-512=1")
				if tier == "memory" && hotReply(t, w.Handler, "GET", "/a", nil) == nil {
					t.Error("the hot path has nothing to answer with")
				}
				for _, c := range []struct {
					line          string
					fields        []string
					status        int
					repr, content string
				}{
					{"GET http://e/a", nil, 200, "", ""},
					{"GET http://e/said", []string{repr}, 200, sha512, ""}, // what the origin says stays
					{"GET http://e/a", []string{repr}, 200, sha256, ""},
					{"GET http://e/a", []string{repr, both}, 200, sha256, sha512},
					{"HEAD http://e/a", []string{repr, both}, 200, sha256, ""},
					{"GET http://e/a", []string{"Want-Repr-Digest: sha-256=3, sha-512=10"}, 200, sha512, ""},
					{"GET http://e/a", []string{"Want-Repr-Digest: sha-256=0, md5=10"}, 200, "", ""},
					{"GET http://e/a", []string{repr, both, `If-None-Match: "1"`}, 304, "", ""},
					{"GET http://e/a", []string{repr, both, "Range: bytes=9999999-"}, 416, "", ""},
					{"GET http://e/a", []string{repr, both, "Range: bytes=1-2"}, 206, sha256, ""},
					{"GET http://e/a", []string{repr, both, "Range: bytes=1-2,5-6"}, 206, sha256, ""},
				} {
					if content == "" && c.status == 206 {
						continue // RFC 9110 §14.1.2: nothing of it can be had
					}
					method, target, _ := strings.Cut(c.line, " ")
					r := w.do(c.line, c.fields...)
					if h := r.Header(); r.Code != c.status || h.Get("Repr-Digest") != c.repr || h.Get("Content-Digest") != c.content {
						t.Errorf("%s %q: %d %v", c.line, c.fields, r.Code, h)
					}
					if strings.Contains(strings.Join(c.fields, " "), "Want-") {
						if hotReply(t, w.Handler, method, strings.TrimPrefix(target, "http://e"), c.fields) != nil {
							t.Errorf("%s %q: answered on the hot path", c.line, c.fields)
						}
					}
				}
			})
		}
	}
}

// TestDigestInTrailer: what an answer says of itself behind its body is compared
// before it is stored, if it was announced.
func TestDigestInTrailer(t *testing.T) {
	for _, content := range []string{"0123456789", strings.Repeat("0123456789", 50_000)} {
		right := digest.Of(digest.SHA512, []byte(content)).String()
		bad := digest.Of(digest.SHA256, []byte("another")).String()
		for _, c := range []struct {
			announce, name, head, value string
			stored                      bool
		}{
			{"Repr-Digest", "Repr-Digest", "", right, true},
			{"Repr-Digest", "Repr-Digest", "", bad, false},
			{"X, content-digest", "Content-Digest", "", bad, false},
			{"Content-Digest", "Content-Digest", right, bad, false},
			{"Content-Digest", "Content-Digest", right, "", true},
			{"X", "Repr-Digest", "", bad, true}, // not announced: no hash was made
			{"Repr-Digest", "Repr-Digest", "", "", true},
		} {
			eachTrailer(t, fmt.Sprintf("%d bytes, %s, %.12s", len(content), c.announce, c.value), func(t *testing.T, prefix string) {
				asked := 0
				w := newWorld(t, Options{Store: closedStore(t), MaxInMemory: 10_000}, func(w http.ResponseWriter, r *http.Request) {
					asked++
					h := w.Header()
					h.Set("Cache-Control", "max-age=1000")
					h.Set("Trailer", c.announce)
					if c.head != "" {
						h.Set("Repr-Digest", c.head)
					}
					io.WriteString(w, content)
					if c.value != "" {
						h.Set(prefix+c.name, c.value)
					}
				})
				for range 2 {
					if r := w.do("GET /a"); r.Code != 200 || r.Body.String() != content {
						t.Errorf("%d, %d bytes", r.Code, r.Body.Len())
					}
				}
				if want := map[bool]int{true: 1, false: 2}[c.stored]; asked != want {
					t.Errorf("the origin was asked %d times, want %d", asked, want)
				}
			})
		}
	}
}

// eachTrailer runs a test with both ways in which handlers set trailers.
func eachTrailer(t *testing.T, name string, f func(t *testing.T, prefix string)) {
	t.Run(name, func(t *testing.T) { f(t, http.TrailerPrefix) })
	t.Run(name+", plain", func(t *testing.T) { f(t, "") })
}

// A long body in a folder that processes share is not read to make a digest of
// it: who asks for the head alone would have it read again each time.
func TestSharedNotHashed(t *testing.T) {
	dir := t.TempDir()
	s := sharedStore(t, dir)
	w := newWorld(t, Options{Store: s}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		io.WriteString(w, strings.Repeat("x", maxHashedAtOnce+1))
	})
	w.do("GET http://e/a")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".m") {
			err = flip(path) // whoever reads it is seen to do so
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if r := w.do("HEAD http://e/a", "Want-Repr-Digest: sha-256=1"); r.Code != 200 || r.Header().Get("Repr-Digest") != "" || !strings.Contains(r.Header().Get("Cache-Status"), "hit") {
			t.Errorf("%d %v", r.Code, r.Header())
		}
		s.hashing.wg.Wait()
	}
	if n := s.disk.files.Stats().Corrupt; n != 0 {
		t.Errorf("the body was read %d times", n)
	}
}
