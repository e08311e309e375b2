package jobs

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/wiretest"
)

// model is a queue as plain maps. It does not know when a retry is due; the
// rest it predicts.
type model struct {
	t       *testing.T
	r       *rand.Rand
	log     *memLog
	history *memLog // every entry there ever was
	s       *Scheduler
	jobs    map[ID]*modelJob
	order   []ID
	running map[uint64]*modelTask // by token
	last    uint64                // token
	losses  int
	options Options
	hook    func(string) error
	seen    int // entries of history
	asks    int // that were seen
}

type modelJob struct {
	spec   Spec
	tasks  map[int64]*modelTask
	paused bool
	began  bool
}

type modelTask struct {
	job                  ID
	number               int64
	state                State
	claims, failed, lost int
	ending               bool
	asked                ID    // the job for which it is to go
	askedAt              int64 // ms, as entries have it
	lease                Lease
	expires              time.Time
	mayWait              bool // queued again after a failure: it may have to wait
}

func (j *modelJob) counts() (c Counts) {
	for _, t := range j.tasks {
		c[t.state]++
	}
	return c
}

func (j *modelJob) state() State {
	c := j.counts()
	for _, s := range []State{Running, Queued, Dead, Failed, Cancelled} {
		if c[s] > 0 {
			if s == Queued && j.began {
				return Running
			}
			return s
		}
	}
	return Succeeded
}

// settle does what follows of dependencies, until nothing more does.
func (m *model) settle() {
	for again := true; again; {
		again = false
		for _, id := range m.order {
			j := m.jobs[id]
			if len(j.spec.After) == 0 || j.spec.AfterAny || j.counts()[Queued] == 0 {
				continue
			}
			for _, other := range j.spec.After {
				if s := m.jobs[other].state(); !s.Final() || s == Succeeded {
					continue
				}
				for _, t := range j.tasks {
					if t.state == Queued {
						t.state, again = Failed, true
					}
				}
			}
		}
	}
}

func (m *model) eligible(j *modelJob) bool {
	if j.paused {
		return false
	}
	for _, other := range j.spec.After {
		if !m.jobs[other].state().Final() {
			return false
		}
	}
	return true
}

func (m *model) pick() ID { return m.order[m.r.IntN(len(m.order))] }

func (m *model) submit() {
	var specs []Spec
	for range 1 + m.r.IntN(3) {
		s := Spec{Command: []string{"x"}, Retries: m.r.IntN(3), Backoff: time.Second, Priority: m.r.IntN(4), Owner: string(rune('a' + m.r.IntN(3))),
			Preempt: m.r.IntN(3) == 0, NoPreempt: m.r.IntN(4) == 0}
		switch m.r.IntN(5) {
		case 0:
			s.Array = Range(1, 1+m.r.Int64N(4))
		case 1:
			s.Array, _ = ParseArray("1-2100x2,6000")
		}
		for len(m.order) > 0 && m.r.IntN(3) == 0 {
			s.After = append(s.After, m.pick())
			s.AfterAny = m.r.IntN(2) == 0
		}
		specs = append(specs, s)
	}
	ids, err := m.s.Submit(ctx, specs...)
	if err != nil {
		m.t.Fatal(err)
	}
	for i, id := range ids {
		if m.jobs[id] != nil || len(m.order) > 0 && id <= m.order[len(m.order)-1] {
			m.t.Fatalf("job %s was submitted before", id)
		}
		j := &modelJob{spec: specs[i], tasks: map[int64]*modelTask{}}
		numbers := slices.Collect(specs[i].Array.All)
		if len(numbers) == 0 {
			numbers = []int64{0}
		}
		for _, n := range numbers {
			j.tasks[n] = &modelTask{job: id, number: n}
		}
		m.jobs[id] = j
		m.order = append(m.order, id)
	}
}

func (m *model) claim() {
	c, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	task, err := m.s.Claim(c, Worker{Node: fmt.Sprint("n", m.r.IntN(3))})
	m.expire()
	if errors.Is(err, context.DeadlineExceeded) {
		for _, id := range m.order {
			j := m.jobs[id]
			if !m.eligible(j) {
				continue
			}
			for _, t := range j.tasks {
				if t.state == Queued && !t.mayWait {
					m.t.Fatalf("task %s %d is to be had, and was not given", id, t.number)
				}
			}
		}
		return
	}
	if err != nil {
		m.t.Fatal(err)
	}
	j := m.jobs[task.Job]
	t := j.tasks[task.Task]
	if t.state != Queued || !m.eligible(j) {
		m.t.Fatalf("claimed %+v, which is %s", task.Lease, t.state)
	}
	if t.claims++; task.Attempt != t.claims || task.Token <= m.last {
		m.t.Fatalf("claimed %+v; attempt %d, the last token %d", task.Lease, t.claims, m.last)
	}
	t.state, t.lease, t.ending, t.asked, j.began = Running, task.Lease, false, "", true
	t.expires = time.Now().Add(15 * time.Second)
	m.last = task.Token
	m.running[task.Token] = t
}

// expire ends runs whose leases have run out.
func (m *model) expire() {
	synctest.Wait()
	m.preempted()
	for token, t := range m.running {
		if !t.expires.After(time.Now()) {
			delete(m.running, token)
			m.lose(t)
		}
	}
	m.settle()
}

// preempted looks at who was asked to go since the last time.
func (m *model) preempted() {
	m.history.mu.Lock()
	entries := m.history.entries[m.seen:]
	m.seen += len(entries)
	m.history.mu.Unlock()
	for _, entry := range entries {
		err := readEntry(entry, func(now int64, _ int, e *event) error {
			if e.kind == evPreempted {
				m.ask(e, now)
			}
			return nil
		})
		if err != nil {
			m.t.Fatal(err)
		}
	}
}

// ask says whether a task may be asked to go, and for whom.
func (m *model) ask(e *event, now int64) {
	t, by := m.running[e.token], m.jobs[makeID(e.by)]
	switch {
	case t == nil || t.asked != "" || t.ending:
		m.t.Fatalf("asked to go: %+v, of job %s", t, makeID(e.job))
	case m.jobs[t.job].spec.NoPreempt || by.spec.Priority <= m.jobs[t.job].spec.Priority:
		m.t.Fatalf("job %s may not be pre-empted for %s", t.job, makeID(e.by))
	case !by.spec.Preempt || !m.eligible(by):
		m.t.Fatalf("job %s makes nobody go", makeID(e.by))
	}
	t.asked, t.askedAt = makeID(e.by), now
	m.asks++
	alike := func(j *modelJob) bool { return classOf(&j.spec) == classOf(&by.spec) }
	going, waiting := 0, int64(0)
	for _, r := range m.running {
		if r.asked != "" && now-r.askedAt < goingFor.Milliseconds() && alike(m.jobs[r.asked]) {
			going++
		}
	}
	for _, j := range m.jobs {
		if !alike(j) || !m.eligible(j) {
			continue
		}
		for _, t := range j.tasks {
			if t.state == Queued || t.state == Running && !t.expires.After(time.Now()) { // expire is still to say so
				waiting++
			}
		}
	}
	if int64(going) > waiting {
		m.t.Fatalf("%d were asked to go for jobs like %s, of which %d tasks wait", going, makeID(e.by), waiting)
	}
}

func (m *model) lose(t *modelTask) {
	t.lost++
	switch {
	case t.ending:
		t.state = Cancelled
	case t.lost >= m.losses:
		t.state = Dead
	default:
		t.state, t.mayWait = Queued, true
	}
}

// some task that runs.
func (m *model) some() *modelTask {
	tokens := slices.Sorted(maps.Keys(m.running))
	if len(tokens) == 0 {
		return nil
	}
	return m.running[tokens[m.r.IntN(len(tokens))]]
}

func (m *model) finish() {
	t := m.some()
	if t == nil {
		return
	}
	var r Result
	switch m.r.IntN(4) {
	case 0:
		r = Result{Exit: 1, Output: []byte("no")}
	case 1:
		r = Result{Lost: true}
	}
	for range 1 + m.r.IntN(2) {
		if err := m.s.Finish(ctx, t.lease, r); err != nil {
			m.t.Fatal(err)
		}
	}
	delete(m.running, t.lease.Token)
	switch {
	case r.OK():
		t.state = Succeeded
	case r.Lost && t.asked != "" && !t.ending:
		t.state = Queued
	case r.Lost:
		m.lose(t)
	default:
		t.failed++
		switch {
		case t.ending:
			t.state = Cancelled
		case t.failed > m.jobs[t.job].spec.Retries:
			t.state = Failed
		default:
			t.state, t.mayWait = Queued, true
		}
	}
	if err := m.s.Finish(ctx, Lease{t.job, t.number, 1, t.lease.Token - 1}, Result{}); !errors.Is(err, ErrLost) {
		m.t.Fatalf("a token that was not given: %v", err)
	}
}

func (m *model) beat() {
	t := m.some()
	if t == nil {
		return
	}
	err := m.s.Beat(ctx, t.lease, Progress{Fraction: m.r.Float64()})
	var want error
	switch {
	case t.ending:
		want = ErrCancelled
	case t.asked != "":
		want = ErrPreempted
	}
	if !errors.Is(err, want) {
		m.t.Fatalf("%v, not %v", err, want)
	}
	t.expires = time.Now().Add(15 * time.Second)
}

func (m *model) change() {
	id := m.pick()
	j := m.jobs[id]
	var tasks Array
	if m.r.IntN(2) == 0 {
		numbers := slices.Sorted(maps.Keys(j.tasks))
		from := m.r.IntN(len(numbers))
		tasks = Numbers(numbers[from:min(len(numbers), from+1+m.r.IntN(1500))]...)
	}
	retry := m.r.IntN(3) > 0
	var err error
	if retry {
		err = m.s.Retry(ctx, id, tasks)
	} else {
		err = m.s.Cancel(ctx, id, tasks)
	}
	if err != nil {
		m.t.Fatal(err)
	}
	for n, t := range j.tasks {
		if !tasks.IsZero() && !tasks.Has(n) {
			continue
		}
		switch {
		case !retry && t.state == Queued:
			t.state = Cancelled
		case !retry && t.state == Running:
			t.ending = true
		case retry && t.state.Final() && t.state != Succeeded:
			t.state, t.failed, t.lost, t.mayWait = Queued, 0, 0, false
		}
	}
}

func (m *model) pause() {
	id := m.pick()
	j := m.jobs[id]
	j.paused = !j.paused
	if err := m.s.Pause(ctx, id, j.paused); err != nil {
		m.t.Fatal(err)
	}
}

// restart closes the scheduler, or takes the power away from it.
func (m *model) restart() {
	if m.r.IntN(2) == 0 {
		if err := m.s.Close(ctx); err != nil && m.hook == nil {
			m.t.Fatal(err)
		}
		m.log = m.log.copy()
	} else {
		m.log = m.log.copy()
		_ = m.s.Close(ctx)
	}
	m.begin()
	for _, t := range m.running {
		t.expires = time.Now().Add(15 * time.Second)
	}
}

func (m *model) begin() {
	m.log.hook = m.hook
	o := m.options
	o.ErrorLog = quiet()
	o.PageEntries, o.Losses = 7, m.losses
	s, err := New(ctx, recorder{m.log, m.history}, o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.s = s
}

// recorder keeps all entries of a log that is cut.
type recorder struct {
	*memLog
	history *memLog
}

func (r recorder) Append(ctx context.Context, last uint64, entry []byte) (uint64, error) {
	n, err := r.memLog.Append(ctx, last, entry)
	if err == nil {
		_, err = r.history.Append(ctx, last, entry)
	}
	return n, err
}

// check compares a job, or all, with the scheduler.
func (m *model) check(id ID) {
	j := m.jobs[id]
	info, err := m.s.Job(ctx, id)
	if err != nil {
		m.t.Fatal(err)
	}
	if info.State != j.state() || info.Counts != j.counts() || info.Paused != j.paused {
		m.t.Fatalf("job %s: %s %v, want %s %v", id, info.State, info.Counts, j.state(), j.counts())
	}
	for _, s := range []State{Queued, Running, Succeeded, Failed, Cancelled, Dead} {
		tasks, err := m.s.Tasks(ctx, id, TaskFilter{States: []State{s}, N: 1000})
		if err != nil {
			m.t.Fatal(err)
		}
		if int64(len(tasks)) != min(1000, j.counts()[s]) {
			m.t.Fatalf("job %s: %d tasks are %s, want %d", id, len(tasks), s, j.counts()[s])
		}
		for _, task := range tasks {
			if want := j.tasks[task.Task]; want.state != s || want.claims != task.Attempt || s == Running && task.Preempted != want.asked {
				m.t.Fatalf("task %s %d: %s after %d claims, want %s, %d", id, task.Task, s, task.Attempt, want.state, want.claims)
			}
		}
	}
}

var modelRounds = flag.Int("model.rounds", 8, "how many random histories TestModel tries")

func TestModel(t *testing.T) {
	first := wiretest.Seed(t)
	for round := range uint64(*modelRounds) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, first+round)
			m.begin()
			m.submit()
			for range 250 {
				m.act()
				m.expire()
				m.check(m.pick())
			}
			for _, id := range m.order {
				m.check(id)
			}
			recount(t, m.s)
			if err := m.s.Close(ctx); err != nil {
				t.Fatal(err)
			}
			sameState(t, m.history, m.log)
			t.Logf("%d were asked to go", m.asks)
		})
	}
}

func newModel(t *testing.T, seed uint64) *model {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	})
	return &model{
		t: t, r: rand.New(rand.NewPCG(seed, 2)), log: newMemLog(), history: newMemLog(),
		jobs: map[ID]*modelJob{}, running: map[uint64]*modelTask{}, losses: 3,
	}
}

// act does something.
func (m *model) act() {
	switch n := m.r.IntN(100); {
	case n < 10 && len(m.order) < 60:
		m.submit()
	case n < 50:
		m.claim()
	case n < 75:
		m.finish()
	case n < 80:
		m.beat()
	case n < 85:
		m.change()
	case n < 88:
		m.pause()
	case n < 93:
		time.Sleep(time.Duration(m.r.IntN(20_000)) * time.Millisecond)
	case n < 95:
		m.restart()
	case len(m.order) < 60:
		m.submit() // and nobody asks for a task for a while
		time.Sleep(time.Second + time.Duration(m.r.IntN(4000))*time.Millisecond)
	}
}

// stateOf is the state that a log says, without indexes.
func stateOf(t *testing.T, log *memLog, last uint64) *machine {
	t.Helper()
	m := &machine{}
	l := newLedger(m)
	if err := log.Pages(ctx, l.add); err != nil {
		t.Fatal(err)
	}
	if err := l.load(); err != nil {
		t.Fatal(err)
	}
	s := &Scheduler{log: log, m: *m}
	if err := s.replay(ctx, last); err != nil {
		t.Fatal(err)
	}
	if err := s.m.goLive(); err != nil {
		t.Fatal(err)
	}
	s.m.pass(1 << 60) // a page may know a later time than the last entry
	return &s.m
}

// dump is everything that a state says, as text.
func (m *machine) dump() string {
	var b strings.Builder
	fmt.Fprintln(&b, m.jobs, m.tasks)
	for _, p := range m.pages {
		for _, j := range p.jobs {
			fmt.Fprintln(&b, makeID(j.num), j.spec, j.state, j.flags, j.reason, j.counts(), j.submitted, j.began, j.fired, j.class.key)
			if j.state.Final() {
				fmt.Fprintln(&b, "  ended", j.touched)
			}
			if j.one != nil {
				fmt.Fprintln(&b, "  ", j.one.text())
			}
			if j.many == nil {
				continue
			}
			for lo, hi := range j.many.ready.Ranges {
				fmt.Fprintln(&b, "  ready", lo, hi)
			}
			for pos := range j.n() {
				if t := j.task(pos); t != nil && t.attempt > 0 {
					fmt.Fprintln(&b, "  ", pos, t.text())
				} else if s := j.stateOf(pos); s != Queued {
					fmt.Fprintln(&b, "  ", pos, s)
				}
			}
		}
	}
	return b.String()
}

func (t *task) text() string {
	c := *t
	c.detail = nil
	if t.detail != nil {
		return fmt.Sprintf("%+v %+v", c, *t.detail)
	}
	return fmt.Sprintf("%+v", c)
}

// sameState compares all entries since the beginning with pages and the rest.
func sameState(t *testing.T, history, log *memLog) {
	t.Helper()
	last := log.first + uint64(len(log.entries)) - 1
	want, got := stateOf(t, history, uint64(len(history.entries))).dump(), ""
	if last != uint64(len(history.entries)) {
		cut := history.copy()
		cut.entries = cut.entries[:last]
		want = stateOf(t, cut, last).dump()
	}
	got = stateOf(t, log, last).dump()
	if got == want {
		return
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("entry %d: all entries say:\n%s\npages and the entries behind them:\n%s", last, a[i], b[i])
		}
	}
	t.Fatalf("entry %d: %d lines, %d lines", last, len(a), len(b))
}
