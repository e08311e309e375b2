//go:build unix

package worker_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// How programs end, and what is told of it.
func TestEnds(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 2, Grace: soon})
	for _, x := range []struct {
		name string
		spec jobs.Spec
		want jobs.Result // Reason: a part of it
	}{
		{"well", sh(`exit 0`), jobs.Result{}},
		{"with a status", sh(`exit 3`), jobs.Result{Exit: 3}},
		{"by a signal", sh(`kill -9 $$`), jobs.Result{Exit: -1, Signal: "SIGKILL"}},
		{"by another signal", sh(`kill -SEGV $$`), jobs.Result{Exit: -1, Signal: "SIGSEGV"}},
		{"not there", jobs.Spec{Command: []string{"/no/such/program"}}, jobs.Result{Exit: 127, Reason: "no such file"}},
		{"not in PATH", jobs.Spec{Command: []string{"no-such-program"}}, jobs.Result{Exit: 127, Reason: "no folder of PATH"}},
		{"below a file", jobs.Spec{Command: []string{"/etc/passwd/x"}}, jobs.Result{Exit: 127, Reason: "not a directory"}},
		{"not executable", jobs.Spec{Command: []string{"/etc/passwd"}}, jobs.Result{Exit: 126, Reason: "permission denied"}},
		{"a folder", jobs.Spec{Command: []string{"/etc"}}, jobs.Result{Exit: 126, Reason: "permission denied"}},
		{"nothing", jobs.Spec{}, jobs.Result{Exit: 126, Reason: "names no program"}},
		{"a kind that is unknown", jobs.Spec{Kind: "dance"}, jobs.Result{Exit: -1, Lost: true, Reason: `no kind of task called "dance"`}},
		{"arguments too long", jobs.Spec{Command: []string{"/bin/true", strings.Repeat("x", 4<<20)}}, jobs.Result{Exit: 126, Reason: "argument list too long"}},
		{"a pattern that is none", jobs.Spec{Command: []string{"true"}, Progress: "("}, jobs.Result{Exit: 126, Reason: "pattern of progress"}},
		{"a pattern without a group", jobs.Spec{Command: []string{"true"}, Progress: "x"}, jobs.Result{Exit: 126, Reason: "pattern of progress"}},
		{"late", timeout(sh(`sleep 1000`), 100*time.Millisecond), jobs.Result{Exit: -1, Signal: "SIGTERM", Reason: "timed out after 100ms"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			q.put(x.spec)
			r := q.result(t)
			if r.Exit != x.want.Exit || r.Signal != x.want.Signal || r.Lost != x.want.Lost || (r.Reason == "") != (x.want.Reason == "") || !strings.Contains(r.Reason, x.want.Reason) {
				t.Errorf("result %+v, want %+v", r, x.want)
			}
		})
	}
	if s := c.Status(); s.Finished == 0 || s.Fault != "" {
		t.Errorf("status %+v", s)
	}
}

// A program that ends with 0 when it is asked to end has not succeeded.
func TestPoliteEnd(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	q.lease = 30 * time.Millisecond
	q.onBeat = func(jobs.Lease, jobs.Progress) error {
		if !book.has("pid") {
			return nil
		}
		return jobs.ErrCancelled
	}
	begin(t, q, worker.Options{Grace: soon})
	q.put(sh(`trap 'exit 0' TERM; echo $$ > ` + string(book) + `/pid; while :; do sleep 0.01; done`))
	if r := q.result(t); r.Exit != 124 || r.Signal != "" || r.Reason != "cancelled" {
		t.Errorf("%+v", r)
	}
}

// What a program gets to see.
func TestEnvironment(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 1})
	s := sh(`env | sort; pwd; ls -A; id -u; stat -c %a . "$TMPDIR"; printf '%s\n' "$@"; echo x > "$TMPDIR/y" && echo z > "$HOME/z"`)
	s.Command = append(s.Command, "{frame}", "f.{frame:04}.png", "{task:03}", "{other} {frame:4} {} {frame", "$HOME `id`")
	s.Env = []string{"SCENE=a b", "FRESHET_TASK=9", "UNIQUE_ID=x", "PATH=/usr/bin:/bin"}
	l := q.frame(s, -7)
	if r := q.result(t); !r.OK() {
		t.Fatalf("%+v", r)
	}
	text := c.logs.text(l)
	t.Log(text)
	for _, want := range []string{"FRESHET_JOB=" + string(l.Job), "FRESHET_TASK=-7", "FRESHET_ATTEMPT=1", "FRESHET_TOKEN=1", "FRESHET_PROGRESS_FD=3",
		"SCENE=a b", "PATH=/usr/bin:/bin", "700", "f.-007.png", "{other} {frame:4} {} {frame", "$HOME `id`", "-07"} {
		if !strings.Contains(text, "stdout: "+want+"\n") {
			t.Errorf("no line %q", want)
		}
	}
	var names []string
	for line := range strings.Lines(text) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "stdout: "), "="); ok {
			names = append(names, name)
		}
	}
	if want := []string{"FRESHET_ATTEMPT", "FRESHET_JOB", "FRESHET_PROGRESS_FD", "FRESHET_TASK", "FRESHET_TOKEN", "HOME", "PATH", "PWD", "SCENE", "TMPDIR", "UNIQUE_ID"}; !slices.Equal(without(names, "_", "OLDPWD", "SHLVL"), want) {
		t.Errorf("variables %q, want %q", names, want)
	}
	if os.Geteuid() == 0 && strings.Contains(text, "stdout: 0\n") {
		t.Error("it ran as root")
	}
}

func without(list []string, out ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(out, s) })
}
