//go:build unix

package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/alert"
)

func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProgram(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	p := &Program{Path: script(t, `cat >"$OUT"; printf '%s|%s|%s' "$FRESHET_ALERT_KIND" "$FRESHET_ALERT_SUBJECT" "$FRESHET_ALERT_SMTP_PASSWORD" >>"$OUT"`),
		Environ: []string{"PATH=" + os.Getenv("PATH"), "OUT=" + out, "FRESHET_ALERT_SMTP_PASSWORD=geheim"}}
	n := notice(t, "$(touch /tmp/x); `id`\n'\"")
	if err := p.Send(context.Background(), oneOf(n), 0); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	var got alert.Notice
	if err := json.Unmarshal([]byte(first), &got); err != nil || got.Subject != n.Subject {
		t.Errorf("%v %s", err, text)
	}
	if rest != "raised|"+n.Subject+"|" {
		t.Errorf("%q", rest)
	}
}

func TestProgramFails(t *testing.T) {
	err := (&Program{Path: script(t, "echo out of paper >&2; exit 3")}).Send(context.Background(), oneOf(notice(t, "x")), 0)
	if err == nil || !strings.Contains(err.Error(), "exit status 3: out of paper") {
		t.Error(err)
	}
	err = (&Program{Path: "no-such-program-here"}).Send(context.Background(), oneOf(notice(t, "x")), 0)
	if err == nil || !strings.HasSuffix(err.Error(), "; give its whole path") {
		t.Errorf("one that is in no folder of $PATH: %v", err)
	}
	if err := (&Program{Path: "/nowhere"}).Send(context.Background(), oneOf(notice(t, "x")), 0); err == nil {
		t.Error("a program that there is not has taken it")
	}
}

// One that ends with 0 has taken the notice, whatever it leaves behind with its
// output; one that fails has not.
func TestProgramLeaves(t *testing.T) {
	for _, c := range []struct {
		status string
		fails  bool
	}{{"0", false}, {"3", true}} {
		p := &Program{Path: script(t, "sleep 20 & exit "+c.status), Environ: []string{"PATH=" + os.Getenv("PATH")}}
		if err := p.Send(context.Background(), oneOf(notice(t, "x")), 0); (err != nil) != c.fails {
			t.Errorf("exit %s: %v", c.status, err)
		}
	}
}

// One that does not end is killed with what it started.
func TestProgramHangs(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	p := &Program{Path: script(t, "sleep 1000 & echo $! >"+pid+"; wait"), Environ: []string{"PATH=" + os.Getenv("PATH")}, Limit: 2 * time.Second}
	err := p.Send(context.Background(), oneOf(notice(t, "x")), 0)
	if err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Error(err)
	}
	text, err := os.ReadFile(pid)
	if err != nil {
		t.Skipf("the program did not come to its first line in time: %v", err)
	}
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		state, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/stat")
		if err != nil || strings.Contains(string(state), ") Z ") {
			return
		}
		if time.Now().After(until) {
			t.Fatal("what it started goes on")
		}
	}
}
