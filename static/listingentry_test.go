package static

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// folderOf is a site with a folder of n files and nothing else.
func folderOf(t testing.TB, o Options, n int) *site {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("d/file %d.txt", i)] = "x"
	}
	return newSite(t, o, files)
}

// decoded returns the body of an answer without its coding.
func decoded(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	name := w.Header().Get("Content-Encoding")
	for c := field.Identity + 1; c < field.NumCodings; c++ {
		if c.String() == name {
			b, err := coding.Decode(c, w.Body.Bytes(), 1<<30)
			must(t, err)
			return string(b)
		}
	}
	if name != "" {
		t.Errorf("coding %q", name)
	}
	return w.Body.String()
}

// TestListingCodings: listings are negotiated as files are, both when a coding
// is made and when it is kept, and each coding has a tag of its own.
func TestListingCodings(t *testing.T) {
	for _, accept := range []string{"Accept: text/html", "Accept: application/json"} {
		s := folderOf(t, Options{}, 20)
		plain := s.get("/d/", accept)
		tags := map[string]string{plain.Header().Get("Etag"): ""}
		for range 2 {
			for _, c := range []struct{ accept, coding string }{
				{"Accept-Encoding:", ""}, {"Accept-Encoding: identity", ""}, {"Accept-Encoding: deflate", ""},
				{"Accept-Encoding: gzip", "gzip"}, {"Accept-Encoding: br", "br"}, {"Accept-Encoding: zstd", "zstd"},
				{"Accept-Encoding: gzip, deflate, br, zstd", "br"}, {"Accept-Encoding: gzip;q=1, br;q=0.5", "gzip"},
				{"Accept-Encoding: *", "br"}, {"Accept-Encoding: br;q=0, *", "zstd"}, {"Accept-Encoding: identity;q=0, gzip", "gzip"},
				{"Accept-Encoding: identity, gzip;q=0.5", ""}, {"Accept-Encoding: gzip\r\nAccept-Encoding: br;q=0.1", "gzip"},
			} {
				what := accept + ", " + c.accept
				w := s.get("/d/", accept, c.accept)
				f := w.Header()
				tag := f.Get("Etag")
				if w.Code != 200 || f.Get("Content-Encoding") != c.coding || f.Get("Vary") != "Accept, Accept-Encoding" || f.Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
					t.Errorf("%s: %d %v", what, w.Code, f)
				}
				if decoded(t, w) != plain.Body.String() {
					t.Errorf("%s: another content", what)
				}
				if of, known := tags[tag]; known && of != c.coding {
					t.Errorf("%s: the tag of %q", what, of)
				}
				tags[tag] = c.coding
				if f.Get("Content-Security-Policy") != plain.Header().Get("Content-Security-Policy") {
					t.Errorf("%s: policy %q", what, f.Get("Content-Security-Policy"))
				}
				head := s.cold(raw("HEAD /d/", accept, c.accept))
				if head.Body.Len() != 0 || render(head) != render(w)[:len(render(w))-w.Body.Len()] {
					t.Errorf("%s: HEAD: %v, GET: %v", what, head.Header(), f)
				}
				if w := s.get("/d/", accept, c.accept, "If-None-Match: "+tag); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("Etag") != tag ||
					w.Header().Get("Vary") != "Accept, Accept-Encoding" || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Content-Security-Policy") != "" {
					t.Errorf("%s: 304: %d %v", what, w.Code, w.Header())
				}
				if w := s.get("/d/", accept, c.accept, "Range: bytes=3-9", "If-Range: "+tag); w.Code != 206 || w.Header().Get("Content-Encoding") != c.coding {
					t.Errorf("%s: 206: %d %v", what, w.Code, w.Header())
				}
				if w := s.get("/d/", accept, c.accept, `If-Match: "x"`); w.Code != 412 || w.Header().Get("Content-Encoding") != "" {
					t.Errorf("%s: 412: %d %v", what, w.Code, w.Header())
				}
			}
		}
		if len(tags) != 4 {
			t.Errorf("%s: tags %v, want one for each coding", accept, tags)
		}
		br := s.get("/d/", accept, "Accept-Encoding: br").Header().Get("Etag")
		if w := s.get("/d/", accept, "Accept-Encoding: gzip", "If-None-Match: "+br); w.Code != 200 {
			t.Errorf("%s: the tag of a refused coding: %d", accept, w.Code)
		}
		if w := s.get("/d/", accept, "Accept-Encoding: *;q=0"); w.Code != 406 || w.Header().Get("Content-Security-Policy") != "" {
			t.Errorf("%s: no coding is accepted: %d %v", accept, w.Code, w.Header())
		}
	}
}

// TestListingNotCoded: what is not coded, and that nothing is kept of it.
func TestListingNotCoded(t *testing.T) {
	const html, program, gzip = "Accept: text/html", "Accept: application/json", "Accept-Encoding: gzip"
	for _, c := range []struct {
		name    string
		o       Options
		files   int
		fields  []string
		coded   bool
		vary    string
		entries int
	}{
		{"a page", Options{}, 1, []string{html, gzip}, true, "Accept, Accept-Encoding", 1},
		{"nobody asks for it", Options{}, 1, []string{html}, false, "Accept, Accept-Encoding", 0},
		{"small", Options{}, 1, []string{program, gzip}, false, "Accept, Accept-Encoding", 0},
		{"small, but not as it is", Options{}, 2, []string{program, "Accept-Encoding: gzip, identity;q=0"}, true, "Accept, Accept-Encoding", 0},
		{"larger than what is kept", Options{MaxInMemory: 2000}, 30, []string{html, gzip}, false, "Accept, Accept-Encoding", 0},
		{"codings are off", Options{NoCompress: true}, 1, []string{html, gzip}, false, "Accept", 0},
	} {
		s := folderOf(t, c.o, c.files)
		w := s.get("/d/", c.fields...)
		if coded := w.Header().Get("Content-Encoding") != ""; w.Code != 200 || coded != c.coded || w.Header().Get("Vary") != c.vary {
			t.Errorf("%s: %d %v", c.name, w.Code, w.Header())
		}
		if _, n := s.table.size(); n != c.entries {
			t.Errorf("%s: %d entries are kept, want %d", c.name, n, c.entries)
		}
	}
	s := folderOf(t, Options{NoCompress: true}, 9)
	if w := s.get("/d/", html, "Accept-Encoding: gzip, identity;q=0"); w.Code != 406 {
		t.Errorf("codings are off, and identity is refused: %d", w.Code)
	}
}

// TestListingKept: a coding is made once, and never sent for another listing,
// not even for one of a folder whose own stamp is as it was.
func TestListingKept(t *testing.T) {
	s := folderOf(t, Options{}, 20)
	bodyOf := func(coding field.Coding, fields ...string) *byte {
		t.Helper()
		s.get("/d/", append(fields, "Accept-Encoding: "+coding.String())...)
		e := s.table.get("\x00text/html; charset=utf-8/d/\x00?sort=name&order=asc")
		if e == nil || !e.set.Load().Has(coding) {
			t.Fatalf("%v is not kept", coding)
		}
		return &e.set.Load().Variant(coding).Body[0]
	}
	br, gz := bodyOf(field.Brotli), bodyOf(field.Gzip)
	if bodyOf(field.Brotli) != br || bodyOf(field.Gzip) != gz {
		t.Error("a coding was made twice")
	}
	s.get("/d/?sort=size", "Accept-Encoding: gzip")
	s.get("/d/?page=7", "Accept-Encoding: gzip") // there is one page
	s.get("/d/?x=y", "Accept-Encoding: gzip")    // means nothing
	s.get("/d/", "Accept-Encoding: gzip", "Accept: application/json")
	if _, n := s.table.size(); n != 3 {
		t.Errorf("%d entries for two orders and JSON, want 3", n)
	}
	if bodyOf(field.Brotli) != br {
		t.Error("another order took the place of the listing")
	}

	s.write("d/file 7.txt", strings.Repeat("x", 12345)) // in place: the folder does not change
	w := s.get("/d/", "Accept-Encoding: br")
	if !strings.Contains(decoded(t, w), "12345 bytes") {
		t.Error("an old listing")
	}
	if bodyOf(field.Brotli) == br || s.table.get("\x00text/html; charset=utf-8/d/\x00?sort=name&order=asc").set.Load().Has(field.Gzip) {
		t.Error("a coding of the old listing is kept")
	}
	if _, n := s.table.size(); n != 3 {
		t.Errorf("%d entries after a change, want 3", n)
	}
	s.auditTable()
	s.write("d/index.html", "an index")
	if w := s.get("/d/", "Accept-Encoding: br"); w.Body.String() != "an index" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestListingLink: two listings of equal bytes are not the same if there is
// another page behind one of them.
func TestListingLink(t *testing.T) {
	s := newSite(t, Options{}, nil)
	link := func(n int) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		s.serveListing(w, r, queryOf(r), "/", manyInOrder(n))
		return w.Header().Get("Link")
	}
	s.opt.MaxInMemory = 100 << 20
	if a, b, c := link(listingPageJSON), link(listingPageJSON+1), link(listingPageJSON); a != "" || b != `<?sort=name&order=asc&page=2>; rel="next"` || c != "" {
		t.Errorf("links %q, %q, %q", a, b, c)
	}
}

func manyInOrder(n int) []listingEntry {
	entries := make([]listingEntry, n)
	for i := range entries {
		entries[i].Name = fmt.Sprintf("%07d", i)
	}
	return entries
}

// TestListingMemory: listings count as what is kept does.
func TestListingMemory(t *testing.T) {
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("d%d/x.txt", i)] = "x"
	}
	const budget = 64 << 10
	s := newSite(t, Options{Memory: budget}, files)
	for i := range 200 {
		if w := s.get(fmt.Sprintf("/d%d/", i), "Accept-Encoding: br"); w.Header().Get("Content-Encoding") != "br" || !strings.Contains(decoded(t, w), "x.txt") {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		if used, _ := s.table.size(); used > budget {
			t.Fatalf("%d bytes", used)
		}
	}
	if _, n := s.table.size(); n < 2 {
		t.Errorf("%d entries", n)
	}
	s.auditTable()
}

// TestListingChanges: while the folder changes, all who ask in whatever coding
// get a whole listing, and equal tags are equal bytes.
func TestListingChanges(t *testing.T) {
	s := folderOf(t, Options{}, 5)
	var seen sync.Map
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 60 {
				accept := []string{"br", "gzip", "zstd", "gzip, br, zstd", "identity"}[(i+k)%5]
				r := httptest.NewRequest("GET", "/d/", nil)
				r.Header.Set("Accept-Encoding", accept)
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if page := decoded(t, w); !strings.HasSuffix(page, "</main>\n") || !strings.Contains(page, "file 4.txt") {
					t.Errorf("%s: %d, %s", accept, w.Code, page)
				}
				if other, was := seen.LoadOrStore(w.Header().Get("Etag"), w.Body.String()); was && other != w.Body.String() {
					t.Errorf("two bodies with the tag %s", w.Header().Get("Etag"))
				}
			}
		})
	}
	wg.Go(func() {
		for k := range 60 {
			s.write("d/file 1.txt", strings.Repeat("x", k))
		}
	})
	wg.Wait()
	s.auditTable()
}

// TestListingUnderEngine: the same on sockets, with and without the hot path.
func TestListingUnderEngine(t *testing.T) {
	s := folderOf(t, Options{}, 20)
	want := s.get("/d/").Body.String()
	for _, hot := range []bool{true, false} {
		c, err := net.Dial("tcp", s.start(hot))
		must(t, err)
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		br := bufio.NewReader(c)
		ask := func(request string) (*http.Response, []byte) {
			t.Helper()
			io.WriteString(c, request)
			method, _, _ := strings.Cut(request, " ")
			res, err := http.ReadResponse(br, &http.Request{Method: method})
			must(t, err)
			b, err := io.ReadAll(res.Body)
			must(t, err)
			return res, b
		}
		for range 2 {
			for code := field.Gzip; code < field.NumCodings; code++ {
				accept := "Accept-Encoding: " + code.String()
				res, body := ask(raw("GET /d/", accept))
				plain, err := coding.Decode(code, body, 1<<20)
				if err != nil || string(plain) != want || res.StatusCode != 200 || res.ContentLength != int64(len(body)) || res.Header.Get("Content-Encoding") != code.String() {
					t.Errorf("hot %v, %v: %d %v, %d bytes, %v", hot, code, res.StatusCode, res.Header, len(body), err)
				}
				tag := res.Header.Get("Etag")
				if head, none := ask(raw("HEAD /d/", accept)); len(none) != 0 || head.ContentLength != res.ContentLength || head.Header.Get("Etag") != tag {
					t.Errorf("hot %v, %v: HEAD: %v", hot, code, head.Header)
				}
				if res, none := ask(raw("GET /d/", accept, "If-None-Match: "+tag)); res.StatusCode != 304 || len(none) != 0 || res.Header.Get("Etag") != tag {
					t.Errorf("hot %v, %v: 304: %d %v", hot, code, res.StatusCode, res.Header)
				}
				res, part := ask(raw("GET /d/", accept, "Range: bytes=5-14", "If-Range: "+tag))
				if res.StatusCode != 206 || !bytes.Equal(part, body[5:15]) {
					t.Errorf("hot %v, %v: 206: %d, %q", hot, code, res.StatusCode, part)
				}
				if res, parts := ask(raw("GET /d/", accept, "Range: bytes=5-14, 30-39", "If-Range: "+tag)); res.StatusCode != 206 || !bytes.Contains(parts, body[30:40]) {
					t.Errorf("hot %v, %v: several ranges: %d", hot, code, res.StatusCode)
				}
			}
		}
	}
}

// What a coding costs when it is made, and when it is kept.
func BenchmarkListingCoded(b *testing.B) {
	for _, kept := range []bool{false, true} {
		for _, coding := range []string{"identity", "gzip", "br"} {
			b.Run(fmt.Sprintf("kept=%v/%s", kept, coding), func(b *testing.B) {
				s := newSite(b, Options{}, nil)
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Accept-Encoding", coding)
				all := manyEntries(20)
				entries := make([]listingEntry, len(all))
				for b.Loop() {
					copy(entries, all)
					s.serveListing(discard{http.Header{}}, r, queryOf(r), "/", entries)
					if !kept {
						s.table.clear()
					}
				}
			})
		}
	}
}
