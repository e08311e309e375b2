package static

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/wire"
)

// site is a folder with a handler over it, whose clock is a second ahead of
// the machine's: what was just written counts as written a second ago.
type site struct {
	*Handler
	t   testing.TB
	dir string
	now time.Duration // added to the clock
	log bytes.Buffer
}

// patience is for what only a failure waits for.
const patience = time.Minute

func newSite(t testing.TB, o Options, files map[string]string) *site {
	s := &site{t: t, dir: t.TempDir(), now: time.Second}
	for name, content := range files {
		s.write(name, content)
	}
	o.Root = s.dir
	o.Now = s.clock
	o.ErrorLog = slog.New(slog.NewTextHandler(&s.log, nil))
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	s.Handler = h
	return s
}

func (s *site) clock() time.Time { return time.Now().Add(s.now) }

func (s *site) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *site) write(name, content string) {
	s.t.Helper()
	must(s.t, os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	must(s.t, os.WriteFile(s.path(name), []byte(content), 0o644))
}

// tick waits until a change would show in the times of a file: there are
// systems that count them in steps of some milliseconds.
func (s *site) tick() {
	s.t.Helper()
	probe := filepath.Join(s.t.TempDir(), "probe")
	must(s.t, os.WriteFile(probe, nil, 0o644))
	first := mustStat(s.t, probe).ModTime()
	for late := time.Now().Add(patience); !mustStat(s.t, probe).ModTime().After(first); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			s.t.Fatal("the time of files does not go on")
		}
		must(s.t, os.WriteFile(probe, nil, 0o644))
	}
}

// replace puts a file in the place of another, whole.
func (s *site) replace(name, content string) {
	s.t.Helper()
	f, err := os.CreateTemp(s.dir, "new")
	must(s.t, err)
	_, err = f.WriteString(content)
	must(s.t, err)
	must(s.t, f.Close())
	must(s.t, os.Rename(f.Name(), s.path(name)))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// settle waits for what runs in the background.
func (s *site) settle() { s.jobs.wg.Wait() }

// warm asks for a path in every coding, and waits until they are made.
func (s *site) warm(path string) {
	s.t.Helper()
	for _, coding := range []string{"identity", "gzip", "br", "zstd"} {
		s.get(path, "Accept-Encoding: "+coding)
	}
	s.settle()
}

// raw makes a request: a request line without its version, and field lines.
func raw(line string, fields ...string) string {
	return line + " HTTP/1.1\r\nHost: example.com\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n"
}

// cold sends a request through ServeHTTP.
func (s *site) cold(request string) *httptest.ResponseRecorder {
	s.t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	must(s.t, err)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// get is cold for a GET.
func (s *site) get(path string, fields ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	return s.cold(raw("GET "+path, fields...))
}

// render writes an answer as both paths' answers are compared.
func render(w *httptest.ResponseRecorder) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", w.Code, wire.Phrase(w.Code))
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		for _, value := range w.Header()[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", wire.SpelledName(name), value)
		}
	}
	return b.String() + "\r\n" + w.Body.String()
}

// parse parses a request as the engine does.
func (s *site) parse(request string) *httpd.Head {
	s.t.Helper()
	var limits wire.Limits
	q := new(httpd.Head)
	if n, broken := limits.ParseRequest([]byte(request), q); broken != 0 || n != len(request) {
		s.t.Fatalf("%q: %v", request, broken)
	}
	q.Now = s.clock().UnixNano()
	return q
}

// hot sends a request through ServeHot and renders the answer.
func (s *site) hot(request string) (answer string, ok bool) {
	s.t.Helper()
	a := httpd.Answer{Scratch: make([]byte, 0, 1024)}
	q := s.parse(request)
	if !s.ServeHot(q, &a) {
		if a.Status != 0 || a.Head != nil || a.File != nil {
			s.t.Errorf("%q: declined, but %+v", request, a)
		}
		return "", false
	}
	if a.Verdict != record.File {
		s.t.Errorf("%q: the verdict is %v", request, a.Verdict)
	}
	body := a.Body
	if a.File != nil {
		var err error
		body, err = io.ReadAll(io.NewSectionReader(a.File, a.Offset, a.Size))
		must(s.t, err)
	}
	if a.Done != nil {
		a.Done.Release()
	}
	if q.Method == "HEAD" {
		body = nil
	}
	return string(a.Head) + "\r\n" + string(body), true
}

// both sends a request both ways, twice, and fails unless the answers are
// equal wherever the hot path answers, which it must the second time.
func (s *site) both(request string) *httptest.ResponseRecorder {
	s.t.Helper()
	first, answered := s.hot(request)
	w := s.cold(request)
	want := render(w)
	if answered && first != want {
		s.t.Errorf("%q\nhot before:\n%s\ncold:\n%s", request, first, want)
	}
	second, answered := s.hot(request)
	if !answered {
		s.t.Errorf("%q: the hot path declined; cold:\n%s", request, want)
	} else if second != want {
		s.t.Errorf("%q\nhot:\n%s\ncold:\n%s", request, second, want)
	}
	return w
}
