package jobs

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"
)

// index is what can be made of the pages and blocks: who waits for what.
type index struct {
	jobs       Counts // by state
	tasks      Counts // of all jobs
	specBytes  int64
	active     []*class            // with jobs in their heaps
	delays     delays              // queued tasks whose time has not come
	after      map[uint64]deps     // of jobs that come after others
	dependents map[uint64][]uint64 // the other way
	unmet      []event             // jobs that cannot run any more, to be written
	templates  map[uint64]*template
	keys       map[string]uint64   // jobs by the owner and the key
	finished   []ending            // jobs that succeeded or were cancelled, in that order
	broken     []ending            // that failed or are dead
	held       map[uint64]struct{} // final jobs that are kept because others wait for them
	gone       []string            // keys of pages that are not needed
	touched    map[uint64]struct{}
	woken      bool // something may be claimed that could not before
	preemptors int  // active classes that pre-empt
}

type deps struct {
	jobs []uint64
	any  bool
}

// template is a job with a schedule.
type template struct {
	job      *job
	schedule *Schedule
	latest   uint64 // the job made of it last
}

// ending is a job in a final state since a time.
type ending struct {
	num uint64
	at  int64
}

// class is all jobs that are alike for who picks one.
type class struct {
	key      string
	priority int
	owner    *owner
	pool     *pool
	kind     string
	needs    map[string]string
	preempt  bool   // its tasks make others go
	stays    bool   // its tasks go for no others
	members  int    // jobs, whatever their state (index)
	waiting  []*job // a heap by number; some may not be claimable any more
	slot     int    // in index.active, plus one; 0: not there
}

type owner struct {
	name    string
	running int64
	share   int
	classes int
}

type pool struct {
	name    string
	running int64
	limit   int // 0: none
	classes int
}

// classKey is what makes a class; its JSON is the key.
type classKey struct {
	Priority int               `json:",omitempty"`
	Owner    string            `json:",omitempty"`
	Pool     string            `json:",omitempty"`
	Kind     string            `json:",omitempty"`
	Needs    map[string]string `json:",omitempty"`
	Preempt  bool              `json:",omitempty"`
	Stays    bool              `json:",omitempty"`
}

func classKeyOf(s *Spec) classKey {
	return classKey{s.Priority, s.Owner, s.pool(), s.Kind, s.Needs, s.Preempt, s.NoPreempt}
}

func (m *machine) classOf(s *Spec) *class {
	key := classOf(s)
	if c := m.classes[string(key)]; c != nil {
		return c
	}
	return m.newClass(key, classKeyOf(s))
}

func (m *machine) newClass(key string, k classKey) *class {
	if m.classes == nil {
		m.classes, m.owners, m.pools = map[string]*class{}, map[string]*owner{}, map[string]*pool{}
	}
	o := m.owners[k.Owner]
	if o == nil {
		o = &owner{name: k.Owner, share: max(1, m.shares[k.Owner])}
		m.owners[k.Owner] = o
	}
	p := m.pools[k.Pool]
	if p == nil {
		p = &pool{name: k.Pool, limit: m.limits[k.Pool]}
		m.pools[k.Pool] = p
	}
	c := &class{key: key, priority: k.Priority, owner: o, pool: p, kind: k.Kind, needs: k.Needs, preempt: k.Preempt, stays: k.Stays}
	o.classes++
	p.classes++
	m.classes[key] = c
	return c
}

// delays is a heap of queued tasks by the time from which they may be claimed.
type delays []delay

type delay struct {
	at  int64
	job uint64
	pos int64
}

func (d delays) Len() int           { return len(d) }
func (d delays) Less(i, j int) bool { return d[i].at < d[j].at }
func (d delays) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *delays) Push(x any)        { *d = append(*d, x.(delay)) }
func (d *delays) Pop() any {
	n := len(*d) - 1
	x := (*d)[n]
	*d = (*d)[:n]
	return x
}

// goLive makes the index. Until the next event the machine is what its
// pages say.
func (m *machine) goLive() error {
	m.index = index{
		after: map[uint64]deps{}, dependents: map[uint64][]uint64{}, templates: map[uint64]*template{}, touched: map[uint64]struct{}{},
		held: map[uint64]struct{}{}, keys: map[string]uint64{},
	}
	m.live = true
	for _, p := range m.pages {
		for _, j := range p.jobs {
			m.count(j)
			var full *Spec
			if j.flags&(flagAfter|flagTemplate|flagFrom|flagKey) != 0 {
				full = new(Spec)
				if err := json.Unmarshal([]byte(j.spec), full); err != nil {
					return fmt.Errorf("job %s: %w: %w", makeID(j.num), errFormat, err)
				}
			}
			m.enter(j, full)
		}
	}
	for num := range m.after {
		m.resolve(num)
	}
	for _, c := range m.classes {
		if c.slot == 0 {
			m.drop(c)
		}
	}
	byTime := func(a, b ending) int { return int(min(1, max(-1, a.at-b.at))) }
	slices.SortFunc(m.finished, byTime)
	slices.SortFunc(m.broken, byTime)
	return nil
}

// count makes the counts of an array, and what of it may be claimed.
func (m *machine) count(j *job) {
	j.inHeap, j.readyOne, j.blockedBy = false, false, 0
	if j.many == nil {
		if t := j.one; t != nil {
			j.touched = max(j.touched, t.began)
			if t.state == Running {
				m.run(j, 1)
			}
		}
		return
	}
	a := j.many
	a.counts, a.ready, a.spent = Counts{}, Set{}, 0
	for _, b := range a.blocks {
		b.by = [states]uint16{}
		for i := range b.tasks {
			t := &b.tasks[i]
			a.counts[t.state]++
			b.by[t.state]++
			if t.state == Succeeded {
				a.spent += max(0, t.at-t.began)
			}
			j.touched = max(j.touched, t.began)
			switch t.state {
			case Running:
				m.run(j, 1)
			case Queued:
			default:
				j.touched = max(j.touched, t.at)
			}
		}
	}
	n := j.n() - a.counts.Total()
	a.counts[j.base] += n
	if j.base == Queued {
		for lo, hi := range j.gaps {
			a.ready.Add(lo, hi)
		}
	}
}

// gaps calls yield with the positions that are in no block, in ranges.
func (j *job) gaps(yield func(lo, hi int64) bool) {
	a := j.many
	numbers := make([]int64, 0, len(a.blocks))
	for no := range a.blocks {
		numbers = append(numbers, no)
	}
	slices.Sort(numbers)
	next := int64(0)
	for _, no := range numbers {
		if lo := no * blockSize; next < lo && !yield(next, lo-1) {
			return
		}
		next = (no + 1) * blockSize
	}
	if n := j.n(); next < n {
		yield(next, n-1)
	}
}

// run counts tasks that run.
func (m *machine) run(j *job, n int64) {
	j.class.owner.running += n
	j.class.pool.running += n
	if n < 0 && j.class.pool.limit > 0 {
		m.woken = true
	}
}

// enter puts a job into the index.
func (m *machine) enter(j *job, full *Spec) {
	j.class.members++
	m.specBytes += int64(len(j.spec))
	j.state = j.stateNow()
	m.jobs[j.state]++
	for s, n := range j.counts() {
		m.tasks[s] += n
	}
	if j.flags&flagTemplate != 0 && full != nil {
		if s, err := ParseSchedule(full.Schedule, full.Zone); err == nil {
			m.templates[j.num] = &template{job: j, schedule: s}
		}
	}
	if j.flags&flagKey != 0 {
		m.keys[full.Owner+"\x00"+full.Key] = j.num
	}
	if j.flags&flagFrom != 0 {
		if num, err := full.From.number(); err == nil && m.templates[num] != nil {
			m.templates[num].latest = j.num
		}
	}
	if j.flags&flagAfter != 0 {
		d := deps{any: full.AfterAny}
		for _, id := range full.After {
			num, _ := id.number()
			d.jobs = append(d.jobs, num)
			m.dependents[num] = append(m.dependents[num], j.num)
		}
		m.after[j.num] = d
	}
	if j.many == nil {
		switch {
		case j.n() == 0:
		case j.one == nil:
			j.readyOne = j.base == Queued
		case j.one.state == Queued:
			m.requeue(j, 0, j.one)
		}
	} else {
		if j.many.counts.Total() == 0 { // a new one
			j.many.counts[j.base] = j.n()
			m.tasks[j.base] += j.n()
			j.many.ready.Add(0, j.n()-1)
			m.jobs[j.state]--
			j.state = j.stateNow()
			m.jobs[j.state]++
		}
		for _, b := range j.many.blocks {
			for i := range b.tasks {
				if t := &b.tasks[i]; t.state == Queued {
					m.requeue(j, b.no*blockSize+int64(i), t)
				}
			}
		}
	}
	if j.state.Final() {
		m.over(j)
	}
	if j.flags&flagAfter != 0 {
		m.resolve(j.num)
	}
	m.settle(j)
}

// leave takes a job out of the index.
func (m *machine) leave(j *job) {
	for s, n := range j.counts() {
		m.tasks[s] -= n
	}
	m.run(j, -j.counts()[Running])
	m.jobs[j.state]--
	m.specBytes -= int64(len(j.spec))
	if j.flags&flagKey != 0 {
		var s Spec
		_ = json.Unmarshal([]byte(j.spec), &s)
		delete(m.keys, s.Owner+"\x00"+s.Key)
	}
	if j.class.members--; j.class.slot == 0 {
		m.drop(j.class)
	} else if len(j.class.waiting) > 2*j.class.members+64 {
		j.class.tidy()
	}
	for _, num := range m.after[j.num].jobs {
		rest := slices.DeleteFunc(m.dependents[num], func(n uint64) bool { return n == j.num })
		if m.dependents[num] = rest; len(rest) == 0 {
			delete(m.dependents, num)
		}
	}
	m.release(j)
	delete(m.after, j.num)
	delete(m.templates, j.num)
	m.touched[j.num] = struct{}{}
}

// set changes a task's state.
func (m *machine) set(j *job, pos int64, t *task, to State) {
	from := t.state
	t.state = to
	if !m.live || from == to {
		return
	}
	m.tasks[from]--
	m.tasks[to]++
	if from == Running {
		m.run(j, -1)
	}
	if to == Running {
		m.run(j, 1)
	}
	if j.many == nil {
		j.readyOne = false
		return
	}
	j.many.counts[from]--
	j.many.counts[to]++
	b := j.many.blocks[pos/blockSize]
	b.by[from]--
	b.by[to]++
	if from == Queued {
		j.many.ready.Remove(pos, pos)
	}
}

// setBase changes the state of all tasks that are in no block.
func (m *machine) setBase(j *job, to State) {
	from := j.base
	j.base = to
	if !m.live || from == to || j.flags&flagTemplate != 0 {
		return
	}
	n := int64(1)
	if j.many == nil {
		j.readyOne = to == Queued
	} else {
		n = 0
		for lo, hi := range j.gaps {
			n += hi - lo + 1
			if to == Queued {
				j.many.ready.Add(lo, hi)
			} else {
				j.many.ready.Remove(lo, hi)
			}
		}
		j.many.counts[from] -= n
		j.many.counts[to] += n
	}
	m.tasks[from] -= n
	m.tasks[to] += n
}

// farAhead is more than any task has to wait, in ms: a time beyond is one of a
// clock that was wrong when it was written.
const farAhead = int64((maxBackoff + time.Hour) / time.Millisecond)

// requeue lets a queued task be claimed, now or when its time has come.
func (m *machine) requeue(j *job, pos int64, t *task) {
	if t.at > m.now && t.at-m.now <= farAhead {
		heap.Push(&m.delays, delay{t.at, j.num, pos})
		return
	}
	m.ready(j, pos)
}

func (m *machine) ready(j *job, pos int64) {
	if j.many == nil {
		j.readyOne = true
	} else {
		j.many.ready.Add(pos, pos)
	}
}

// pass lets time pass: delays that are over end.
func (m *machine) pass(now int64) {
	m.now = now
	for len(m.delays) > 0 && m.delays[0].at <= m.now {
		d := heap.Pop(&m.delays).(delay)
		j := m.find(d.job)
		if j == nil {
			continue
		}
		if t := j.task(d.pos); t != nil && t.state == Queued && t.at == d.at {
			m.ready(j, d.pos)
			m.settle(j)
		}
	}
}

// claimable says whether a task of the job may be claimed now.
func (j *job) claimable() bool {
	if j.page == nil || j.flags&(flagPaused|flagTemplate) != 0 || j.blockedBy > 0 {
		return false
	}
	if j.many == nil {
		return j.readyOne
	}
	return j.many.ready.Len() > 0
}

// settle puts a job where pick finds it, if it may be claimed.
func (m *machine) settle(j *job) {
	if !m.live || !j.claimable() {
		return
	}
	m.woken = true
	if j.inHeap {
		return
	}
	j.inHeap = true
	c := j.class
	heap.Push((*waiting)(c), j)
	if c.slot == 0 {
		m.active = append(m.active, c)
		c.slot = len(m.active)
		if c.preempt {
			m.preemptors++
		}
	}
}

// changed looks at a job after an event.
func (m *machine) changed(j *job) {
	m.touched[j.num] = struct{}{}
	if j.page == nil {
		return
	}
	from := j.state
	j.state = j.stateNow()
	if from != j.state {
		m.jobs[from]--
		m.jobs[j.state]++
		if j.state.Final() {
			m.over(j)
		}
		if from.Final() != j.state.Final() {
			for _, num := range m.dependents[j.num] {
				m.resolve(num)
			}
		}
	}
	if j.flags&flagAfter != 0 && !j.state.Final() {
		m.resolve(j.num)
	}
	m.settle(j)
}

// over puts a job that has come to a final state where it is forgotten in time.
func (m *machine) over(j *job) {
	m.release(j)
	if j.state == Failed || j.state == Dead {
		m.broken = append(m.broken, ending{j.num, j.touched})
	} else {
		m.finished = append(m.finished, ending{j.num, j.touched})
	}
}

// release lets jobs be forgotten that were kept for j.
func (m *machine) release(j *job) {
	if j.flags&flagAfter == 0 || len(m.held) == 0 {
		return
	}
	for _, num := range m.after[j.num].jobs {
		if _, ok := m.held[num]; !ok {
			continue
		}
		delete(m.held, num)
		if k := m.find(num); k != nil && k.state.Final() {
			m.over(k)
		}
	}
}

// waitedFor says whether a job that is not over comes after j.
func (m *machine) waitedFor(j *job) bool {
	for _, num := range m.dependents[j.num] {
		if k := m.find(num); k != nil && !k.state.Final() {
			return true
		}
	}
	return false
}

// classOf is what jobs have in common that are claimed alike.
func classOf(s *Spec) string {
	key, _ := json.Marshal(classKeyOf(s))
	return string(key)
}

// eachRunning calls f with all tasks that run.
func (m *machine) eachRunning(f func(j *job, pos int64, t *task)) {
	for _, p := range m.pages {
		for _, j := range p.jobs {
			if j.one != nil && j.one.state == Running {
				f(j, 0, j.one)
			}
			if j.many == nil || j.many.counts[Running] == 0 {
				continue
			}
			for _, b := range j.many.blocks {
				for i := range b.tasks {
					if t := &b.tasks[i]; t.state == Running {
						f(j, b.no*blockSize+int64(i), t)
					}
				}
			}
		}
	}
}

// resolve looks at the jobs that a job comes after.
func (m *machine) resolve(num uint64) {
	j := m.find(num)
	if j == nil || j.state.Final() {
		return
	}
	d := m.after[num]
	j.blockedBy = 0
	for _, other := range d.jobs {
		k := m.find(other)
		switch {
		case k == nil:
			if !d.any {
				m.cannot(j, fmt.Sprintf("job %s, which it comes after, is not known", makeID(other)))
			}
		case !k.state.Final():
			j.blockedBy++
		case k.state != Succeeded && !d.any:
			m.cannot(j, fmt.Sprintf("job %s, which it comes after, is %s", makeID(other), k.state))
		}
	}
	m.settle(j)
}

// cannot says that a job must fail.
func (m *machine) cannot(j *job, reason string) {
	j.blockedBy++
	if j.counts()[Queued] > 0 {
		m.unmet = append(m.unmet, event{kind: evUnmet, job: j.num, reason: reason})
	}
}

// waiting is a class's heap of jobs.
type waiting class

func (w *waiting) Len() int           { return len(w.waiting) }
func (w *waiting) Less(i, k int) bool { return w.waiting[i].num < w.waiting[k].num }
func (w *waiting) Swap(i, k int)      { w.waiting[i], w.waiting[k] = w.waiting[k], w.waiting[i] }
func (w *waiting) Push(x any)         { w.waiting = append(w.waiting, x.(*job)) }
func (w *waiting) Pop() any {
	n := len(w.waiting) - 1
	j := w.waiting[n]
	w.waiting[n] = nil
	w.waiting = w.waiting[:n]
	return j
}

// head is the oldest job of the class that may be claimed.
func (c *class) head() *job {
	for len(c.waiting) > 0 {
		if j := c.waiting[0]; j.claimable() {
			return j
		}
		heap.Pop((*waiting)(c)).(*job).inHeap = false
	}
	return nil
}

// tidy takes jobs out of the heap that may not be claimed, which otherwise
// happens when they come to its head.
func (c *class) tidy() {
	c.waiting = slices.DeleteFunc(c.waiting, func(j *job) bool {
		j.inHeap = j.claimable()
		return !j.inHeap
	})
	heap.Init((*waiting)(c))
}

// fits says whether a worker may run tasks of the class.
func (c *class) fits(w *Worker) bool {
	if len(w.Pools) > 0 && !slices.Contains(w.Pools, c.pool.name) {
		return false
	}
	for name, value := range c.needs {
		if has, ok := w.Labels[name]; !ok || value != "" && value != has {
			return false
		}
	}
	return c.kind == "" || slices.Contains(w.Kinds, c.kind)
}

// pick is the task that a worker gets next: of the highest priority, then of
// the owner with the least running for their share, then of the oldest job.
func (m *machine) pick(w *Worker) (*job, int64) {
	var best *job
	for i := 0; i < len(m.active); i++ {
		c := m.active[i]
		j := c.head()
		if j == nil {
			m.idle(c)
			i--
			continue
		}
		if c.pool.full() || !c.fits(w) {
			continue
		}
		if best == nil || before(j, best) {
			best = j
		}
	}
	if best == nil {
		return nil, 0
	}
	if best.many == nil {
		return best, 0
	}
	return best, best.many.ready.First()
}

// idle takes a class without waiting jobs from the active ones.
func (m *machine) idle(c *class) {
	last := m.active[len(m.active)-1]
	m.active[c.slot-1] = last
	last.slot = c.slot
	m.active = m.active[:len(m.active)-1]
	c.slot = 0
	if c.preempt {
		m.preemptors--
	}
	m.drop(c)
}

// drop forgets a class without jobs, and with the last one its owner and pool.
func (m *machine) drop(c *class) {
	if c.members > 0 || m.classes[c.key] != c {
		return
	}
	delete(m.classes, c.key)
	if c.owner.classes--; c.owner.classes == 0 {
		delete(m.owners, c.owner.name)
	}
	if c.pool.classes--; c.pool.classes == 0 {
		delete(m.pools, c.pool.name)
	}
}

func before(a, b *job) bool {
	if a.class.priority != b.class.priority {
		return a.class.priority > b.class.priority
	}
	if o, p := a.class.owner, b.class.owner; o != p {
		if l, r := o.running*int64(p.share), p.running*int64(o.share); l != r {
			return l < r
		}
	}
	return a.num < b.num
}

// sortLeaves puts pages in front of blocks, each ascending: what a block
// belongs to is written first.
func sortLeaves(leaves []leaf) {
	rank := func(l leaf) (int, uint64, int64) {
		switch l := l.(type) {
		case *page:
			return 0, l.no, 0
		case *block:
			return 1, l.job.num, l.no
		}
		return 2, 0, 0
	}
	sort.Slice(leaves, func(i, k int) bool {
		a, b, c := rank(leaves[i])
		x, y, z := rank(leaves[k])
		if a != x {
			return a < x
		}
		if b != y {
			return b < y
		}
		return c < z
	})
}
