//go:build unix

package worker

import (
	"context"
	"os"
	"testing"

	"freshet/internal/child"
	"freshet/jobs"
)

// A program that came to its own end has done so, also when its task is to end at
// the same moment.
func TestEndedBeforeItWasTo(t *testing.T) {
	s, err := child.New(child.Options{Slots: 1, AllowRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "exit 0"}, Dir: "/", Files: []*os.File{null, null, null}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	h := &holding{task: &jobs.Task{}}
	h.ctx, h.end = context.WithCancelCause(t.Context())
	h.ours, h.lose = context.WithCancel(t.Context())
	defer h.lose()
	h.end(jobs.ErrPreempted)
	for range 100 {
		if cause := h.await(p); cause != nil {
			t.Fatalf("it was ended: %v", cause)
		}
	}
}
