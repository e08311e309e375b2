//go:build unix

package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/internal/child"
	"freshet/internal/worker"
)

// A folder that others may change is our fault: tasks are given back, and after
// some of them none are claimed for a while.
func TestQuarantine(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 1, QuarantineAfter: 2, Quarantine: time.Hour})
	q.put(sh(`true`))
	if r := q.result(t); !r.OK() {
		t.Fatalf("%+v", r)
	}
	if err := os.Chmod(c.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		q.put(sh(`true`))
	}
	for range 2 {
		if r := q.result(t); !r.Lost || !strings.Contains(r.Reason, c.dir+" may be changed by its group or by everybody") {
			t.Errorf("%+v", r)
		}
	}
	s := c.Status()
	if left := time.Until(s.Quarantined); left < 50*time.Minute || left > time.Hour || !strings.Contains(s.Fault, "may be changed") || len(q.tasks) != 1 {
		t.Errorf("%+v, %d tasks left", s, len(q.tasks))
	}
	// The next fault begins the next one, which is longer.
	c.Unlock()
	q.result(t)
	if left := time.Until(c.Status().Quarantined); left < 110*time.Minute {
		t.Errorf("%v left", left)
	}
	if err := os.Chmod(c.dir, 0o711); err != nil {
		t.Fatal(err)
	}
	q.put(sh(`true`))
	c.Unlock()
	if r := q.result(t); !r.OK() {
		t.Errorf("%+v", r)
	}
	if s := c.Status(); !s.Quarantined.IsZero() || s.Fault != "" {
		t.Errorf("%+v", s)
	}
}

// What is not our fault does not count.
func TestNoQuarantine(t *testing.T) {
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 1, QuarantineAfter: 1})
	for range 3 {
		q.put(sh(`exit 1`))
		q.put(of("unknown"))
		s := sh(`true`)
		s.Command[0] = "/no/such/program"
		q.put(s)
	}
	for range 9 {
		q.result(t)
	}
	if s := c.Status(); !s.Quarantined.IsZero() || s.Fault != "" {
		t.Errorf("%+v", s)
	}
}

// New refuses folders that others may change, above all.
func TestFolderIsChecked(t *testing.T) {
	top := folder(t)
	in := filepath.Join(top, "in")
	if err := os.Mkdir(in, 0o711); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	try := func(dir, want string) {
		t.Helper()
		w, err := worker.New(worker.Options{Queue: newQueue(), Dir: dir})
		if err == nil {
			w.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	try(in, "")
	try(filepath.Join(in, "new", "folders"), "")
	try("", "")
	try(file, "not a folder")
	for _, x := range []struct {
		mode os.FileMode
		want string
	}{{0o777, top + " may be changed"}, {0o771, top + " may be changed"}, {0o777 | os.ModeSticky, ""}} {
		if err := os.Chmod(top, x.mode); err != nil {
			t.Fatal(err)
		}
		try(in, x.want)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(top, 0o700); err != nil {
		t.Fatal(err)
	}
	try(in, top+" cannot be entered by user nobody")
	if err := os.Chmod(top, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(top, 65533, 65533); err != nil {
		t.Fatal(err)
	}
	try(in, top+" belongs to somebody else")
}

// Programs never run as root, whoever is asked for.
func TestNeverRoot(t *testing.T) {
	for _, name := range []string{"root", "0", "no-such-user"} {
		w, err := worker.New(worker.Options{Queue: newQueue(), User: name})
		if err == nil {
			w.Close()
			t.Errorf("%s is accepted", name)
		}
		if os.Geteuid() == 0 && name != "no-such-user" && !errors.Is(err, child.ErrRoot) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A program that cannot be executed by whom it runs as is not our fault.
func TestNotForNobody(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs programs as somebody else")
	}
	file := filepath.Join(folder(t), "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	q := newQueue()
	begin(t, q, worker.Options{})
	s := sh("")
	s.Command = []string{file}
	q.put(s)
	if r := q.result(t); r.Exit != 126 || r.Lost || !strings.Contains(r.Reason, "permission denied") {
		t.Errorf("%+v", r)
	}
}

// What a worker left behind that was killed is removed by the next one; what
// another has that lives is not.
func TestStaleFolders(t *testing.T) {
	dir := folder(t)
	stale := filepath.Join(dir, "worker-stale")
	for _, inner := range []string{"task-x/deep/er", "task-x/temp"} {
		if err := os.MkdirAll(filepath.Join(stale, inner), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	outside := folder(t)
	if err := os.Symlink(outside, filepath.Join(stale, "task-x", "link")); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(stale, "lock"), filepath.Join(outside, "kept"), filepath.Join(dir, "worker-file")} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "worker-link")); err != nil {
		t.Fatal(err)
	}
	var workers []*worker.Worker
	for range 2 {
		w, err := worker.New(worker.Options{Queue: newQueue(), Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		workers = append(workers, w)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 4 { // of the two, the file and the link
		t.Errorf("%v", entries)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("the stale folder is there")
	}
	if _, err := os.Stat(filepath.Join(outside, "kept")); err != nil {
		t.Error(err)
	}
	for _, w := range workers {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v", entries)
	}
}

// Which errors are a program's, with the status of shells, and which are ours.
func TestStartStatus(t *testing.T) {
	for err, want := range map[error]int{
		syscall.ENOENT: 127, syscall.ENOTDIR: 127, syscall.ELOOP: 127, syscall.ENAMETOOLONG: 127,
		syscall.EACCES: 126, syscall.ENOEXEC: 126, syscall.E2BIG: 126, syscall.ETXTBSY: 126,
		syscall.EAGAIN: 0, syscall.ENOMEM: 0, syscall.EMFILE: 0, syscall.ENFILE: 0, syscall.EIO: 0, syscall.EPERM: 0,
		child.ErrBusy: 0, child.ErrClosed: 0,
	} {
		if got := worker.StartStatus(&os.PathError{Op: "start", Path: "/x", Err: err}); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}
