package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"freshet/jobs"
)

// outputsOver opens outputs in an empty folder over objects.
func outputsOver(t *testing.T, o objects) *Outputs {
	t.Helper()
	out, err := OpenOutputs(t.TempDir(), 0, testRing(), elsewhereOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (o *Outputs) give(t *testing.T, job jobs.ID, task int64, run int, name, content string) error {
	t.Helper()
	return o.Store(t.Context(), jobs.Lease{Job: job, Task: task, Attempt: run}, name, int64(len(content)), strings.NewReader(content))
}

func (o *Outputs) text(job jobs.ID, task int64, name string) (string, error) {
	f, err := o.OpenOutput(job, task, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}

// What tasks made is elsewhere, listed without it, fetched once, and forgotten
// there.
func TestOutputsElsewhere(t *testing.T) {
	plainOnly(t)
	o := newFake()
	first := outputsOver(t, o)
	for _, f := range []struct {
		job     jobs.ID
		task    int64
		run     int
		name    string
		content string
	}{{"j", 1, 2, "b", "b2"}, {"j", 1, 1, "a", "a1"}, {"j", 1, 2, "dir/c", "c2!"}, {"j", 10, 1, "a", "a of 10"}, {"k", 1, 1, "a", ""}, {"j", 1, 2, "a", "old"}, {"j", 1, 2, "a", "a2"}} {
		if err := first.give(t, f.job, f.task, f.run, f.name, f.content); err != nil {
			t.Fatal(err)
		}
	}
	puts := o.counted("put")
	if err := first.give(t, "j", 1, 2, "a", "a2"); err != nil || o.counted("put") != puts {
		t.Errorf("what is there is put again: %v", err)
	}
	o.content["output/j/x.1/a"], o.content["output/j/1"], o.content["output/../1.1/a"], o.content["output/j/1.9/../a"] = nil, nil, nil, nil

	second := outputsOver(t, o)
	for i, out := range []*Outputs{first, second} {
		list, err := out.List("j", 1)
		got := ""
		for _, f := range list {
			got += fmt.Sprint(f.Name, " ", f.Size, " ", f.Path != "", "; ")
		}
		want := "a 2 true; b 2 true; dir/c 3 true; "
		if i == 1 {
			want = strings.ReplaceAll(want, "true", "false")
		}
		if err != nil || got != want {
			t.Errorf("%d: %s, %v", i, got, err)
		}
	}
	var reading sync.WaitGroup
	for range 10 {
		reading.Go(func() {
			if text, err := second.text("j", 1, "dir/c"); text != "c2!" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	reading.Wait()
	if text, err := second.text("k", 1, "a"); text != "" || err != nil || o.counted("get") != 2 {
		t.Errorf("%q, %v; %d gets", text, err, o.counted("get"))
	}
	for _, name := range []string{"", ".", "none", "../1.1/a", "/etc/passwd", "a/x", "dir"} {
		if _, err := second.text("j", 1, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := second.List("../j", 1); !errors.Is(err, jobs.ErrUnknown) {
		t.Error(err)
	}
	if ids, err := second.kept(); err != nil || fmt.Sprint(ids) != "[j k]" {
		t.Errorf("%v, %v", ids, err)
	}
	if err := second.forget("j"); err != nil {
		t.Error(err)
	}
	if list := o.keys(); strings.Join(list, " ") != "output/../1.1/a output/j/1 output/j/1.9/../a output/j/x.1/a output/k/1.1/a" {
		t.Errorf("%q", list)
	}
	if ids, err := second.kept(); err != nil || fmt.Sprint(ids) != "[k]" {
		t.Errorf("%v, %v", ids, err)
	}
}

// A file that could not be kept elsewhere is not there, and is stored when it
// comes again; one that cannot be fetched is tried again.
func TestOutputsThatCannotBeKept(t *testing.T) {
	for _, f := range []fault{fails, unheard, hangs, lateHang, other, short} {
		synctest.Test(t, func(t *testing.T) {
			o := newFake()
			out := outputsOver(t, o)
			if f != other && f != short {
				o.set("put", f)
				if err := out.give(t, "j", 1, 1, "a", "content"); err == nil {
					t.Errorf("fault %d: no error", f)
				}
				if list, err := out.List("j", 1); len(list) != 0 || err != nil {
					t.Errorf("fault %d: %v, %v", f, list, err)
				}
				if list := names(t, out.dir+"/j/1.1"); len(list) != 0 {
					t.Errorf("fault %d: %q", f, list)
				}
			}
			o.set("", well)
			if err := out.give(t, "j", 1, 1, "a", "content"); err != nil {
				t.Errorf("fault %d: %v", f, err)
			}
			again := outputsOver(t, o)
			if f != unheard && f != lateHang {
				o.set("get", f)
				if _, err := again.text("j", 1, "a"); err == nil || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("fault %d: %v", f, err)
				}
			}
			o.set("", well)
			if text, err := again.text("j", 1, "a"); text != "content" || err != nil {
				t.Errorf("fault %d: %q, %v", f, text, err)
			}
			o.set("delete", f)
			again.forget("j")
			o.set("", well)
			if err := again.forget("j"); err != nil || len(o.keys()) != 0 {
				t.Errorf("fault %d: %v, %q", f, err, o.keys())
			}
		})
	}
	out := outputsOver(t, newFake())
	if err := out.give(t, "j", 1, 1, strings.Repeat("a/", 300)+"a", ""); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
}

// Who does not wait for the end finds the file there when it is asked to store it
// again, and nothing is put twice.
func TestOutputsInTheirOwnTime(t *testing.T) {
	o := newFake()
	out := outputsOver(t, o)
	held, release := make(chan struct{}), make(chan struct{})
	slow := slowObjects{o, held, release}
	out.away.objects = slow
	gone := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		gone <- out.Store(ctx, jobs.Lease{Job: "j", Task: 1, Attempt: 1}, "a", 7, strings.NewReader("content"))
	}()
	<-held
	cancel()
	if err := <-gone; err == nil {
		t.Error("no error")
	}
	again := make(chan error)
	go func() { again <- out.give(t, "j", 1, 1, "a", "content") }()
	close(release)
	if err := <-again; err != nil || o.counted("put") != 1 {
		t.Errorf("%v, %d puts", err, o.counted("put"))
	}
	if list := names(t, out.dir+"/j/1.1"); len(list) != 1 {
		t.Errorf("%q", list)
	}
}

// slowObjects say when something is put, and wait.
type slowObjects struct {
	objects
	held, release chan struct{}
}

func (o slowObjects) Put(ctx context.Context, key string, r io.Reader) error {
	o.held <- struct{}{}
	<-o.release
	return o.objects.Put(ctx, key, r)
}
