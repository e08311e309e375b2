package jobs

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// What is to happen to a task whose run has ended. The decision is written
// into the log; nothing is decided again when it is read.

const (
	defaultBackoff = 10 * time.Second
	maxDelay       = time.Hour       // between two attempts, whatever the doubling says, unless Backoff is longer
	lossBackoff    = time.Second     // before a task is given to somebody again the second time, doubled as above
	maxLossDelay   = 5 * time.Minute // of those
)

// backoff is how long to wait before attempt n+1, from 1: base doubled n-1
// times, up to most, less up to a quarter, by chance, so that what failed
// together does not come again together. chance is in [0,1).
func backoff(base time.Duration, n int, most time.Duration, chance float64) time.Duration {
	d := base
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	d = max(min(d, most), base)
	return d - time.Duration(float64(d)*chance/4)
}

// end is what a result makes of a task that runs.
func (m *machine) end(j *job, pos int64, r Result, how howEnded, losses int, seed uint64) event {
	t := j.task(pos)
	e := event{kind: evEnded, job: j.num, pos: pos, token: t.token, how: how, result: r}
	chance := rand.New(rand.NewPCG(seed, t.token)).Float64
	switch {
	case how == howFinished && r.OK():
		e.to = Succeeded
	case t.flags&flagEnding != 0:
		e.to = Cancelled
	case how == howReturned, how == howPreempted:
		e.to, e.at = Queued, m.now
	case how != howFinished:
		if int(t.lost)+1 >= losses {
			e.to = Dead
			break
		}
		e.to, e.at = Queued, m.now
		if t.lost > 0 {
			e.at += backoff(lossBackoff, int(t.lost), maxLossDelay, chance()).Milliseconds()
		}
	default:
		var s struct {
			Retries int           `json:"retries"`
			Backoff time.Duration `json:"backoff"`
		}
		_ = json.Unmarshal([]byte(j.spec), &s)
		if int(t.failed) >= s.Retries {
			e.to = Failed
			break
		}
		if s.Backoff == 0 {
			s.Backoff = defaultBackoff
		}
		e.to = Queued
		e.at = m.now + backoff(s.Backoff, int(t.failed)+1, maxDelay, chance()).Milliseconds()
	}
	return e
}

// finish decides about a Finish. A nil event and no error: it is known already.
func (m *machine) finish(l Lease, r Result, losses int, seed uint64) (*event, error) {
	j, pos, err := m.leased(l)
	if err != nil {
		return nil, err
	}
	t := j.task(pos)
	if t.state != Running {
		if t.flags&flagExpired != 0 {
			return nil, ErrLost
		}
		return nil, nil
	}
	how := howFinished
	switch {
	case r.Lost && t.flags&(flagAsked|flagEnding) == flagAsked:
		how, r.Reason = howPreempted, "pre-empted by job "+string(makeID(t.askedBy()))
	case r.Lost:
		how = howLost
	}
	e := m.end(j, pos, r, how, losses, seed)
	return &e, nil
}

// leased finds the task whose latest lease this is.
func (m *machine) leased(l Lease) (*job, int64, error) {
	num, err := l.Job.number()
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrLost, err)
	}
	j := m.find(num)
	if j == nil {
		return nil, 0, ErrLost
	}
	pos, ok := j.position(l.Task)
	if !ok || j.n() == 0 {
		return nil, 0, ErrLost
	}
	if t := j.task(pos); t == nil || t.token != l.Token {
		return nil, 0, ErrLost
	}
	return j, pos, nil
}

// maxSome is how many tasks Cancel and Retry take by number at once.
const maxSome = 100_000

// some checks the tasks that Cancel and Retry are about.
func (m *machine) some(id ID, tasks Array) (*job, error) {
	num, err := id.number()
	if err != nil {
		return nil, err
	}
	j := m.find(num)
	if j == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	if n := tasks.Len(); n > maxSome {
		return nil, fmt.Errorf("%w: %d tasks by number; at most %d at once, or all", ErrFull, n, maxSome)
	}
	if j.flags&flagTemplate != 0 && !tasks.IsZero() {
		return nil, fmt.Errorf("%w: job %s has a schedule, and no tasks of its own", ErrUnknown, id)
	}
	for n := range tasks.All {
		if _, ok := j.position(n); !ok {
			return nil, fmt.Errorf("%w: job %s has no task %d", ErrUnknown, id, n)
		}
	}
	return j, nil
}

// anyOf says whether one of the tasks is in one of the states.
func (j *job) anyOf(tasks Array, in ...State) bool {
	is := func(s State) bool {
		for _, x := range in {
			if s == x {
				return true
			}
		}
		return false
	}
	if j.flags&flagTemplate != 0 {
		return is(j.base)
	}
	if tasks.IsZero() {
		c := j.counts()
		for _, s := range in {
			if c[s] > 0 {
				return true
			}
		}
		return false
	}
	for n := range tasks.All {
		if pos, ok := j.position(n); ok && is(j.stateOf(pos)) {
			return true
		}
	}
	return false
}
