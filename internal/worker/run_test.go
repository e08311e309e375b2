//go:build unix

package worker_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// Progress comes on descriptor 3, or in what is printed; nonsense is ignored.
func TestProgress(t *testing.T) {
	for _, x := range []struct {
		name, script, pattern string
		want                  jobs.Progress // the last one
	}{
		{"descriptor", `printf 'progress 0.25 a\nprogress 7\nnonsense\n\377\000\nprogress 50%% half  way\nprogress\n%070000d\n' 0 >&3`, "", jobs.Progress{Fraction: 0.5, Message: "half  way"}},
		{"FRESHET_PROGRESS_FD", `eval "echo progress 0.75 >&$FRESHET_PROGRESS_FD"`, "", jobs.Progress{Fraction: 0.75}},
		{"no end of a line", `printf 'progress 0.5' >&3; exec 3>&-`, "", jobs.Progress{Fraction: 0.5}},
		{"errors", `printf 'Tile 1/4\rTile 2/4\r' >&2; echo Tile 9/4`, `Tile (\d+/\d+)`, jobs.Progress{Fraction: 0.5}},
		{"percent", `echo '10% done'; echo ' 90% done'; echo '100 % of something else'`, `(\d+)% done`, jobs.Progress{Fraction: 0.9}},
	} {
		t.Run(x.name, func(t *testing.T) {
			book := newNotebook(t)
			q := newQueue()
			c := begin(t, q, worker.Options{})
			s := sh(x.script + `; while ! test -e ` + string(book) + `/go; do sleep 0.01; done`)
			s.Progress = x.pattern
			q.put(s)
			eventually(t, "it has got that far", func() bool {
				held := c.Status().Held
				return len(held) == 1 && held[0].PID > 0 && held[0].Progress == x.want
			})
			if err := os.WriteFile(string(book)+"/go", nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if r := q.result(t); !r.OK() {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What left its group and holds its output is gone when the result is told.
func TestNothingIsLeft(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	begin(t, q, worker.Options{})
	q.put(sh(`cd ` + string(book) + `
(setsid sh -c 'echo $$ > a; trap "" TERM; while :; do sleep 1; done' &)
(setsid sh -c 'echo $$ > b; exec setsid sleep 1000' &)
while ! test -s a || ! test -s b; do sleep 0.01; done`))
	if r := q.result(t); !r.OK() {
		t.Errorf("%+v", r)
	}
	for _, name := range []string{"a", "b"} {
		gone(t, book.pid(t, name))
	}
}

// Inputs that are programs may be executed, others not, and what a program has
// cost is told.
func TestUsage(t *testing.T) {
	q, st := newQueue(), &store{}
	begin(t, q, worker.Options{Files: st})
	program := st.file("bin/run", "#!/bin/sh\ni=0; while test $i -lt 20000; do i=$((i+1)); done\n")
	s := with(sh(""), []jobs.File{program})
	s.Command = []string{"./bin/run"}
	q.put(s)
	if r := q.result(t); r.Exit != 126 {
		t.Errorf("what is no program: %+v", r)
	}
	program.Exec = true
	s.Files = []jobs.File{program}
	s.Command = []string{"./bin/run"}
	q.put(s)
	r := q.result(t)
	if !r.OK() || r.Usage.CPU <= 0 || r.Usage.Wall < r.Usage.CPU/8 {
		t.Errorf("%+v", r)
	}
}

// The real queue, in a folder: an array whose tasks fail once, are killed, and
// lose their worker.
func TestScheduler(t *testing.T) {
	ctx := context.Background()
	log, err := jobs.OpenFileLog(folder(t))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s, err := jobs.New(ctx, log, jobs.Options{ErrorLog: silent, Lease: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(ctx)
	st := &store{}
	work := func(ctx context.Context, node string) error {
		w, err := worker.New(worker.Options{Queue: s, Node: node, Capacity: 3, Files: st, Drain: -1, Grace: 100 * time.Millisecond, ErrorLog: silent})
		if err != nil {
			return err
		}
		defer w.Close()
		return w.Run(ctx)
	}
	book := newNotebook(t)
	spec := with(sh(`test -e input || exit 9
case {frame}.$FRESHET_ATTEMPT in
3.1) exit 1;;
4.1) kill -9 $$;;
5.1) echo $$ > `+string(book)+`/five; sleep 1000;;
esac
echo {frame} > f.{frame:04}.txt`), []jobs.File{st.file("input", "x")}, "f.{frame:04}.txt")
	spec.Array, spec.Retries, spec.Backoff = jobs.Range(1, 8), 1, time.Millisecond
	ids, err := s.Submit(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	var workers sync.WaitGroup
	defer workers.Wait()
	first, stopFirst := context.WithCancel(ctx)
	defer stopFirst()
	workers.Go(func() {
		if err := work(first, "first"); err != nil {
			t.Error(err)
		}
	})
	book.pid(t, "five")
	stopFirst() // frame 5 is given back, and others perhaps
	second, stopSecond := context.WithCancel(ctx)
	defer stopSecond()
	workers.Go(func() {
		if err := work(second, "second"); err != nil {
			t.Error(err)
		}
	})
	watching, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	var last jobs.Info
	if err := s.Watch(watching, ids[0], func(i jobs.Info) error { last = i; return nil }); err != nil {
		t.Fatal(err)
	}
	if last.State != jobs.Succeeded || last.Counts.Of(jobs.Succeeded) != 8 {
		t.Errorf("%+v", last)
	}
	for _, name := range strings.Fields("f.0001.txt f.0003.txt f.0004.txt f.0005.txt f.0008.txt") {
		if text, ok := st.output(name); !ok || strings.TrimSpace(text) != strings.TrimLeft(name[2:6], "0") {
			t.Errorf("%s: %q, %v", name, text, ok)
		}
	}
}
