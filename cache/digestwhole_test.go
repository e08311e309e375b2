package cache

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/digest"
	"freshet/internal/diskstore"
	"freshet/internal/rule"
)

// readingFS is the system's file system; who reads a body is seen to do so.
type readingFS struct {
	diskstore.OS
	read atomic.Pointer[func()] // called once, before the next reading
}

func (f *readingFS) OpenFile(name string, flag int, perm fs.FileMode) (diskstore.File, error) {
	file, err := f.OS.OpenFile(name, flag, perm)
	if err != nil || strings.HasSuffix(name, ".m") {
		return file, err
	}
	return &readingFile{file, f}, nil
}

type readingFile struct {
	diskstore.File
	fs *readingFS
}

func (f *readingFile) ReadAt(p []byte, off int64) (int, error) {
	if read := f.fs.read.Swap(nil); read != nil {
		(*read)()
	}
	return f.File.ReadAt(p, off)
}

// cutOff reports whether the answer to a request was cut, and what came of it.
func cutOff(h http.Handler, fields ...string) (rec *toldWriter, cut bool) {
	rec = &toldWriter{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest("GET", "/film", nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Set(name, value)
	}
	defer func() { cut = recover() != nil }()
	h.ServeHTTP(rec, r)
	return rec, false
}

// TestWrongWholeUnseen: while a whole that was put together in a file is compared
// with its digest, nobody else finds it.
func TestWrongWholeUnseen(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed %v", sealed), func(t *testing.T) {
			const size, had = 300_000, 120_000
			files := &readingFS{}
			o := StoreOptions{Dir: t.TempDir(), fs: files}
			if sealed {
				o.Seal = testRing("one")
			}
			store, err := newStore(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			right, bad := newFilm(size, `"1"`), newFilm(size, `"1"`)
			for i := range bad.data {
				bad.data[i] ^= 1
			}
			serves, looked := right.data, 0
			var w *world
			look := func() {
				looked++
				if r := w.do("GET /film", "Cache-Control: only-if-cached"); r.Code != 504 {
					t.Errorf("before it is compared another client gets %d %q, %d bytes", r.Code, r.Header().Get("Cache-Status"), r.Body.Len())
				}
			}
			w = newWorld(t, Options{MaxInMemory: 10_000, Store: store}, func(rw http.ResponseWriter, r *http.Request) {
				h := rw.Header()
				h.Set("Cache-Control", "max-age=1000")
				h.Set("Etag", `"1"`)
				h.Set("Repr-Digest", digest.Of(digest.SHA256, right.data).String())
				http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(serves))
				if strings.HasPrefix(r.Header.Get("Range"), fmt.Sprintf("bytes=%d-", had)) {
					files.read.Store(&look)
				}
			})
			w.do("GET /film", fmt.Sprintf("Range: bytes=0-%d", had-1))
			serves = bad.data
			if rec, cut := cutOff(w); !cut || rec.rule != rule.CacheDigestWrong {
				t.Errorf("who joins the two gets %d, cut %v, %v", rec.Code, cut, rec.rule)
			}
			if looked != 1 {
				t.Errorf("another client looked %d times", looked)
			}
			files.read.Store(nil)
			serves = right.data
			for _, status := range []string{"fwd=", "hit"} {
				expect(t, w.do("GET /film"), 200, string(right.data), status)
			}
		})
	}
}

// TestWholeAsPart: a 206 that has all bytes is stored as the whole, and compared
// as one; one of some bytes says nothing of the whole.
func TestWholeAsPart(t *testing.T) {
	for _, size := range []int{1000, 300_000} {
		for _, ask := range []string{"bytes=0-", fmt.Sprintf("bytes=-%d", size), "bytes=1-"} {
			for _, right := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d bytes, %s, right %v", size, ask, right), func(t *testing.T) {
					f := newFilm(size, `"1"`)
					said := digest.Of(digest.SHA256, []byte("another")).String()
					if right {
						said = digest.Of(digest.SHA256, f.data).String()
					}
					asked := 0
					w := newWorld(t, Options{MaxInMemory: 10_000, Store: closedStore(t)}, func(w http.ResponseWriter, r *http.Request) {
						asked++
						h := w.Header()
						h.Set("Cache-Control", "max-age=1000")
						h.Set("Etag", `"1"`)
						h.Set("Repr-Digest", said)
						http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
					})
					skip := map[bool]int{true: 1}[ask == "bytes=1-"]
					for i := range 2 {
						rec, cut := cutOff(w, "Range: "+ask)
						if cut || rec.Code != 206 || !bytes.Equal(rec.Body.Bytes(), f.data[skip:]) {
							t.Fatalf("%d, %d bytes, cut %v", rec.Code, rec.Body.Len(), cut)
						}
						if i == 0 && skip == 0 && (rec.detail.Stored != right || (rec.detail.Storing == rule.CacheDigestWrong) == right) {
							t.Errorf("the record says %+v", rec.detail)
						}
					}
					stored := right || skip == 1
					if want := map[bool]int{true: 1, false: 2}[stored]; asked != want {
						t.Errorf("the origin was asked %d times, want %d", asked, want)
					}
					if skip == 0 {
						rec := w.do("GET /film", "Cache-Control: only-if-cached")
						if want := map[bool]int{true: 200, false: 504}[right]; rec.Code != want {
							t.Errorf("who asks for what is stored gets %d, want %d", rec.Code, want)
						}
					}
				})
			}
		}
	}
}

// TestWrongWholeUnstored: what is joined on its way to a client is compared, too,
// when it cannot be written to the file: another request adds to that, or the disk
// is full, from the beginning or later on.
func TestWrongWholeUnstored(t *testing.T) {
	const size = 300_000
	for _, c := range []struct {
		name string
		had  []string // what is stored
		room int64    // on the disk then; negative: another request adds to the file
	}{
		{"busy, the end", []string{"0-119999"}, -1},
		{"busy, the beginning", []string{"120000-"}, -1},
		{"busy, two gaps", []string{"0-29999", "120000-149999"}, -1},
		{"busy, two gaps and what is stored", []string{"60000-89999", "270000-"}, -1},
		{"no room, the end", []string{"0-119999"}, 0},
		{"no room, two gaps and what is stored", []string{"60000-89999", "270000-"}, 0},
		{"little room, the end", []string{"0-119999"}, 70_000},
		{"little room, two gaps", []string{"0-29999", "120000-149999"}, 70_000},
		{"little room, two gaps and what is stored", []string{"60000-89999", "270000-"}, 70_000},
	} {
		for _, ok := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, right %v", c.name, ok), func(t *testing.T) {
				files := &failingFS{}
				files.room.Store(-1)
				store, err := newStore(StoreOptions{Dir: t.TempDir(), fs: files, ErrorLog: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { store.Close() })
				right, bad := newFilm(size, `"1"`), newFilm(size, `"1"`)
				for i := range bad.data {
					bad.data[i] ^= 1
				}
				serves := right.data
				w := newWorld(t, Options{MaxInMemory: 10_000, Store: store}, func(rw http.ResponseWriter, r *http.Request) {
					h := rw.Header()
					h.Set("Cache-Control", "max-age=1000")
					h.Set("Etag", `"1"`)
					h.Set("Repr-Digest", digest.Of(digest.SHA256, right.data).String())
					http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(serves))
				})
				for i, r := range c.had {
					w.do("GET /film", "Range: bytes="+r)
					if i == 0 {
						continue
					}
					if rec := w.do("GET /film", "Range: bytes="+r); !strings.Contains(rec.Header().Get("Cache-Status"), "hit") {
						t.Fatal("it is not stored")
					}
				}
				if !ok {
					serves = bad.data
				}
				files.room.Store(c.room)
				if c.room < 0 {
					o := storedFilm(t, w)
					file, err := store.disk.files.AddTo(o.body.disk.key, o.body.disk.id)
					if err != nil {
						t.Fatal(err)
					}
					defer file.Abort()
				}
				rec, cut := cutOff(w)
				switch {
				case ok && (cut || !bytes.Equal(rec.Body.Bytes(), right.data)):
					t.Errorf("%d, %d bytes, cut %v", rec.Code, rec.Body.Len(), cut)
				case !ok && (!cut || rec.Body.Len() >= size):
					t.Errorf("what is wrong came: %d, %d bytes, cut %v", rec.Code, rec.Body.Len(), cut)
				case !ok && (rec.rule != rule.CacheDigestWrong || rec.detail.Storing != rule.CacheDigestWrong || rec.detail.Stored):
					t.Errorf("the record says %v, %+v", rec.rule, rec.detail)
				}
				if !ok {
					serves = right.data
					if rec, cut := cutOff(w); cut || !bytes.Equal(rec.Body.Bytes(), right.data) {
						t.Errorf("then: %d, %d bytes, cut %v", rec.Code, rec.Body.Len(), cut)
					}
				}
			})
		}
	}
}

// storedFilm is the film as it is stored.
func storedFilm(t *testing.T, w *world) *object {
	t.Helper()
	r := w.store.find("http://example.com/film")
	if r == nil || len(r.objects) != 1 {
		t.Fatal("nothing is stored")
	}
	return r.objects[0]
}
