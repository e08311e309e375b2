package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// getWorld is a server, and a folder for the cache of those who ask it.
type getWorld struct {
	t     *testing.T
	srv   *httptest.Server
	cache string
	env   []string
	stdin io.Reader
	width int // of the terminal that standard error is; 0: it is none
	term  bool
	now   func() int64

	mu   sync.Mutex
	seen []*http.Request
}

func newGetWorld(t *testing.T, h http.HandlerFunc) *getWorld {
	w := &getWorld{t: t, cache: filepath.Join(t.TempDir(), "cache")}
	w.srv = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.seen = append(w.seen, r)
		w.mu.Unlock()
		h(rw, r)
	}))
	t.Cleanup(w.srv.Close)
	return w
}

// requests are those that have come since the last call.
func (w *getWorld) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// run runs freshet get; in arguments, URL/ is the server's.
func (w *getWorld) run(status int, args ...string) (stdout, stderr string) {
	w.t.Helper()
	line := []string{"get", "--cache-dir", w.cache}
	for _, a := range args {
		line = append(line, strings.ReplaceAll(a, "URL/", w.srv.URL+"/"))
	}
	p := startWith(w.t, func(e *Env) {
		e.Environ = append([]string{"HOME=" + filepath.Dir(w.cache)}, w.env...)
		e.Stdin = w.stdin
		e.Screen = func() (int, int, bool) { return 80, 24, w.term }
		e.Columns = func() (int, bool) { return w.width, w.width > 0 }
		e.Now = w.now
	}, line...)
	if got := p.wait(); got != status {
		w.t.Errorf("%q: exit status %d, want %d: %s", args, got, status, p.stderr)
	}
	return p.stdout.String(), p.stderr.String()
}

// get is run with success and nothing on standard error.
func (w *getWorld) get(args ...string) string {
	w.t.Helper()
	out, said := w.run(exitOK, args...)
	if said != "" {
		w.t.Errorf("%q: on standard error: %s", args, said)
	}
	return out
}

// file returns the content of a file, "" without one.
func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// say is a handler that answers with a text.
func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) }
}

func TestGetToOutput(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "this is %s\n", r.URL.Path) })
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if got := w.get("URL/a"); got != "this is /a\n" {
		t.Errorf("%q", got)
	}
	if got := w.get("URL/a", "URL/b"); got != "this is /a\nthis is /b\n" {
		t.Errorf("%q", got)
	}
	if got := w.get(strings.TrimPrefix(w.srv.URL, "http://")+"/x", "-o", in("x")); got != "" || file(t, in("x")) != "this is /x\n" {
		t.Errorf("%q %q", got, file(t, in("x")))
	}
	w.get("-o", in("one"), "URL/1")
	w.get("-O", "--output-dir", dir, "URL/sub/two.txt?q")
	if file(t, in("one")) != "this is /1\n" || file(t, in("two.txt")) != "this is /sub/two.txt\n" {
		t.Error(file(t, in("one")), file(t, in("two.txt")))
	}
	w.get("--create-dirs", "-o", in("new/folder/f"), "URL/f")
	if file(t, in("new/folder/f")) != "this is /f\n" {
		t.Error("no file in a new folder")
	}
	w.get("--no-clobber", "-o", in("one"), "URL/again")
	if file(t, in("one")) != "this is /1\n" || file(t, in("one.1")) != "this is /again\n" {
		t.Error(file(t, in("one")), file(t, in("one.1")))
	}
	if found, _ := filepath.Glob(in("*" + partSuffix)); found != nil {
		t.Errorf("left behind: %q", found)
	}
	_, said := w.run(getWriteError, "-o", in("missing/f"), "URL/f")
	contains(t, said, "freshet: (23) write ", "no such file or directory")
	_, said = w.run(getWriteError, "-O", "URL/")
	contains(t, said, "has no name for a file; give one with --output")
}

// What is answered with a name in it does not leave the folder.
func TestGetRemoteNames(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", r.URL.Query().Get("d"))
		io.WriteString(w, "x")
	})
	for field, want := range map[string]string{
		"attachment; filename=a.txt":                     "a.txt",
		`attachment; filename="../../b.txt"`:             "b.txt",
		`attachment; filename="..\..\c.txt"`:             "c.txt",
		"attachment; filename*=UTF-8''d%C3%A9.txt":       "dé.txt",
		`attachment; filename=".bashrc"`:                 "f",
		`attachment; filename=".."`:                      "f",
		"attachment; filename*=UTF-8''%C2%9Bm.txt":       "f", // a control of C1
		"attachment; filename*=UTF-8''a%E2%80%AEtxt.exe": "f", // read from right to left
		"inline": "f",
		"%%%":    "f",
	} {
		dir := t.TempDir()
		w.get("-OJ", "--output-dir", dir, "-G", "--data-urlencode", "d="+field, "URL/f")
		found, _ := filepath.Glob(filepath.Join(dir, "*"))
		if len(found) != 1 || filepath.Base(found[0]) != want {
			t.Errorf("%s: %q, want %s", field, found, want)
		}
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "a.txt"), []byte("mine"), 0o600)
	w.run(getWriteError, "-OJ", "--output-dir", dir, "-G", "--data-urlencode", "d=attachment; filename=a.txt", "URL/f")
	if file(t, filepath.Join(dir, "a.txt")) != "mine" {
		t.Error("a file was replaced by a name that the server said")
	}
	for _, path := range []string{"URL/a/..%2fx", "URL/%2e%2e", "URL/a%5cb"} {
		w.run(getWriteError, "-O", "--output-dir", dir, path)
	}
}

// A terminal gets no binary unless that was asked for.
func TestGetBinary(t *testing.T) {
	w := newGetWorld(t, say("a\x00b"))
	if got := w.get("URL/"); got != "a\x00b" {
		t.Errorf("not to a terminal: %q", got)
	}
	w.term = true
	out, said := w.run(getWriteError, "URL/")
	contains(t, said, "the body is binary, and could upset the terminal; give --output FILE, or --output - to have it anyway")
	if out != "" {
		t.Errorf("%q", out)
	}
	if got := w.get("-o", "-", "URL/"); got != "a\x00b" {
		t.Errorf("%q", got)
	}
}

// The second time the cache answers, or has to ask and says so.
func TestGetTwice(t *testing.T) {
	var asked atomic.Int64
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", r.URL.Query().Get("cc"))
		w.Header().Set("Etag", `"1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("content"))
	})
	for range 2 {
		if got := w.get("URL/fresh?cc=max-age=60"); got != "content" {
			t.Errorf("%q", got)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("%d requests for what is fresh", asked.Load())
	}
	for range 2 {
		w.get("URL/checked?cc=no-cache")
	}
	if seen := w.requests(); len(seen) != 3 || seen[2].Header.Get("If-None-Match") != `"1"` {
		t.Errorf("%d requests, the last is %v", len(seen), seen[len(seen)-1].Header)
	}
	w.get("URL/fresh?cc=max-age=60", "--refresh")
	if seen := w.requests(); len(seen) != 1 || seen[0].Header.Get("If-None-Match") != `"1"` {
		t.Errorf("--refresh: %v", seen)
	}
	w.get("URL/fresh?cc=max-age=60", "--no-cache")
	if seen := w.requests(); len(seen) != 1 || seen[0].Header.Get("If-None-Match") != "" {
		t.Errorf("--no-cache: %v", seen)
	}
	w.srv.Close()
	if got := w.get("URL/fresh?cc=max-age=60", "--offline"); got != "content" {
		t.Errorf("offline: %q", got)
	}
	_, said := w.run(getNotCached, "URL/other", "--offline")
	contains(t, said, "the cache cannot answer, and --offline sends nothing")
	_, said = w.run(getNotCached, "-d", "a", "URL/other", "--offline")
	contains(t, said, "freshet: (111) ")
}

// How it ends.
func TestGetStatus(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/404":
			http.Error(w, "nothing here", 404)
		case "/short":
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "short")
		case "/gone":
			panic(http.ErrAbortHandler)
		case "/round":
			http.Redirect(w, r, "/round", 302)
		case "/away":
			http.Redirect(w, r, "ftp://other.test/", 302)
		case "/slow":
			<-r.Context().Done()
		}
	})
	for _, tt := range []struct {
		status int
		args   string
		say    string
	}{
		{exitUsage, "", "say what to fetch"},
		{getBadURL, "http://", "is no URL"},
		{getBadURL, "http://a\x7fb/", "is no URL"},
		{1, "ftp://a/", "is no scheme that freshet get knows; give http or https"},
		{getHostUnknown, "http://none.invalid/", "none.invalid"},
		{getNoConnection, "http://" + wiretest.Reserve(t) + "/", "connection refused"},
		{exitOK, "URL/404", ""},
		{getHTTPError, "-f URL/404", "the answer is 404 Not Found"},
		{getHTTPError, "--fail-with-body URL/404", "the answer is 404 Not Found"},
		{getPartial, "URL/short", "the body was cut off after 5 of 10 bytes"},
		{getNothing, "URL/gone", ""},
		{getManyRedirects, "URL/round", "there are more than 20 redirects; the last leads to " + w.srv.URL + "/round, where it comes from"},
		{getManyRedirects, "--max-redirs 0 URL/round", "there are more than 0 redirects"},
		{exitOK, "--no-location URL/round", ""},
		{1, "URL/away", "the redirect cannot be followed"},
		{getTimeout, "-m 0.05 URL/slow", "it takes longer than --max-time"},
		{getBadAuthorities, "--cacert /none URL/", "--cacert /none: no such file or directory"},
		{getBadCertificate, "--cert /none URL/", "--cert /none: no such file or directory"},
		{getReadError, "-d @/none URL/", "no such file or directory"},
		{getReadError, "-T /none URL/", "no such file or directory"},
		{getProxyUnknown, "-x ftp://p URL/", "its scheme is none of http, https, socks5 and socks5h"},
		{exitUsage, "--resolve x URL/", "--resolve: "},
		{exitUsage, "--pinnedpubkey x URL/", "--pinnedpubkey: "},
		{getTooLarge, "--max-filesize 4 URL/short", "longer than --max-filesize"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			w := &getWorld{t: t, srv: w.srv, cache: w.cache}
			_, said := w.run(tt.status, strings.Fields(tt.args)...)
			contains(t, said, tt.say)
			if tt.status > exitUsage && !strings.HasPrefix(said, fmt.Sprintf("freshet: (%d) ", tt.status)) {
				t.Errorf("%q", said)
			}
			_, said = w.run(tt.status, append(strings.Fields(tt.args), "-s")...)
			if said != "" && tt.status != exitUsage {
				t.Errorf("silent: %q", said)
			}
		})
	}
	out, _ := w.run(getHTTPError, "-fs", "URL/404")
	if out != "" {
		t.Errorf("--fail wrote %q", out)
	}
	out, said := w.run(getHTTPError, "--fail-with-body", "-sS", "URL/404")
	if out != "nothing here\n" || said == "" {
		t.Errorf("--fail-with-body wrote %q, said %q", out, said)
	}
}

// Cookies and logins go where they belong.
func TestGetWho(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/set":
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s"})
			http.SetCookie(w, &http.Cookie{Name: "long", Value: "l", MaxAge: 1000, HttpOnly: true})
			http.Redirect(w, r, "/show", 302)
		case "/away":
			http.Redirect(w, r, "http://other.test/show", 302)
		default:
			fmt.Fprintf(w, "%s|%s", r.Header.Get("Cookie"), r.Header.Get("Authorization"))
		}
	})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(w.srv.URL, "http://"))
	away := "other.test:80:127.0.0.1:" + port
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	netrc := "machine 127.0.0.1 login ann password pw\nmachine other.test login bob password qw\n"
	if err := os.WriteFile(in("netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("others"), []byte("default login d password p\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"URL/set", "|"},
		{"-b a=1;b=2 URL/show", "a=1;b=2|"},
		{"-b a=1 URL/away --connect-to " + away, "|"},
		{"-b a=1 --location-trusted URL/away --connect-to " + away, "a=1|"},
		{"-b none URL/set", "session=s; long=l|"},
		{"-c " + in("jar") + " URL/set", "session=s; long=l|"},
		{"-b " + in("jar") + " URL/show", "session=s; long=l|"},
		{"-b " + in("jar") + " -b x=y URL/show", "session=s; long=l; x=y|"},
		{"-j -b " + in("jar") + " URL/show", "long=l|"},
		{"-b " + in("jar") + " -H Cookie:z=1 URL/show", "z=1|"},
		{"-b " + in("jar") + " URL/away --connect-to " + away, "|"},
		{"-u ann:pw URL/show", "|Basic YW5uOnB3"},
		{"-u ann:pw URL/away --connect-to " + away, "|"},
		{"--oauth2-bearer tok URL/show", "|Bearer tok"},
		{"--oauth2-bearer tok URL/away --connect-to " + away, "|"},
		{"-H Authorization:x URL/away --connect-to " + away, "|"},
		{"--netrc-file " + in("netrc") + " URL/show", "|Basic YW5uOnB3"},
		{"--netrc-file " + in("netrc") + " URL/away --connect-to " + away, "|Basic Ym9iOnF3"},
		{"--netrc-file " + in("netrc") + " -u x:y URL/show", "|Basic eDp5"},
		{"--netrc-file " + in("others") + " URL/show", "|Basic ZDpw"},
		{"--netrc-file " + in("others") + " URL/away --connect-to " + away, "|"},
		{"--netrc-file " + in("others") + " --location-trusted URL/away --connect-to " + away, "|Basic ZDpw"},
		{"--netrc-optional URL/show", "|"},
		{strings.Replace(w.srv.URL, "://", "://ann:pw@", 1) + "/show", "|Basic YW5uOnB3"},
	} {
		if got := w.get(append(strings.Fields(tt.args), "--no-cache")...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.args, got, tt.want)
		}
	}
	if info, err := os.Stat(in("jar")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	contains(t, file(t, in("jar")), "#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t", "\tlong\tl\n", "127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\ts\n")
	os.Chmod(in("netrc"), 0o644)
	_, said := w.run(exitOK, "--netrc-file", in("netrc"), "URL/show")
	contains(t, said, "can be read by others (mode 0644); run chmod 600 on it")
	_, said = w.run(getReadError, "-n", "URL/show")
	contains(t, said, ".netrc: no such file or directory")
}
