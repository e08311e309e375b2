package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
)

// A fakeCache is a cache with a thing for each tag. What it has outlives the
// process; that it is held does not.
type fakeCache struct {
	mu       sync.Mutex
	has      map[string]int  // by tag, a number that grows with each storing
	stale    map[string]bool // to be validated
	all      map[string]control.Receipt
	order    []string
	mark     string
	held     bool
	holds    int
	fail     error // of SetMark
	refuse   error // of Purge
	counting bool  // receipts count
	unkept   bool
}

func newFakeCache() *fakeCache {
	return &fakeCache{has: map[string]int{}, stale: map[string]bool{}, all: map[string]control.Receipt{}}
}

// reopened is the cache in another process.
func (c *fakeCache) reopened() *fakeCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := newFakeCache()
	for k, v := range c.has {
		n.has[k] = v
	}
	for k, v := range c.stale {
		n.stale[k] = v
	}
	for k, v := range c.all {
		n.all[k] = v
	}
	n.order, n.mark = slices.Clone(c.order), c.mark
	return n
}

func (c *fakeCache) Hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = true
	c.holds++
}

func (c *fakeCache) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = false
}

func (c *fakeCache) isHeld() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

func (c *fakeCache) Mark() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mark
}

func (c *fakeCache) SetMark(m string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail == nil {
		c.mark = m
	}
	return c.fail
}

// store stores something under a tag.
func (c *fakeCache) store(tag string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.has[tag] = n
	delete(c.stale, tag)
}

// serves returns what is used without being validated, 0 for nothing.
func (c *fakeCache) serves(tag string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held || c.stale[tag] {
		return 0
	}
	return c.has[tag]
}

func (c *fakeCache) Purge(q *control.Request) (*control.Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &control.Answer{}
	switch {
	case q.Receipts:
		for _, id := range slices.Backward(c.order) {
			a.Receipts = append(a.Receipts, c.all[id])
		}
		return a, nil
	case q.Receipt != "":
		r, ok := c.all[q.Receipt]
		if !ok {
			return nil, errors.New("no such receipt")
		}
		r.Counting = r.Counting && c.counting
		a.Receipt = &r
		return a, nil
	case q.Undo != "":
		r, ok := c.all[q.Undo]
		if !ok || !r.Soft {
			return nil, errors.New("no such receipt")
		}
		for _, tag := range r.What {
			delete(c.stale, tag)
		}
		r.Undone = time.Now()
		c.all[q.Undo] = r
		a.Receipt = &r
		return a, nil
	}
	if c.refuse != nil && !q.All {
		return nil, c.refuse
	}
	id := q.ID
	if id == "" {
		id = newPurgeID()
	}
	if r, ok := c.all[id]; ok {
		a.Receipt = &r
		return a, nil
	}
	r := control.Receipt{ID: id, Soft: q.Soft, Time: time.Now(), What: slices.Clone(q.Tags), Counting: c.counting}
	tags := q.Tags
	if q.All {
		for tag := range c.has {
			tags = append(tags, tag)
		}
	}
	for _, tag := range tags {
		if _, ok := c.has[tag]; !ok {
			continue
		}
		if r.Objects++; q.Soft {
			c.stale[tag] = true
		} else {
			delete(c.has, tag)
		}
	}
	if c.unkept {
		a.Faults = append(a.Faults, "cache: it holds until this process ends, but could not be kept on disk: full")
	}
	c.all[id] = r
	c.order = append(c.order, id)
	a.Receipt = &r
	return a, nil
}

// receipt is that of a purge here; nil: it was not made.
func (c *fakeCache) receipt(id string) *control.Receipt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.all[id]; ok {
		return &r
	}
	return nil
}

// fakeLog is a log in memory that outlives its hub.
type fakeLog struct {
	mu      sync.Mutex
	entries map[uint64][]byte
	first   uint64
	last    uint64
	pages   map[string][]byte
	wrong   func(what string) error // nil: nothing is
}

func newFakeLog() *fakeLog {
	return &fakeLog{entries: map[uint64][]byte{}, first: 1, pages: map[string][]byte{}}
}

func (l *fakeLog) fault(what string) error {
	if l.wrong == nil {
		return nil
	}
	return l.wrong(what)
}

func (l *fakeLog) Last(context.Context) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, nil
}

func (l *fakeLog) Append(_ context.Context, last uint64, entry []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last+1 == l.last && string(l.entries[l.last]) == string(entry) {
		return l.last, nil // it was unclear
	}
	if last != l.last {
		return 0, bus.ErrFenced
	}
	err := l.fault("append")
	if err == nil || errors.Is(err, bus.ErrUnclear) {
		l.last++
		l.entries[l.last] = slices.Clone(entry)
	}
	return l.last, err
}

func (l *fakeLog) Read(_ context.Context, after uint64, f func(uint64, []byte) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for n := max(l.first, after+1); n <= l.last; n++ {
		if l.entries[n] == nil {
			return bus.ErrDamaged
		}
		if err := f(n, l.entries[n]); err != nil {
			return err
		}
	}
	return nil
}

func (l *fakeLog) Trim(_ context.Context, n uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; l.first <= min(n, l.last-1); l.first++ {
		delete(l.entries, l.first)
	}
	return nil
}

func (l *fakeLog) PutPage(_ context.Context, key string, page []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.fault("page"); err != nil {
		return err
	}
	if l.pages[key] = slices.Clone(page); len(page) == 0 {
		delete(l.pages, key)
	}
	return nil
}

func (l *fakeLog) Pages(_ context.Context, f func(string, []byte) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, page := range l.pages {
		if err := f(key, page); err != nil {
			return err
		}
	}
	return nil
}

var quick = purgeTimes{lease: 200 * time.Millisecond, slack: 20 * time.Millisecond, poll: 50 * time.Millisecond, reply: 50 * time.Millisecond,
	again: time.Millisecond, most: 20 * time.Millisecond, flush: 10 * time.Millisecond}

var silent = slog.New(slog.DiscardHandler)

// purgeHubOf opens a hub.
func purgeHubOf(t *testing.T, log *fakeLog, c Cache, times purgeTimes, more ...func(*hub)) *testHub {
	t.Helper()
	h := &hub{name: "hub", cache: c, times: times, log: silent}
	for _, f := range more {
		f(h)
	}
	if err := h.open(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	th := &testHub{hub: h, cancel: cancel}
	th.ended.Go(func() { h.run(ctx) })
	t.Cleanup(func() { th.down(true) })
	return th
}

type testHub struct {
	*hub
	cancel context.CancelFunc
	ended  sync.WaitGroup
	over   bool
}

// down ends a hub, in good order or as if it was killed.
func (h *testHub) down(well bool) {
	if h.over {
		return
	}
	h.over = true
	h.cancel()
	h.end()
	h.ended.Wait()
	if well {
		h.close()
	}
}

// A wire is between a member and its hub.
type wire struct {
	name string

	mu  sync.Mutex
	hub *testHub // nil: it is away
	cut bool     // nothing comes through, and nobody hears of that
}

func (w *wire) state() (*testHub, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hub, w.cut
}

func (w *wire) set(f func(*wire)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

var errWire = errors.New("nobody is there")

// call asks over the wire. A question that was sent before a cut may be heard;
// its answer is lost.
func (w *wire) call(ctx context.Context, question []byte) ([]byte, error) {
	h, cut := w.state()
	if cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if h == nil {
		return nil, errWire
	}
	text, err := h.hear(ctx, bus.Request{From: w.name, Payload: question})
	if _, cut := w.state(); cut {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return text, err
}

// A testMember follows a hub over a wire.
type testMember struct {
	*wire
	cache  *fakeCache
	f      *follower
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// memberOf starts a member.
func memberOf(t *testing.T, name string, h *testHub, c *fakeCache, times purgeTimes) *testMember {
	t.Helper()
	m := &testMember{wire: &wire{name: name, hub: h}, cache: c}
	m.start(times)
	t.Cleanup(func() { m.stop() })
	return m
}

func (m *testMember) start(times purgeTimes) {
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(context.Background())
	m.f = newFollower(m.cache, times, silent, m.call)
	m.ended.Go(func() { m.f.run(ctx) })
}

func (m *testMember) stop() {
	m.cancel()
	m.ended.Wait()
}

// until waits for something to be so.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is not so after a minute: %s", what)
		}
	}
}

func (m *testMember) released() bool { return !m.cache.isHeld() }

// holdsOr fails unless the member has applied a purge, or uses nothing: on a busy
// machine a short lease may be over.
func (m *testMember) holdsOr(t *testing.T, r *control.Receipt) {
	t.Helper()
	for _, n := range r.Nodes {
		if n.Node == m.name && n.State != control.NodeDone && !m.f.lease.isHeld() && m.cache.receipt(r.ID) == nil {
			t.Errorf("%s is said to be %s, and uses what it has", m.name, n.State)
		}
	}
}

// purgeTag purges by a tag.
func purgeTag(t *testing.T, p control.Purger, tag string) *control.Receipt {
	t.Helper()
	a, err := p.Purge(&control.Request{Tags: []string{tag}})
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Faults) > 0 || a.Receipt == nil {
		t.Fatalf("%+v", a)
	}
	return a.Receipt
}

// said is a receipt's nodes in a line.
func said(r *control.Receipt) (s string) {
	for _, n := range r.Nodes {
		s += fmt.Sprintf("%s:%s:%d ", n.Node, n.State, n.Objects)
	}
	return s
}
