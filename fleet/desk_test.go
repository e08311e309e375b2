package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// queueAt is a queue that is kept in a folder.
func queueAt(t *testing.T, dir string) *jobs.Scheduler {
	t.Helper()
	log, err := jobs.OpenFileLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	s, err := jobs.New(t.Context(), log, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

// A worker is not heard about a task that another one has.
func TestTheirs(t *testing.T) {
	dir := t.TempDir()
	logs, err := OpenLogs(dir+"/logs", testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := queueAt(t, dir+"/log")
	d := &desk{queue: s, logs: logs, held: map[uint64]assignment{}}
	if _, err := s.Submit(t.Context(), jobs.Spec{Command: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	task, err := s.Claim(t.Context(), jobs.Worker{Node: "a"})
	if err != nil {
		t.Fatal(err)
	}
	other := task.Lease
	other.Task++
	for _, c := range []struct {
		from  string
		lease jobs.Lease
		want  bool
	}{{"b", task.Lease, false}, {"a", other, false}, {"a", task.Lease, true}, {"b", task.Lease, false}, {"a", other, false}} {
		if err := d.theirs(t.Context(), c.from, c.lease); c.want != (err == nil) || !c.want && !errors.Is(err, jobs.ErrLost) {
			t.Errorf("%s, task %d: %v", c.from, c.lease.Task, err)
		}
	}
}

// Pieces of a file that do not follow each other make none.
func TestPieces(t *testing.T) {
	o, err := OpenOutputs(t.TempDir(), 0, testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var p pieces
	defer p.forget()
	l := jobs.Lease{Job: "j", Token: 1, Attempt: 1}
	add := func(offset int64, data string) error {
		_, err := p.add(t.Context(), o, "a", l, &piece{Name: "dir/f", Size: 6, Offset: offset, Data: []byte(data)})
		return err
	}
	for _, bad := range []struct {
		offset int64
		data   string
	}{{3, "def"}, {-1, "a"}, {0, "abcdefg"}} {
		if err := add(bad.offset, bad.data); !errors.Is(err, errBad) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, good := range []struct {
		offset int64
		data   string
	}{{0, "xx"}, {0, "abc"}, {3, "def"}} { // the second begins anew
		if err := add(good.offset, good.data); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	list, err := o.List("j", 0)
	if err != nil || len(list) != 1 || list[0].Name != "dir/f" || list[0].Size != 6 {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := p.add(t.Context(), o, "a", l, &piece{Name: "../f", Size: 1, Data: []byte("x")}); err == nil {
		t.Error("a file outside")
	}
}

// A worker gets the files that its task names, while it has the task, and no
// others.
func TestInputsAreTheirs(t *testing.T) {
	dir := t.TempDir()
	inputs, _ := inputsAt(t, dir+"/inputs", InputOptions{})
	s := queueAt(t, dir+"/log")
	d := &desk{queue: s, inputs: inputs, held: map[uint64]assignment{}}
	own, other, gone := inputs.give(t, "own"), inputs.give(t, "other"), fileOf("gone", "gone")
	if _, err := s.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Files: []jobs.File{own}}, jobs.Spec{Command: []string{"true"}, Files: []jobs.File{other}}); err != nil {
		t.Fatal(err)
	}
	task, err := s.Claim(t.Context(), jobs.Worker{Node: "a"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from string, f jobs.File, offset int64) (string, error) {
		body, err := json.Marshal(&leased{Lease: task.Lease, Input: &wanted{f.SHA256, offset}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := d.about(d.input)(t.Context(), bus.Request{From: from, Payload: body})
		return string(text), uncoded(err)
	}
	for _, x := range []struct {
		from   string
		f      jobs.File
		offset int64
		want   string
		err    error
	}{
		{"a", own, 0, "own", nil}, {"a", own, 2, "n", nil}, {"a", own, 9, "", nil}, {"a", own, -1, "", errBad},
		{"a", other, 0, "", worker.ErrInput}, {"a", gone, 0, "", worker.ErrInput}, {"a", jobs.File{SHA256: "../log/x"}, 0, "", worker.ErrInput},
		{"b", own, 0, "", jobs.ErrLost},
	} {
		if text, err := ask(x.from, x.f, x.offset); text != x.want || !errors.Is(err, x.err) {
			t.Errorf("%s, %.12s at %d: %q, %v", x.from, x.f.SHA256, x.offset, text, err)
		}
	}
	inputs.rotten(own.SHA256)
	if _, err := ask("a", own, 0); !errors.Is(err, worker.ErrInput) || !strings.Contains(err.Error(), "is not kept") {
		t.Error(err)
	}
	if err := s.Finish(t.Context(), task.Lease, jobs.Result{}); err != nil {
		t.Fatal(err)
	}
	d.count(task.Lease, func(a *assignment) { a.seen = time.Time{} })
	if _, err := ask("a", own, 0); !errors.Is(err, jobs.ErrLost) {
		t.Errorf("of a task that is over: %v", err)
	}
}
