package fleet

import (
	"context"

	"freshet/jobs"
)

// keptQueue is the queue of a Keeper.
type keptQueue struct{ k *Keeper }

func (q keptQueue) now() (*jobs.Scheduler, error) {
	n, err := q.k.now()
	if err != nil {
		return nil, err
	}
	return n.scheduler, nil
}

// ask asks the queue that is open.
func ask[T any](q keptQueue, f func(*jobs.Scheduler) (T, error)) (none T, err error) {
	s, err := q.now()
	if err != nil {
		return none, err
	}
	return f(s)
}

// do has the queue that is open do something.
func (q keptQueue) do(f func(*jobs.Scheduler) error) error {
	s, err := q.now()
	if err != nil {
		return err
	}
	return f(s)
}

// Submit implements jobs.Queue, as all that follows.
func (q keptQueue) Submit(ctx context.Context, specs ...jobs.Spec) ([]jobs.ID, error) {
	return ask(q, func(s *jobs.Scheduler) ([]jobs.ID, error) { return s.Submit(ctx, specs...) })
}

func (q keptQueue) Claim(ctx context.Context, w jobs.Worker) (*jobs.Task, error) {
	return ask(q, func(s *jobs.Scheduler) (*jobs.Task, error) { return s.Claim(ctx, w) })
}

func (q keptQueue) Beat(ctx context.Context, l jobs.Lease, p jobs.Progress) error {
	return q.do(func(s *jobs.Scheduler) error { return s.Beat(ctx, l, p) })
}

func (q keptQueue) Finish(ctx context.Context, l jobs.Lease, r jobs.Result) error {
	return q.do(func(s *jobs.Scheduler) error { return s.Finish(ctx, l, r) })
}

func (q keptQueue) Cancel(ctx context.Context, job jobs.ID, tasks jobs.Array) error {
	return q.do(func(s *jobs.Scheduler) error { return s.Cancel(ctx, job, tasks) })
}

func (q keptQueue) Retry(ctx context.Context, job jobs.ID, tasks jobs.Array) error {
	return q.do(func(s *jobs.Scheduler) error { return s.Retry(ctx, job, tasks) })
}

func (q keptQueue) Pause(ctx context.Context, job jobs.ID, paused bool) error {
	return q.do(func(s *jobs.Scheduler) error { return s.Pause(ctx, job, paused) })
}

func (q keptQueue) Jobs(ctx context.Context, f jobs.Filter) (jobs.Page, error) {
	return ask(q, func(s *jobs.Scheduler) (jobs.Page, error) { return s.Jobs(ctx, f) })
}

func (q keptQueue) Job(ctx context.Context, job jobs.ID) (jobs.Info, error) {
	return ask(q, func(s *jobs.Scheduler) (jobs.Info, error) { return s.Job(ctx, job) })
}

func (q keptQueue) Tasks(ctx context.Context, job jobs.ID, f jobs.TaskFilter) ([]jobs.TaskInfo, error) {
	return ask(q, func(s *jobs.Scheduler) ([]jobs.TaskInfo, error) { return s.Tasks(ctx, job, f) })
}

func (q keptQueue) Workers(ctx context.Context) ([]jobs.WorkerInfo, error) {
	return ask(q, func(s *jobs.Scheduler) ([]jobs.WorkerInfo, error) { return s.Workers(ctx) })
}

func (q keptQueue) Watch(ctx context.Context, job jobs.ID, f func(jobs.Info) error) error {
	return q.do(func(s *jobs.Scheduler) error { return s.Watch(ctx, job, f) })
}

// Strip is what a monitor shows of a job with many tasks.
func (q keptQueue) Strip(ctx context.Context, job jobs.ID) ([]jobs.Cell, error) {
	return ask(q, func(s *jobs.Scheduler) ([]jobs.Cell, error) { return s.Strip(ctx, job) })
}
