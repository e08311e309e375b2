package cache

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// tagging is an origin whose answers have the tags that the query names.
func tagging(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "max-age=1000")
	h.Set("ETag", `"x"`)
	if tags := r.URL.Query().Get("tags"); tags != "" {
		h.Set("Surrogate-Key", strings.ReplaceAll(tags, ",", " "))
	}
	if tags := r.URL.Query().Get("cachetags"); tags != "" {
		h.Set("Cache-Tag", tags)
	}
	if t := r.URL.Query().Get("type"); t != "" {
		h.Set("Content-Type", t)
	}
	if s, err := strconv.Atoi(r.URL.Query().Get("status")); err == nil {
		w.WriteHeader(s)
	}
	if r.Header.Get("If-None-Match") == `"x"` {
		w.WriteHeader(304)
		return
	}
	fmt.Fprint(w, "hello")
}

// mustSelect makes a selector of what the command would be given.
func mustSelect(t testing.TB, text string) Selector {
	t.Helper()
	kind, value, _ := strings.Cut(text, " ")
	var s Selector
	var err error
	switch kind {
	case "tag":
		s, err = ByTag(value)
	case "prefix":
		s, err = ByPrefix(value)
	case "host":
		s, err = ByHost(value)
	case "where":
		s, err = ParseWhere(value)
	case "everything":
		s = Everything()
	default:
		t.Fatalf("%q", text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) purgeBy(soft bool, what ...string) Receipt {
	w.t.Helper()
	p := Purge{Soft: soft}
	for _, text := range what {
		p.What = append(p.What, mustSelect(w.t, text))
	}
	r, err := w.store.PurgeBy(p)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) swept() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.store.AwaitSweep(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// What a purge is about is gone, or validated, and nothing else is: in memory,
// on disk, and after a restart.
func TestPurgeBy(t *testing.T) {
	const a, b, c, d, e = "http://a.example/x?tags=one,two", "http://a.example/y/1?cachetags=two,%20three%20four&type=text/html", "https://a.example:8443/x?status=404",
		"http://b.example/y/2?tags=one&type=image/png", "http://a.example.evil/x"
	all := []string{a, b, c, d, e}
	for _, tt := range []struct {
		what string
		want string // which of all are purged
	}{
		{"tag one", "ad"}, {"tag two", "ab"}, {"tag three four", "b"}, {"tag thre", ""}, {"tag One", ""},
		{"prefix http://a.example", "ab"}, {"prefix http://A.EXAMPLE:80/y", "b"}, {"prefix https://a.example:8443/", "c"}, {"prefix http://a.example/%79", "b"},
		{"prefix http://a.example/x?tags=one", "a"},
		{"host a.example", "abc"}, {"host A.example:8443", "c"}, {"host b.example", "d"}, {"host example", ""},
		{"where type=text/html", "b"}, {"where type=image/*", "d"}, {"where status=404", "c"}, {"where status=4xx", "c"}, {"where status=2xx host=b.example", "d"},
		{"where path~/y/*", "bd"}, {"where path~/?", "ace"}, {"where size>4", "abcde"}, {"where size>5", ""}, {"where size<1KB age<1h", "abcde"}, {"where age>10m", ""},
		{`where tag="three four"`, "b"}, {"where stored-before 2000-01-01", ""}, {"where stored-before 2100-01-01T00:00:00Z tag=one", "ad"},
		{"everything", "abcde"},
	} {
		for _, soft := range []bool{false, true} {
			for _, tier := range []string{"memory", "disk", "restart", "shared"} {
				t.Run(fmt.Sprintf("%s soft=%v %s", tt.what, soft, tier), func(t *testing.T) {
					dir := t.TempDir()
					var s *Store
					switch tier {
					case "memory":
						var err error
						if s, err = NewStore(StoreOptions{}); err != nil {
							t.Fatal(err)
						}
					case "shared":
						s = sharedStore(t, dir)
					default:
						s = diskStore(t, dir)
					}
					defer func() { s.Close() }()
					o := Options{Store: s, Profile: Standard}
					w := newWorld(t, o, tagging)
					for _, url := range all {
						w.do("GET " + url)
					}
					w.pass(30)
					dry, err := s.PurgeBy(Purge{What: []Selector{mustSelect(t, tt.what)}, Soft: soft, DryRun: true})
					if err != nil || dry.Objects != int64(len(tt.want)) || dry.ID != "" {
						t.Errorf("dry: %+v %v", dry, err)
					}
					r := w.purgeBy(soft, tt.what)
					if tier == "restart" {
						s.Close()
						s = diskStore(t, dir)
						o.Store = s
						w = newWorld(t, o, tagging)
						w.pass(30)
					}
					for i, url := range all {
						purged := strings.Contains(tt.want, string(rune('a'+i)))
						status := w.do("GET " + url).Header().Get("Cache-Status")
						if hit := strings.Contains(status, "; hit"); hit == purged {
							t.Errorf("%s: %s", url, status)
						}
						if purged && soft != strings.Contains(status, "cache-soft-purged") {
							t.Errorf("%s: %s", url, status)
						}
						if again := w.do("GET " + url).Header().Get("Cache-Status"); !strings.Contains(again, "; hit") {
							t.Errorf("%s, then: %s", url, again)
						}
					}
					w.swept()
					if got, err := s.Receipt(r.ID); err != nil || got.Counting || got.Done.IsZero() || got.Soft != soft || tier == "memory" && got.Objects != int64(len(tt.want)) {
						t.Errorf("%+v %v", got, err)
					}
				})
			}
		}
	}
}

// A soft purge is undone; what was validated meanwhile stays so.
func TestUndoPurge(t *testing.T) {
	for _, tier := range []string{"memory", "disk"} {
		s := newTestStore(t, tier)
		w := newWorld(t, Options{Store: s}, tagging)
		w.do("GET http://e/a?tags=t")
		w.do("GET http://e/b?tags=t")
		first := w.purgeBy(true, "tag t")
		second := w.purgeBy(true, "tag t", "host nowhere")
		if !first.Undoable {
			t.Errorf("%+v", first)
		}
		if _, err := s.UndoPurge(second.ID); err != nil {
			t.Fatal(err)
		}
		expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "cache-soft-purged")
		if r, err := s.UndoPurge(first.ID); err != nil || r.Undone.IsZero() || r.Undoable || r.Counting {
			t.Fatal(r, err)
		}
		asked := w.asked.Load()
		expect(t, w.do("GET http://e/b?tags=t"), 200, "hello", "hit")
		expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "hit")
		if w.asked.Load() != asked {
			t.Error("the origin was asked")
		}
		if _, err := s.UndoPurge(first.ID); err == nil {
			t.Error("undone twice")
		}
		hard := w.purgeBy(false, "tag t")
		if _, err := s.UndoPurge(hard.ID); err == nil {
			t.Error("a hard purge was undone")
		}
		if _, err := s.UndoPurge("nothing"); err != ErrNoReceipt {
			t.Error(err)
		}
	}
}

func newTestStore(t *testing.T, tier string) *Store {
	t.Helper()
	if tier == "disk" {
		s := diskStore(t, t.TempDir())
		t.Cleanup(func() { s.Close() })
		return s
	}
	s, err := NewStore(StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A receipt has a name that whoever asks may choose: a purge is done once.
func TestPurgeOnce(t *testing.T) {
	w := newWorld(t, Options{}, tagging)
	w.do("GET http://e/a?tags=t")
	p := Purge{ID: "deploy-17", What: []Selector{mustSelect(t, "tag t")}}
	if r, err := w.store.PurgeBy(p); err != nil || r.ID != "deploy-17" || r.Objects != 1 {
		t.Fatal(r, err)
	}
	w.do("GET http://e/a?tags=t")
	if r, err := w.store.PurgeBy(p); err != nil || r.Objects != 1 {
		t.Fatal(r, err)
	}
	expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "hit")
	for _, bad := range []Purge{{}, {ID: "a b", What: p.What}, {ID: strings.Repeat("a", 65), What: p.What}, {What: make([]Selector, MaxSelectors+1)}} {
		if _, err := w.store.PurgeBy(bad); err == nil {
			t.Errorf("%.50v", bad)
		}
	}
}

// The counters of tags agree with a scan of all, whatever came and went.
func TestTagCounters(t *testing.T) {
	s, err := NewStore(StoreOptions{Memory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWorld(t, Options{Store: s}, tagging)
	for i := range 1500 { // more than there is room for
		w.do(fmt.Sprintf("GET http://e/%d?tags=all,t%d", i, i%7))
		if i%100 == 50 {
			w.Purge(fmt.Sprintf("http://e/%d?tags=all,t%d", i-1, (i-1)%7), false)
		}
		if i%400 == 399 {
			w.purgeBy(false, fmt.Sprint("tag t", i%5))
			w.swept()
		}
	}
	s.memory.CleanUp()
	scan := func(tag string) (n int64) {
		for _, r := range s.memory.All() {
			for _, o := range r.objects {
				if o.tagged(tag) {
					n++
				}
			}
		}
		return n
	}
	if s.evicted.Load() == 0 || scan("all") == 0 {
		t.Fatal("nothing was let go")
	}
	for _, tag := range []string{"t0", "t1", "t6", "none", "all"} {
		want := scan(tag)
		r := w.purgeBy(false, "tag "+tag)
		if r.Counting || r.Objects != want {
			t.Errorf("%s: %+v, want %d", tag, r, want)
		}
		w.swept()
		if r, _ := s.Receipt(r.ID); r.Objects != want || r.Bytes != 5*want || scan(tag) != 0 {
			t.Errorf("%s: %+v, want %d; left %d", tag, r, want, scan(tag))
		}
	}
	if len(s.census.tag) != 0 {
		t.Errorf("%v", s.census.tag)
	}
}

// An answer with more tags than are known goes with any tag.
func TestTooManyTags(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=1000")
		switch r.URL.Path {
		case "/many":
			for i := range MaxTags + 1 {
				w.Header().Add("Cache-Tag", fmt.Sprint("t", i))
			}
		case "/long":
			w.Header().Set("Surrogate-Key", strings.Repeat("x", MaxTagLength+1))
		case "/twice":
			w.Header().Set("Surrogate-Key", strings.Repeat("x ", MaxTags+1))
		}
	})
	for _, path := range []string{"/many", "/long", "/twice", "/none"} {
		w.do("GET " + path)
	}
	r := w.purgeBy(false, "tag zzz")
	w.swept()
	if r, _ = w.store.Receipt(r.ID); r.Objects != 2 {
		t.Errorf("%+v", r)
	}
	for path, want := range map[string]string{"/many": "cache-purged", "/long": "cache-purged", "/twice": "hit", "/none": "hit"} {
		if got := w.do("GET " + path).Header().Get("Cache-Status"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// Two forms of finding the epochs of an object agree.
func TestEpochsOf(t *testing.T) {
	w := newWorld(t, Options{}, nil)
	s := w.store
	whats := []string{"tag a", "tag b", "prefix http://e/x", "prefix http://e/", "host e", "host e:8080", "where path~/x*", "where tag=a"}
	for i := range 60 {
		w.purgeBy(i%3 == 0, whats[i*7%len(whats)])
	}
	w.swept()
	s.invalidateGroups("http://e", []string{"g"})
	for _, key := range []string{"http://e/x", "http://e/y", "http://e:8080/x", "http://other/x", "http://e/x\n1"} {
		for _, tags := range [][]string{nil, {"a"}, {"b", "c"}, {anyTag, "c"}} {
			for _, groups := range [][]string{nil, {"g"}} {
				for born := range s.generation.Load() + 1 {
					o := &object{born: born, tags: tags, groups: groups}
					var hard, soft bool
					for _, e := range s.epochs.all {
						if e.about(key, o) {
							soft = soft || e.soft
							hard = hard || !e.soft
						}
					}
					h, f := s.epochs.of(key, o, 0)
					hi, fi := s.epochs.hard.of(key, o), s.epochs.soft.of(key, o)
					if (h != nil) != hard || (f != nil) != soft || (hi != nil) != hard || (fi != nil) != soft {
						t.Fatalf("%s %v %v %d: %v %v %v %v, want %v %v", key, tags, groups, born, h, f, hi, fi, hard, soft)
					}
				}
			}
		}
	}
}

// Why says by which purge something is gone, or has to be validated.
func TestWhyPurged(t *testing.T) {
	for _, soft := range []bool{false, true} {
		for _, sweep := range []bool{false, true} {
			w := newWorld(t, Options{}, tagging)
			w.do("GET http://e/a?tags=t")
			r := w.purgeBy(soft, "host other", "tag t")
			if sweep {
				w.swept()
			}
			text := fmt.Sprintf("%+v", w.Why(httptest.NewRequest("GET", "http://e/a?tags=t", nil)).Compared)
			if want := " by receipt " + r.ID + " (tag t) at 2023-11-14T22:13:20Z"; !strings.Contains(text, want) {
				t.Errorf("soft %v, swept %v: no %q in %s", soft, sweep, want, text)
			}
		}
	}
}
