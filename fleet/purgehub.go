package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/cache"
	"freshet/internal/bus"
	"freshet/internal/control"
	"freshet/internal/pulse"
)

// ownPurges is what the hub's connection for purges is called.
const ownPurges = "purges"

// purgeLog is where the purges of a fleet are kept: a bus.Log.
type purgeLog interface {
	Last(ctx context.Context) (uint64, error)
	Append(ctx context.Context, last uint64, entry []byte) (uint64, error)
	Read(ctx context.Context, after uint64, f func(n uint64, entry []byte) error) error
	Trim(ctx context.Context, n uint64) error
	PutPage(ctx context.Context, key string, page []byte) error
	Pages(ctx context.Context, f func(key string, page []byte) error) error
}

// A hub makes the purges of a fleet, and tells members of them.
type hub struct {
	name  string
	store purgeLog
	cache Cache // nil: the hub has none
	times purgeTimes
	log   *slog.Logger
	valid func() map[string]bool // who may be a member; nil: everybody
	leads func() bool            // nobody else can be the hub yet; nil: nobody ever can

	writing sync.Mutex // held while a purge is made and applied here; comes before the others
	unclear *purge     // of which it is not known whether it is in the log

	admitting sync.Mutex // held while it is written who is a member; comes before mu

	mu     sync.Mutex // guards what follows
	id     string     // of the log
	last   place
	purges []*purge          // the latest; their numbers have no gaps
	byID   map[string]*purge // of these
	size   int64             // of their texts
	wake   chan struct{}     // closed when there is another purge
	moved  chan struct{}     // closed when a member has applied some
	nodes  map[string]*node
	said   map[uint64]map[string]*outcome // of the latest purges, what each node said; nil: nothing yet
	first  uint64                         // what is below in the log is to be forgotten
	behind *purgeBehind                   // those that are; nil: none has to be; see seals.go
	dirty  map[string]bool                // pages that are to be written

	mark string // of the hub's own cache, to be set
	stop chan struct{}
	once sync.Once

	kept string // mark, as it is; of who flushes
}

// open reads the log, and has the own cache apply what it has missed, which is
// held meanwhile.
func (h *hub) open(ctx context.Context, store purgeLog) error {
	h.store = store
	h.byID, h.nodes, h.said, h.dirty = map[string]*purge{}, map[string]*node{}, map[uint64]map[string]*outcome{}, map[string]bool{}
	h.wake, h.moved, h.stop = make(chan struct{}), make(chan struct{}), make(chan struct{})
	err := h.read(ctx)
	if err == nil && h.cache != nil {
		h.cache.Hold()
		if err = h.catchUp(); err == nil && h.leads == nil {
			h.cache.Release() // else when all of the node is open, if it leads still
		}
	}
	if err != nil {
		return fmt.Errorf("the fleet's purges: %w", err)
	}
	return nil
}

// read reads the pages and the log.
func (h *hub) read(ctx context.Context) error {
	if err := h.readPages(ctx); err != nil {
		return err
	}
	err := h.store.Read(ctx, 0, func(n uint64, text []byte) error {
		p, err := readPurge(n, text)
		if err != nil {
			return err
		}
		p.settled = true // nearly: a lease from before the start is over soon
		h.add(p)
		return nil
	})
	last, err2 := h.store.Last(ctx)
	if err2 != nil {
		return errors.Join(err, err2)
	}
	if err != nil {
		h.log.Error("some of the fleet's purges are lost; every cache validates what it has stored before its next use", "err", err)
		h.id = ""
	}
	if n := len(h.purges); n == 0 || h.purges[n-1].n != last {
		h.purges, h.byID, h.size = nil, map[string]*purge{}, 0
		h.last = place{N: last}
		if last > 0 {
			h.id = "" // all that could be said about this place is gone
		}
	}
	// What was said of the latest is written behind them.
	for _, p := range h.purges {
		if p.n >= h.oldestSaid() && h.said[p.n] == nil {
			h.said[p.n] = h.expected()
		}
	}
	if h.id == "" {
		h.id = newPurgeID()
		err = h.store.PutPage(ctx, pageLog, []byte(h.id))
	} else {
		err = nil
	}
	h.last.Log = h.id
	return err
}

// add appends a purge to those in memory; mu is held, or nobody else is there.
func (h *hub) add(p *purge) {
	h.purges = append(h.purges, p)
	h.size += int64(len(p.text))
	if p.Request.Undo == "" {
		h.byID[p.ID] = p
	} else if was := h.byID[p.Request.Undo]; was != nil {
		was.undone = p.n
	}
	h.last = place{h.id, p.n, p.ID}
	drop := 0
	if len(h.purges) > keptPurges+keptAbove {
		drop = len(h.purges) - keptPurges
	}
	size := h.size
	for i, p := range h.purges[:len(h.purges)-1] {
		if i >= drop && size <= keptBytes {
			break
		}
		size -= int64(len(p.text))
		drop = max(drop, i+1)
	}
	h.forget(drop)
}

// forget forgets the oldest purges.
func (h *hub) forget(n int) {
	for _, p := range h.purges[:n] {
		h.size -= int64(len(p.text))
		if h.byID[p.ID] == p {
			delete(h.byID, p.ID)
		}
	}
	if n > 0 {
		h.purges = slices.Delete(h.purges, 0, n)
		h.first = h.purges[0].n
	}
}

// catchUp applies to the own cache what it has missed.
func (h *hub) catchUp() error {
	f := &follower{cache: h.cache, log: h.log, place: placeOf(h.cache.Mark()), before: map[string]time.Time{}}
	f.recall()
	f.telling, f.counts, f.replaying = nil, nil, true
	switch {
	case f.place == place{} && h.last.N == 0:
		f.place = h.last // the fleet begins
	case h.knows(f.place):
	default:
		if err := f.join(h.last); err != nil {
			return err
		}
	}
	for h.last != f.place {
		r := h.after(f.place)
		if err := f.apply(r); err != nil {
			return err
		}
		for i := range f.telling {
			h.note(h.name, &f.telling[i])
		}
		f.telling = nil
	}
	h.mark = f.place.String()
	return nil
}

// knows reports whether a place is one in the log, after which all is known; mu
// is held.
func (h *hub) knows(at place) bool {
	switch {
	case at == h.last:
		return true
	case at.Log != h.id || at.N > h.last.N:
		return false
	case at.N == 0:
		return len(h.purges) > 0 && h.purges[0].n == 1
	}
	p := h.number(at.N)
	return p != nil && p.ID == at.ID
}

// number is the purge with a number, nil for none that is kept; mu is held.
func (h *hub) number(n uint64) *purge {
	if len(h.purges) == 0 || n < h.purges[0].n || n-h.purges[0].n >= uint64(len(h.purges)) {
		return nil
	}
	return h.purges[n-h.purges[0].n]
}

// after is the answer to a question at a place that is known; mu is held.
func (h *hub) after(at place) *reply {
	r := &reply{place: h.last}
	size := 0
	for n := at.N + 1; n <= h.last.N; n++ {
		p := h.number(n)
		if size += len(p.text); len(r.Purges) == maxBatch || len(r.Purges) > 0 && size > maxAnswer {
			r.More = true
			break
		}
		r.Purges = append(r.Purges, passed{N: n, Late: p.late().Milliseconds(), Text: p.text})
	}
	return r
}

// hear answers a question of a member, when there is something new or after a
// while.
func (h *hub) hear(ctx context.Context, r bus.Request) ([]byte, error) {
	var q question
	if err := json.Unmarshal(r.Payload, &q); err != nil {
		return nil, coded(wrong(err))
	}
	if len(q.Told) > maxTold || !cache.ValidReceiptID(q.Process) {
		return nil, coded(wrong(errors.New("a question that no member asks")))
	}
	who, err := h.admit(ctx, r.From, &q)
	if err != nil || who == nil {
		return nil, err
	}
	a, err := h.await(ctx, who, &q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// await waits until there is something after the member's place.
func (h *hub) await(ctx context.Context, who *holder, q *question) (*reply, error) {
	late := time.NewTimer(pulse.Within(time.Now(), h.times.poll))
	defer late.Stop()
	for over := false; ; {
		// A lease from before the next hub began is one that it waits for.
		if h.ended() || h.leads != nil && !h.leads() {
			return nil, bus.ErrClosed
		}
		h.mu.Lock()
		r, err := h.tryAnswer(who, q, over)
		wake := h.wake
		h.mu.Unlock()
		if r != nil || err != nil {
			return r, err
		}
		select {
		case <-wake:
		case <-late.C:
			over = true
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-h.stop:
			return nil, bus.ErrClosed
		}
	}
}

// ended reports whether the hub answers no more.
func (h *hub) ended() bool {
	select {
	case <-h.stop:
		return true
	default:
		return false
	}
}

// tryAnswer answers, unless there is nothing new and it is not over. From an
// answer that has all there is the member takes a lease. mu is held.
func (h *hub) tryAnswer(who *holder, q *question, over bool) (r *reply, err error) {
	switch {
	case h.nodes[who.name] == nil || h.nodes[who.name].now != who:
		return nil, coded(errSameToken)
	case !h.knows(q.place):
		r = &reply{place: h.last, Lost: true}
	case q.N == h.last.N && !over:
		return nil, nil
	default:
		r = h.after(q.place)
	}
	if !r.More {
		who.until = time.Now().Add(h.times.lease + h.times.slack)
	}
	return r, nil
}

// Purge implements control.Purger: what is purged here is purged on all nodes.
func (h *hub) Purge(q *control.Request) (*control.Answer, error) {
	switch {
	case q.Here:
		return h.here(q)
	case q.Receipts, q.Receipt != "":
		return h.receipts(q)
	case q.Undo != "":
		return h.undo(q)
	case q.DryRun:
		return h.dryRun(q)
	}
	own := *q
	faults, err := checkPurge(&own)
	if err != nil {
		return nil, err
	}
	if !own.Purges() {
		return &control.Answer{Purged: make([]int, len(q.URLs)), Faults: faults}, nil
	}
	a, err := h.make(&own)
	if err == nil {
		a.Faults = append(faults, a.Faults...)
	}
	return a, err
}

var errNoCache = errors.New("this server has no cache of its own")

// here is what is asked of the own cache alone.
func (h *hub) here(q *control.Request) (*control.Answer, error) {
	if h.cache == nil {
		return nil, errNoCache
	}
	if err := checkHere(q); err != nil {
		return nil, err
	}
	return h.cache.Purge(q)
}

// checkHere says what is wrong with a purge of one node alone.
func checkHere(q *control.Request) error {
	if q.ID != "" && !strings.HasPrefix(q.ID, hereID) {
		return fmt.Errorf("the name of a purge of this server alone begins with %s, so that no purge of the fleet has it", hereID)
	}
	return nil
}

// make has a purge made: it is in the log, then in the own cache, then in those
// of all members, except those which are away and do not use what they have.
func (h *hub) make(q *control.Request) (*control.Answer, error) {
	p, a, waits, err := h.begin(q)
	if err != nil {
		return nil, err
	}
	if !h.waitFor(p.n, waits) {
		return nil, fmt.Errorf("the server ends, and not all of its fleet have said that they have applied the purge %s; repeat it with --id %s", p.ID, p.ID)
	}
	h.mu.Lock()
	p.settled = true
	h.mu.Unlock()
	h.finish(p, a)
	return a, nil
}

// begin puts a purge in the log, and applies it here. waits are the members that
// have a lease from before. A purge with a name that there is, is that one.
func (h *hub) begin(q *control.Request) (p *purge, a *control.Answer, waits []waiting, err error) {
	h.writing.Lock()
	defer h.writing.Unlock()
	if p, waits, err = h.known(q); err != nil {
		return nil, nil, nil, err
	}
	if p == nil {
		if p, waits, err = h.append(q); err != nil {
			return nil, nil, nil, err
		}
	}
	return p, h.applyOwn(p), waits, nil
}

// known finds the purge that has a name.
func (h *hub) known(q *control.Request) (*purge, []waiting, error) {
	if q.ID == "" {
		return nil, nil, nil
	}
	h.mu.Lock()
	p := h.byID[q.ID]
	waits := h.waits(p)
	h.mu.Unlock()
	if p != nil || h.cache == nil {
		return p, waits, nil
	}
	if a, err := h.cache.Purge(&control.Request{Receipt: q.ID, Here: true}); err == nil && a.Receipt != nil {
		return nil, nil, fmt.Errorf("%s is the name of a purge of this server alone, or of one that the fleet has forgotten; give another one", q.ID)
	}
	return nil, nil, nil
}

// appendFor bounds how long a purge may take to be written.
const appendFor = 10 * time.Second

// append puts a purge in the log, and wakes who waits for one; writing is held.
func (h *hub) append(q *control.Request) (*purge, []waiting, error) {
	if err := h.settle(); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	p := &purge{ID: q.ID, Time: now.UTC().Truncate(time.Millisecond), Request: *q, made: now}
	if p.ID == "" {
		p.ID = newPurgeID()
	}
	p.Request.ID = ""
	var err error
	if p.text, err = json.Marshal(p); err != nil {
		return nil, nil, err
	}
	if len(p.text) > maxPurge {
		return nil, nil, fmt.Errorf("the purge has %d bytes; %d are the most for a fleet: make several", len(p.text), maxPurge)
	}
	waits, err := h.write(p)
	return p, waits, err
}

// settle finds out whether the purge before is in the log.
func (h *hub) settle() error {
	if h.unclear == nil {
		return nil
	}
	p := h.unclear
	if _, err := h.write(p); err != nil {
		return err
	}
	h.applyOwn(p)
	return nil
}

func (h *hub) write(p *purge) ([]waiting, error) {
	ctx, cancel := context.WithTimeout(context.Background(), appendFor)
	defer cancel()
	n, err := h.store.Append(ctx, h.last.N, p.text) // only who holds writing changes last
	h.unclear = nil
	if errors.Is(err, bus.ErrUnclear) {
		h.unclear = p
		return nil, fmt.Errorf("it is not known whether the purge %s was made; repeat it with --id %s: %w", p.ID, p.ID, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the purge was not made: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p.n = n
	h.add(p)
	h.expect(p)
	close(h.wake)
	h.wake = make(chan struct{})
	return h.waits(p), nil
}

// applyOwn applies a purge to the own cache; writing is held, so that they are
// applied in their order.
func (h *hub) applyOwn(p *purge) *control.Answer {
	a := &control.Answer{}
	if h.cache == nil {
		return a
	}
	q := p.Request
	if q.Here = true; q.Undo == "" {
		q.ID = p.ID
	}
	own, err := h.cache.Purge(&q)
	if own != nil {
		a = own
	}
	if err != nil {
		a.Faults = append(a.Faults, err.Error())
		if q.Undo == "" {
			_, err2 := h.cache.Purge(&control.Request{All: true, Soft: true, Here: true}) // more, never less
			err = errors.Join(err, err2)
		}
	}
	t := toldOf(p, own, err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(h.name, &t)
	if h.last == (place{h.id, p.n, p.ID}) {
		h.mark = h.last.String()
	}
	return a
}

// undo undoes a soft purge on all nodes. One of this server alone is undone here.
func (h *hub) undo(q *control.Request) (*control.Answer, error) {
	h.mu.Lock()
	p := h.byID[q.Undo]
	h.mu.Unlock()
	switch {
	case p == nil && h.cache != nil:
		return h.cache.Purge(q)
	case p == nil:
		return nil, fmt.Errorf("%s: %w", q.Undo, errNoPurge)
	case !p.Request.Soft:
		return nil, fmt.Errorf("the purge %s was not a soft one: what it was about is gone", q.Undo)
	}
	a, err := h.make(&control.Request{Undo: q.Undo})
	if err != nil {
		return nil, err
	}
	if a.Receipt == nil {
		a.Receipt = p.receipt()
		h.complete(a.Receipt)
	}
	return a, nil
}

// dryRun counts what is stored here.
func (h *hub) dryRun(q *control.Request) (*control.Answer, error) {
	if h.cache == nil {
		return nil, errNoCache
	}
	a, err := h.cache.Purge(q)
	if err == nil && a.Receipt != nil {
		a.Receipt.Nodes = h.unasked(a.Receipt)
	}
	return a, err
}

// receipts answers with receipts, and what other nodes have said.
func (h *hub) receipts(q *control.Request) (*control.Answer, error) {
	a := &control.Answer{}
	if h.cache != nil {
		own, err := h.cache.Purge(q)
		if err != nil {
			return nil, err
		}
		a = own
	} else if err := h.remembered(q, a); err != nil {
		return nil, err
	}
	for i := range a.Receipts {
		h.complete(&a.Receipts[i])
	}
	if a.Receipt != nil {
		h.complete(a.Receipt)
	}
	return a, nil
}

// remembered makes the receipts of a hub without a cache.
func (h *hub) remembered(q *control.Request, a *control.Answer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if q.Receipt != "" {
		p := h.byID[q.Receipt]
		if p == nil {
			return fmt.Errorf("%s: %w", q.Receipt, errNoPurge)
		}
		a.Receipt = p.receipt()
		return nil
	}
	for _, p := range slices.Backward(h.purges) {
		if p.Request.Undo == "" && len(a.Receipts) < keptTold {
			a.Receipts = append(a.Receipts, *p.receipt())
		}
	}
	return nil
}

// end ends what waits.
func (h *hub) end() { h.once.Do(func() { close(h.stop) }) }

// close writes what is to be remembered.
func (h *hub) close() {
	h.end()
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	h.writing.Lock() // no purge is being made
	defer h.writing.Unlock()
	if err := h.flush(ctx); err != nil {
		h.log.Warn("what nodes said of purges is not kept", "err", err)
	}
}
