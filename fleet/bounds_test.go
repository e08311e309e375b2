package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// given is a task that a worker called a has got from a desk.
func given(t *testing.T, d *desk) jobs.Lease {
	t.Helper()
	if _, err := d.queue.Submit(t.Context(), jobs.Spec{Command: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	text, err := d.claim(t.Context(), bus.Request{From: "a", Payload: claimOf(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var task jobs.Task
	if err := json.Unmarshal(text, &task); err != nil {
		t.Fatal(err)
	}
	return task.Lease
}

// Nothing is added to a task once it is over, though its end may be told again.
func TestATaskThatIsOver(t *testing.T) {
	d := deskOf(t)
	defer d.pieces.forget()
	l := given(t, d)
	write := &leased{Lease: l, Lines: []line{{Text: []byte("x")}}}
	begun := &leased{Lease: l, File: &piece{Name: "f", Size: 2, Data: []byte("x")}}
	if err := errors.Join(d.log(t.Context(), "a", write), d.file(t.Context(), "a", begun)); err != nil {
		t.Fatal(err)
	}
	end := &leased{Lease: l, Result: &jobs.Result{}}
	if err := d.finish(t.Context(), "a", end); err != nil {
		t.Fatal(err)
	}
	if n := len(d.pieces.open); n != 0 {
		t.Errorf("%d files are on their way still", n)
	}
	if err := d.log(t.Context(), "a", write); !errors.Is(err, jobs.ErrLost) {
		t.Errorf("output: %v", err)
	}
	if err := d.file(t.Context(), "a", begun); !errors.Is(err, jobs.ErrLost) {
		t.Errorf("a file: %v", err)
	}
	if err := d.finish(t.Context(), "a", end); err != nil {
		t.Errorf("its end once more: %v", err)
	}
}

// What a worker sends of a run has a bound, whatever the worker keeps to.
func TestBoundsOfARun(t *testing.T) {
	d := deskOf(t)
	defer d.pieces.forget()
	l := given(t, d)
	text := bytes.Repeat([]byte("x"), 1<<20)
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = d.log(t.Context(), "a", &leased{Lease: l, Lines: []line{{Text: text}}})
	}
	if !errors.Is(err, jobs.ErrFull) || n < worker.DefaultMaxLog>>20 {
		t.Errorf("after %d MiB: %v", n, err)
	}
	begin := func(name string, size int64) error {
		return d.file(t.Context(), "a", &leased{Lease: l, File: &piece{Name: name, Size: size, Data: []byte("x")}})
	}
	for err, n = nil, 0; err == nil && n < 1000; n++ {
		err = begin(fmt.Sprint("large", n), maxPart)
	}
	if !errors.Is(err, jobs.ErrFull) || n != 3 {
		t.Errorf("after %d files as large as one may be: %v", n, err)
	}
	d.pieces.forget()
	for err, n = nil, 0; err == nil && n < 1000; n++ {
		err = begin(fmt.Sprint("small", n), 2)
	}
	if !errors.Is(err, jobs.ErrFull) || n != maxOfOne+1 {
		t.Errorf("after %d files at once: %v", n, err)
	}
	if _, err := d.pieces.add(t.Context(), d.outputs, "b", jobs.Lease{Job: l.Job, Token: l.Token + 1}, &piece{Name: "f", Size: 2, Data: []byte("x")}); err != nil {
		t.Errorf("a file of another worker: %v", err)
	}
}
