package fleet

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// objectsOf are objects on NATS.
func objectsOf(t testing.TB, dir string) *bus.Objects {
	t.Helper()
	s, err := bus.Start(bus.Options{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if errors.Is(err, bus.ErrAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c, err := s.Connect("files")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	o, err := c.Objects(t.Context(), "files", bus.ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What is kept on NATS is found by who begins with nothing.
func TestCopiesOnNATS(t *testing.T) {
	o := objectsOf(t, t.TempDir())
	l, out, in := logsOver(t, o), outputsOver(t, o), inputsOver(t, o, InputOptions{})
	f := in.give(t, "content")
	if err := errors.Join(out.give(t, "j", 1, 1, "dir/a b=c", "made"), out.give(t, "j", 2, 1, "empty", "")); err != nil {
		t.Fatal(err)
	}
	for task := range int64(100) {
		l.say(t, "j", task, 1, fmt.Sprint("text of ", task))
	}
	l.say(t, "k", 1, 1, "alone")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	l, out, in = logsOver(t, o), outputsOver(t, o), inputsOver(t, o, InputOptions{})
	if text, err := in.text(f); text != "content" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := out.text("j", 1, "dir/a b=c"); text != "made" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := out.text("j", 2, "empty"); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if got := l.text(t, "j", 42) + l.text(t, "k", 1); got != "text of 42\nalone\n" {
		t.Errorf("%q", got)
	}
	if err := errors.Join(l.forget("j"), out.forget("j"), l.forget("k"), in.removeThere(f.SHA256)); err != nil {
		t.Error(err)
	}
	var left []string
	if err := o.Keys(t.Context(), func(key string, _ int64) error { left = append(left, key); return nil }); err != nil || len(left) != 1 || left[0] != inputKey(f.SHA256) {
		t.Errorf("%q, %v", left, err) // which was just asked for
	}
}

// How long a task waits that writes its only line: without an elsewhere, with one
// that costs nothing, and with NATS, of one job and of a job each.
func BenchmarkLogs(b *testing.B) {
	for _, x := range []struct {
		name string
		open func(b *testing.B) objects
		job  func(n int64) jobs.ID
	}{
		{"alone", func(*testing.B) objects { return nil }, func(int64) jobs.ID { return "j" }},
		{"memory", func(*testing.B) objects { return newFake() }, func(int64) jobs.ID { return "j" }},
		{"nats", func(b *testing.B) objects { return objectsOf(b, filepath.Join(b.TempDir(), "bus")) }, func(int64) jobs.ID { return "j" }},
		{"nats-job-each", func(b *testing.B) objects { return objectsOf(b, filepath.Join(b.TempDir(), "bus")) }, func(n int64) jobs.ID { return jobs.ID(fmt.Sprint("j", n)) }},
	} {
		b.Run(x.name, func(b *testing.B) {
			e, err := openElsewhere(b.Context(), x.open(b))
			if err != nil {
				b.Fatal(err)
			}
			l, err := OpenLogs(b.TempDir(), testRing(), e)
			if err != nil {
				b.Fatal(err)
			}
			line := []worker.Line{{Text: []byte("the only line of a short task")}}
			n := int64(0)
			for b.Loop() {
				n++
				if err := l.Append(b.Context(), jobs.Lease{Job: x.job(n), Task: n, Attempt: 1}, line); err != nil {
					b.Fatal(err)
				}
			}
			if e != nil {
				if err := l.Close(); err != nil {
					b.Log(err)
				}
				e.close()
			}
		})
	}
}
