package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/record"
	"freshet/internal/why"
	"freshet/internal/wiretest"
)

// world is what a scenario plays in: the program, an origin, a folder.
type world struct {
	t       *testing.T
	s       *scenario
	home    string
	dir     string // that is served
	now     atomic.Int64
	origin  *playedOrigin
	backend *playedBackend // nil: the scenario has none
	records records
	args    []string // of the command
	toml    string
	changed bool // the program has to start anew
	program *program
	listen  string // where it listens, each time: nobody else gets the port meanwhile
	base    string // "http://127.0.0.1:port"
}

// records keeps what the program records.
type records struct {
	mu   sync.Mutex
	all  []record.Record
	more chan struct{}
}

// Record implements httpd.Sink.
func (r *records) Record(rec *record.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := *rec
	kept.Method, kept.Target, kept.Host = strings.Clone(rec.Method), strings.Clone(rec.Target), strings.Clone(rec.Host)
	r.all = append(r.all, kept)
	close(r.more)
	r.more = make(chan struct{})
}

// wait returns the record number n.
func (r *records) wait(n int) (*record.Record, error) {
	late := time.After(patience)
	for {
		r.mu.Lock()
		more := r.more
		if len(r.all) > n {
			rec := r.all[n]
			r.mu.Unlock()
			return &rec, nil
		}
		r.mu.Unlock()
		select {
		case <-more:
		case <-late:
			return nil, errors.New("nothing was recorded")
		}
	}
}

func (r *records) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

// rules returns all that were recorded, and those that details name.
func (r *records) rules() (all []record.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

func newWorld(t *testing.T, s *scenario) *world {
	// The path of a socket must be short, and that of t.TempDir is not.
	home, err := os.MkdirTemp("", "why")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	if err := os.Chmod(home, 0o755); err != nil { // for whom programs run as
		t.Fatal(err)
	}
	w := &world{t: t, s: s, home: home, dir: filepath.Join(home, "site"), listen: wiretest.Reserve(t), toml: s.toml}
	w.records.more = make(chan struct{})
	w.now.Store(time.Now().UnixNano())
	if w.origin, err = newPlayedOrigin(w, s.answers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.origin.stop)
	if err := os.Mkdir(w.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "secret.txt"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, text := range s.files {
		if err := w.addFile(name, text); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range s.programs {
		if err := w.addFile(name, text); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(w.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range s.private {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.backend != "" {
		w.backend = newPlayedBackend(w, s.backend)
	}
	for _, arg := range s.command {
		w.args = append(w.args, w.expand(arg))
	}
	return w
}

func (w *world) addFile(name, text string) error {
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if to, ok := strings.CutPrefix(text, "link to "); ok {
		return os.Symlink(w.expand(strings.TrimSpace(to)), path)
	}
	switch strings.TrimSpace(text) {
	case "pipe":
		return makePipe(path)
	case "huge":
		sparse(w.t, path)
		return nil
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	// What was changed a moment ago has no Last-Modified yet.
	old := time.Now().Add(-time.Hour)
	return os.Chtimes(path, old, old)
}

// expand puts in what a script cannot know.
func (w *world) expand(text string) string {
	return strings.NewReplacer("$ORIGIN", w.origin.url(), "$ADDRESS", w.origin.addr, "$FASTCGI", w.backend.address(), "$DIR", w.dir, "$HOME", w.home, "$BASE", w.base, "$TOKEN", w.token(),
		"$FILL", strings.Repeat("x", 70000), "$FIELDS", strings.Repeat("A: b\r\n", 300)).Replace(text)
}

// token is that of the running server.
func (w *world) token() string {
	files, _ := filepath.Glob(filepath.Join(w.home, ".local", "state", "freshet", "*.token"))
	if len(files) != 1 {
		return ""
	}
	text, _ := os.ReadFile(files[0])
	return strings.TrimSpace(string(text))
}

func (w *world) expandAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = w.expand(text)
	}
	return all
}

// start starts the program, at the address that it had before if it had one.
func (w *world) start() {
	w.t.Helper()
	args := append([]string{w.args[0], "--listen", w.listen, "--monitor", "off", "--request-id", "always", "--access-log", "off"}, w.args[1:]...)
	switch w.args[0] {
	case "serve":
		args = append(args, w.dir)
	case "run":
		if err := os.WriteFile(w.file(), []byte(w.expand(w.toml)), 0o644); err != nil {
			w.t.Fatal(err)
		}
		args = append(args, "--config", w.file())
	}
	for late := time.Now().Add(patience); ; {
		w.program = startWith(w.t, func(e *Env) {
			e.Environ = []string{"HOME=" + w.home}
			e.Now, e.Sink = w.now.Load, &w.records
		}, args...)
		// The address may be in use a moment longer, see wiretest.ListenAgain: the
		// scenarios beside this one start programs.
		said := w.program.stderr.wait(w.t, `(?m)^serving .* on (?:https?://\S+/)$|address already in use`)
		if strings.HasPrefix(said, "serving ") || time.Now().After(late) {
			break
		}
		w.program.wait()
	}
	w.base = strings.TrimSuffix(w.program.url(), "/")
}

func (w *world) file() string { return filepath.Join(w.home, "freshet.toml") }

func (w *world) stop() {
	if w.program != nil && !w.program.ended {
		w.program.stop()
	}
}

// restart starts the program anew when its command line has changed.
func (w *world) restart() {
	if !w.changed {
		return
	}
	w.stop()
	w.start()
	w.changed = false
}

// configure lets the program read another configuration.
func (w *world) configure(text string) error {
	w.toml = text
	from := len(w.program.stderr.String())
	if err := os.WriteFile(w.file(), []byte(w.expand(text)), 0o644); err != nil {
		return err
	}
	w.program.signals <- hangup
	if said := w.program.stderr.waitFrom(w.t, from, `the configuration (was read anew|stays as it was.*)`); said != "was read anew" {
		return errors.New(said)
	}
	return nil
}

// absolute completes a target.
func (w *world) absolute(target string) string {
	if strings.HasPrefix(target, "/") {
		return w.base + target
	}
	return target
}

// send sends a request on a connection of its own and returns its record.
func (w *world) send(r *request) *record.Record {
	w.t.Helper()
	n := w.records.len()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.base, "http://"))
	if err != nil {
		w.t.Error(err)
		return nil
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, w.bytesOf(r)); err != nil {
		w.t.Error(err)
		return nil
	}
	switch {
	case r.goes:
		w.origin.asked(w.t)
		c.Close()
	case r.hangsUp:
		io.ReadFull(c, make([]byte, 1))
		c.Close()
	case r.unread:
	default:
		w.read(c, r)
	}
	rec, err := w.records.wait(n)
	if err != nil {
		w.t.Error(err)
		return nil
	}
	return rec
}

// read reads an answer, whatever it is.
func (w *world) read(c net.Conn, r *request) {
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: r.method})
	if err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

// bytesOf is a request as it is sent.
func (w *world) bytesOf(r *request) string {
	if r.raw != "" {
		text, err := strconv.Unquote(`"` + w.expand(r.raw) + `"`)
		if err != nil {
			w.t.Error(err)
		}
		return text
	}
	target, host := w.expand(r.target), strings.TrimPrefix(w.base, "http://")
	if rest, ok := strings.CutPrefix(target, "http://"); ok {
		name, path, _ := strings.Cut(rest, "/")
		target, host = "/"+path, name
	}
	var b strings.Builder
	b.WriteString(r.method + " " + target + " HTTP/1.1\r\n")
	if !hasField(r.fields, "Host") {
		b.WriteString("Host: " + host + "\r\n")
	}
	for _, f := range w.expandAll(r.fields) {
		b.WriteString(f + "\r\n")
	}
	if !hasField(r.fields, "Connection") {
		b.WriteString("Connection: close\r\n")
	}
	if r.body != "" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(r.body)) + "\r\n")
	}
	b.WriteString("\r\n" + r.body)
	return b.String()
}

func hasField(fields []string, name string) bool {
	for _, f := range fields {
		if n, _, _ := strings.Cut(f, ":"); strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// explained is an explanation as a program gets it, and its text.
type explained struct {
	Verdict string
	Status  int
	Rule    struct{ Name string }
	Fixes   []struct {
		why.Fix
		Text string
	}
	text string
}

func (e *explained) fixes() []string {
	var all []string
	for _, f := range e.Fixes {
		all = append(all, f.Text)
	}
	return all
}

// whyArgs are the arguments of freshet why for a request.
func (w *world) whyArgs(r *request) []string {
	args := []string{"--method", r.method, w.absolute(w.expand(r.target))}
	for _, f := range w.expandAll(r.fields) {
		args = append(args, "--header", f)
	}
	if r.body != "" {
		args = append(args, "--header", "Content-Length: "+strconv.Itoa(len(r.body)))
	}
	return args
}

// ask runs freshet why, in both forms.
func (w *world) ask(args ...string) *explained {
	w.t.Helper()
	status, text, stderr := command(w.t, w.home, append([]string{"why"}, args...)...)
	if status != exitOK {
		w.t.Errorf("freshet why %v: %d, %s", args, status, stderr)
		return nil
	}
	status, data, stderr := command(w.t, w.home, append([]string{"why", "--json"}, args...)...)
	if status != exitOK {
		w.t.Errorf("freshet why --json %v: %d, %s", args, status, stderr)
		return nil
	}
	e := &explained{text: text}
	if err := json.NewDecoder(bytes.NewBufferString(data)).Decode(e); err != nil {
		w.t.Error(err)
		return nil
	}
	return e
}
