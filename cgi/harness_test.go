//go:build unix

package cgi_test

import (
	"bufio"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/httpd"
	"freshet/internal/child"
	"freshet/internal/record"
)

// soon is how long a test waits for what must happen at once, on a machine
// that is busy with other things.
const soon = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// folder makes a folder that every user may enter, for files of which the
// names and contents are given in pairs. A name that ends in ".txt" is not
// made executable.
func folder(t testing.TB, files ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cgi-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(dir, files[i]), files[i+1])
	}
	return dir
}

// write writes a file, whatever the umask, and the folders that it is in.
func write(t testing.TB, path, content string) {
	t.Helper()
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if os.Mkdir(dir, 0o755) == nil {
			must(t, os.Chmod(dir, 0o755))
			dir = path // from the start: its own folder may be missing still
		} else if _, err := os.Stat(dir); err == nil {
			break
		}
	}
	mode := os.FileMode(0o755)
	if strings.HasSuffix(path, ".txt") {
		mode = 0o644
	}
	// Renamed into place: a file that is open for writing cannot be executed,
	// and a program that is started meanwhile inherits it for a moment.
	must(t, os.WriteFile(path+".new", []byte(content), mode))
	must(t, os.Chmod(path+".new", mode))
	must(t, os.Rename(path+".new", path))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sh is a program in the language of /bin/sh.
func sh(lines ...string) string { return "#!/bin/sh\n" + strings.Join(lines, "\n") + "\n" }

// hello prints a document.
var hello = sh(`printf 'Content-Type: text/plain\n\nhello\n'`)

// python is a program in Python; the test is skipped without.
func python(t testing.TB, lines ...string) string {
	t.Helper()
	return interpreted(t, "/usr/bin/python3", lines)
}

// perl is a program in Perl; the test is skipped without.
func perl(t testing.TB, lines ...string) string {
	t.Helper()
	return interpreted(t, "/usr/bin/perl", lines)
}

func interpreted(t testing.TB, interpreter string, lines []string) string {
	t.Helper()
	if _, err := os.Stat(interpreter); err != nil {
		t.Skipf("%s is not installed", interpreter)
	}
	return "#!" + interpreter + "\n" + strings.Join(lines, "\n") + "\n"
}

// newHandler returns a handler, which the test closes.
func newHandler(t testing.TB, o cgi.Options) *cgi.Handler {
	t.Helper()
	if o.ErrorLog == nil {
		o.ErrorLog = quiet
	}
	if o.Limits == (cgi.Limits{}) && !limitable() {
		o.Limits = cgi.Limits{Memory: -1, CPU: -1, Processes: -1, Files: -1, FileSize: -1} // New would warn
	}
	h, err := cgi.New(o)
	switch {
	case errors.Is(err, child.ErrLimits):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, h.Close()) })
	return h
}

// limitable reports whether the limits of programs can be set here.
var limitable = sync.OnceValue(func() bool {
	h, err := cgi.New(cgi.Options{Dir: os.TempDir(), AllowWritable: true, Limits: cgi.Limits{Files: 64}, ErrorLog: quiet})
	if err == nil {
		h.Close()
	}
	return err == nil
})

// records keeps the records of a server under test.
type records struct{ all chan httpd.Record }

func (s *records) Record(r *httpd.Record) {
	c := *r
	c.Method, c.Target, c.Proto, c.Host = strings.Clone(r.Method), strings.Clone(r.Target), strings.Clone(r.Proto), strings.Clone(r.Host)
	s.all <- c
}

// next waits for the next record.
func (s *records) next(t testing.TB) *httpd.Record {
	t.Helper()
	select {
	case r := <-s.all:
		if r.Detail == nil {
			r.Detail = new(record.Detail)
		}
		return &r
	case <-time.After(soon):
		t.Fatal("no record")
		panic("unreachable")
	}
}

// server is a server under test.
type server struct {
	t    testing.TB
	addr string
	records
}

// serve serves h with the engine.
func serve(t testing.TB, h http.Handler) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, addr: l.Addr().String(), records: records{make(chan httpd.Record, 4096)}}
	srv := &httpd.Server{Handler: h, Sink: &s.records, ErrorLog: log.New(io.Discard, "", 0)}
	var done sync.WaitGroup
	done.Go(func() { srv.Serve(l) })
	t.Cleanup(func() { srv.Close(); done.Wait() })
	return s
}

// run serves programs of a folder with default options, but for what change
// does to them.
func run(t testing.TB, dir string, change func(*cgi.Options)) (*server, *cgi.Handler) {
	t.Helper()
	o := cgi.Options{Dir: dir}
	if change != nil {
		change(&o)
	}
	h := newHandler(t, o)
	return serve(t, h), h
}

// client follows no redirects, and has a connection for each request.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	Timeout:       soon,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is an answer and its body, as far as it came.
type answer struct {
	*http.Response
	body string
	err  error // of reading the body: it was cut
}

// do sends a request; head fields are given in pairs.
func (s *server) do(method, path string, body io.Reader, fields ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, "http://"+s.addr+path, body)
	must(s.t, err)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		return answer{Response: &http.Response{Header: http.Header{}}, err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b), err}
}

func (s *server) get(path string, fields ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, fields...)
}

// dial connects to the server.
func (s *server) dial() (net.Conn, *bufio.Reader) {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	must(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(soon))
	return c, bufio.NewReader(c)
}

// talk sends raw bytes on a new connection, and returns all that comes back.
func (s *server) talk(raw string) string {
	s.t.Helper()
	c, br := s.dial()
	io.WriteString(c, raw)
	b, _ := io.ReadAll(br)
	return string(b)
}

// eventually waits for what happens outside of this process.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(soon); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}
