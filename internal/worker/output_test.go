//go:build unix

package worker_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"freshet/internal/worker"
)

// 100 MB are read to their end, and what is kept is their head and their tail.
func TestMuchOutput(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{MaxLog: 1 << 20})
	l := q.put(sh(`echo first; yes "$(seq -s ' ' 100)" | head -c 100000000; echo; echo really`))
	r := q.result(t)
	if !r.OK() || len(r.Output) != 4<<10 || !bytes.HasSuffix(r.Output, []byte("\nreally\n")) {
		t.Errorf("%+v", r)
	}
	size, notes := 0, ""
	for _, line := range c.logs.of(l) {
		size += len(line.Text) + 64
		if line.Stream == worker.Note {
			notes += string(line.Text)
		}
	}
	if size > 1<<20+200 || size < 1<<19 {
		t.Errorf("%d bytes are kept, want almost 1 MiB", size)
	}
	if !strings.Contains(notes, "of output are left out here") {
		t.Errorf("notes: %q", notes)
	}
	if text := c.logs.text(l); !strings.HasPrefix(text, "stdout: first\n") || !strings.HasSuffix(text, "stdout: really\n") {
		t.Errorf("log: %.100s … %s", text, text[len(text)-100:])
	}
}

func TestLines(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 1})
	for _, x := range []struct{ name, script, want string }{
		{"ends", `printf 'a\nb\r\nc\rd'`, "stdout: a\nstdout: b\nstdout: c\nstdout: d\n"},
		{"empty ones", `printf '\n\n\r\n'`, "stdout: \nstdout: \nstdout: \n"},
		{"nothing", ``, ""},
		{"errors", `echo a >&2`, "stderr: a\n"},
		{"octets", `printf '\377\000\033x\n'`, "stdout: \xff\x00\x1bx\n"},
		{"what is left behind", `echo a; sleep 1000 & echo b`, "stdout: a\nstdout: b\nnote: processes that it left behind were ended: 1\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			l := q.put(sh(x.script))
			if r := q.result(t); !r.OK() {
				t.Errorf("%+v", r)
			}
			if got := c.logs.text(l); got != x.want {
				t.Errorf("log %q, want %q", got, x.want)
			}
		})
	}
}

// A line without end comes in pieces, and is whole when they are put together.
func TestHugeLine(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{})
	l := q.put(sh(`head -c 1000000 /dev/zero | tr '\000' x; echo y`))
	if r := q.result(t); !r.OK() {
		t.Fatalf("%+v", r)
	}
	lines := c.logs.of(l)
	var whole []byte
	for i, line := range lines {
		if whole = append(whole, line.Text...); line.Part != (i < len(lines)-1) || len(line.Text) > 64<<10 {
			t.Errorf("piece %d has %d bytes, part %v", i, len(line.Text), line.Part)
		}
	}
	if len(whole) != 1000001 || len(lines) != 16 {
		t.Errorf("%d bytes in %d pieces", len(whole), len(lines))
	}
}

// A sink that fails for a while gets all of it all the same; the program does
// not wait.
func TestSinkFails(t *testing.T) {
	q, s := newQueue(), &sink{fail: errors.New("away")}
	begin(t, q, worker.Options{Logs: s})
	l := q.put(sh(`seq 1000; seq 1000`))
	q.put(sh(`true`))
	s.mu.Lock()
	s.fail = nil
	s.mu.Unlock()
	q.result(t)
	q.result(t)
	if n := len(s.of(l)); n < 2000 {
		t.Errorf("%d lines", n)
	}
}
