package fleet

import (
	"errors"
	"testing"

	"freshet/jobs"
)

// A worker is not heard about a task that another one has.
func TestTheirs(t *testing.T) {
	dir := t.TempDir()
	logs, err := OpenLogs(dir + "/logs")
	if err != nil {
		t.Fatal(err)
	}
	log, err := jobs.OpenFileLog(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s, err := jobs.New(t.Context(), log, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
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
		if got, err := d.theirs(t.Context(), c.from, c.lease); err != nil || got != c.want {
			t.Errorf("%s, task %d: %v %v", c.from, c.lease.Task, got, err)
		}
	}
}

// Pieces of a file that do not follow each other make none.
func TestPieces(t *testing.T) {
	o, err := OpenOutputs(t.TempDir())
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
