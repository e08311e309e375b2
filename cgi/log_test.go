//go:build unix

package cgi_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"freshet/cgi"
)

// lines is a log that a test reads.
type lines struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// all returns what was logged so far.
func (l *lines) all(t *testing.T) (all []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		var m map[string]any
		must(t, json.Unmarshal([]byte(line), &m))
		all = append(all, m)
	}
	return all
}

// TestLog: what a program says is logged line by line, with the names of the
// request and the program, and so is how it failed; a flood of it is not.
func TestLog(t *testing.T) {
	dir := folder(t, "says", sh(`printf 'one\ntwo \033[31m\n' >&2`, `printf three >&2`, `exit 2`),
		"floods", sh(`yes 'a line of some length' | head -c 1000000 >&2`, `printf 'Content-Type: text/plain\n\nok'`))
	var log lines
	s, h := run(t, dir, func(o *cgi.Options) { o.ErrorLog = slog.New(slog.NewJSONHandler(&log, nil)) })
	s.get("/says")
	r := s.next(t)
	eventually(t, "all is heard", func() bool { running, _ := h.Load(); return running == 0 })
	var said []string
	for _, m := range log.all(t) {
		if m["request"] != r.ID.String() || m["script"] != dir+"/says" {
			t.Errorf("%v", m)
		}
		if line, ok := m["line"].(string); ok {
			said = append(said, line)
		} else if m["rule"] != "script-no-head" || !strings.Contains(m["error"].(string), "it said: three") {
			t.Errorf("%v", m)
		}
	}
	if len(said) != 3 || said[0] != "one" || said[2] != "three" {
		t.Errorf("%q", said)
	}
	before := len(log.all(t))
	if a := s.get("/floods"); a.body != "ok" {
		t.Errorf("%v %q", a.Status, a.body)
	}
	eventually(t, "all is heard", func() bool { running, _ := h.Load(); return running == 0 })
	all := log.all(t)[before:]
	if last := all[len(all)-1]; len(all) > 5000 || last["octets"] != 1e6 {
		t.Errorf("%d lines, the last: %v", len(all), last)
	}
}
