//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"freshet/jobs"
)

// jobsLog is a Log as package jobs wants it.
type jobsLog struct{ *Log }

func (l jobsLog) Append(ctx context.Context, last uint64, entry []byte) (uint64, error) {
	n, err := l.Log.Append(ctx, last, entry)
	return n, jobsError(err)
}

func (l jobsLog) PutPage(ctx context.Context, key string, page []byte) error {
	return jobsError(l.Log.PutPage(ctx, key, page))
}

func jobsError(err error) error {
	if errors.Is(err, ErrFenced) {
		return fmt.Errorf("%w: %w", jobs.ErrFenced, err)
	}
	return err
}

var _ jobs.Log = jobsLog{}

// TestScheduler runs a queue of jobs on a log: it is taken over by a second
// scheduler, while the first does not know, and by a third after a restart.
func TestScheduler(t *testing.T) {
	dir := t.TempDir()
	ctx := limited(t)
	s := startServer(t, dir)
	begin := func(name string) *jobs.Scheduler {
		t.Helper()
		q, err := jobs.New(ctx, jobsLog{openLog(t, connect(t, s, name), "jobs")}, jobs.Options{
			PageEntries: 5, ErrorLog: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	work := func(q *jobs.Scheduler, n int) {
		t.Helper()
		for range n {
			task, err := q.Claim(ctx, jobs.Worker{Node: "here"})
			if err == nil {
				err = q.Finish(ctx, task.Lease, jobs.Result{})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	first := begin("first")
	ids, err := first.Submit(ctx, jobs.Spec{Command: []string{"true"}, Array: jobs.Range(1, 40)})
	if err != nil {
		t.Fatal(err)
	}
	work(first, 13)

	second := begin("second")
	work(second, 13)
	if _, err := first.Submit(ctx, jobs.Spec{Command: []string{"late"}}); err == nil {
		t.Error("a scheduler that was followed by another takes a job")
	}
	<-first.Done()
	if err := first.Err(); !errors.Is(err, jobs.ErrFenced) {
		t.Errorf("%v", err)
	}
	_ = first.Close(ctx)
	if err := second.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = startServer(t, dir)
	third := begin("third")
	work(third, 14)
	info, err := third.Job(ctx, ids[0])
	if err != nil || info.State != jobs.Succeeded || info.Counts.Of(jobs.Succeeded) != 40 {
		t.Errorf("%+v, %v", info, err)
	}
	if page, err := third.Jobs(ctx, jobs.Filter{}); err != nil || page.Total != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	if err := third.Close(ctx); err != nil {
		t.Fatal(err)
	}
}
