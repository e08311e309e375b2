package jobs

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of an entry: what is gathered while the one before is written ends at
// gatherBytes; one request may bring up to maxSubmit, and what follows of it
// extraBytes more.
const (
	gatherBytes = 128 << 10
	maxSubmit   = 640 << 10
	extraBytes  = 192 << 10
	maxBatch    = 4096 // requests in an entry
	maxSpecs    = 10_000
	keptOutput  = 1 << 10
	keptReason  = 512
	keptMessage = 256
)

// Scheduler is a queue over a log. It is the log's only writer: a second one
// on the same log stops the first (ErrFenced). One goroutine owns the state; what
// is asked for at the same time becomes one entry of the log.
type Scheduler struct {
	log     Log
	options Options
	seed    uint64

	requests chan *request
	closing  chan struct{} // Close was called
	stopped  chan struct{} // the owner has ended; err says why
	err      error
	close    sync.Once
	cancel   context.CancelFunc
	ctx      context.Context

	// What follows is the owner's.
	m        machine
	last     uint64 // entry
	term     uint64 // the entry that this scheduler began with
	entry    []byte // that is being made
	events   int    // in it
	leases   leases
	waiters  waiters
	workers  map[string]*workerState
	watchers map[uint64]map[*watcher]struct{}
	watching int
	given    []gift // tasks to hand out when the entry is durable
	pages    pageWork
	fires    time.Time // when the next template is due

	preempting preempting
	heeds      map[string]struct{} // workers with tasks that are to end, who are told when that is durable
}

var _ Queue = (*Scheduler)(nil)

// request is something that somebody waits for.
type request struct {
	write func() error // decides, with events; in the owner's goroutine
	read  func()       // looks, when what was written is durable; in the owner's goroutine
	done  chan error   // takes one
}

// New begins to schedule what a log says. It writes to the log, so that a
// scheduler that still uses it stops. ctx is for the beginning only. Close must
// be called.
func New(ctx context.Context, log Log, o Options) (*Scheduler, error) {
	o.setDefaults()
	s := &Scheduler{
		log: log, options: o, seed: rand.Uint64(),
		requests: make(chan *request, 1024), closing: make(chan struct{}), stopped: make(chan struct{}),
		workers: map[string]*workerState{}, watchers: map[uint64]map[*watcher]struct{}{},
	}
	s.leases.init()
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("read the log of jobs: %w", err)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.pages.begin(s.ctx, s.log)
	go s.own()
	return s, nil
}

// attempts is how often a start is tried while another scheduler writes.
const attempts = 100

// takeOver writes the entry that stops another scheduler.
func (s *Scheduler) takeOver(ctx context.Context) (uint64, error) {
	started := (&event{kind: evStarted}).append(appendEntry(nil, s.options.Now().UnixMilli()))
	var last uint64
	for range attempts {
		if err := s.log.Read(ctx, last, func(n uint64, _ []byte) error { last = n; return nil }); err != nil {
			return 0, err
		}
		term, err := s.log.Append(ctx, last, started)
		if !errors.Is(err, ErrFenced) {
			return term, err
		}
	}
	return 0, ErrFenced
}

// load takes the log over, and makes the state of it: first the entry that
// stops another scheduler, then what that has written.
func (s *Scheduler) load(ctx context.Context) error {
	term, err := s.takeOver(ctx)
	if err != nil {
		return err
	}
	var gone []string
	for range attempts {
		gone, err = s.restore(ctx, term)
		if !errors.Is(err, errMoving) && !errors.Is(err, errGap) {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := s.m.goLive(); err != nil {
		return err
	}
	s.last, s.term = term, term
	s.pages.gone = gone
	s.m.eachRunning(func(j *job, pos int64, t *task) {
		s.leases.add(t.token, j.num, pos, t.worker, s.options.Now().Add(s.options.Lease))
	})
	return nil
}

// restore makes the state of the pages and the entries behind them. Who wrote
// before us may still be in the middle of writing pages, and then cuts the log:
// pages are looked at twice, for only if they are the same both times were they
// all there at one moment.
func (s *Scheduler) restore(ctx context.Context, term uint64) (gone []string, err error) {
	s.m = machine{shares: s.options.Shares, limits: s.options.Pools}
	l := newLedger(&s.m)
	sums := map[string]uint32{}
	err = s.log.Pages(ctx, func(key string, page []byte) error {
		sums[key] = crc32.Checksum(page, castagnoli)
		return l.add(key, page)
	})
	if err != nil {
		return nil, err
	}
	same := 0
	err = s.log.Pages(ctx, func(key string, page []byte) error {
		if sum, ok := sums[key]; ok && sum == crc32.Checksum(page, castagnoli) {
			same++
			return nil
		}
		return errMoving
	})
	if err != nil {
		return nil, err
	}
	if same != len(sums) {
		return nil, errMoving
	}
	if err := l.load(); err != nil {
		return nil, err
	}
	return l.gone, s.replay(ctx, term)
}

// errMoving says that pages were written while they were read.
var errMoving = errors.New("another scheduler is writing pages")

// replay applies the entries behind the pages, up to number last.
func (s *Scheduler) replay(ctx context.Context, last uint64) error {
	from := s.m.entry
	at := from
	err := s.log.Read(ctx, from, func(n uint64, entry []byte) error {
		if n != at+1 && !(at == 0 && from == 0 && n == 1) {
			return fmt.Errorf("entry %d follows %d: %w", n, at, errGap)
		}
		at = n
		if n > last {
			return ErrFenced
		}
		return s.m.applyEntry(n, entry)
	})
	if err != nil {
		return err
	}
	if at != last {
		return fmt.Errorf("the log ends with entry %d: %w", at, errGap)
	}
	return nil
}

// errGap says that entries are missing that no page makes up for.
var errGap = errors.New("entries are missing in the log")

// Done is closed when the scheduler has stopped, and Err says why.
func (s *Scheduler) Done() <-chan struct{} { return s.stopped }

// Err is why the scheduler has stopped: ErrClosed, ErrFenced, or what went wrong
// with the log; nil while it runs.
func (s *Scheduler) Err() error {
	select {
	case <-s.stopped:
		return s.err
	default:
		return nil
	}
}

// Close writes the pages, so that the next start is a short one, and stops.
// Claims and watches that wait get ErrClosed; tasks that run stay claimed. When
// ctx ends it stops without the pages; nothing is lost by that, nor when they
// cannot be written, which is an error.
func (s *Scheduler) Close(ctx context.Context) error {
	s.close.Do(func() { close(s.closing) })
	select {
	case <-s.stopped:
	case <-ctx.Done():
		s.cancel()
		<-s.stopped
	}
	if s.err == ErrClosed {
		return nil
	}
	return s.err
}

// ask gives a request to the owner and waits for the answer.
func (s *Scheduler) ask(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	select {
	case s.requests <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
		return s.stoppedError()
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stopped:
		select {
		case err := <-r.done:
			return err
		default:
			return s.stoppedError()
		}
	}
}

func (s *Scheduler) stoppedError() error {
	if errors.Is(s.err, ErrClosed) {
		return s.err
	}
	return fmt.Errorf("%w: %w", ErrClosed, s.err)
}

// now is the time of the events.
func (s *Scheduler) now() time.Time { return s.options.Now() }

// emit writes an event into the entry that is being made, and lets it happen.
// What has happened is told to nobody before the entry is durable, and when it
// cannot be written the scheduler ends.
func (s *Scheduler) emit(e *event) error {
	if s.events == 0 {
		s.m.begin(s.last+1, s.now().UnixMilli())
		s.entry = appendEntry(s.entry[:0], s.m.now)
	}
	if err := s.m.apply(s.events, e); err != nil {
		return err
	}
	s.entry = e.append(s.entry)
	s.events++
	return nil
}

// room says whether more may follow in the entry.
func (s *Scheduler) room() bool {
	return len(s.entry) < gatherBytes+maxSubmit+extraBytes-4096 || s.events == 0
}

// own is the owner: it gathers requests, makes an entry of them, and answers
// when that is durable.
func (s *Scheduler) own() {
	defer func() {
		s.cancel()
		s.pages.end()
		close(s.stopped)
		for {
			select {
			case r := <-s.requests:
				r.done <- s.stoppedError()
			default:
				return
			}
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var due time.Time
	var batch []*request
	for {
		batch = batch[:0]
		select {
		case r := <-s.requests:
			batch = append(batch, r)
		case <-timer.C:
			if !due.IsZero() && s.now().Sub(due) > s.options.Lease/4 {
				s.leases.renewAll(s.now().Add(s.options.Lease)) // we were asleep, and heard nobody
			}
		case p := <-s.pages.done:
			s.pageWritten(p)
		case <-s.closing:
			s.err = s.finishPages()
			return
		}
		if err := s.step(batch); err != nil {
			s.err = err
			return
		}
		due = s.due()
		timer.Reset(max(0, due.Sub(s.now())))
	}
}

// step makes an entry of what was asked for and what time has brought.
func (s *Scheduler) step(batch []*request) error {
	s.m.pass(s.now().UnixMilli())
	results := make([]error, 0, 16)
	decide := func(r *request) {
		var err error
		if r.write != nil {
			err = r.write()
		}
		results = append(results, err)
	}
	for _, r := range batch {
		decide(r)
	}
gather:
	for len(batch) < maxBatch && len(s.entry) < gatherBytes {
		select {
		case r := <-s.requests:
			batch = append(batch, r)
			decide(r)
		default:
			break gather
		}
	}
	err := s.follow()
	if err == nil {
		err = s.commit()
	}
	for i, r := range batch {
		if err != nil {
			r.done <- err
			continue
		}
		if results[i] == nil && r.read != nil {
			r.read()
		}
		r.done <- results[i]
	}
	if err != nil {
		return err
	}
	s.hand()
	s.heed()
	s.tell()
	return s.nextPage()
}

// follow adds what follows of the state and the time.
func (s *Scheduler) follow() error {
	for _, f := range []func() error{s.expire, s.fire, s.fail, s.match, s.preempt, s.forget} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// fail writes what cannot run any more because of what it comes after; that
// may be the reason for more.
func (s *Scheduler) fail() error {
	for len(s.m.unmet) > 0 && s.room() {
		e := s.m.unmet[0]
		s.m.unmet = s.m.unmet[1:]
		if j := s.m.find(e.job); j == nil || j.counts()[Queued] == 0 {
			continue
		}
		if err := s.emit(&e); err != nil {
			return err
		}
	}
	return nil
}

// commit makes the entry durable.
func (s *Scheduler) commit() error {
	if s.events == 0 {
		return nil
	}
	begun := s.now()
	n, err := s.log.Append(s.ctx, s.last, s.entry)
	switch {
	case errors.Is(err, ErrFenced):
		return err
	case err != nil:
		return fmt.Errorf("write the log of jobs; whether it was written is not known: %w", err)
	case n != s.last+1:
		return fmt.Errorf("the log has numbered entry %d as %d", s.last+1, n)
	}
	s.last = n
	s.pages.entries++
	s.pages.bytes += int64(len(s.entry))
	s.entry, s.events = s.entry[:0], 0
	if cap(s.entry) > 4*gatherBytes {
		s.entry = nil
	}
	if now := s.now(); now.Sub(begun) > s.options.Lease/4 {
		s.leases.renewAll(now.Add(s.options.Lease)) // beats have waited meanwhile
	}
	return nil
}

// due is when the owner has something to do that nobody asks for. Leases and
// schedules are not compared with each other: a lease is over by the monotonic
// clock, a schedule and a retry by the time of day, which may be set meanwhile, so
// that it is looked at now and then.
func (s *Scheduler) due() time.Time {
	now := s.now()
	wait := time.Hour
	within := func(t time.Time) {
		if !t.IsZero() {
			wait = min(wait, t.Sub(now))
		}
	}
	within(s.leases.next())
	if len(s.m.delays) > 0 {
		within(time.UnixMilli(s.m.delays[0].at))
	}
	within(s.fires)
	if len(s.m.delays) > 0 || !s.fires.IsZero() {
		wait = min(wait, lookAgain)
	}
	within(s.forgets())
	if s.m.preemptors > 0 {
		within(s.preempting.next)
	}
	if len(s.m.unmet) > 0 || s.m.woken && s.waiters.n > 0 {
		return now
	}
	return now.Add(wait)
}

// lookAgain is how late a schedule may be noticed after the clock was set.
const lookAgain = 10 * time.Second

// submitSize bounds what a Submit makes of an entry.
func submitSize(specs []string) (n int) {
	for _, s := range specs {
		n += len(s) + 2*binary.MaxVarintLen64
	}
	return n
}
