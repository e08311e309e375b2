package jobs

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// The machine is the state of a queue: what events make of it. It is pure: no
// clock, no I/O, no goroutine; time comes with the events. An event is applied
// as it is: whether it may happen was decided before it was written
// (decide.go), so that a log means the same to every version of this package.
//
// State proper are pages of jobs and blocks of tasks, as they are also
// written (machine_page.go). Everything else is an index, made of them by
// index and kept up by set while the machine is live; while a log is read again
// there are none.

const (
	blockSize  = 1024      // tasks in a block
	pageJobs   = 256       // jobs in a page, at most
	pageBytes  = 192 << 10 // bytes of specs in a page, unless it is of one job
	maxDetails = 64        // failed tasks of a block whose output is kept
	tokenShift = 20        // bits of a token that are the index of the event in its entry
)

// machine is the state. The zero machine is empty, and not live.
type machine struct {
	pages    []*page // ascending
	nextPage uint64
	last     uint64 // the latest job's number
	entry    uint64 // the latest entry
	now      int64  // its time, ms

	classes map[string]*class
	owners  map[string]*owner
	pools   map[string]*pool
	shares  map[string]int // of owners; default 1
	limits  map[string]int // of pools: tasks that run; default none

	live bool
	index
	dirty []leaf // pages and blocks that have changed since they were written
}

// page is some hundred jobs, in the order of their numbers.
type page struct {
	no       uint64
	first    uint64 // number of its first job, also when that is forgotten
	last     uint64
	assigned int // jobs ever put in
	bytes    int // of their specs
	jobs     []*job
	stored
}

// stored is what is known of how a page or block is kept.
type stored struct {
	asOf    uint64 // the entry that it was written after
	term    uint64 // the scheduler that wrote it; 0: not written
	dirty   bool
	changed uint64 // the latest entry that changed it
}

// leaf is a page or a block: what is written as one.
type leaf interface {
	kept() *stored
	key(term uint64) string
	encode(asOf uint64) []byte
}

// job is what is known of a job. A queued job of one task has nothing beyond
// this and its spec.
type job struct {
	num       uint64
	spec      string // JSON
	class     *class
	page      *page
	many      *array // nil: one task
	one       *task  // that task, if it was ever claimed
	reason    string
	submitted int64 // ms
	began     int64 // the first claim; ms, 0: never
	touched   int64 // the latest change; ms
	fired     int64 // of a template: the minute it was last submitted for; ms
	blockedBy int32 // jobs that it waits for (index)
	base      State // of tasks that are in no block
	flags     jobFlags
	inHeap    bool  // it stands in its class's heap (index)
	readyOne  bool  // its one task may be claimed now (index)
	state     State // (index)
}

type jobFlags uint8

const (
	flagPaused   jobFlags = 1 << iota
	flagAfter             // the spec has After
	flagTemplate          // the spec has Schedule
	flagArray             // the spec has Array
	flagFrom              // the spec has From
	flagKey               // the spec has Key
)

// array is a job's tasks when there are many.
type array struct {
	numbers Array
	blocks  map[int64]*block
	counts  Counts // index
	spent   int64  // on tasks that succeeded, by their latest run; ms (index)
	ready   Set    // positions that may be claimed now (index)
}

// block is up to blockSize tasks of an array.
type block struct {
	job     *job
	no      int64
	tasks   []task
	by      [states]uint16 // tasks by state (index)
	details int
	stored
}

// task is what is known of a task that was claimed.
type task struct {
	token   uint64 // of the latest claim
	worker  string // who had it
	at      int64  // queued: not before; otherwise since when it is in its state; ms
	began   int64  // the latest claim; ms
	detail  *detail
	cpu     uint32 // of the latest run; ms
	rss     uint32 // KiB
	exit    int32
	attempt uint16 // claims
	failed  uint16 // attempts that were used up
	lost    uint16 // runs without a result
	state   State
	flags   taskFlags
}

type taskFlags uint8

const (
	flagEnding  taskFlags = 1 << iota // cancelled while it runs
	flagExpired                       // its latest run was given up, not finished
	flagRan                           // exit, cpu and rss are of a run
	flagAsked                         // it runs, and is to be given back for the job detail.by
)

// detail is kept of runs that failed.
type detail struct {
	signal, reason string
	output         string
	lost           bool
	by             uint64 // flagAsked
}

func duration(n int64) time.Duration { return time.Duration(n) }

// n is how many tasks the job has.
func (j *job) n() int64 {
	switch {
	case j.flags&flagTemplate != 0:
		return 0
	case j.many != nil:
		return j.many.numbers.Len()
	}
	return 1
}

// number is the task's number at a position.
func (j *job) number(pos int64) int64 {
	if j.many == nil {
		return 0
	}
	return j.many.numbers.Nth(pos)
}

// position of a task's number.
func (j *job) position(number int64) (int64, bool) {
	if j.many == nil {
		return 0, number == 0
	}
	return j.many.numbers.Index(number)
}

// task is the record of the task, nil when it has none: it is in state base.
func (j *job) task(pos int64) *task {
	if j.many == nil {
		return j.one
	}
	if b := j.many.blocks[pos/blockSize]; b != nil {
		return &b.tasks[pos%blockSize]
	}
	return nil
}

func (j *job) stateOf(pos int64) State {
	if t := j.task(pos); t != nil {
		return t.state
	}
	return j.base
}

// counts are the job's tasks by state.
func (j *job) counts() (c Counts) {
	switch {
	case j.flags&flagTemplate != 0:
	case j.many != nil:
		return j.many.counts
	default:
		c[j.stateOf(0)] = 1
	}
	return c
}

// stateNow is the state that the counts make.
func (j *job) stateNow() State {
	if j.flags&flagTemplate != 0 {
		return j.base
	}
	c := j.counts()
	switch {
	case c[Running] > 0:
		return Running
	case c[Queued] > 0 && j.began > 0:
		return Running
	case c[Queued] > 0:
		return Queued
	case c[Dead] > 0:
		return Dead
	case c[Failed] > 0:
		return Failed
	case c[Cancelled] > 0:
		return Cancelled
	}
	return Succeeded
}

// find is the job with a number, nil if there is none.
func (m *machine) find(num uint64) *job {
	p := m.pageOf(num)
	if p == nil {
		return nil
	}
	i := sort.Search(len(p.jobs), func(i int) bool { return p.jobs[i].num >= num })
	if i < len(p.jobs) && p.jobs[i].num == num {
		return p.jobs[i]
	}
	return nil
}

// pageOf is the page that a job's number belongs to, if it was ever put in one.
func (m *machine) pageOf(num uint64) *page {
	i := sort.Search(len(m.pages), func(i int) bool { return m.pages[i].first > num }) - 1
	if i < 0 || num > m.pages[i].last {
		return nil
	}
	return m.pages[i]
}

// applyEntry applies all events of an entry.
func (m *machine) applyEntry(n uint64, entry []byte) error {
	err := readEntry(entry, func(ms int64, i int, e *event) error {
		m.begin(n, ms)
		return m.apply(i, e)
	})
	if err != nil {
		return fmt.Errorf("entry %d: %w", n, err)
	}
	m.entry = n
	return nil
}

// begin says that the events that follow are of an entry.
func (m *machine) begin(n uint64, ms int64) { m.entry, m.now = n, ms }

// token of the event with an index of the current entry.
func (m *machine) token(i int) uint64 { return m.entry<<tokenShift | uint64(i) }

// apply makes of an event what it says. An event about a job that is not there
// is one about a job that was forgotten afterwards, and its page is already written.
func (m *machine) apply(i int, e *event) error {
	if e.kind == evStarted {
		return nil
	}
	if e.kind == evSubmitted {
		return m.submitted(e)
	}
	j := m.find(e.job)
	if j == nil {
		return nil
	}
	switch e.kind {
	case evClaimed, evEnded:
		if e.pos < 0 || e.pos >= j.n() {
			return fmt.Errorf("%w: job %s has no task %d", errFormat, makeID(j.num), e.pos)
		}
		if m.known(j, e.pos) {
			return nil
		}
		if e.kind == evClaimed {
			m.claimed(j, e, m.token(i))
		} else {
			m.ended(j, e)
		}
	case evPreempted:
		m.preempted(j, e)
	case evCancelled:
		m.cancelled(j, e)
	case evRetried:
		m.retried(j, e)
	case evUnmet:
		m.each(j, Array{}, func(s State) State {
			if s == Queued {
				return Failed
			}
			return s
		})
		m.setReason(j, e.reason)
	case evPaused:
		if m.mark(j.page) {
			j.flags &^= flagPaused
			if e.on {
				j.flags |= flagPaused
			}
			m.settle(j)
		}
	case evForgotten:
		m.forgotten(j)
	case evFired:
		if m.mark(j.page) {
			j.fired = e.at
		}
	}
	if m.live {
		m.changed(j)
	}
	return nil
}

// mark says that a page changes with the current entry; false: what is written
// of it knows that already.
func (m *machine) mark(p *page) bool {
	if m.entry <= p.asOf {
		return false
	}
	p.changed = m.entry
	if !p.dirty {
		p.dirty = true
		m.dirty = append(m.dirty, p)
	}
	return true
}

// stamp notes that a job changes now. What its tasks say of that is read from them;
// when the clock was set back none of them may have the latest time.
func (m *machine) stamp(j *job) {
	if m.now < j.touched {
		m.mark(j.page)
		return
	}
	j.touched = m.now
}

func (m *machine) markBlock(b *block) bool {
	if m.entry <= b.asOf {
		return false
	}
	if !b.dirty {
		b.dirty = true
		m.dirty = append(m.dirty, b)
	}
	return true
}

// known says whether what is written of a task knows the current entry.
func (m *machine) known(j *job, pos int64) bool {
	if j.many == nil {
		return !m.mark(j.page)
	}
	b := j.many.blocks[pos/blockSize]
	return b != nil && !m.markBlock(b)
}

// submitted puts a new job behind the others.
func (m *machine) submitted(e *event) error {
	if n := len(m.pages); n > 0 && e.job <= m.pages[n-1].last {
		p := m.pageOf(e.job)
		if p == nil || m.entry > p.asOf {
			return fmt.Errorf("%w: job %s is submitted after later ones", errFormat, makeID(e.job))
		}
		return nil
	}
	full := e.full
	if full == nil {
		full = new(Spec)
		if err := json.Unmarshal([]byte(e.spec), full); err != nil {
			return fmt.Errorf("%w: job %s: %w", errFormat, makeID(e.job), err)
		}
	}
	p := m.lastPage(e.job, len(e.spec))
	j := &job{num: e.job, spec: e.spec, page: p, submitted: m.now, touched: m.now, class: m.classOf(full)}
	j.shape(full)
	p.jobs = append(p.jobs, j)
	p.assigned++
	p.bytes += len(j.spec)
	p.last = j.num
	m.last = max(m.last, j.num)
	m.mark(p)
	if m.live {
		m.enter(j, full)
		m.changed(j)
	}
	return nil
}

// shape sets what of a job follows from its spec.
func (j *job) shape(s *Spec) {
	if !s.Array.IsZero() {
		j.flags |= flagArray
		j.many = &array{numbers: s.Array, blocks: map[int64]*block{}}
	}
	if s.From != "" {
		j.flags |= flagFrom
	}
	if s.Key != "" {
		j.flags |= flagKey
	}
	if len(s.After) > 0 {
		j.flags |= flagAfter
	}
	if s.Schedule != "" {
		j.flags |= flagTemplate
	}
}

// lastPage is where a new job goes.
func (m *machine) lastPage(num uint64, size int) *page {
	if n := len(m.pages); n > 0 {
		if p := m.pages[n-1]; p.assigned < pageJobs && p.bytes+size <= pageBytes {
			return p
		}
	}
	m.nextPage++
	p := &page{no: m.nextPage, first: num}
	m.pages = append(m.pages, p)
	return p
}

// touch makes the record of a task, if there is none.
func (m *machine) touch(j *job, pos int64) *task {
	if j.many == nil {
		if j.one == nil {
			j.one = &task{state: j.base}
		}
		return j.one
	}
	b := j.many.blocks[pos/blockSize]
	if b == nil {
		b = m.addBlock(j, pos/blockSize)
		m.markBlock(b)
	}
	return &b.tasks[pos%blockSize]
}

func (m *machine) addBlock(j *job, no int64) *block {
	b := &block{job: j, no: no, tasks: make([]task, min(blockSize, j.n()-no*blockSize))}
	if j.base != Queued {
		for i := range b.tasks {
			b.tasks[i].state = j.base
		}
	}
	b.by[j.base] = uint16(len(b.tasks))
	j.many.blocks[no] = b
	return b
}

func (m *machine) claimed(j *job, e *event, token uint64) {
	t := m.touch(j, e.pos)
	m.set(j, e.pos, t, Running)
	t.token, t.worker = token, e.worker
	t.at, t.began = m.now, m.now
	t.attempt++
	t.flags &^= flagEnding | flagExpired | flagAsked
	m.stamp(j)
	if j.began == 0 {
		m.mark(j.page)
		j.began = m.now
	}
}

func (m *machine) ended(j *job, e *event) {
	t := m.touch(j, e.pos)
	m.set(j, e.pos, t, e.to)
	t.token = e.token
	t.at = m.now
	if e.to == Queued {
		t.at = e.at
	}
	t.flags &^= flagEnding | flagExpired | flagAsked
	switch e.how {
	case howExpired:
		t.flags |= flagExpired
		t.lost++
	case howReturned:
		t.flags |= flagExpired
	case howPreempted:
	case howLost:
		t.lost++
	default:
		if !e.result.OK() {
			t.failed++
		}
	}
	if m.live && j.many != nil && e.to == Succeeded {
		j.many.spent += max(0, t.at-t.began)
	}
	m.stamp(j)
	m.remember(j, e.pos, t, &e.result)
	if m.live && e.to == Queued {
		m.requeue(j, e.pos, t)
	}
}

// remember keeps what a run left.
func (m *machine) remember(j *job, pos int64, t *task, r *Result) {
	var b *block
	if j.many != nil {
		b = j.many.blocks[pos/blockSize]
	}
	if t.detail != nil {
		t.detail = nil
		if b != nil {
			b.details--
		}
	}
	t.flags |= flagRan
	t.exit = int32(r.Exit)
	t.cpu = uint32(min(max(0, r.Usage.CPU.Milliseconds()), 1<<32-1))
	t.rss = uint32(min(max(0, r.Usage.MaxRSS>>10), 1<<32-1))
	if r.OK() && len(r.Output) == 0 || b != nil && (r.OK() || b.details >= maxDetails) {
		return
	}
	t.detail = &detail{signal: r.Signal, reason: r.Reason, output: string(r.Output), lost: r.Lost}
	if b != nil {
		b.details++
	}
}

func (m *machine) cancelled(j *job, e *event) {
	if j.flags&flagTemplate != 0 {
		if m.mark(j.page) {
			j.base = Cancelled
		}
	}
	m.each(j, e.tasks, func(s State) State {
		if s == Queued {
			return Cancelled
		}
		return s
	})
	if e.tasks.IsZero() {
		m.setReason(j, e.reason)
	}
}

func (m *machine) retried(j *job, e *event) {
	m.each(j, e.tasks, func(s State) State {
		if s == Failed || s == Cancelled || s == Dead {
			return Queued
		}
		return s
	})
	m.setReason(j, "")
}

func (m *machine) setReason(j *job, reason string) {
	if m.mark(j.page) {
		j.reason = reason
	}
}

// each changes the states of tasks of a job: of all, or of those with these
// numbers. What to says of a state is also true of a task in no block, so that
// a million of them change at once. Running tasks are told to end when to
// leaves them running and would cancel them if they were queued.
func (m *machine) each(j *job, numbers Array, to func(State) State) {
	m.stamp(j)
	if j.flags&flagTemplate != 0 {
		numbers = Array{} // it has no tasks
	}
	ending := to(Queued) == Cancelled
	change := func(pos int64, t *task) {
		s := to(t.state)
		if t.state == Running && ending {
			t.flags |= flagEnding
		}
		if s == t.state {
			return
		}
		if s == Queued {
			t.failed, t.lost = 0, 0
		}
		m.set(j, pos, t, s)
		t.at = m.now
		if s == Queued && m.live {
			m.requeue(j, pos, t)
		}
	}
	switch {
	case j.many == nil:
		if !m.mark(j.page) {
			return
		}
		if j.one != nil {
			change(0, j.one)
		} else {
			m.setBase(j, to(j.base))
		}
	case numbers.IsZero():
		for no, b := range j.many.blocks {
			if !m.markBlock(b) {
				continue
			}
			for i := range b.tasks {
				change(no*blockSize+int64(i), &b.tasks[i])
			}
		}
		if m.mark(j.page) {
			m.setBase(j, to(j.base))
		}
	default:
		for n := range numbers.All {
			pos, ok := j.position(n)
			if !ok || m.known(j, pos) {
				continue
			}
			if t := j.task(pos); t != nil || to(j.base) != j.base {
				change(pos, m.touch(j, pos))
			}
		}
	}
}

// forgotten takes a job out.
func (m *machine) forgotten(j *job) {
	if m.live {
		m.leave(j)
	}
	p := j.page
	i := sort.Search(len(p.jobs), func(i int) bool { return p.jobs[i].num >= j.num })
	p.jobs = append(p.jobs[:i], p.jobs[i+1:]...)
	m.mark(p)
	if m.live && j.many != nil {
		for _, b := range j.many.blocks {
			if b.tasks = nil; b.term != 0 {
				m.gone = append(m.gone, b.key(b.term))
			}
		}
	}
	j.page = nil
}

// name of the job, without reading all of its spec.
func (j *job) name() string {
	rest, ok := strings.CutPrefix(j.spec, `{"name":"`)
	if !ok {
		return ""
	}
	if i := strings.IndexByte(rest, '"'); i >= 0 && strings.IndexByte(rest[:i], '\\') < 0 {
		return rest[:i]
	}
	var s struct{ Name string }
	_ = json.Unmarshal([]byte(j.spec), &s)
	return s.Name
}
