package cache

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

func TestInspect(t *testing.T) {
	w := newWorld(t, Options{Key: KeyRules{Headers: []string{"X-Site"}}, Profile: Standard}, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=100")
		h.Set("Content-Type", "text/plain")
		h.Set("Vary", "Accept-Language, Cookie")
		h.Set("ETag", `W/"x"`)
		h.Set("Set-Cookie", "id=secret")
		h.Set("Cache-Groups", `"g"`)
		fmt.Fprint(w, "hello")
	})
	w.do("GET http://e/a?b", "X-Site: s", "Accept-Language: en", "Cookie: a=secret")
	w.do("GET http://e/a?b", "X-Site: s", "Accept-Language: de")
	w.pass(10)
	w.do("GET http://e/a?b", "X-Site: s", "Accept-Language: de")
	if !w.ServeHot(parse(t, "GET /a?b HTTP/1.1\r\nHost: e\r\nX-Site: s\r\nAccept-Language: de\r\n\r\n"), &httpd.Answer{}) {
		t.Error("declined")
	}
	var all []ObjectInfo
	w.store.Objects(func(i ObjectInfo) bool { all = append(all, i); return true })
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	i := all[0]
	if i.URL != "http://e/a?b" || i.Variants != 2 || i.Size != 10 || i.Hits != 2 || i.Status != 200 || i.Type != "text/plain" ||
		i.Age != 10*time.Second || i.TTL != 90*time.Second || i.Memory < 1000 || i.OnDisk || fmt.Sprint(i.Groups) != `[http://e "g"]` && fmt.Sprint(i.Groups) != "[g]" {
		t.Errorf("%+v", i)
	}
	if strings.IndexFunc(i.Key, func(c rune) bool { return c < ' ' || c > '~' }) >= 0 {
		t.Errorf("key %q", i.Key)
	}
	d, ok := w.store.Object(i.Key)
	if !ok || len(d.Stored) != 2 || d.VariantsSeen != 2 || d.NotStored != nil {
		t.Fatalf("%v %+v", ok, d)
	}
	if text := fmt.Sprintf("%+v", d); strings.Contains(text, "secret") || !strings.Contains(text, "id=…") {
		t.Errorf("secrets: %s", text)
	}
	v := d.Stored[slices.IndexFunc(d.Stored, func(v VariantInfo) bool { return v.Selecting[0].Value == "en" })]
	if v.Tag != `W/"x"` || v.Size != 5 || v.Have != 5 || v.Selecting[1] != (SelectedField{"Cookie", "a=…", true}) || v.Unusable != 0 || v.Terms.From != rule.FreshByMaxAge {
		t.Errorf("%+v", v)
	}
	if n := w.store.PurgeKey(i.Key, true); n != 2 {
		t.Errorf("purged %d", n)
	}
	if d, _ := w.store.Object(i.Key); d.Stored[0].Unusable != rule.CacheSoftPurged {
		t.Errorf("%+v", d.Stored[0])
	}
	if n := w.store.PurgeKey(i.Key, false); n != 2 {
		t.Errorf("purged %d", n)
	}
	if _, ok := w.store.Object(i.Key); ok {
		t.Error("still there")
	}
	for _, bad := range []string{`\`, `\x`, `\xzz`, `http://e/\x0`} {
		if _, ok := w.store.Object(bad); ok || w.store.PurgeKey(bad, false) != 0 {
			t.Errorf("%q is a key", bad)
		}
	}
}

func TestPrintableKey(t *testing.T) {
	for range 1000 {
		b := make([]byte, rand.IntN(20))
		for i := range b {
			b[i] = byte(rand.IntN(256))
		}
		text := printableKey(string(b))
		if back, ok := rawKey(text); !ok || back != string(b) {
			t.Errorf("%q: %q", b, back)
		}
	}
}

// What is on disk is looked at where it is.
func TestInspectDisk(t *testing.T) {
	dir := t.TempDir()
	s := diskStore(t, dir)
	w := newWorld(t, Options{Store: s}, bySize)
	w.do("GET http://e/3000000")
	s.Close()
	s = diskStore(t, dir)
	defer s.Close()
	w = newWorld(t, Options{Store: s}, bySize)
	d, ok := s.Object("http://e/3000000")
	if !ok || !d.OnDisk || d.Size != 3_000_000 || d.Memory != 0 || len(d.Stored) != 1 {
		t.Errorf("%v %+v", ok, d)
	}
	if e := w.Why(httptest.NewRequest("GET", "http://e/3000000", nil)); e.Verdict != record.Hit {
		t.Errorf("%+v", e)
	}
	for !s.disk.files.Stats().Indexed { // a goroutine counts what was there
		time.Sleep(time.Millisecond)
	}
	if n := s.Totals(); n.Entries != 0 || n.DiskEntries != 1 || n.DiskLimit == 0 || n.DiskUsed < 3_000_000 || n.DiskFault != "" {
		t.Errorf("%+v", n)
	}
	onlyThere := func() (urls []string) {
		for i := range s.DiskObjects {
			urls = append(urls, i.URL)
		}
		return urls
	}
	if got := onlyThere(); fmt.Sprint(got) != "[http://e/3000000]" {
		t.Errorf("%q", got)
	}
	w.do("GET http://e/3000000")
	if got := onlyThere(); len(got) != 0 {
		t.Errorf("%q", got)
	}
	s.memory.CleanUp() // else what is weighed may come later
	if n := s.Totals(); n.Entries != 1 || n.MemoryUsed == 0 {
		t.Errorf("%+v", n)
	}
}

func TestTopMisses(t *testing.T) {
	w := newWorld(t, Options{}, nil)
	w.opt.Next = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.pass(0.5)
		rw.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Path == "/private" {
			rw.Header().Set("Cache-Control", "private")
		}
		fmt.Fprint(rw, "0123456789")
	})
	for i := range 20 {
		w.do(fmt.Sprintf("GET http://e/query?utm_source=%d", i))
		if i < 5 {
			w.do("GET http://e/private")
		}
		w.do("GET http://e/fine")
		w.do("POST http://e/form")
		if i%7 == 0 {
			w.do(fmt.Sprintf("GET http://e/%d", i))
		}
	}
	top := w.store.TopMisses()
	if len(top) != 6 || top[0].URL != "http://e/query" || top[1].URL != "http://e/private" {
		t.Fatalf("%+v", top)
	}
	q := top[0]
	if q.Misses != 20 || q.Over != 0 || q.Keys < 18 || q.Keys > 22 || q.Bytes != 200 || q.Wait != 10*time.Second || q.Rule != rule.CacheURIMiss ||
		q.Gain != (Gain{19, 190, 9500 * time.Millisecond}) {
		t.Errorf("%+v", q)
	}
	for _, once := range top[2:] {
		if once.Misses != 1 || once.Gain.Hits != 0 {
			t.Errorf("%+v", once)
		}
	}
	if p := top[1]; p.Misses != 5 || p.Keys != 1 || p.Rule != rule.NotStoredPrivate || p.Gain.Hits != 4 {
		t.Errorf("%+v", p)
	}
}

// The table has a fixed size, and those with many misses stay in it.
func TestTopMissesOfMany(t *testing.T) {
	s, err := NewStore(StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	often := map[string]uint64{}
	note := func(url string) {
		s.misses.note(&inquiry{r: &http.Request{Method: "GET"}, key: url}, url, true, s)
	}
	total := uint64(0)
	for i := range 100_000 {
		total++
		if rand.IntN(2) == 0 {
			url := fmt.Sprintf("http://e/often/%d", rand.IntN(100))
			often[url]++
			note(url)
			continue
		}
		note(fmt.Sprintf("http://e/once/%d", i))
	}
	note("http://e/" + strings.Repeat("x", maxMissedURL))
	top := s.TopMisses()
	if len(top) != maxMissed || len(s.misses.at) != maxMissed {
		t.Fatalf("%d entries", len(top))
	}
	found := 0
	for _, m := range top {
		if m.Over > total/maxMissed || m.Gain.Hits > m.Misses {
			t.Errorf("%+v", m)
		}
		if n := often[m.URL]; n > 0 {
			if found++; m.Misses < n || m.Misses-m.Over > n {
				t.Errorf("%d misses are told as %+v", n, m)
			}
		}
	}
	if found != len(often) {
		t.Errorf("%d of %d are there", found, len(often))
	}
}

func TestFates(t *testing.T) {
	s, err := NewStore(StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := &s.fates
	if id, _ := f.of(f.hash("a")); id != 0 {
		t.Error(id)
	}
	const start = 1_700_000_000e9
	f.note(f.hash("a"), fateEvicted, start)
	f.note(f.hash("b"), fatePurged, start+100e9)
	f.note(f.hashVariant("a", "x"), fatePushedOut, start-5e9)
	for key, want := range map[string]struct {
		id rule.ID
		at int64
	}{"a": {rule.CacheEvicted, start}, "b": {rule.CachePurged, start + 100e9}, "c": {0, 0}} {
		if id, at := f.of(f.hash(key)); id != want.id || at != want.at {
			t.Errorf("%s: %v at %d", key, id, at)
		}
	}
	if id, at := f.of(f.hashVariant("a", "x")); id != rule.CacheVariantsFull || at != start {
		t.Errorf("%v at %d", id, at)
	}
	f.forget(f.hash("a"))
	f.forget(f.hash("c"))
	if id, _ := f.of(f.hash("a")); id != 0 {
		t.Error(id)
	}
	// The table is full some time: what is new is known, whatever is forgotten.
	for i := range 3 * fateSlots {
		key := f.hash(fmt.Sprint("key", i))
		if f.note(key, fateInvalidated, start); i%1000 == 0 {
			if id, _ := f.of(key); id != rule.CacheInvalidated {
				t.Errorf("%d: %v", i, id)
			}
		}
	}
}

func TestWithoutSecret(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Set-Cookie", "a=b; Path=/", "a=…"},
		{"Set-Cookie", "secret", "…"},
		{"Cookie", "a=b; c=d", "a=…; c=…"},
		{"Authorization", "Basic abc", "Basic …"},
		{"Authorization", "averylongtokenwithoutanyscheme", "…"},
		{"Authorization", "abc", "…"},
		{"Accept", "text/html", "text/html"},
	} {
		if got := withoutSecret(c.name, c.value); got != c.want {
			t.Errorf("%s: %q is shown as %q", c.name, c.value, got)
		}
	}
}
