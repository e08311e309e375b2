//go:build unix

package cgi_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"testing"

	"freshet/internal/rule"
)

// waitFor is a shell command that waits until the test made a file in the
// program's folder.
func waitFor(name string) string { return "until [ -e " + name + " ]; do sleep 0.01; done" }

// touch makes such a file.
func touch(t *testing.T, dir, name string) {
	t.Helper()
	must(t, os.WriteFile(dir+"/"+name, nil, 0o644))
}

// TestEvents: each event arrives before the next one is made; so does, without
// that type, what a program prints before it pauses.
func TestEvents(t *testing.T) {
	for _, mediaType := range []string{"text/event-stream", "text/plain"} {
		t.Run(mediaType, func(t *testing.T) {
			dir := folder(t, "events", sh(`printf 'Content-Type: `+mediaType+`\n\n'`, `printf 'data: 1\n\n'`, waitFor("one"), `printf 'data: 2\n\n'`, waitFor("two"), `printf 'data: 3\n\n'`))
			s, _ := run(t, dir, nil)
			resp, err := client.Get("http://" + s.addr + "/events")
			must(t, err)
			defer resp.Body.Close()
			br := bufio.NewReader(resp.Body)
			for i, made := range []string{"one", "two", ""} {
				line, err := br.ReadString('\n')
				must(t, err)
				if line != "data: "+string(rune('1'+i))+"\n" {
					t.Fatalf("event %d: %q", i+1, line)
				}
				br.ReadString('\n')
				if made != "" {
					touch(t, dir, made)
				}
			}
			if rest, err := io.ReadAll(br); len(rest) > 0 || err != nil {
				t.Errorf("%q %v", rest, err)
			}
		})
	}
}

// TestHeadOfEvents: who asks with HEAD gets the head at once.
func TestHeadOfEvents(t *testing.T) {
	dir := folder(t, "events", sh(`printf 'Content-Type: text/event-stream\n\n'`, waitFor("end")))
	s, h := run(t, dir, nil)
	resp, err := client.Head("http://" + s.addr + "/events")
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != 200 || len(h.Board().Runs()) != 1 {
		t.Errorf("%v, %d programs", resp.Status, len(h.Board().Runs()))
	}
	touch(t, dir, "end")
	if r := s.next(t); r.Rule != rule.ScriptAnswered {
		t.Error(r.Rule)
	}
}

// TestGoesOn: a program that has closed its output may go on; its answer does
// not wait for it, and its turn is its own until it ends.
func TestGoesOn(t *testing.T) {
	dir := folder(t, "prog", sh(`printf 'Content-Type: text/plain\n\nok'`, `exec >&-`, waitFor("end")))
	s, h := run(t, dir, nil)
	if a := s.get("/prog"); a.body != "ok" || a.err != nil {
		t.Errorf("%q %v", a.body, a.err)
	}
	if r := s.next(t); r.Rule != rule.ScriptAnswered || r.Detail.Exit != "" {
		t.Errorf("%v %+v", r.Rule, r.Detail)
	}
	runs := h.Board().Runs()
	if running, _ := h.Load(); running != 1 || len(runs) != 1 {
		t.Fatalf("%d running, %d on the board", running, len(runs))
	}
	if r := runs[0]; r.PID == 0 || r.Method != http.MethodGet || r.URL != s.addr+"/prog" || r.Kind != "cgi" || r.Sent.Load() != 2 {
		t.Errorf("%+v", r)
	}
	touch(t, dir, "end")
	eventually(t, "the turn is given back", func() bool { running, _ := h.Load(); return running == 0 })
}
