package jobs

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// leases are the claims that are valid, the next to run out first: all are of
// the same length, so that one that is renewed goes to the end.
type leases struct {
	by    map[uint64]*list.Element // by token
	order *list.List               // of *lease
}

type lease struct {
	token    uint64
	job      uint64
	pos      int64
	worker   string
	expires  time.Time
	asked    time.Time // when it was seen first that the task is to be given back; zero: it is not
	progress Progress
}

func (l *leases) init() { l.by, l.order = map[uint64]*list.Element{}, list.New() }

func (l *leases) add(token, job uint64, pos int64, worker string, expires time.Time) {
	l.by[token] = l.order.PushBack(&lease{token: token, job: job, pos: pos, worker: worker, expires: expires})
}

func (l *leases) get(token uint64) *lease {
	if e := l.by[token]; e != nil {
		return e.Value.(*lease)
	}
	return nil
}

func (l *leases) renew(token uint64, expires time.Time) {
	e := l.by[token]
	e.Value.(*lease).expires = expires
	l.order.MoveToBack(e)
}

func (l *leases) renewAll(expires time.Time) {
	for e := l.order.Front(); e != nil; e = e.Next() {
		e.Value.(*lease).expires = expires
	}
}

func (l *leases) remove(token uint64) {
	if e := l.by[token]; e != nil {
		l.order.Remove(e)
		delete(l.by, token)
	}
}

// next is when the first runs out; zero: there is none.
func (l *leases) next() time.Time {
	if e := l.order.Front(); e != nil {
		return e.Value.(*lease).expires
	}
	return time.Time{}
}

// waiter is a Claim that waits.
type waiter struct {
	worker Worker
	like   string // workers that are alike get the same tasks
	reply  chan claimed
	gone   bool
}

type claimed struct {
	lease Lease
	spec  string
	left  time.Duration
}

// waiters are the Claims, in order.
type waiters struct {
	list []*waiter // some are gone
	n    int       // that are not
	more bool      // one has come since match looked
}

// gift is a task for a waiter, once the claim is durable.
type gift struct {
	w *waiter
	c claimed
}

// workerState is what is remembered of a worker.
type workerState struct {
	Worker
	seen           time.Time
	waiting        int
	finished, lost int64
}

// maxWorkers is how many workers are remembered.
const maxWorkers = 10_000

// workerKept is for how long a worker is remembered that gives no sign.
const workerKept = time.Hour

// see notes a sign of a worker. One too many is not remembered, and works all
// the same.
func (s *Scheduler) see(w Worker) *workerState {
	now := s.now()
	known := s.workers[w.Node]
	if known == nil {
		if len(s.workers) >= maxWorkers {
			for name, old := range s.workers {
				if now.Sub(old.seen) > workerKept {
					delete(s.workers, name)
				}
			}
		}
		known = &workerState{}
		if len(s.workers) < maxWorkers {
			s.workers[w.Node] = known
		}
	}
	known.Worker, known.seen = w, now
	return known
}

func (s *Scheduler) checkWorker(w *Worker) error {
	var c faults
	if w.Node == "" {
		c.add("node: a worker has a name")
	}
	c.text("node", w.Node, maxName)
	c.text("version", w.Version, maxName)
	c.text("note", w.Note, maxName)
	c.most("pools", len(w.Pools), maxLabels)
	c.most("labels", len(w.Labels), 4*maxLabels)
	for name, value := range w.Labels {
		c.text("labels", name, maxName)
		c.text("labels", value, maxName)
	}
	for _, p := range w.Pools {
		c.text("pools", p, maxName)
	}
	c.most("kinds", len(w.Kinds), 2*maxLabels)
	for _, k := range w.Kinds {
		c.text("kinds", k, maxWord)
	}
	if len(c) > 0 {
		return fmt.Errorf("%w: worker: %w", ErrSpec, c[0])
	}
	return nil
}

// alike is equal for workers that get the same tasks.
func alike(w *Worker) string {
	names := make([]string, 0, len(w.Labels))
	for name, value := range w.Labels {
		names = append(names, name+"\x00"+value)
	}
	sort.Strings(names)
	text := strings.Join(names, "\x01")
	for _, list := range [...][]string{w.Pools, w.Kinds} {
		list = slices.Clone(list)
		sort.Strings(list)
		text += "\x02" + strings.Join(list, "\x01")
	}
	return text
}

// Claim waits until there is a task for the worker, and gives it a lease of
// Options.Lease. Who waits longest gets what several could run. When ctx ends
// while a task is on its way it goes back.
func (s *Scheduler) Claim(ctx context.Context, w Worker) (*Task, error) {
	if err := s.checkWorker(&w); err != nil {
		return nil, err
	}
	wait := &waiter{worker: w, like: alike(&w), reply: make(chan claimed, 1)}
	err := s.ask(ctx, &request{write: func() error {
		if s.waiters.n >= s.options.MaxWaiting {
			return fmt.Errorf("%w: %d claims wait", ErrFull, s.waiters.n)
		}
		s.see(w).waiting++
		s.waiters.list = append(s.waiters.list, wait)
		s.waiters.n++
		s.waiters.more = true
		return nil
	}})
	if err != nil {
		s.unclaim(wait)
		return nil, err
	}
	select {
	case c := <-wait.reply:
		t := &Task{Lease: c.lease, Expires: c.left}
		if err := json.Unmarshal([]byte(c.spec), &t.Spec); err != nil {
			return nil, fmt.Errorf("job %s: %w", c.lease.Job, err)
		}
		return t, nil
	case <-ctx.Done():
		s.unclaim(wait)
		return nil, ctx.Err()
	case <-s.stopped:
		return nil, s.stoppedError()
	}
}

// unclaim takes a Claim back that nobody waits for any more.
func (s *Scheduler) unclaim(w *waiter) {
	r := &request{done: make(chan error, 1), write: func() error {
		if w.gone {
			select {
			case c := <-w.reply:
				return s.giveBack(c.lease)
			default:
				return nil
			}
		}
		if slices.Contains(s.waiters.list, w) {
			s.dropWaiter(w)
		}
		return nil
	}}
	// Nobody waits for the answer: ctx is over.
	select {
	case s.requests <- r:
	case <-s.stopped:
	}
}

func (s *Scheduler) dropWaiter(w *waiter) {
	w.gone = true
	s.waiters.n--
	if known := s.workers[w.worker.Node]; known != nil {
		known.waiting = max(0, known.waiting-1)
	}
}

func (s *Scheduler) giveBack(l Lease) error {
	j, pos, err := s.m.leased(l)
	if err != nil || j.task(pos).state != Running {
		return nil
	}
	return s.end(j, pos, s.m.end(j, pos, Result{Lost: true, Reason: "its worker was gone when it was claimed"}, howReturned, s.options.Losses, s.seed))
}

// end writes the end of a run.
func (s *Scheduler) end(j *job, pos int64, e event) error {
	s.leases.remove(j.task(pos).token)
	if w := s.workers[j.task(pos).worker]; w != nil {
		switch e.how {
		case howFinished:
			w.finished++
		case howPreempted:
		default:
			w.lost++
		}
	}
	if t := j.task(pos); t.flags&flagAsked != 0 {
		s.preempting.gone(t.askedBy(), s.now())
	}
	return s.emit(&e)
}

// match gives tasks to Claims that wait.
func (s *Scheduler) match() error {
	if !s.m.woken && !s.waiters.more {
		return nil
	}
	s.m.woken, s.waiters.more = false, false
	var none map[string]bool // there is nothing for workers like this
	kept := s.waiters.list[:0]
	for i, w := range s.waiters.list {
		if w.gone {
			continue
		}
		if none[w.like] {
			kept = append(kept, w)
			continue
		}
		if !s.room() {
			s.m.woken = true
			kept = append(kept, s.waiters.list[i:]...)
			break
		}
		j, pos := s.m.pick(&w.worker)
		if j == nil {
			if none == nil {
				none = map[string]bool{}
			}
			none[w.like] = true
			kept = append(kept, w)
			continue
		}
		if err := s.give(w, j, pos); err != nil {
			return err
		}
	}
	clear(s.waiters.list[len(kept):])
	s.waiters.list = kept
	return nil
}

// give claims a task for a waiter.
func (s *Scheduler) give(w *waiter, j *job, pos int64) error {
	if err := s.emit(&event{kind: evClaimed, job: j.num, pos: pos, worker: w.worker.Node}); err != nil {
		return err
	}
	t := j.task(pos)
	s.preempting.came(&s.m, j.class)
	s.dropWaiter(w)
	s.leases.add(t.token, j.num, pos, t.worker, s.now().Add(s.options.Lease))
	s.given = append(s.given, gift{w, claimed{
		Lease{makeID(j.num), j.number(pos), int(t.attempt), t.token}, j.spec, s.options.Lease,
	}})
	return nil
}

// hand gives out the tasks whose claims are durable now.
func (s *Scheduler) hand() {
	for _, g := range s.given {
		if l := s.leases.get(g.c.lease.Token); l != nil {
			s.leases.renew(l.token, s.now().Add(s.options.Lease))
		}
		g.w.reply <- g.c
	}
	clear(s.given)
	s.given = s.given[:0]
}

// expire ends runs of which nothing was heard for a lease.
func (s *Scheduler) expire() error {
	now := s.now()
	for s.room() {
		front := s.leases.order.Front()
		if front == nil {
			return nil
		}
		l := front.Value.(*lease)
		if l.expires.After(now) {
			return nil
		}
		j := s.m.find(l.job)
		if j == nil || j.task(l.pos) == nil || j.task(l.pos).token != l.token {
			s.leases.remove(l.token)
			continue
		}
		r := Result{Lost: true, Reason: fmt.Sprintf("nothing was heard of worker %s for %v", l.worker, s.options.Lease)}
		if err := s.end(j, l.pos, s.m.end(j, l.pos, r, howExpired, s.options.Losses, s.seed)); err != nil {
			return err
		}
	}
	return nil
}

// Beat renews a lease. It is not written into the log: after a start every
// task that runs has a new lease.
func (s *Scheduler) Beat(ctx context.Context, l Lease, p Progress) error {
	p.Fraction = min(1, max(0, p.Fraction))
	if p.Fraction != p.Fraction {
		p.Fraction = 0
	}
	p.Message = line(p.Message, keptMessage)
	return s.ask(ctx, &request{write: func() error {
		j, pos, err := s.m.leased(l)
		if err != nil {
			return err
		}
		known := s.leases.get(l.Token)
		if known == nil || j.task(pos).state != Running {
			return ErrLost
		}
		s.leases.renew(l.Token, s.now().Add(s.options.Lease))
		if w := s.workers[known.worker]; w != nil {
			w.seen = s.now()
		}
		if known.progress != p {
			known.progress = p
			s.m.touched[j.num] = struct{}{}
		}
		switch flags := j.task(pos).flags; {
		case flags&flagEnding != 0:
			return ErrCancelled
		case flags&flagAsked != 0:
			return ErrPreempted
		}
		return nil
	}})
}

// Finish writes how a run ended, and decides what follows: of Output the last
// KiB is kept.
func (s *Scheduler) Finish(ctx context.Context, l Lease, r Result) error {
	if n := len(r.Output); n > keptOutput {
		r.Output = r.Output[n-keptOutput:]
	}
	r.Reason = line(r.Reason, keptReason)
	r.Signal = line(r.Signal, maxWord)
	return s.ask(ctx, &request{write: func() error {
		e, err := s.m.finish(l, r, s.options.Losses, s.seed)
		if err != nil || e == nil {
			return err
		}
		j := s.m.find(e.job)
		return s.end(j, e.pos, *e)
	}})
}

// line makes one bounded line of what somebody says.
func line(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	return clip(strings.TrimSpace(text), most)
}
