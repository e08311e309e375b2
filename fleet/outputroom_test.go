package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"freshet/jobs"
)

// What tasks made is bounded, over starts too, and there is room again when jobs
// are forgotten; here, and where it is kept elsewhere.
func TestOutputRoom(t *testing.T) {
	plainOnly(t)
	for _, where := range []string{"here", "elsewhere"} {
		t.Run(where, func(t *testing.T) {
			dir, there := t.TempDir(), newFake()
			open := func() *Outputs {
				t.Helper()
				var away *elsewhere
				if where == "elsewhere" {
					away = elsewhereOf(t, there)
				}
				o, err := OpenOutputs(dir, 10, testRing(), away)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { o.Close() })
				return o
			}
			o := open()
			fits := func(job jobs.ID, name, content string, want bool) {
				t.Helper()
				err := o.give(t, job, 1, 1, name, content)
				if want != (err == nil) || !want && (!errors.Is(err, jobs.ErrFull) || !strings.Contains(err.Error(), "--job-outputs")) {
					t.Errorf("%s %s: %v", job, name, err)
				}
			}
			fits("j", "a", "12345", true)
			fits("j", "b", "123456", false)
			fits("j", "a", "54321", true) // the same file once more
			fits("k", "a", "1234", true)
			fits("k", "b", "12", false)
			fits("k", "b", "1", true)
			fits("k", "empty", "", true)
			making := []jobs.Spec{{}, {Outputs: []string{"*"}}}
			if err := o.room.check(making); !errors.Is(err, jobs.ErrFull) {
				t.Errorf("a job that makes files: %v", err)
			}
			if err := o.room.check(making[:1]); err != nil {
				t.Errorf("a job that makes none: %v", err)
			}
			if where == "here" {
				// Left by a process that was killed.
				if err := os.WriteFile(filepath.Join(dir, "k", "1.1", ".freshet-x"), []byte("123"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			o = open()
			fits("m", "a", "1", false)
			if err := o.forget("j"); err != nil {
				t.Fatal(err)
			}
			fits("m", "a", "123456", false)
			fits("m", "a", "12345", true)
			if err := errors.Join(o.forget("k"), o.forget("m"), o.forget("k")); err != nil {
				t.Fatal(err)
			}
			if r := o.room; r.all != 0 || r.coming != 0 || len(r.of) != 0 {
				t.Errorf("%d, %d on their way, of %v", r.all, r.coming, r.of)
			}
		})
	}
}

// What is there is counted beside all else: a server has its queue, and runs tasks,
// while it is, and only what tasks make waits, and is bounded then by all of it. A
// server that ends does not wait for the count.
func TestOutputsCounted(t *testing.T) {
	for _, ends := range []bool{false, true} {
		t.Run(fmt.Sprint("ends ", ends), func(t *testing.T) {
			o := Options{Dir: t.TempDir(), Name: "here", Tasks: 1, Outputs: 10, Drain: time.Nanosecond, ErrorLog: slog.New(slog.DiscardHandler)}
			n, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			ids, err := n.scheduler.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
			if err = errors.Join(err, n.Close()); err != nil {
				t.Fatal(err)
			}
			old := filepath.Join(o.Dir, "outputs", string(ids[0]), "1.1")
			left := filepath.Join(old, ".freshet-x")
			if err := errors.Join(os.MkdirAll(old, 0o700), os.WriteFile(filepath.Join(old, "a"), make([]byte, 8), 0o600), os.WriteFile(left, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			walking, goOn := make(chan struct{}), make(chan struct{})
			o.walk = func(root string, f fs.WalkDirFunc) error {
				close(walking)
				<-goOn
				return filepath.WalkDir(root, f)
			}
			if n, err = Open(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			<-walking
			if _, err := n.scheduler.Submit(t.Context(), jobs.Spec{Command: []string{"true"}}); err != nil {
				t.Errorf("while it is counted: %v", err)
			}
			short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if err := n.outputs.room.begin(short, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("what comes while it is counted: %v", err)
			}
			cancel()
			stored := make(chan error, 1)
			go func() {
				stored <- n.outputs.Store(t.Context(), jobs.Lease{Job: "k", Task: 1, Attempt: 1}, "b", 3, strings.NewReader("123"))
			}()
			forgot := make(chan error, 1)
			go func() { forgot <- n.outputs.forget("none") }()
			closed := make(chan error, 1)
			if ends {
				go func() { closed <- n.Close() }()
				<-n.outputs.room.life.Done()
			}
			select {
			case err := <-stored:
				t.Errorf("it is stored before it is known what is there: %v", err)
			case err := <-forgot:
				t.Errorf("it is forgotten before it is known what is there: %v", err)
			default:
			}
			close(goOn)
			want := jobs.ErrFull
			if ends {
				want = errUncounted
			}
			if err := <-stored; !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if err := <-forgot; err != nil {
				t.Error(err)
			}
			if _, err := os.Lstat(left); os.IsNotExist(err) == ends {
				t.Errorf("what a killed process has left: %v", err)
			}
			if !ends {
				closed <- n.Close()
			}
			if err := <-closed; err != nil {
				t.Error(err)
			}
		})
	}
}

// A disk that fails while it is counted what is there, and works later: what comes is
// refused until then, and bounded by all of it after that.
func TestOutputsCountedAgain(t *testing.T) {
	plainOnly(t)
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32
		dir := t.TempDir()
		for _, job := range []string{"a", "b", "c"} {
			if err := errors.Join(os.MkdirAll(filepath.Join(dir, job, "1.1"), 0o700), os.WriteFile(filepath.Join(dir, job, "1.1", "f"), []byte("123"), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		removed := make(chan struct{})
		o, err := openOutputs(dir, 10, testRing(), nil, func(root string, f fs.WalkDirFunc) error {
			if tries.Add(1) <= 3 {
				return syscall.EIO
			}
			if filepath.Base(root) == "c" { // b was forgotten when it had been counted
				<-removed
			}
			return filepath.WalkDir(root, f)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		began := time.Now()
		synctest.Wait()
		for tries.Load() < 3 {
			if err := o.give(t, "k", 1, 1, "f", "x"); !errors.Is(err, syscall.EIO) {
				t.Errorf("it is not known what is there: %v", err)
			}
			time.Sleep(time.Second / 2)
		}
		time.Sleep(countAgain << 2)
		synctest.Wait()
		if err := o.forget("b"); err != nil {
			t.Error(err)
		}
		close(removed)
		synctest.Wait()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it is counted again after %v", took)
		}
		if err := o.give(t, "k", 1, 1, "f", "12345"); !errors.Is(err, jobs.ErrFull) {
			t.Errorf("6 bytes are there, of 10: %v", err)
		}
		if err := o.give(t, "k", 1, 1, "f", "1234"); err != nil {
			t.Errorf("6 bytes are there, of 10: %v", err)
		}
	})
}

// What a task made is not called as what is still being written, which is not shown
// and removed at the next start.
func TestOutputsAreNotCalledAsParts(t *testing.T) {
	o, err := OpenOutputs(t.TempDir(), 0, testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, name := range []string{".freshet-result.json", "d/.freshet-"} {
		if err := o.give(t, "j", 1, 1, name, "b"); err == nil || !strings.Contains(err.Error(), "call it something else") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := o.give(t, "j", 1, 1, ".freshet-d/.freshet", "b"); err != nil {
		t.Error(err)
	}
	list, err := o.List("j", 1)
	if err != nil || len(list) != 1 || list[0].Name != ".freshet-d/.freshet" {
		t.Errorf("%v: %v", list, err)
	}
}
