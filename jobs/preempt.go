package jobs

import (
	"cmp"
	"slices"
	"time"
)

// Pre-emption. When a task waits that pre-empts (Spec.Preempt), and no worker that
// fits is free, one that runs is asked to go: of those with a lower priority the
// lowest, of these the one that began last. Which one is decided by the machine,
// and is an event; its worker hears it with a Beat, ends the program, and gives the
// task back. It keeps its place, for that is by the age of its job.
//
// A task is asked only if what its worker would get in its place pre-empts: what
// labels, kinds and limits of pools keep from there, and what comes after another
// task that would be given to the worker first, makes nobody go. For each task that
// waits one is asked at a time: another one when it has not gone after goingFor. Nothing goes round in circles, for what comes always
// has a higher priority than what goes.

const (
	// preemptAfter is how long a task waits before another one is asked to go: a
	// worker that is between two tasks takes it meanwhile.
	preemptAfter = time.Second
	// preemptEvery is how often it is looked, while such tasks wait.
	preemptEvery = 250 * time.Millisecond
	// goingFor is how long it is counted on that a task goes that was asked to: a
	// program that is ended needs 10 s at most. Then another one may be asked, for
	// the worker of this one may not hear, or not do what it hears.
	goingFor = 30 * time.Second
	// comingFor is how long a worker whose task has gone has to ask for the next.
	comingFor = 5 * time.Second
)

// askedBy is the number of the job for which a task is to be given back.
func (t *task) askedBy() uint64 {
	if t.flags&flagAsked == 0 || t.detail == nil {
		return 0
	}
	return t.detail.by
}

// preempted marks a task that is to be given back.
func (m *machine) preempted(j *job, e *event) {
	if e.pos < 0 || e.pos >= j.n() || m.known(j, e.pos) {
		return
	}
	t := j.task(e.pos)
	if t == nil || t.state != Running || t.token != e.token {
		return
	}
	d := detail{}
	if t.detail != nil {
		d = *t.detail
	} else if j.many != nil {
		j.many.blocks[e.pos/blockSize].details++
	}
	d.by = e.by
	t.detail = &d
	t.flags |= flagAsked
}

// runner is a task that runs, with its worker.
type runner struct {
	j    *job
	pos  int64
	t    *task
	host *Worker
	like string // hosts that are alike get the same tasks
}

// shortage is who waits, as far as nobody goes for them yet.
type shortage struct {
	open   map[*class]int64 // of classes that pre-empt: tasks
	ripe   map[*class]bool  // they have waited long enough
	coming map[*pool]int64  // tasks more, when all have gone who were asked
}

// preempt decides which tasks are asked to go.
func (m *machine) preempt(running []runner, s *shortage) (asked []event) {
	slices.SortFunc(running, func(a, b runner) int {
		return cmp.Or(cmp.Compare(a.j.class.priority, b.j.class.priority), cmp.Compare(b.t.began, a.t.began), cmp.Compare(b.t.token, a.t.token))
	})
	type place struct {
		like string
		pool *pool
	}
	none := map[place]bool{} // nobody is to come there, for tasks of a higher priority neither
	for i := range running {
		r := &running[i]
		at := place{r.like, r.j.class.pool}
		if none[at] {
			continue
		}
		c := m.heir(r, s)
		if c == nil || !s.ripe[c] || c.priority <= r.j.class.priority {
			none[at] = true
			continue
		}
		asked = append(asked, event{kind: evPreempted, job: r.j.num, pos: r.pos, token: r.t.token, by: c.waitsLast(s.open[c])})
		s.open[c]--
		s.coming[c.pool]++
		s.coming[r.j.class.pool]--
	}
	return asked
}

// heir is the class of the task that a worker would get if one of its tasks had
// gone; nil: it would get none.
func (m *machine) heir(r *runner, s *shortage) *class {
	var best *job
	for _, c := range m.active {
		j := c.head()
		if j == nil || c.preempt && s.open[c] <= 0 || !c.fits(r.host) {
			continue
		}
		there := c.pool.running + s.coming[c.pool]
		if c.pool == r.j.class.pool {
			there--
		}
		if c.pool.limit > 0 && there >= int64(c.pool.limit) {
			continue
		}
		if best == nil || before(j, best) {
			best = j
		}
	}
	if best == nil {
		return nil
	}
	return best.class
}

// waits is how many tasks of the class could be claimed, up to most or a few more.
func (c *class) waits(most int64) (n int64) {
	for _, j := range c.waiting {
		if n >= most {
			break
		}
		n += j.ready()
	}
	return n
}

// waitsLast is the number of a job of which a task waits, the n-th from 1.
func (c *class) waitsLast(n int64) uint64 {
	for _, j := range c.waiting {
		if n -= j.ready(); n <= 0 && j.claimable() {
			return j.num
		}
	}
	return c.head().num
}

// ready is how many tasks of the job may be claimed now.
func (j *job) ready() int64 {
	switch {
	case !j.claimable():
		return 0
	case j.many == nil:
		return 1
	}
	return j.many.ready.Len()
}

// preempting is what a scheduler knows of this beyond the state.
type preempting struct {
	next  time.Time            // it is looked again
	since map[*class]time.Time // who waits, as far as was seen
	going map[*class]int64     // how many were asked to go for whom, at the last look
	went  []went
}

// went is a task that has gone for a job; its worker is to ask for the next.
type went struct {
	by uint64
	at time.Time
}

// gone notes that a task has ended that was asked to go.
func (p *preempting) gone(by uint64, now time.Time) { p.went = append(p.went, went{by, now}) }

// came notes that a task of a class was claimed.
func (p *preempting) came(m *machine, c *class) {
	if !c.preempt {
		return
	}
	for i, w := range p.went {
		if j := m.find(w.by); j != nil && j.class == c {
			p.went = slices.Delete(p.went, i, i+1)
			return
		}
	}
}

// preempt asks tasks to go for others that wait.
func (s *Scheduler) preempt() error {
	p, now := &s.preempting, s.now()
	switch {
	case s.m.preemptors == 0:
		p.since, p.going = nil, nil
		return nil
	case now.Before(p.next), s.m.woken && s.waiters.n > 0:
		return nil
	}
	p.next = now.Add(preemptEvery)
	running, short := s.shortage(s.ripe(now), now)
	for _, e := range s.m.preempt(running, short) {
		if !s.room() {
			return nil // those that are left are asked next time
		}
		if err := s.emit(&e); err != nil {
			return err
		}
		if by := s.m.find(e.by); by != nil {
			p.going[by.class]++
		}
		s.leases.get(e.token).asked = now
		s.tellSoon(s.m.find(e.job).task(e.pos).worker)
	}
	return nil
}

// ripe are the classes that pre-empt and have waited long enough.
func (s *Scheduler) ripe(now time.Time) map[*class]bool {
	p := &s.preempting
	since, ripe := map[*class]time.Time{}, map[*class]bool{}
	for i := 0; i < len(s.m.active); i++ {
		c := s.m.active[i]
		if !c.preempt {
			continue
		}
		if c.head() == nil {
			s.m.idle(c)
			i--
			continue
		}
		first, ok := p.since[c]
		if !ok {
			first = now
		}
		since[c] = first
		if now.Sub(first) >= preemptAfter {
			ripe[c] = true
		}
	}
	p.since = since
	return ripe
}

// shortage looks at what runs, and at who was asked to go already. A worker that
// has room, and yet waits for nothing, is one that takes no tasks: none is asked
// to go there. Neither is one of a worker that has not asked for a task since this
// scheduler began, for nothing is known of what it could run.
func (s *Scheduler) shortage(ripe map[*class]bool, now time.Time) ([]runner, *shortage) {
	short := &shortage{open: map[*class]int64{}, ripe: ripe, coming: map[*pool]int64{}}
	going, held := map[*class]int64{}, map[string]int{}
	var running []runner
	for e := s.leases.order.Front(); e != nil; e = e.Next() {
		l := e.Value.(*lease)
		j := s.m.find(l.job)
		if j == nil {
			continue
		}
		t := j.task(l.pos)
		held[t.worker]++
		switch by := s.m.find(t.askedBy()); {
		case t.flags&flagAsked != 0 && l.stays(now):
			// nothing is expected of it any more
		case t.flags&flagAsked != 0:
			short.coming[j.class.pool]--
			if by != nil {
				going[by.class]++
				short.coming[by.class.pool]++
			}
		case t.flags&flagEnding == 0 && !j.class.stays:
			running = append(running, runner{j: j, pos: l.pos, t: t})
		}
	}
	s.preempting.went = slices.DeleteFunc(s.preempting.went, func(w went) bool { return now.Sub(w.at) > comingFor })
	for _, w := range s.preempting.went {
		if j := s.m.find(w.by); j != nil {
			going[j.class]++
		}
	}
	s.preempting.going = going
	for c := range s.preempting.since {
		short.open[c] = c.waits(going[c]+int64(len(running))) - going[c]
	}
	like := map[string]string{}
	running = slices.DeleteFunc(running, func(r runner) bool {
		w := s.workers[r.t.worker]
		return w == nil || w.Capacity > held[r.t.worker] || s.options.Takes != nil && !s.options.Takes(r.t.worker)
	})
	for i := range running {
		name := running[i].t.worker
		running[i].host = &s.workers[name].Worker
		if like[name] == "" {
			like[name] = alike(running[i].host)
		}
		running[i].like = like[name]
	}
	return running, short
}

// stays reports whether a task that was asked to go has not gone for so long that
// another one may be asked. Whoever schedules anew counts anew.
func (l *lease) stays(now time.Time) bool {
	if l.asked.IsZero() {
		l.asked = now
	}
	return now.Sub(l.asked) >= goingFor
}

// tellSoon has a worker told that something of its tasks has changed, when that
// is durable.
func (s *Scheduler) tellSoon(worker string) {
	if s.options.Heed == nil {
		return
	}
	if s.heeds == nil {
		s.heeds = map[string]struct{}{}
	}
	s.heeds[worker] = struct{}{}
}

// heed tells them.
func (s *Scheduler) heed() {
	for worker := range s.heeds {
		s.options.Heed(worker)
	}
	clear(s.heeds)
}
