package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/jobs"
	"freshet/static"
)

// prose is text that compresses.
var prose = strings.Repeat("What can be said at all can be said clearly. ", 40)

// anHourAgo is when the files of these tests were written.
var anHourAgo = time.Now().Add(-time.Hour).Truncate(time.Second)

// ground is a folder that is served, and one for notes.
type ground struct {
	t     *testing.T
	dir   string
	notes string
	files *folders
}

func newGround(t *testing.T, o static.Options, files map[string]string) *ground {
	g := &ground{t: t, dir: t.TempDir(), notes: filepath.Join(t.TempDir(), "notes")}
	for name, text := range files {
		g.write(name, text, anHourAgo)
	}
	o.Root = g.dir
	h, err := static.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	g.files = newFolders(h)
	return g
}

func (g *ground) path(name string) string { return filepath.Join(g.dir, filepath.FromSlash(name)) }

func (g *ground) write(name, text string, at time.Time) {
	g.t.Helper()
	err := os.MkdirAll(filepath.Dir(g.path(name)), 0o755)
	if err == nil {
		err = os.WriteFile(g.path(name), []byte(text), 0o640)
	}
	if err == nil {
		err = os.Chtimes(g.path(name), at, at)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// run runs a job and returns what it wrote.
func (g *ground) run(params map[string]string) (string, jobs.Result) {
	h := &heard{}
	r := precompressKind(g.files, g.notes)(g.t.Context(), &jobs.Task{Spec: jobs.Spec{Kind: "precompress", Params: params}}, h)
	return h.text.String(), r
}

// says runs a job that is to succeed and write a line.
func (g *ground) says(want string, params map[string]string) {
	g.t.Helper()
	if text, r := g.run(params); !r.OK() || text != want+"\n" {
		g.t.Errorf("%+v, %q, want %q", r, text, want)
	}
}

// has compares the files below the folder.
func (g *ground) has(want ...string) {
	g.t.Helper()
	var got []string
	filepath.WalkDir(g.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(g.dir, path)
			got = append(got, filepath.ToSlash(name))
		}
		return err
	})
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		g.t.Errorf("there are %q, want %q", got, want)
	}
}

// codes reports what is wrong with a file beside an original.
func (g *ground) codes(name string, c field.Coding) {
	g.t.Helper()
	b, err := os.ReadFile(g.path(name + coding.Sidecar(c)))
	if err != nil {
		g.t.Error(err)
		return
	}
	text, err := coding.Decode(c, b, 64<<20)
	original, _ := os.ReadFile(g.path(name))
	if err != nil || string(text) != string(original) {
		g.t.Errorf("%s in %v: %d bytes, %v", name, c, len(text), err)
	}
	is, err := os.Stat(g.path(name + coding.Sidecar(c)))
	of, err2 := os.Stat(g.path(name))
	if err = errors.Join(err, err2); err != nil || is.Mode() != of.Mode() || !is.ModTime().Equal(of.ModTime()) {
		g.t.Errorf("%s in %v: %v %v, %v", name, c, is.Mode(), is.ModTime(), err)
	}
}

// What compresses is compressed once; what does not, or is not served, is left.
func TestPrecompress(t *testing.T) {
	files := map[string]string{
		"app.js": prose, "sub/deep/page.html": prose + "<p>", "tiny.css": "a{}", "photo.png": prose, "data.tar": prose,
		".hidden/x.js": prose, ".env.txt": prose, "noise.txt": noise(4000), "cgi-bin/a.py": prose, "large.txt": strings.Repeat(prose, 100),
	}
	g := newGround(t, static.Options{Programs: func(name string) bool { return strings.HasSuffix(name, ".py") }}, files)
	had := []string{"app.js", "sub/deep/page.html", "tiny.css", "photo.png", "data.tar", ".hidden/x.js", ".env.txt", "noise.txt", "cgi-bin/a.py", "large.txt"}
	g.says("5 files: 9 codings written, 6 not worth it", nil)
	now := append(slices.Clone(had), "app.js.gz", "app.js.br", "app.js.zst", "sub/deep/page.html.gz", "sub/deep/page.html.br", "sub/deep/page.html.zst", "large.txt.gz", "large.txt.br", "large.txt.zst")
	g.has(now...)
	for _, c := range []field.Coding{field.Gzip, field.Brotli, field.Zstd} {
		for _, name := range []string{"app.js", "sub/deep/page.html", "large.txt"} {
			g.codes(name, c)
		}
	}
	g.says("5 files: 0 codings written, 9 there already, 6 not worth it", nil)
	g.has(now...)

	// Of what has changed the codings are made anew, and go where they have no
	// use any more. So do those of a file that has become another by an older one.
	g.write("app.js", prose+"changed", anHourAgo.Add(time.Minute))
	g.write("large.txt", "now small", anHourAgo.Add(time.Minute))
	g.write("sub/deep/page.html", prose+"older", anHourAgo.Add(-time.Hour))
	g.says("5 files: 6 codings written, 3 removed, 6 not worth it", nil)
	now = now[:len(now)-3]
	g.has(now...)
	for _, name := range []string{"app.js", "sub/deep/page.html"} {
		g.codes(name, field.Gzip)
	}

	// What was written for a file that has gone goes, too.
	if err := os.Remove(g.path("app.js")); err != nil {
		t.Fatal(err)
	}
	g.says("4 files: 0 codings written, 3 there already, 3 removed, 9 not worth it", nil)
	g.has("sub/deep/page.html", "tiny.css", "photo.png", "data.tar", ".hidden/x.js", ".env.txt", "noise.txt", "cgi-bin/a.py", "large.txt",
		"sub/deep/page.html.gz", "sub/deep/page.html.br", "sub/deep/page.html.zst")
}

// noise is text that does not compress.
func noise(n int) string {
	x, b := uint32(1), make([]byte, n)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

// Codings, sizes and paths may be chosen.
func TestPrecompressChosen(t *testing.T) {
	g := newGround(t, static.Options{}, map[string]string{"a/x.js": prose, "a/y.js": prose + prose, "b/x.js": prose, "b c/x.js": prose})
	had := []string{"a/x.js", "a/y.js", "b/x.js", "b c/x.js"}
	g.says("1 file: 1 coding written", map[string]string{"codings": "gzip", "paths": "/b%20c/"})
	g.says("1 file: 1 coding written, 1 there already", map[string]string{"codings": "br, gzip,br", "paths": "/b%20c/x.js", "min-size": "1"})
	g.has(append(had, "b c/x.js.gz", "b c/x.js.br")...)
	g.says("2 files: 1 coding written, 1 not worth it", map[string]string{"codings": "zstd", "paths": "/a", "min-size": fmt.Sprint(len(prose) + 1)})
	g.has(append(had, "b c/x.js.gz", "b c/x.js.br", "a/y.js.zst")...)
	g.says("2 files: 2 codings written", map[string]string{"codings": "zstd", "paths": "/a/x.js /b/./x.js"})
}

// What somebody else has put beside a file is left alone.
func TestPrecompressForeign(t *testing.T) {
	g := newGround(t, static.Options{}, map[string]string{"a.js": prose, "a.js.gz": "theirs", "link.js": prose, "dir.js": prose, "dir.js.br/x": "y"})
	g.write("a.js.br", "theirs, from before", anHourAgo.Add(-time.Second))
	g.write("a.js.zst", "theirs, later", anHourAgo.Add(time.Second))
	if err := os.Symlink("a.js", g.path("link.js.gz")); err != nil {
		t.Skip(err)
	}
	for i := range 2 {
		want := "3 files: 4 codings written, 5 of somebody else, left alone"
		if i > 0 {
			want = "3 files: 0 codings written, 4 there already, 5 of somebody else, left alone"
		}
		g.says(want, nil)
		for name, want := range map[string]string{"a.js.gz": "theirs", "a.js.br": "theirs, from before", "a.js.zst": "theirs, later", "link.js.gz": prose} {
			if b, err := os.ReadFile(g.path(name)); err != nil || string(b) != want {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
		g.codes("dir.js", field.Gzip)
	}
	// What was ours, and somebody has written over, is theirs.
	g.write("dir.js.gz", "theirs", anHourAgo.Add(time.Minute))
	g.says("3 files: 0 codings written, 3 there already, 6 of somebody else, left alone", nil)
}

// Nothing is read or written that is outside, or held back.
func TestPrecompressHostile(t *testing.T) {
	g := newGround(t, static.Options{}, map[string]string{"in/a.js": prose, ".git/b.js": prose})
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "c.js"), []byte(prose), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"out": outside, "c.js": filepath.Join(outside, "c.js"), "in/up": "..", "in/again.js": "a.js"} {
		if err := os.Symlink(to, g.path(name)); err != nil {
			t.Skip(err)
		}
	}
	for path, want := range map[string]string{
		"/../x":        "no path of an address",
		"/in/../../x":  "no path of an address",
		"/%2e%2e/x":    "no path of an address",
		"/in%2fa.js":   "no path of an address",
		"/%00":         "no path of an address",
		"in/a.js":      "no path of an address",
		"http://a/in":  "no path of an address",
		outside:        "cannot be compressed",
		"/out":         "cannot be compressed",
		"/out/c.js":    "cannot be compressed",
		"/c.js":        "cannot be compressed",
		"/in/up/in":    "cannot be compressed",
		"/.git":        "cannot be compressed",
		"/.git/b.js":   "cannot be compressed",
		"/nothing":     "cannot be compressed",
		"/in/a.js/b":   "cannot be compressed",
		"/in /nothing": "cannot be compressed",
	} {
		if _, r := g.run(map[string]string{"paths": path}); r.OK() || !strings.Contains(r.Reason, want) {
			t.Errorf("%s: %+v, want %q", path, r, want)
		}
	}
	g.says("1 file: 3 codings written", nil)
	if list, err := os.ReadDir(outside); err != nil || len(list) != 1 {
		t.Errorf("outside: %v, %v", list, err)
	}
	g.has("in/a.js", ".git/b.js", "out", "c.js", "in/up", "in/again.js", "in/a.js.gz", "in/a.js.br", "in/a.js.zst")
}

func TestPrecompressParameters(t *testing.T) {
	for name, x := range map[string]struct {
		params map[string]string
		want   string
	}{
		"coding":  {map[string]string{"codings": "gzip,lzma"}, `"lzma" is none of gzip, br, zstd`},
		"nothing": {map[string]string{"codings": ""}, `"" is none of`},
		"plain":   {map[string]string{"codings": "identity"}, "is none of"},
		"size":    {map[string]string{"min-size": "small"}, `"small" is no size`},
		"none":    {map[string]string{"min-size": "0"}, "is no size"},
		"unknown": {map[string]string{"level": "9"}, `no parameter "level"`},
		"two":     {map[string]string{"level": "9", "min-size": "x"}, "is no size"},
	} {
		if _, err := readPrecompress(x.params); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stopping is a Reporter that ends the job once it has come to a file.
type stopping struct {
	heard
	at   int
	stop func()
}

func (s *stopping) Progress(float64, string) {
	if s.at--; s.at == 0 {
		s.stop()
	}
}

// A job that is ended half way leaves whole codings and nothing else; the next
// one does the rest.
func TestPrecompressCancelled(t *testing.T) {
	files := map[string]string{}
	for i := range 12 {
		files[fmt.Sprintf("%d/a.js", i)] = prose + fmt.Sprint(i)
	}
	g := newGround(t, static.Options{}, files)
	gone := errors.New("nobody wants it")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := precompressKind(g.files, g.notes)(ctx, &jobs.Task{}, &stopping{at: 6, stop: func() { cancel(gone) }})
	if r.OK() || r.Reason != gone.Error() {
		t.Errorf("%+v", r)
	}
	written := 0
	filepath.WalkDir(g.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) != ".js" {
			written++
			if strings.HasPrefix(d.Name(), asidePrefix) {
				t.Errorf("%s is left", path)
			}
		}
		return err
	})
	if written != 5*3 {
		t.Errorf("%d codings are there", written)
	}
	g.says("12 files: 21 codings written, 15 there already", nil)
	for i := range 12 {
		g.codes(fmt.Sprintf("%d/a.js", i), field.Brotli)
	}
}

// A folder that cannot be written to is told, and so is that nothing came of
// it; what can be written is.
func TestPrecompressUnwritable(t *testing.T) {
	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		t.Skip("this user may write everywhere")
	}
	g := newGround(t, static.Options{}, map[string]string{"ro/a.js": prose, "rw/a.js": prose})
	if err := os.Chmod(g.path("ro"), 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(g.path("ro"), 0o755)
	text, r := g.run(nil)
	if r.OK() || !strings.Contains(r.Reason, "3 codings failed: /ro/a.js: write beside it: permission denied") || !strings.Contains(text, "2 files: 3 codings written, 3 failed") {
		t.Errorf("%+v, %q", r, text)
	}
	g.codes("rw/a.js", field.Gzip)
}

// A file whose last change is too fresh for a next one to show is waited for,
// and one from the future is left out.
func TestPrecompressFresh(t *testing.T) {
	g := newGround(t, static.Options{}, map[string]string{"a.js": prose})
	g.write("b.js", prose, time.Now().Add(time.Hour))
	text, r := g.run(nil)
	if r.OK() || !strings.Contains(r.Reason, "/b.js: its time has not come yet") || !strings.Contains(text, "2 files: 3 codings written") {
		t.Errorf("%+v, %q", r, text)
	}
	p := &precompressor{settle: time.Hour, now: func() time.Time { return anHourAgo.Add(time.Minute) }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root, err := os.OpenRoot(g.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := p.settled(ctx, &belowRoot{root: root}, "a.js"); !errors.Is(err, context.Canceled) {
		t.Errorf("it is not waited for: %v", err)
	}
}

// Notes that are lost or broken do no harm.
func TestPrecompressNotes(t *testing.T) {
	g := newGround(t, static.Options{}, map[string]string{"a.js": prose, "b/a.js": prose})
	g.says("2 files: 6 codings written", nil)
	notes, err := filepath.Glob(filepath.Join(g.notes, "*.notes"))
	if err != nil || len(notes) != 2 {
		t.Fatal(notes, err)
	}
	for _, name := range notes { // a crash has cut off the last line
		b, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, b[:len(b)-10], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	g.says("2 files: 0 codings written, 4 there already, 2 of somebody else, left alone", nil)
	if err := os.RemoveAll(g.path("b")); err != nil {
		t.Fatal(err)
	}
	g.write("a.js", prose+"x", anHourAgo.Add(time.Second))
	g.says("1 file: 2 codings written, 1 of somebody else, left alone", nil)
	if notes, err = filepath.Glob(filepath.Join(g.notes, "*.notes")); err != nil || len(notes) != 1 {
		t.Errorf("%q, %v: the notes of a folder that is gone stay", notes, err)
	}
	for i := range 80 { // they do not grow
		g.write("a.js", prose+"x", anHourAgo.Add(time.Duration(i+2)*time.Second))
		g.says("1 file: 1 coding written", map[string]string{"codings": "gzip"})
	}
	if fi, err := os.Stat(notes[0]); err != nil || fi.Size() > 70*200 {
		t.Errorf("%v, %v", fi.Size(), err)
	}
	g.says("1 file: 1 coding written, 1 there already, 1 of somebody else, left alone", nil)
}

// What is too large to be held passes through.
func TestPrecompressPassing(t *testing.T) {
	g := newGround(t, static.Options{}, map[string]string{"a.js": strings.Repeat(prose, 50), "b.txt": noise(60_000)})
	w, err := readPrecompress(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &precompressor{wants: w, report: &heard{}, notes: g.notes, whole: 1000, now: time.Now}
	if err := p.all(t.Context(), g.files.list()); err != nil || p.written != 3 || p.idle != 3 {
		t.Errorf("%v, %s", err, p.summary())
	}
	for _, c := range w.codings {
		g.codes("a.js", c)
	}
	g.has("a.js", "a.js.gz", "a.js.br", "a.js.zst", "b.txt")
}

// A job writes codings beside the files of a server, which serves them.
func TestPrecompressJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	g := newGround(t, static.Options{}, map[string]string{"docs/app.js": prose, "other/app.js": prose})
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", g.dir)
	p.monitor() // it can be reached
	submit := func(status int, told, log string, args ...string) {
		t.Helper()
		got, stdout, stderr := command(t, home, append([]string{"job", "submit", "--wait", "--kind", "precompress"}, args...)...)
		text := ""
		if id := strings.TrimSpace(stdout); id != "" {
			_, text, _ = command(t, home, "job", "logs", id)
		}
		if got != status || !strings.Contains(stderr, told) || !strings.Contains(text, log) {
			t.Errorf("%q: %d, %q, %q", args, got, stderr, text)
		}
	}
	submit(exitOK, "", "1 file: 3 codings written\n", "/docs/")
	submit(exitOK, "", "2 files: 3 codings written, 3 there already\n")
	submit(exitOK, "", "2 files: 0 codings written, 6 there already\n")
	g.codes("docs/app.js", field.Brotli)
	beside, err := os.ReadFile(g.path("docs/app.js.br"))
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	until(t, "the server sends it", func() bool { // not while it may still be written
		r, err := http.NewRequest("GET", p.url()+"docs/app.js", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "br")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.Header.Get("Content-Encoding") == "br" && string(body) == string(beside)
	})
	submit(exitFault, "kind precompress: parameter paths", "", "/../etc")
	submit(exitFault, "no path of an address", "", g.path("docs")[1:])
	submit(exitFault, "is none of gzip, br, zstd", "", "--param", "codings=deflate")
	submit(exitFault, "/etc/passwd cannot be compressed: it is not in what is served", "", "/etc/passwd")
}

// Of a configuration file the job does the folders of all routes that have a
// path, and those of the file as it is now.
func TestPrecompressRoutes(t *testing.T) {
	one := newGround(t, static.Options{}, map[string]string{"a.js": prose, "docs/x.js": prose})
	two := newGround(t, static.Options{}, map[string]string{"b.js": prose, "deep/c.js": prose})
	f := &folders{turn: make(chan struct{}, 1), list: func() []servedFolder {
		a, b := one.files.list()[0], two.files.list()[0]
		b.path = "docs/manual"
		return []servedFolder{a, b}
	}}
	run := func(path, want string) {
		t.Helper()
		h := &heard{}
		if r := precompressKind(f, one.notes)(t.Context(), &jobs.Task{Spec: jobs.Spec{Params: map[string]string{"paths": path}}}, h); !r.OK() || h.text.String() != want+"\n" {
			t.Errorf("%s: %+v, %q", path, r, &h.text)
		}
	}
	run("/docs/manual/deep", "1 file: 3 codings written")
	run("/docs", "3 files: 6 codings written, 3 there already")
	run("/", "4 files: 3 codings written, 9 there already")
	two.has("b.js", "b.js.gz", "b.js.br", "b.js.zst", "deep/c.js", "deep/c.js.gz", "deep/c.js.br", "deep/c.js.zst")

	own := &folders{list: func() []servedFolder { return f.list()[1:] }}
	if err := own.checkPrecompress(map[string]string{"paths": "/docs /other"}); err == nil || err.Error() != "no folder is served at /other" {
		t.Errorf("%v", err)
	}
	own.list = func() []servedFolder { return nil }
	if err := own.checkPrecompress(nil); !errors.Is(err, errNoFolders) {
		t.Errorf("%v", err)
	}
}
