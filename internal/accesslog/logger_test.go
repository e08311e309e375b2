package accesslog

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/alloctest"
	"freshet/internal/record"
)

// A stream is a writer that keeps what it takes, one string a write. While
// gate is not nil a write waits for it to be closed; while err is set it takes
// room bytes and then gives the error.
type stream struct {
	mu     sync.Mutex
	writes []string
	gate   chan struct{}
	err    error
	room   int
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(p)
	if s.err != nil {
		n = min(n, s.room)
		s.room -= n
	}
	if n > 0 {
		s.writes = append(s.writes, string(p[:n]))
	}
	return n, s.err
}

func (s *stream) set(gate chan struct{}, err error, room int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate, s.err, s.room = gate, err, room
}

func (s *stream) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.writes, "")
}

func (s *stream) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.writes)
}

// numbered returns a record whose line shows i in its target.
func numbered(i int) *record.Record {
	r := sample()
	r.Target = "/" + strconv.Itoa(i)
	return r
}

func lines(n int) string {
	var b []byte
	for i := range n {
		b = Append(b, Combined, numbered(i))
	}
	return string(b)
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestLineWaitsLessThanASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stream{}
		l := New(out, Combined)
		for i := range 3 {
			l.Record(numbered(i))
			time.Sleep(10 * time.Millisecond)
		}
		if out.count() != 0 {
			t.Error("a few lines were not gathered")
		}
		time.Sleep(time.Second - 30*time.Millisecond)
		synctest.Wait()
		if got := out.all(); got != lines(3) {
			t.Errorf("after a second: %q", got)
		}
		l.Record(numbered(3))
		time.Sleep(time.Second)
		synctest.Wait()
		if got := out.all(); got != lines(4) {
			t.Errorf("after another: %q", got)
		}
		l.Close()
	})
}

func TestFullBufferIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stream{}
		l := New(out, Combined)
		n := flushBytes/len(Append(nil, Combined, numbered(0))) + 1
		for i := range n {
			l.Record(numbered(i))
		}
		synctest.Wait()
		if out.count() != 1 || len(out.all()) < flushBytes {
			t.Errorf("%d writes of %d bytes", out.count(), len(out.all()))
		}
		l.Close()
		if got := out.all(); got != lines(n) {
			t.Error("lines are missing")
		}
	})
}

func TestCloseWritesAndEndsTheGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails when a goroutine is left
		out := &stream{}
		l := New(out, Combined)
		l.Record(numbered(0))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l.Record(numbered(1))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if got := out.all(); got != lines(1) {
			t.Errorf("%q", got)
		}
		if err := New(out, JSON).Close(); err != nil {
			t.Error(err)
		}
	})
}

// A reader that takes nothing costs lines, not requests, and memory has a bound.
func TestBlockedStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		out := &stream{gate: gate}
		var told bytes.Buffer
		l := New(out, Combined)
		l.Log = slog.New(slog.NewTextHandler(&told, nil))
		size := len(Append(nil, Combined, numbered(1000)))
		n := 3 * maxPending / size
		for i := range n {
			l.Record(numbered(1000 + i%9000))
			if i == 0 {
				time.Sleep(time.Second) // the first is on its way
			}
		}
		l.mu.Lock()
		if len(l.pending) > maxPending || l.dropped == 0 {
			t.Errorf("%d bytes wait, %d dropped", len(l.pending), l.dropped)
		}
		dropped := l.dropped
		l.mu.Unlock()
		if err := l.Close(); err == nil {
			t.Error("Close is content with a stream that takes nothing")
		}
		close(gate)
		synctest.Wait()
		if got := strings.Count(out.all(), "\n") + int(dropped); got != n {
			t.Errorf("%d lines written or dropped, of %d", got, n)
		}
		if !strings.Contains(told.String(), "lines="+strconv.FormatInt(dropped, 10)) {
			t.Errorf("%d lines were dropped, told was: %s", dropped, &told)
		}
	})
}

func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stream{err: errors.New("no space left on device"), room: 150}
		var told bytes.Buffer
		l := New(out, Combined)
		l.Log = slog.New(slog.NewTextHandler(&told, nil))
		for i := range 5 {
			l.Record(numbered(i))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if len(out.all()) != 150 {
			t.Errorf("%d bytes were written", len(out.all()))
		}
		if n := strings.Count(told.String(), "no space left"); n != 1 {
			t.Errorf("told %d times: %s", n, &told)
		}
		out.set(nil, nil, 0)
		time.Sleep(time.Second)
		synctest.Wait()
		if got := out.all(); got != lines(5) {
			t.Errorf("after there was room: %q", got)
		}
		out.set(nil, io.ErrClosedPipe, 0)
		l.Record(numbered(5))
		if err := l.Close(); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Close: %v", err)
		}
		if !strings.Contains(told.String(), "lines=1") {
			t.Errorf("the lost line was not told: %s", &told)
		}
	})
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	l, err := Open(path, Combined)
	if err != nil {
		t.Fatal(err)
	}
	l.Log = silent()
	if info, err := os.Stat(path); err != nil || runtime.GOOS == "linux" && info.Mode().Perm()&0o137 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	l.Record(numbered(0))
	if runtime.GOOS != "windows" { // which renames no open file
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	if err := l.Reopen(); err != nil {
		t.Fatal(err)
	}
	l.Record(numbered(1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	old, _ := os.ReadFile(path + ".1")
	now, _ := os.ReadFile(path)
	if string(old)+string(now) != lines(2) {
		t.Errorf("old %q, new %q", old, now)
	}
	if !strings.HasSuffix(lines(2), string(now)) || len(now) == 0 {
		t.Errorf("the second line is not in the new file: %q", now)
	}
	if err := l.Reopen(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Reopen after Close: %v", err)
	}
}

func TestReopenFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	l, err := Open(filepath.Join(dir, "access.log"), Combined)
	if err != nil {
		t.Fatal(err)
	}
	moved := dir + ".old"
	if err := os.Rename(dir, moved); err != nil {
		t.Skip("this system renames no folder with an open file")
	}
	if err := l.Reopen(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Reopen: %v", err)
	}
	l.Record(numbered(0))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(filepath.Join(moved, "access.log")); string(got) != lines(1) {
		t.Errorf("the old file has %q", got)
	}
}

// What a full disk took of a line is not continued in another file.
func TestReopenAfterHalfALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	text := lines(3)
	first := strings.IndexByte(text, '\n') + 1
	old := &stream{}
	l := New(old, Combined)
	f := &flusher{l: l, out: old, log: silent(), buf: []byte(text), off: first + 10, failing: true}
	next, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.swap(next)
	f.write(1, 1)
	next.Close()
	if got, _ := os.ReadFile(path); string(got) != text[2*first:] {
		t.Errorf("the new file has %q", got)
	}
}

func TestOpenFails(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none", "access.log"), Common); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestManyWriters(t *testing.T) {
	const writers, each = 8, 500
	out := &stream{}
	l := New(out, Combined)
	var wait sync.WaitGroup
	for w := range writers {
		wait.Go(func() {
			for i := range each {
				l.Record(numbered(10000 + w*1000 + i))
			}
		})
	}
	wait.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := len(Append(nil, Combined, numbered(10000)))
	got := strings.SplitAfter(out.all(), "\n")
	if len(got) != writers*each+1 {
		t.Fatalf("%d lines", len(got)-1)
	}
	for _, line := range got[:len(got)-1] {
		if len(line) != want {
			t.Fatalf("torn line: %q", line)
		}
	}
}

func TestRecordAllocs(t *testing.T) {
	l := New(io.Discard, Combined)
	defer l.Close()
	l.mu.Lock()
	l.pending = make([]byte, 0, maxPending)
	l.mu.Unlock()
	r := sample()
	l.Record(r)
	// The flusher allocates nothing either, but its buffers grow once.
	if n := alloctest.PerRun(300, func() { l.Record(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	l := New(io.Discard, Combined)
	defer l.Close()
	b.RunParallel(func(pb *testing.PB) {
		r := sample()
		for pb.Next() {
			l.Record(r)
		}
	})
}
