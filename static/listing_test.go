package static

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/conditional"
	"freshet/internal/alloctest"
)

var day = time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600))

func someEntries() []listingEntry {
	return []listingEntry{
		{Name: "file10.txt", Size: 5, Modified: day},
		{Name: "File2.txt", Size: 1_500_000, Modified: day.Add(time.Hour)},
		{Name: "zoo", Dir: true, Modified: day},
		{Name: "Abc", Dir: true, Modified: day.Add(time.Minute)},
		{Name: "mailto:x?y#z%41 &amp;.html", Size: 5, Modified: day},
	}
}

func names(entries []listingEntry) []string {
	var s []string
	for _, e := range entries {
		s = append(s, e.Name)
	}
	return s
}

func TestSortEntries(t *testing.T) {
	const odd = "mailto:x?y#z%41 &amp;.html"
	for _, tt := range []struct {
		query string
		want  []string
	}{
		{"", []string{"Abc", "zoo", "File2.txt", "file10.txt", odd}},
		{"sort=name&order=desc", []string{"zoo", "Abc", odd, "file10.txt", "File2.txt"}},
		{"sort=size", []string{"Abc", "zoo", "file10.txt", odd, "File2.txt"}},
		{"sort=size&order=desc", []string{"Abc", "zoo", "File2.txt", "file10.txt", odd}},
		{"sort=modified", []string{"zoo", "Abc", "file10.txt", odd, "File2.txt"}},
		{"sort=modified&order=desc", []string{"Abc", "zoo", "File2.txt", "file10.txt", odd}},
		{"sort=colour&order=sideways&page=-1", []string{"Abc", "zoo", "File2.txt", "file10.txt", odd}},
	} {
		v, entries := viewOf(tt.query), someEntries()
		sortEntries(entries, v.sort, v.desc)
		if got := names(entries); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.query, got, tt.want)
		}
	}
}

func TestCompareNatural(t *testing.T) {
	// Each name comes before the next one.
	ordered := []string{"", "1", "01", "1a", "2", "10", "18446744073709551615", "18446744073709551616",
		"A", "a", "a1b1", "a1b02", "a1b10", "a2", "file", "file 1", "file1", "file9.txt", "file10.txt", "file-1", "É", "\xff"}
	slices.SortFunc(ordered, compareNatural) // the list above is for reading; the checks below are what counts
	for _, pair := range [][2]string{{"file2", "file10"}, {"a1b2", "a1b10"}, {"file", "file1"}, {"18446744073709551615", "18446744073709551616"}, {"File2", "file10"}, {"1", "1a"}} {
		if compareNatural(pair[0], pair[1]) >= 0 {
			t.Errorf("%q does not come before %q", pair[0], pair[1])
		}
	}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareNatural(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("compareNatural(%q, %q) = %d: no order, they are at %d and %d", a, b, got, i, j)
			}
		}
	}
}

var hrefs = regexp.MustCompile(`<td><a href="([^"]*)">([^<]*)</a>`)

// Whatever a file is called, its link must lead to it and its name must not
// reach the page as markup.
func FuzzListingNames(f *testing.F) {
	for _, name := range []string{"a b", "mailto:x", `"><script>alert(1)</script>`, "a&amp;b", "?q#f", "%41", "..", "é", "\xff\xfe", "a\nb", "\u202etxt.exe", "'x'", "//host", `back\slash`} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
			t.Skip("no file has this name")
		}
		page := string(appendListingHTML(nil, "/"+name+"/", []listingEntry{{Name: name}}, viewOf("")))
		if strings.Contains(page, "<script") || !utf8.ValidString(page) {
			t.Fatalf("markup, or bytes that are not UTF-8, in\n%s", page)
		}
		found := hrefs.FindAllStringSubmatch(page, -1)
		if len(found) != 2 { // "../" and the file
			t.Fatalf("%d links, want 2, in\n%s", len(found), page)
		}
		base := &url.URL{Scheme: "http", Host: "example.com", Path: "/dir/"}
		u, err := base.Parse(html.UnescapeString(found[1][1]))
		if err != nil || u.Host != "example.com" || u.Path != "/dir/"+name || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("link %q leads to %v (%v), not to the file %q", found[1][1], u, err, name)
		}
	})
}

func TestListingHTML(t *testing.T) {
	entries := someEntries()
	sortEntries(entries, byName, false)
	page := string(appendListingHTML([]byte("kept"), "/a b/<c>/", entries, viewOf("")))
	for _, want := range []string{
		"kept<!doctype html>",
		"<title>Index of /a b/&lt;c&gt;/</title>",
		`<a href="../../">/</a><a href="../">a b</a><i>/</i><b>&lt;c&gt;</b>`,
		"<p>2 folders, 3 files, 1.5\u00a0MB</p>",
		`<th aria-sort="ascending"><a href="?sort=name&amp;order=desc">Name ↑</a>`,
		`<th><a href="?sort=size&amp;order=desc">Size</a>`,
		`<tr class=d><td><a href="./zoo/">zoo/</a><td><td><time>2026-03-04 04:06Z</time>`,
		"<td title=\"1500000 bytes\">1.5\u00a0MB<td>",
		`<a href="../">../</a>`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "page 1") || strings.Contains(page, "<script") {
		t.Errorf("too much in the page:\n%s", page)
	}
	root := string(appendListingHTML(nil, "/", nil, viewOf("sort=size&order=desc")))
	if strings.Contains(root, "../") || !strings.Contains(root, "This folder is empty.") || !strings.Contains(root, `aria-sort="descending"><a href="?sort=size&amp;order=asc"`) {
		t.Errorf("listing of the empty root:\n%s", root)
	}
}

func TestListingPages(t *testing.T) {
	entries := make([]listingEntry, 25)
	for i := range entries {
		entries[i].Name = fmt.Sprintf("n%02d", i)
	}
	for _, tt := range []struct {
		page, first, last int
		links             []string
	}{
		{1, 0, 9, []string{`rel="next" href="?sort=name&amp;order=asc&amp;page=2"`}},
		{2, 10, 19, []string{`rel="prev" href="?sort=name&amp;order=asc"`, `page=3"`}},
		{3, 20, 24, []string{`rel="prev"`}},
		{99, 20, 24, []string{"page 3 of 3"}},
	} {
		v := listingView{page: tt.page, size: 10}
		got := v.shown(entries)
		if got[0].Name != entries[tt.first].Name || got[len(got)-1].Name != entries[tt.last].Name {
			t.Errorf("page %d shows %s to %s", tt.page, got[0].Name, got[len(got)-1].Name)
		}
		page := string(appendListingHTML(nil, "/", entries, listingView{page: tt.page, size: 10}))
		for _, link := range tt.links {
			if !strings.Contains(page, link) {
				t.Errorf("page %d lacks %s", tt.page, link)
			}
		}
		if n := len(hrefs.FindAllString(page, -1)); n != len(got) {
			t.Errorf("page %d has %d rows, want %d", tt.page, n, len(got))
		}
	}
}

func TestServeListing(t *testing.T) {
	s := newSite(t, Options{}, nil)
	serve := func(method, target string, fields ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		for i := 0; i < len(fields); i += 2 {
			r.Header.Add(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		s.serveListing(w, r, queryOf(r), "/", someEntries())
		return w
	}
	get := serve("GET", "/", "Accept", "text/html,*/*;q=0.8")
	tag := get.Header().Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-cache",
		"X-Content-Type-Options": "nosniff", "Content-Security-Policy": listingPolicy, "Content-Length": fmt.Sprint(get.Body.Len()),
	} {
		if got := get.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if get.Code != 200 || len(tag) < 20 {
		t.Errorf("GET: %d, ETag %s", get.Code, tag)
	}
	if w := serve("GET", "/"); !strings.HasPrefix(w.Body.String(), "<!doctype html>") {
		t.Errorf("without Accept: %q", w.Body)
	}
	head := serve("HEAD", "/")
	if head.Body.Len() != 0 || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") || head.Header().Get("ETag") != tag {
		t.Errorf("HEAD differs from GET: %v", head.Header())
	}
	if w := serve("GET", "/", "Range", "bytes=0-8", "If-Range", tag); w.Code != 206 || w.Body.String() != "<!doctype" || w.Header().Get("Content-Security-Policy") != listingPolicy {
		t.Errorf("a range of a listing: %d %q", w.Code, w.Body)
	}
	if w := serve("GET", "/", "If-None-Match", tag); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("Vary") != "Accept, Accept-Encoding" || w.Header().Get("ETag") != tag || w.Header().Get("Content-Type") != "" {
		t.Errorf("If-None-Match: %d %v", w.Code, w.Header())
	}
	if w := serve("GET", "/?sort=size", "If-None-Match", tag); w.Code != 200 {
		t.Errorf("another order has the same tag")
	}
	if w := serve("GET", "/", "If-Match", `"other"`); w.Code != 412 {
		t.Errorf("If-Match: %d, want 412", w.Code)
	}

	w := serve("GET", "/", "Accept", "application/json")
	var objects []struct {
		Name, Type string
		Size       *int64
		Modified   time.Time
	}
	if err := json.Unmarshal(w.Body.Bytes(), &objects); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("JSON: %v\n%s", err, w.Body)
	}
	if len(objects) != 5 || objects[0].Type != "directory" || objects[0].Size != nil || objects[2].Type != "file" || *objects[2].Size != 1_500_000 ||
		!objects[2].Modified.Equal(day.Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("JSON: %+v", objects)
	}
	if got := serve("GET", "/", "Accept", "application/json", "If-None-Match", tag); got.Code != 200 {
		t.Error("the page and its JSON have the same tag")
	}
}

func TestListingJSON(t *testing.T) {
	if got := string(appendListingJSON(nil, nil, viewOf(""))); !json.Valid([]byte(got)) || strings.Join(strings.Fields(got), "") != "[]" {
		t.Errorf("no entries: %q", got)
	}
	got := string(appendListingJSON(nil, []listingEntry{{Name: "a\xff", Size: 0}}, viewOf("")))
	if want := "[\n" + `{"name":"a\ufffd","type":"file","size":0,"href":"./a%FF"}` + "\n]\n"; got != want {
		t.Errorf("got  %s want %s", got, want)
	}
}

// TestListingDistantTime: a time that JSON cannot tell is left out, not its file.
func TestListingDistantTime(t *testing.T) {
	got := string(appendListingJSON(nil, []listingEntry{{Name: "far", Modified: time.Unix(300_000_000_000, 0)}}, viewOf("")))
	if want := "[\n{\"name\":\"far\",\"type\":\"file\",\"size\":0}\n]\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestListingRefused: the page of an error has not the policy of a listing.
func TestListingRefused(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"x.txt": ""})
	f := s.get("/", `If-Match: "x"`, "Accept: text/html").Header()
	other := s.get("/x.txt", `If-Match: "x"`, "Accept: text/html").Header()
	if f.Get("Content-Security-Policy") != other.Get("Content-Security-Policy") || f.Get("Cache-Control") != "no-store" || f.Get("Vary") != "Accept-Encoding, Accept" {
		t.Errorf("%v", f)
	}
}

func TestHumanSize(t *testing.T) {
	for size, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1500: "1.5 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		123_456_789: "123 MB", 5_000_000_000_000: "5.0 TB", 1<<63 - 1: "9.2 EB",
	} {
		want = strings.Replace(want, " ", "\u00a0", 1)
		if got := string(appendHumanSize(nil, size)); got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
}

func manyEntries(n int) []listingEntry {
	entries := make([]listingEntry, n)
	for i := range entries {
		entries[i] = listingEntry{Name: fmt.Sprintf("file %d.txt", (i*7919)%n), Size: int64(i), Modified: day}
	}
	return entries
}

// A listing of 50,000 files is made of few allocations: those for names that
// must be escaped, and the page itself.
func TestListingAllocs(t *testing.T) {
	entries := manyEntries(50_000)
	for i := range entries {
		entries[i].Name = strings.ReplaceAll(entries[i].Name, " ", "-")
	}
	n := alloctest.PerRun(1, func() { appendListingHTML(nil, "/big/", entries, viewOf("")) })
	if perEntry := n / float64(len(entries)); perEntry > 1.1 { // the href
		t.Errorf("%.2f allocations an entry, want 1", perEntry)
	}
}

func BenchmarkListing50000(b *testing.B) {
	for _, accept := range []string{"text/html", "application/json"} {
		b.Run(strings.TrimPrefix(accept, "text/"), func(b *testing.B) {
			s := newSite(b, Options{}, nil)
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept", accept)
			all := manyEntries(50_000)
			entries := make([]listingEntry, len(all))
			for b.Loop() {
				copy(entries, all)
				s.serveListing(discard{http.Header{}}, r, queryOf(r), "/", entries)
			}
		})
	}
}

// queryOf is what serve makes of a request.
func queryOf(r *http.Request) *query {
	q := &query{Request: conditional.FromLines(r.Method, r.Header.Values), conditioned: true}
	_, _, q.accepted = acceptEncoding(r.Header)
	return q
}

// discard is an http.ResponseWriter that keeps nothing.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
