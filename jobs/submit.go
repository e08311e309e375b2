package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Submit adds jobs, all or none: at most 10,000 of 640 KiB at once, else
// ErrFull. Each Spec is checked; the error names every fault.
func (s *Scheduler) Submit(ctx context.Context, specs ...Spec) ([]ID, error) {
	if len(specs) == 0 {
		return nil, nil
	}
	if len(specs) > maxSpecs {
		return nil, fmt.Errorf("%w: %d jobs at once; at most %d are taken", ErrFull, len(specs), maxSpecs)
	}
	encoded := make([]string, len(specs))
	for i := range specs {
		spec := specs[i]
		spec.From = ""
		if err := spec.Check(); err != nil {
			if len(specs) > 1 {
				err = fmt.Errorf("job %d: %w", i+1, err)
			}
			return nil, err
		}
		text, err := json.Marshal(&spec)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSpec, err)
		}
		encoded[i] = string(text)
	}
	if n := submitSize(encoded); n > maxSubmit {
		return nil, fmt.Errorf("%w: %d bytes of jobs at once; at most %d are taken", ErrFull, n, maxSubmit)
	}
	var ids []ID
	err := s.ask(ctx, &request{write: func() (err error) {
		ids, err = s.submit(specs, encoded)
		return err
	}})
	if err != nil {
		return nil, err
	}
	return ids, nil
}

func (s *Scheduler) submit(specs []Spec, encoded []string) ([]ID, error) {
	if err := s.accepts(specs, encoded); err != nil {
		return nil, err
	}
	ids := make([]ID, len(specs))
	for i := range specs {
		spec := specs[i]
		spec.From = ""
		if spec.Key != "" {
			if num, ok := s.m.keys[spec.Owner+"\x00"+spec.Key]; ok {
				ids[i] = makeID(num)
				continue
			}
		}
		num, err := s.add(&spec, encoded[i])
		if err != nil {
			return nil, err
		}
		ids[i] = makeID(num)
	}
	return ids, nil
}

// accepts says whether there is room for jobs, and whether what they come
// after is known.
func (s *Scheduler) accepts(specs []Spec, encoded []string) error {
	if n := s.m.jobs.Total() + int64(len(specs)); n > int64(s.options.MaxJobs) {
		return fmt.Errorf("%w: there are %d jobs; at most %d are kept", ErrFull, s.m.jobs.Total(), s.options.MaxJobs)
	}
	if n := s.m.specBytes + int64(submitSize(encoded)); n > s.options.MaxBytes {
		return fmt.Errorf("%w: jobs have %d bytes; at most %d are kept", ErrFull, s.m.specBytes, s.options.MaxBytes)
	}
	if s.options.Room != nil {
		if err := s.options.Room(submitSize(encoded)); err != nil {
			return err
		}
	}
	if n := len(s.m.classes) + len(specs); n > s.options.MaxClasses {
		more := map[string]bool{}
		for i := range specs {
			if class := classOf(&specs[i]); s.m.classes[class] == nil {
				more[class] = true
			}
		}
		if len(s.m.classes)+len(more) > s.options.MaxClasses {
			return fmt.Errorf("%w: there are %d combinations of priority, owner, pool, kind and needs; at most %d are taken", ErrFull, len(s.m.classes), s.options.MaxClasses)
		}
	}
	for i := range specs {
		for _, id := range specs[i].After {
			num, err := id.number()
			if err != nil || s.m.find(num) == nil {
				return fmt.Errorf("%w: after: %w: %s", ErrSpec, ErrUnknown, id)
			}
		}
	}
	return nil
}

// add writes that there is one job more.
func (s *Scheduler) add(spec *Spec, encoded string) (uint64, error) {
	num := max(s.m.last+1, uint64(max(1, s.now().UnixMilli()-idEpoch)))
	if spec.Schedule != "" {
		s.fires = atOnce // look at the templates anew
	}
	return num, s.emit(&event{kind: evSubmitted, job: num, spec: encoded, full: spec})
}

// atOnce is a time that has come.
var atOnce = time.Unix(0, 0)

// fire submits what the templates say is due.
func (s *Scheduler) fire() error {
	now := s.now()
	if s.fires.IsZero() && len(s.m.templates) == 0 || !s.fires.IsZero() && now.Before(s.fires) {
		return nil
	}
	s.fires = time.Time{}
	for _, t := range s.m.templates {
		if t.job.base.Final() {
			continue
		}
		since := time.UnixMilli(max(t.job.fired, t.job.submitted))
		next := t.schedule.Next(since)
		if next.IsZero() {
			continue
		}
		if !next.After(now) {
			if len(s.entry) >= gatherBytes {
				next = now // a spec may be long
			} else if err := s.fireOne(t, now); err != nil {
				return err
			} else if next = t.schedule.Next(now); next.IsZero() {
				continue
			}
		}
		if s.fires.IsZero() || next.Before(s.fires) {
			s.fires = next
		}
	}
	if s.fires.IsZero() && len(s.m.templates) > 0 {
		s.fires = now.Add(time.Hour)
	}
	return nil
}

// fireOne submits a job of a template: once, however many times were missed,
// and not while the job before it is not over, or the template is paused.
func (s *Scheduler) fireOne(t *template, now time.Time) error {
	if err := s.emit(&event{kind: evFired, job: t.job.num, at: now.UnixMilli()}); err != nil {
		return err
	}
	before := s.m.find(t.latest)
	if before != nil && !before.state.Final() || t.job.flags&flagPaused != 0 {
		return nil
	}
	var spec Spec
	if err := json.Unmarshal([]byte(t.job.spec), &spec); err != nil {
		return fmt.Errorf("job %s: %w", makeID(t.job.num), err)
	}
	spec.Schedule, spec.Zone, spec.Key, spec.From = "", "", "", makeID(t.job.num)
	encoded, err := json.Marshal(&spec)
	if err != nil {
		return fmt.Errorf("job %s: %w", makeID(t.job.num), err)
	}
	if err := s.accepts([]Spec{spec}, []string{string(encoded)}); err != nil {
		s.options.ErrorLog.Error("a job of a schedule is left out", "job", makeID(t.job.num), "err", err)
		return nil
	}
	_, err = s.add(&spec, string(encoded))
	return err
}

// Cancel ends tasks that are queued at once, and tells the workers of those that
// run. At most 100,000 tasks by number at once, else ErrFull.
func (s *Scheduler) Cancel(ctx context.Context, id ID, tasks Array) error {
	return s.ask(ctx, &request{write: func() error {
		j, err := s.m.some(id, tasks)
		if err != nil || !j.anyOf(tasks, Queued, Running) {
			return err
		}
		err = s.emit(&event{kind: evCancelled, job: j.num, tasks: tasks, reason: "cancelled"})
		j.running(func(_ int64, t *task) {
			if t.flags&flagEnding != 0 {
				s.tellSoon(t.worker)
			}
		})
		return err
	}})
}

// Retry queues tasks again. Nothing is left of how often they have failed.
func (s *Scheduler) Retry(ctx context.Context, id ID, tasks Array) error {
	return s.ask(ctx, &request{write: func() error {
		j, err := s.m.some(id, tasks)
		if err != nil || !j.anyOf(tasks, Failed, Cancelled, Dead) {
			return err
		}
		s.fires = atOnce
		return s.emit(&event{kind: evRetried, job: j.num, tasks: tasks})
	}})
}

// Pause keeps tasks of a job from being claimed; those that run go on. A paused
// template leaves out its times.
func (s *Scheduler) Pause(ctx context.Context, id ID, paused bool) error {
	return s.ask(ctx, &request{write: func() error {
		j, err := s.m.some(id, Array{})
		if err != nil || (j.flags&flagPaused != 0) == paused {
			return err
		}
		return s.emit(&event{kind: evPaused, job: j.num, on: paused})
	}})
}
