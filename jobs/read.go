package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Bounds of lists.
const (
	defaultList = 100
	maxList     = 1000
	// maxLooked is how many jobs are looked at for one page of a list; a filter that
	// few jobs match gets a shorter page, and Next.
	maxLooked = 200_000
	// maxListed is how many bytes of specs one page of a list has, or one job.
	maxListed = 4 << 20
	// maxFine is of how many blocks an array may be whose running tasks count as
	// what they are, and not as nothing: of more they are little.
	maxFine = 64
	// maxFollowers is how many of the jobs are told that come after one.
	maxFollowers = 100
	// maxRunning is how many running tasks are told of a worker.
	maxRunning = 1000
)

// look runs f when everything that was decided before is durable.
func (s *Scheduler) look(ctx context.Context, f func() error) error {
	var err error
	if asked := s.ask(ctx, &request{read: func() { err = f() }}); asked != nil {
		return asked
	}
	return err
}

func listed(n int) int {
	if n <= 0 {
		return defaultList
	}
	return min(n, maxList)
}

// found is a job as the owner has it; what takes time is done by who asked.
type found struct {
	info Info
	spec string
}

// Jobs lists jobs, the latest first. A page may hold fewer than asked for
// although more follow: Next says so.
func (s *Scheduler) Jobs(ctx context.Context, f Filter) (Page, error) {
	var page Page
	var from uint64
	if f.After != "" {
		num, err := f.After.number()
		if err != nil {
			return page, err
		}
		from = num
	}
	var jobs []found
	err := s.look(ctx, func() error {
		var p Page
		jobs, p = s.list(&f, from)
		page = p
		return nil
	})
	if err != nil {
		return Page{}, err
	}
	page.Jobs = make([]Info, len(jobs))
	for i, j := range jobs {
		if page.Jobs[i], err = j.full(); err != nil {
			return Page{}, err
		}
	}
	return page, nil
}

func (s *Scheduler) list(f *Filter, from uint64) ([]found, Page) {
	page := Page{Total: int(s.m.jobs.Total()), By: s.m.jobs, Pools: s.m.poolUse()}
	n := listed(f.N)
	var jobs []found
	looked, size := 0, 0
	for j := range s.m.from(from, f.Oldest) {
		if len(jobs) == n || looked == maxLooked || size >= maxListed {
			break
		}
		looked++
		page.Next = makeID(j.num)
		if f.matches(j) {
			jobs = append(jobs, s.found(j))
			size += len(j.spec)
		}
	}
	if len(jobs) < n && looked < maxLooked && size < maxListed {
		page.Next = ""
	}
	return jobs, page
}

// from calls yield with the jobs behind a number, or all for 0: the latest
// first, or the oldest.
func (m *machine) from(num uint64, oldest bool) func(yield func(*job) bool) {
	return func(yield func(*job) bool) {
		if oldest {
			i := sort.Search(len(m.pages), func(i int) bool { return m.pages[i].last > num })
			for ; i < len(m.pages); i++ {
				for _, j := range m.pages[i].jobs {
					if j.num > num && !yield(j) {
						return
					}
				}
			}
			return
		}
		i := len(m.pages) - 1
		if num > 0 {
			i = sort.Search(len(m.pages), func(i int) bool { return m.pages[i].first >= num }) - 1
		}
		for ; i >= 0; i-- {
			for _, j := range slices.Backward(m.pages[i].jobs) {
				if (num == 0 || j.num < num) && !yield(j) {
					return
				}
			}
		}
	}
}

func (f *Filter) matches(j *job) bool {
	c := j.class
	return (len(f.States) == 0 || slices.Contains(f.States, j.state)) &&
		(f.Owner == "" || f.Owner == c.owner.name) &&
		(f.Pool == "" || f.Pool == c.pool.name) &&
		(f.Kind == "" || f.Kind == c.kind) &&
		(f.Changed.IsZero() || j.touched >= f.Changed.UnixMilli()) &&
		(!f.Waiting || j.state == Queued && j.began == 0 && j.flags&(flagPaused|flagTemplate|flagAfter) == 0) &&
		(f.Name == "" || strings.Contains(j.name(), f.Name))
}

// Job is what is known of one job.
func (s *Scheduler) Job(ctx context.Context, id ID) (Info, error) {
	num, err := id.number()
	if err != nil {
		return Info{}, err
	}
	var one found
	err = s.look(ctx, func() error {
		j := s.m.find(num)
		if j == nil {
			return fmt.Errorf("%w: %s", ErrUnknown, id)
		}
		one = s.found(j)
		for _, num := range s.m.dependents[j.num][:min(len(s.m.dependents[j.num]), maxFollowers)] {
			one.info.Followers = append(one.info.Followers, makeID(num))
		}
		return nil
	})
	if err != nil {
		return Info{}, err
	}
	return one.full()
}

func (f *found) full() (Info, error) {
	if err := json.Unmarshal([]byte(f.spec), &f.info.Spec); err != nil {
		return Info{}, fmt.Errorf("job %s: %w", f.info.ID, err)
	}
	return f.info, nil
}

func (s *Scheduler) found(j *job) found {
	i := Info{
		ID: makeID(j.num), State: j.state, Counts: j.counts(), Submitted: moment(j.submitted), Started: moment(j.began),
		Paused: j.flags&flagPaused != 0, Reason: j.reason,
	}
	if j.state.Final() {
		i.Ended = moment(j.touched)
	} else {
		i.Waits = s.waits(j, i.Counts)
	}
	if t := j.one; t != nil && i.Reason == "" && t.detail != nil {
		i.Reason = t.detail.why(t)
	}
	if n := i.Counts[Failed] + i.Counts[Dead]; i.Reason == "" && j.many != nil && n > 0 {
		i.Reason = fmt.Sprintf("%d of %d tasks failed", n, i.Counts.Total())
	}
	mean := j.mean(i.Counts)
	w := s.workOf(j, i.Counts, mean)
	i.Left = j.estimate(i.Counts, mean, w)
	if total := i.Counts.Total(); total > 0 {
		i.Fraction = (float64(total-i.Counts[Queued]-i.Counts[Running]) + w.done) / float64(total)
	}
	return found{i, j.spec}
}

// running calls f with the job's tasks that run.
func (j *job) running(f func(pos int64, t *task)) {
	if j.one != nil && j.one.state == Running {
		f(0, j.one)
	}
	if j.many == nil {
		return
	}
	for _, b := range j.many.blocks {
		if b.by[Running] == 0 {
			continue
		}
		for i := range b.tasks {
			if b.tasks[i].state == Running {
				f(b.no*blockSize+int64(i), &b.tasks[i])
			}
		}
	}
}

// waits says why no task of a job is claimed, as far as it is known.
func (s *Scheduler) waits(j *job, c Counts) string {
	switch {
	case j.flags&flagTemplate != 0:
		if t := s.m.templates[j.num]; t != nil {
			since := time.UnixMilli(max(j.fired, j.submitted))
			if next := t.schedule.Next(since); !next.IsZero() {
				return "until " + next.Format("2006-01-02 15:04 MST")
			}
		}
	case c[Queued] == 0:
	case j.flags&flagPaused != 0:
		return "it is paused"
	case j.blockedBy > 0:
		return fmt.Sprintf("for %d of the jobs that it comes after", j.blockedBy)
	case !j.claimable():
		return "for the time of the next attempt"
	case j.class.pool.full():
		return j.class.pool.words()
	case c[Running] == 0 && j.class.kind != "" && !s.anyDoes(j.class.kind):
		return fmt.Sprintf("no worker that is known has the kind of work %q", j.class.kind)
	case c[Running] == 0 && len(j.class.needs) > 0 && !s.anyFits(j.class):
		return "no worker that is known has the labels that it needs"
	case s.preempting.going[j.class] > 0:
		return fmt.Sprintf("for %d tasks of a lower priority to go, which were asked to", s.preempting.going[j.class])
	}
	return ""
}

func (s *Scheduler) anyFits(c *class) bool {
	for _, w := range s.workers {
		if c.fits(&w.Worker) {
			return true
		}
	}
	return false
}

func (s *Scheduler) anyDoes(kind string) bool {
	for _, w := range s.workers {
		if slices.Contains(w.Kinds, kind) {
			return true
		}
	}
	return false
}

// why says in words how a run ended.
func (d *detail) why(t *task) string {
	switch {
	case d.reason != "":
		return d.reason
	case d.signal != "":
		return "ended by " + d.signal
	case d.lost:
		return "lost with its worker"
	case t.exit != 0:
		return fmt.Sprintf("exit status %d", t.exit)
	}
	return ""
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Tasks lists tasks of a job by their numbers. Tasks that nothing has happened
// to take no time to pass over.
func (s *Scheduler) Tasks(ctx context.Context, id ID, f TaskFilter) ([]TaskInfo, error) {
	num, err := id.number()
	if err != nil {
		return nil, err
	}
	var tasks []TaskInfo
	err = s.look(ctx, func() error {
		j := s.m.find(num)
		if j == nil {
			return fmt.Errorf("%w: %s", ErrUnknown, id)
		}
		tasks = s.tasks(j, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tasks, nil
}

func (s *Scheduler) tasks(j *job, f TaskFilter) []TaskInfo {
	n, skip := listed(f.N), max(0, f.From)
	begin, end := max(0, f.Begin), j.n()
	if f.End > 0 {
		end = min(end, f.End)
	}
	matches := func(st State) bool { return len(f.States) == 0 || slices.Contains(f.States, st) }
	var out []TaskInfo
	// stretch lists positions of tasks that are all in the base state.
	stretch := func(lo, hi int64) {
		lo, hi = max(lo, begin), min(hi, end-1)
		if !matches(j.base) || lo > hi {
			return
		}
		pass := min(skip, hi-lo+1)
		skip -= pass
		for pos := lo + pass; pos <= hi && len(out) < n; pos++ {
			out = append(out, TaskInfo{Task: j.number(pos), State: j.base})
		}
	}
	if j.many == nil {
		if j.one == nil && j.n() > 0 {
			stretch(0, 0)
		} else if j.one != nil && matches(j.one.state) && skip == 0 && begin < end {
			out = append(out, s.taskInfo(j, 0, j.one))
		}
		return out
	}
	blocks := make([]int64, 0, len(j.many.blocks))
	for no := range j.many.blocks {
		blocks = append(blocks, no)
	}
	slices.Sort(blocks)
	next := int64(0)
	for _, no := range blocks {
		stretch(next, no*blockSize-1)
		b := j.many.blocks[no]
		first := no * blockSize
		next = first + blockSize
		if whole := begin <= first && first+int64(len(b.tasks)) <= end; whole {
			if has := b.has(f.States); has <= skip {
				skip -= has
				continue
			}
		}
		for i := max(0, begin-first); i < min(int64(len(b.tasks)), end-first); i++ {
			t := &b.tasks[i]
			if !matches(t.state) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			if len(out) == n {
				return out
			}
			out = append(out, s.taskInfo(j, first+i, t))
		}
	}
	stretch(next, j.n()-1)
	return out
}

func (s *Scheduler) taskInfo(j *job, pos int64, t *task) TaskInfo {
	i := TaskInfo{Task: j.number(pos), State: t.state, Attempt: int(t.attempt), Worker: t.worker, Started: moment(t.began)}
	switch {
	case t.state == Running:
		i.Ending = t.flags&flagEnding != 0
		if t.flags&flagAsked != 0 {
			i.Preempted = makeID(t.askedBy())
		}
		if l := s.leases.get(t.token); l != nil {
			i.Progress = l.progress
		}
	case t.state == Queued:
		i.Queued = moment(t.at)
	default:
		i.Ended = moment(t.at)
	}
	if t.flags&flagRan != 0 {
		i.Result = &Result{Exit: int(t.exit), Usage: Usage{CPU: time.Duration(t.cpu) * time.Millisecond, MaxRSS: int64(t.rss) << 10}}
		if t.state.Final() {
			i.Result.Usage.Wall = time.Duration(t.at-t.began) * time.Millisecond
		}
		if d := t.detail; d != nil {
			i.Result.Signal, i.Result.Reason, i.Result.Lost = d.signal, d.reason, d.lost
			if d.output != "" {
				i.Result.Output = []byte(d.output)
			}
		}
	}
	return i
}

// Workers are those that gave a sign within the last hour, by name.
func (s *Scheduler) Workers(ctx context.Context) ([]WorkerInfo, error) {
	var workers []WorkerInfo
	err := s.look(ctx, func() error {
		running := map[string][]Lease{}
		for e := s.leases.order.Front(); e != nil; e = e.Next() {
			l := e.Value.(*lease)
			j := s.m.find(l.job)
			if j == nil || len(running[l.worker]) >= maxRunning {
				continue
			}
			running[l.worker] = append(running[l.worker], Lease{makeID(l.job), j.number(l.pos), int(j.task(l.pos).attempt), l.token})
		}
		now := s.now()
		for name, w := range s.workers {
			if now.Sub(w.seen) > workerKept && len(running[name]) == 0 && w.waiting == 0 {
				delete(s.workers, name)
				continue
			}
			workers = append(workers, WorkerInfo{
				Worker: w.Worker, Seen: w.seen, Waiting: w.waiting, Running: running[name], Finished: w.finished, Lost: w.lost,
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sort.Slice(workers, func(i, j int) bool { return workers[i].Node < workers[j].Node })
	return workers, nil
}
