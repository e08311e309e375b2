//go:build unix

package cgi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// TestWhy: what would be done, without doing it.
func TestWhy(t *testing.T) {
	dir := folder(t, "hello", hello, "nph-x", hello, "data.txt", "x", "sub/index.sh", hello)
	s, h := run(t, dir, func(o *cgi.Options) { o.Prefix, o.Index, o.Timeout = "/cgi-bin", []string{"index.sh"}, 7*time.Second })
	for _, tt := range []struct {
		path   string
		status int
		rule   rule.ID
		text   []string // parts of it
	}{
		{"/cgi-bin/hello/info", 0, rule.ScriptAnswered, []string{dir + "/hello would be run", "PATH_INFO is /info", "0", "of 32 that may", "cgi-timeout", "7s", "set cache to on"}},
		{"/cgi-bin/nph-x", 0, rule.ScriptAnswered, []string{"it prints a status line"}},
		{"/cgi-bin/data.txt", 403, rule.ScriptNotExecutable, []string{"would be refused with 403", "make " + dir + "/data.txt executable"}},
		{"/cgi-bin/none", 404, rule.ScriptMissing, []string{"would be refused with 404"}},
		{"/cgi-bin/sub", 301, rule.StaticRedirect, []string{"./sub/"}},
		{"/elsewhere", 404, rule.ScriptMissing, []string{"no program has it"}},
	} {
		r, err := http.NewRequest("GET", "http://h"+tt.path, nil)
		must(t, err)
		e := h.Why(r)
		if e.Rule != tt.rule || e.Status != tt.status {
			t.Errorf("%s: %v %d, want %v %d", tt.path, e.Rule, e.Status, tt.rule, tt.status)
		}
		text := strings.Join(strings.Fields(string(e.AppendText(nil, 400))), " ")
		for _, part := range tt.text {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not in:\n%s", tt.path, part, text)
			}
		}
	}
	if running, _ := h.Load(); running != 0 {
		t.Errorf("%d run", running)
	}
	select {
	case r := <-s.all:
		t.Errorf("a request was made: %+v", r)
	default:
	}
}

// TestExplain: why requests were answered as they were.
func TestExplain(t *testing.T) {
	dir := folder(t, "hello", hello, "fails", sh("echo oh no >&2", "exit 3"), "hangs", forever(), "data.txt", "x")
	s, h := run(t, dir, func(o *cgi.Options) { o.Timeout = 2 * time.Second })
	for _, tt := range []struct {
		path string
		text []string
	}{
		{"/hello", []string{dir + "/hello was run, and answered with 200", "exit status 0", "processor time"}},
		{"/fails", []string{dir + "/fails", "ended before its answer's fields were complete", "exit status 3", "it said: oh no"}},
		{"/hangs", []string{"did not begin its answer in time", "signal: terminated", "cgi-timeout", "2s"}},
		{"/data.txt", []string{"No program was run"}},
	} {
		s.get(tt.path)
		var rec *record.Record = s.next(t)
		text := strings.Join(strings.Fields(string(h.Explain(rec).AppendText(nil, 400))), " ")
		for _, part := range tt.text {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %q is not in:\n%s", tt.path, part, text)
			}
		}
	}
}
