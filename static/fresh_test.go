package static

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"freshet/internal/rule"

	"freshet/httpd"
)

// seen asks for a path both ways and returns status and body. The hot path may
// decline, but must not say anything else than ServeHTTP.
func (s *site) seen(path string, fields ...string) (int, string) {
	s.t.Helper()
	answer, ok := s.hot(raw("GET "+path, fields...))
	w := s.get(path, fields...)
	if ok && answer != render(w) {
		s.t.Errorf("%s: hot\n%s\ncold\n%s", path, answer, render(w))
	}
	return w.Code, w.Body.String()
}

// TestEdits: each change of the folder shows in the next request.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *site)
		code   int
		body   string
	}{
		{"written over", func(s *site) { s.write("d/a.txt", "other content") }, 200, "other content"},
		{"written over with as many bytes", func(s *site) { s.write("d/a.txt", "two") }, 200, "two"},
		{"same size and mtime", func(s *site) {
			fi, err := os.Stat(s.path("d/a.txt"))
			must(s.t, err)
			s.write("d/a.txt", "two")
			must(s.t, os.Chtimes(s.path("d/a.txt"), fi.ModTime(), fi.ModTime()))
		}, 200, "two"},
		{"replaced by one with the same size and mtime", func(s *site) {
			fi, err := os.Stat(s.path("d/a.txt"))
			must(s.t, err)
			s.write("new", "two")
			must(s.t, os.Chtimes(s.path("new"), fi.ModTime(), fi.ModTime()))
			must(s.t, os.Rename(s.path("new"), s.path("d/a.txt")))
		}, 200, "two"},
		{"appended", func(s *site) {
			f, err := os.OpenFile(s.path("d/a.txt"), os.O_APPEND|os.O_WRONLY, 0)
			must(s.t, err)
			f.WriteString("!")
			must(s.t, f.Close())
		}, 200, "one!"},
		{"truncated", func(s *site) { must(s.t, os.Truncate(s.path("d/a.txt"), 1)) }, 200, "o"},
		{"emptied", func(s *site) { must(s.t, os.Truncate(s.path("d/a.txt"), 0)) }, 200, ""},
		{"deleted", func(s *site) { must(s.t, os.Remove(s.path("d/a.txt"))) }, 404, ""},
		{"folder deleted", func(s *site) { must(s.t, os.RemoveAll(s.path("d"))) }, 404, ""},
		{"folder renamed", func(s *site) { must(s.t, os.Rename(s.path("d"), s.path("e"))) }, 404, ""},
		{"folder replaced", func(s *site) {
			s.write("new/a.txt", "two")
			must(s.t, os.Rename(s.path("d"), s.path("old")))
			must(s.t, os.Rename(s.path("new"), s.path("d")))
		}, 200, "two"},
		{"folder replaced by a link that leads out", func(s *site) {
			out := s.t.TempDir()
			must(s.t, os.WriteFile(out+"/a.txt", []byte("two"), 0o644))
			must(s.t, os.RemoveAll(s.path("d")))
			must(s.t, os.Symlink(out, s.path("d")))
		}, 403, ""},
		{"replaced by a folder", func(s *site) {
			must(s.t, os.Remove(s.path("d/a.txt")))
			must(s.t, os.Mkdir(s.path("d/a.txt"), 0o755))
		}, 301, ""},
		{"replaced by a link inside", func(s *site) {
			s.write("b.txt", "two")
			must(s.t, os.Remove(s.path("d/a.txt")))
			must(s.t, os.Symlink("../b.txt", s.path("d/a.txt")))
		}, 200, "two"},
		{"the root deleted and made anew", func(s *site) {
			must(s.t, os.RemoveAll(s.dir))
			s.write("d/a.txt", "two")
		}, 200, "two"},
		{"the root deleted", func(s *site) { must(s.t, os.RemoveAll(s.dir)) }, 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, Options{}, map[string]string{"d/a.txt": "one"})
			if code, body := s.seen("/d/a.txt"); code != 200 || body != "one" {
				t.Fatal(code, body)
			}
			tag := s.get("/d/a.txt").Header().Get("Etag")
			s.tick()
			c.change(s)
			code, body := s.seen("/d/a.txt")
			if code != c.code || code == 200 && body != c.body {
				t.Errorf("got %d, %q, want %d, %q", code, body, c.code, c.body)
			}
			if now := s.get("/d/a.txt").Header().Get("Etag"); now == tag {
				t.Errorf("the tag is still %s", tag)
			}
			if code, _ := s.seen("/d/a.txt", "If-None-Match: "+tag); code == 304 {
				t.Error("304 for the old tag")
			}
		})
	}
}

// TestDeploySwitch: the root is a link that is switched to another release.
func TestDeploySwitch(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"1/d/a.txt": "one", "1/d/old.txt": "old", "2/d/a.txt": "two", "2/d/new.txt": "new"})
	must(t, os.Symlink("1", s.path("current")))
	h, err := New(Options{Root: s.path("current"), Now: s.clock})
	must(t, err)
	defer h.Close()
	s.Handler = h
	expect := func(path string, code int, body string) {
		t.Helper()
		for range 2 {
			if c, b := s.seen(path); c != code || code == 200 && b != body {
				t.Errorf("%s: %d, %q, want %d, %q", path, c, b, code, body)
			}
		}
	}
	expect("/d/a.txt", 200, "one")
	expect("/d/old.txt", 200, "old")
	expect("/d/new.txt", 404, "")
	if _, ok := s.hot(raw("GET /d/new.txt")); !ok {
		t.Error("the hot path declined what is not there")
	}
	s.tick()
	must(t, os.Symlink("2", s.path("next")))
	must(t, os.Rename(s.path("next"), s.path("current")))
	expect("/d/a.txt", 200, "two")
	expect("/d/old.txt", 404, "")
	expect("/d/new.txt", 200, "new")
}

// TestCreated: a file that was not there is there in the next request.
func TestCreated(t *testing.T) {
	s := newSite(t, Options{Index: []string{"index.html", "index.htm"}, CleanURLs: true}, map[string]string{"d/index.htm": "second", "about.html": "page", "x.css.gz": "not a sidecar"})
	expect := func(path string, code int, body string) {
		t.Helper()
		if c, b := s.seen(path); c != code || code == 200 && b != body {
			t.Errorf("%s: %d, %q, want %d, %q", path, c, b, code, body)
		}
	}
	for range 2 {
		expect("/new.txt", 404, "")
		expect("/d/", 200, "second")
		expect("/about", 200, "page")
		expect("/x.css.gz", 200, "not a sidecar")
	}
	s.tick()
	s.write("new.txt", "new")
	s.write("d/index.html", "first")
	s.write("about", "file")
	s.write("x.css", "original")
	expect("/new.txt", 200, "new")
	expect("/d/", 200, "first")
	expect("/about", 200, "file")
	expect("/x.css.gz", 404, "")
}

// TestRacy: of a file changed within a tick of the clock before it was read,
// nothing is kept, since its times would not show a second change.
func TestRacy(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "one"})
	s.now = 0
	must(t, os.Chtimes(s.path("a.txt"), time.Now(), time.Now())) // its ctime is now
	if code, body := s.seen("/a.txt"); code != 200 || body != "one" {
		t.Fatal(code, body)
	}
	if s.table.get("a.txt") != nil && time.Since(mustStat(t, s.path("a.txt")).ModTime()) < time.Duration(stampTick) {
		t.Error("kept while its time may not show a change")
	}
	s.now = time.Second
	s.seen("/a.txt")
	if s.table.get("a.txt") == nil {
		t.Error("not kept a second later")
	}
}

func mustStat(t testing.TB, name string) os.FileInfo {
	fi, err := os.Stat(name)
	must(t, err)
	return fi
}

func TestStamp(t *testing.T) {
	const second = int64(time.Second)
	now := 1_800_000_000 * second
	for _, c := range []struct {
		s              stamp
		racy           bool
		modified, from int64
	}{
		{stamp{mtime: now - 5*second, ctime: now - 5*second + 1}, false, 1_799_999_995, 0},
		{stamp{mtime: now - 5*second, ctime: now - stampTick + 1}, true, 1_799_999_995, 0},
		{stamp{mtime: now - 5*second, ctime: now - second}, true, 1_799_999_995, 0}, // a whole second: maybe of a coarse clock
		{stamp{mtime: now - 5*second, ctime: now + 5}, true, 1_799_999_995, 0},
		{stamp{mtime: now + 1, ctime: now - 5*second}, false, 0, now + second},
		{stamp{mtime: now, ctime: now - 5*second}, false, 0, now + 2*second},
		{stamp{mtime: now - second, ctime: now - 5*second}, false, 0, now + second},
		{stamp{mtime: now - second + 1, ctime: now - 5*second}, false, 1_799_999_999, 0},
		{stamp{mtime: 0, ctime: now - 5*second}, false, 0, 0},
		{stamp{mtime: second, ctime: now - 5*second}, false, 0, 0},
		{stamp{mtime: second + 1, ctime: now - 5*second}, false, 0, 0},
		{stamp{mtime: -second, ctime: now - 5*second}, false, 0, 0},
		{stamp{mtime: 2 * second, ctime: now - 5*second}, false, 2, 0},
		{stamp{mtime: now - 5*second}, false, 1_799_999_995, 0},
		{stamp{mtime: now - stampTick/2}, true, 1_799_999_999, 0},
		{stamp{}, true, 0, 0},
	} {
		if got := c.s.racy(now); got != c.racy {
			t.Errorf("%+v: racy %v", c.s, got)
		}
		if got, from := c.s.modified(now); got != c.modified || from != c.from {
			t.Errorf("%+v: modified %d from %d, want %d from %d", c.s, got, from, c.modified, c.from)
		}
	}
}

// TestCoherence: with an interval, a file may be old for that long and not
// longer; so may the news that there is none.
func TestCoherence(t *testing.T) {
	s := newSite(t, Options{Coherence: time.Minute}, map[string]string{"a.txt": "one"})
	s.seen("/a.txt")
	s.seen("/b.txt")
	s.hot(raw("GET /b.txt"))
	s.tick()
	s.write("a.txt", "two")
	s.write("b.txt", "new")
	for _, path := range []string{"/a.txt", "/b.txt"} {
		if answer, ok := s.hot(raw("GET " + path)); !ok || strings.Contains(answer, "two") || strings.Contains(answer, "new") {
			t.Errorf("%s within the interval: %v\n%s", path, ok, answer)
		}
	}
	s.now += time.Minute + time.Second
	if code, body := s.seen("/a.txt"); code != 200 || body != "two" {
		t.Error("after the interval:", code, body)
	}
	if code, body := s.seen("/b.txt"); code != 200 || body != "new" {
		t.Error("after the interval:", code, body)
	}

	s.write("a.txt", "three")
	s.now -= time.Hour // the clock is set back: nothing is known
	if code, body := s.seen("/a.txt"); code != 200 || body != "three" {
		t.Error("after the clock was set back:", code, body)
	}
}

// TestSharedCheck: requests that were read before a look at the file began
// share it, later ones do not.
func TestSharedCheck(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "one"})
	s.get("/a.txt")
	src := s.table.get("a.txt").sources[0]
	at := src.checked.Load() + 1
	read := httpd.Monotonic()
	if !s.unchanged(src, moment{at, read}) {
		t.Fatal("changed")
	}
	s.tick()
	s.write("a.txt", "other")
	if !s.unchanged(src, moment{at, read}) {
		t.Error("a request that was read before the look asked again")
	}
	if s.unchanged(src, moment{at: at}) {
		t.Error("a request of which it is not known when it was read did not ask")
	}
	if s.unchanged(src, moment{at, httpd.Monotonic()}) {
		t.Error("a request that was read after the look did not ask")
	}
}

// TestModifiedField: times that are no validators are not sent as one.
func TestModifiedField(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "a"})
	for _, c := range []struct {
		mtime time.Time
		want  string
	}{
		{time.Unix(0, 0), ""},
		{time.Unix(1, 0), ""},
		{time.Now().Add(time.Hour), ""},
		{time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC), "Thu, 02 Jan 2020 03:04:05 GMT"},
	} {
		must(t, os.Chtimes(s.path("a.txt"), c.mtime, c.mtime))
		w := s.get("/a.txt")
		if got := w.Header().Get("Last-Modified"); got != c.want || w.Code != 200 || w.Header().Get("Etag") == "" {
			t.Errorf("%v: %d, Last-Modified %q, Etag %q", c.mtime, w.Code, got, w.Header().Get("Etag"))
		}
		if w := s.get("/a.txt", "If-Modified-Since: "+time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")); (w.Code == 304) != (c.want != "") {
			t.Errorf("%v: If-Modified-Since: %d", c.mtime, w.Code)
		}
	}
}

// TestModifiedWithinASecond: of a file whose second is not over no Last-Modified
// is sent, for a change later in that second would have the same; then it is.
func TestModifiedWithinASecond(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "one"})
	second := time.Now().Truncate(time.Second).Add(-time.Hour)
	edit := func(content string, at time.Duration) {
		s.write("a.txt", content)
		must(t, os.Chtimes(s.path("a.txt"), second.Add(at), second.Add(at)))
	}
	clock := func(at time.Duration) { s.opt.Now = func() time.Time { return second.Add(at) } }
	edit("one", 100*time.Millisecond)
	clock(300 * time.Millisecond)
	if f := s.get("/a.txt").Header(); f.Get("Last-Modified") != "" || f.Get("Etag") == "" {
		t.Errorf("within the second: %v", f)
	}
	edit("two", 600*time.Millisecond)
	since := "If-Modified-Since: " + second.UTC().Format(http.TimeFormat)
	if w := s.get("/a.txt", since); w.Code != 200 || w.Body.String() != "two" {
		t.Errorf("edited within the second: %d", w.Code)
	}

	// An entry that was kept without is made anew.
	edit("three", 700*time.Millisecond)
	s.opt.Now = s.clock
	later := s.clock().Add(time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(s.path("a.txt"), later.Add(1), later.Add(1)))
	s.get("/a.txt")
	if e := s.table.get("a.txt"); e == nil || e.meta.Modified != 0 {
		t.Fatalf("%+v", e)
	}
	s.now += time.Hour + 2*time.Second
	if _, ok := s.hot(raw("GET /a.txt")); ok {
		t.Error("answered without its Last-Modified")
	}
	if got := s.both(raw("GET /a.txt")).Header().Get("Last-Modified"); got != later.UTC().Format(http.TimeFormat) {
		t.Errorf("after the second: Last-Modified %q", got)
	}
}

// TestTagsAreOfContent: the same content has the same tag under any name,
// time, folder and process; other content has another.
func TestTagsAreOfContent(t *testing.T) {
	one := newSite(t, Options{}, map[string]string{"a.js": script, "b.js": script, "c.js": script + "\n"})
	two := newSite(t, Options{Cache: Auto}, map[string]string{"z.js": script})
	must(t, os.Chtimes(two.path("z.js"), time.Unix(1e9, 0), time.Unix(1e9, 0)))
	for _, s := range []*site{one, two} {
		for _, path := range []string{"/a.js", "/b.js", "/z.js"} {
			s.warm(path)
		}
	}
	tags := map[string]bool{}
	for _, accept := range []string{"identity", "gzip", "br", "zstd"} {
		field := "Accept-Encoding: " + accept
		tag := one.get("/a.js", field).Header().Get("Etag")
		if tag == "" || tags[tag] || tag != one.get("/b.js", field).Header().Get("Etag") || tag != two.get("/z.js", field).Header().Get("Etag") {
			t.Errorf("%s: %s", accept, tag)
		}
		if tag == one.get("/c.js", field).Header().Get("Etag") {
			t.Errorf("%s: other content has the same tag", accept)
		}
		tags[tag] = true
	}
}

func TestReasonOf(t *testing.T) {
	s := newSite(t, Options{}, map[string]string{"a.txt": "a"})
	must(t, os.Symlink("loop", s.path("loop")))
	must(t, os.Symlink("nowhere", s.path("dangling")))
	for path, want := range map[string]rule.ID{
		"loop": rule.StaticNotFound, "dangling": rule.StaticNotFound, "a.txt/b": rule.StaticNotFound,
		"none": rule.StaticNotFound, strings.Repeat("x", 300): rule.StaticPathTooLong,
	} {
		if _, err := s.tree.open(path); reasonOf(err) != want {
			t.Errorf("%s: %v is %v, want %v", path, err, reasonOf(err), want)
		}
	}
}
