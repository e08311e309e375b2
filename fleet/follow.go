package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"freshet/internal/control"
)

// A follower applies the purges of a hub to the cache of a member. One goroutine
// does it; only the lease is used by others.
type follower struct {
	call  func(ctx context.Context, question []byte) ([]byte, error)
	cache Cache
	times purgeTimes
	log   *slog.Logger

	lease   *lease
	process string    // a name of this one, which no other has
	place   place     // up to which all purges hold in this process
	telling []outcome // what the hub has not heard yet
	counts  []outcome // of which the numbers still grow
	marks   marker
	lost    bool   // the place is from an answer that said that ours was not known
	said    string // the latest fault that was logged, so that it is logged once

	// before are the purges from before the start, and when they were. Those right
	// after the place may have been applied by then; with others the name is one of
	// a purge that this server had made alone.
	before    map[string]time.Time
	replaying bool
}

// newFollower holds the cache.
func newFollower(c Cache, times purgeTimes, log *slog.Logger, call func(context.Context, []byte) ([]byte, error)) *follower {
	f := &follower{call: call, cache: c, times: times, log: log, process: newPurgeID(), lease: newLease(c, times.lease)}
	f.place = placeOf(c.Mark())
	f.marks = marker{cache: c, log: log}
	f.before, f.replaying = map[string]time.Time{}, f.place != place{}
	f.recall()
	return f
}

// recall has the hub told what became of the purges before a restart.
func (f *follower) recall() {
	a, err := f.cache.Purge(&control.Request{Receipts: true, Here: true})
	if err != nil {
		return // it is only for people
	}
	for i := range a.Receipts {
		r := &a.Receipts[i]
		f.before[r.ID] = r.Time
		if local(r.ID) || len(f.telling) >= keptTold {
			continue
		}
		t := outcome{ID: r.ID, Objects: r.Objects, Bytes: r.Bytes, Counting: r.Counting}
		f.telling = append(f.telling, t)
		if r.Counting {
			f.counts = append(f.counts, t)
		}
	}
}

// local reports whether a purge was of one node alone.
func local(id string) bool { return strings.HasPrefix(id, hereID) || strings.HasPrefix(id, joinedID) }

// run follows until ctx ends. Then the cache is held.
func (f *follower) run(ctx context.Context) error {
	defer f.marks.wait()
	defer f.leave()
	wait := f.times.again
	for ctx.Err() == nil {
		err := f.once(ctx)
		if err == nil {
			wait, f.said = f.times.again, ""
			continue
		}
		f.say(ctx, err)
		if errors.Is(err, errSameToken) {
			wait = f.times.most
		}
		// Not all at once, when many have lost their hub.
		sleep(ctx, wait/2+rand.N(wait/2+1))
		wait = min(2*wait, f.times.most)
	}
	return nil
}

// say logs a fault when it is a new one.
func (f *follower) say(ctx context.Context, err error) {
	if ctx.Err() == nil && err.Error() != f.said {
		f.said = err.Error()
		f.log.Warn("the fleet's purges are not known; what is stored is validated before use until they are", "err", err)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// leave holds the cache, and says so, so that no purge waits for this node.
func (f *follower) leave() {
	f.lease.end()
	ctx, cancel := context.WithTimeout(context.Background(), f.times.reply)
	defer cancel()
	f.ask(ctx, &question{place: f.place, Process: f.process, Leaves: true}) // else the lease runs out
}

func (f *follower) ask(ctx context.Context, q *question) (r *reply, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	text, err := f.call(ctx, body)
	if err != nil {
		return nil, uncoded(err)
	}
	r = &reply{}
	return r, json.Unmarshal(text, r)
}

// once asks a question, and applies what is answered.
func (f *follower) once(ctx context.Context) error {
	f.count()
	q := &question{place: f.place, Process: f.process, Told: f.telling[:min(len(f.telling), maxTold)]}
	asking, cancel := context.WithTimeout(ctx, f.times.poll+f.times.reply)
	defer cancel()
	sent := time.Now()
	r, err := f.ask(asking, q)
	if err != nil {
		return err
	}
	f.telling = slices.Delete(f.telling, 0, len(q.Told))
	switch {
	case r.Lost && f.lost:
		err = errOrder // it is the place that we have from there
	case r.Lost:
		err = f.join(r.place)
	default:
		err = f.apply(r)
	}
	f.lost = r.Lost && !f.lost
	if err != nil {
		return err // the lease runs out
	}
	if !r.More && f.lease.extend(sent) {
		f.log.Info("the fleet's purges are known up to now", "place", f.place.N)
	}
	f.marks.set(f.place.String())
	return nil
}

var errOrder = errors.New("the hub's answer is not what was asked for")

// apply applies purges in their order.
func (f *follower) apply(r *reply) error {
	for i := range r.Purges {
		one := &r.Purges[i]
		if one.N != f.place.N+1 || r.Log != f.place.Log {
			return errOrder
		}
		p, err := readPurge(one.N, one.Text)
		if err == nil {
			err = f.purge(p, one.Late)
		} else {
			// Whoever made it knows more than this program; what it is about is
			// among all that is stored.
			f.log.Error("a purge of the fleet is not understood; everything that is stored is validated before use", "err", err)
			p = &purge{ID: f.place.ID, n: one.N}
			err = errors.Join(json.Unmarshal(one.Text, &struct{ ID *string }{&p.ID}), f.stale(p.n))
		}
		if err != nil {
			return err
		}
		f.place.N, f.place.ID = p.n, p.ID
	}
	if len(r.Purges) == 0 && r.place != f.place {
		return errOrder
	}
	return nil
}

// readPurge reads an entry of the log. A field that is not known may be what the
// purge is about.
func readPurge(n uint64, text []byte) (*purge, error) {
	p := &purge{n: n, text: text}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("purge %d: %w", n, err)
	}
	if !p.Request.Purges() && p.Request.Undo == "" {
		return nil, fmt.Errorf("purge %d is about nothing", n)
	}
	return p, nil
}

// onItsWay is how much longer than the hub says a purge may have been on its way.
const onItsWay = 2 * time.Second

// lateAges is from when on a purge is late by so many milliseconds that what was
// young when it was made may not be any more.
const lateAges = 1000

// purge applies a purge. An error means that it does not hold.
func (f *follower) purge(p *purge, late int64) error {
	at, was := f.before[p.ID]
	if p.Request.Undo == "" {
		made := time.Now().Add(-time.Duration(late) * time.Millisecond)
		f.replaying = f.replaying && was && at.After(made.Add(-onItsWay))
	}
	t, err := applyPurge(f.cache, p, was && !f.replaying)
	delete(f.before, p.ID)
	if err == nil && late > lateAges && p.young() {
		err = f.stale(p.n)
	}
	if err != nil {
		return err
	}
	f.tell(t)
	if t.Counting {
		f.counts = append(f.counts, t)
		f.counts = f.counts[max(0, len(f.counts)-keptTold):]
	}
	return nil
}

// young reports whether a purge is about what is younger than something.
func (p *purge) young() bool {
	return slices.ContainsFunc(p.Request.Where, func(w string) bool { return strings.Contains(w, "age<") })
}

// applyPurge applies a purge to a cache, with another name when its own is taken
// there. When that does not do it, everything that is stored is to be validated.
func applyPurge(c Cache, p *purge, taken bool) (outcome, error) {
	q := p.Request
	q.Here = true
	if q.Undo != "" {
		a, err := c.Purge(&q) // what is not undone is validated: more is, never less
		t := toldOf(p, a, nil)
		if err != nil {
			t = outcome{N: p.n}
		}
		return t, nil
	}
	if q.ID = p.ID; taken {
		q.ID = newPurgeID()
	}
	a, err := c.Purge(&q)
	if err == nil {
		t := toldOf(p, a, nil)
		t.ID = q.ID // here
		return t, nil
	}
	_, err2 := c.Purge(&control.Request{All: true, Soft: true, Here: true})
	return toldOf(p, nil, err), err2
}

// stale has all that is stored validated before its next use.
func (f *follower) stale(n uint64) error {
	id := fmt.Sprintf("%s%.8s-%d", joinedID, f.place.Log, n)
	if a, err := f.cache.Purge(&control.Request{Receipt: id, Here: true}); err == nil && a.Receipt != nil {
		id += "-" + newPurgeID()[:6] // of another time; a name is used once
	}
	_, err := f.cache.Purge(&control.Request{All: true, Soft: true, ID: id, Here: true})
	return err
}

// join takes the end of the hub's log for the place: nobody knows what was
// missed.
func (f *follower) join(end place) error {
	before := f.place
	f.place.Log = end.Log
	if err := f.stale(end.N); err != nil {
		f.place = before
		return err
	}
	f.place = end
	f.log.Info("what is stored is validated before its next use: it is not known what the fleet has purged since this cache was part of it")
	return nil
}

// tell has the hub told of a purge with the next question.
func (f *follower) tell(t outcome) {
	f.telling = append(f.telling, t)
	f.telling = f.telling[max(0, len(f.telling)-keptTold):]
}

// countsAtOnce is of how many receipts it is asked before a question.
const countsAtOnce = 64

// count tells of purges whose counting has ended.
func (f *follower) count() {
	for range min(len(f.counts), countsAtOnce) {
		t := f.counts[0]
		f.counts = f.counts[1:]
		a, err := f.cache.Purge(&control.Request{Receipt: t.ID, Here: true})
		switch {
		case err != nil || a.Receipt == nil: // forgotten
			t.Counting = false
			f.tell(t)
		case a.Receipt.Counting:
			f.counts = append(f.counts, t)
		default:
			t.Objects, t.Bytes, t.Counting = a.Receipt.Objects, a.Receipt.Bytes, false
			f.tell(t)
		}
	}
}

// A marker keeps the place beside what is stored. Nothing waits for it: a purge
// that is applied once more has a name by which it is known.
type marker struct {
	cache Cache
	log   *slog.Logger

	busy  chan error // nil: nothing is being written
	kept  string
	next  string
	wrong time.Duration // how long it waits after a failure
	after time.Time
}

const (
	markAgain     = time.Second
	markAgainMost = time.Minute
)

// set has a mark written, after the one that is being written.
func (m *marker) set(mark string) {
	m.next = mark
	if m.busy != nil {
		select {
		case err := <-m.busy:
			m.done(err)
		default:
			return
		}
	}
	if m.next == m.kept || time.Now().Before(m.after) {
		return
	}
	m.kept = m.next
	m.busy = make(chan error, 1)
	go func(to chan<- error, mark string) { to <- m.cache.SetMark(mark) }(m.busy, m.next)
}

func (m *marker) done(err error) {
	m.busy = nil
	if err == nil {
		m.wrong, m.after = 0, time.Time{}
		return
	}
	if m.wrong == 0 {
		m.log.Error("what the fleet has purged holds, but is not kept on the disk; it is tried again", "err", err)
	}
	m.kept = ""
	m.wrong = min(max(2*m.wrong, markAgain), markAgainMost)
	m.after = time.Now().Add(m.wrong)
}

// wait waits for what is being written, and writes the rest.
func (m *marker) wait() {
	if m.busy != nil {
		m.done(<-m.busy)
	}
	if m.next != "" && m.next != m.kept {
		if err := m.cache.SetMark(m.next); err != nil {
			m.log.Error("how far the fleet's purges were applied is not kept", "err", err)
		}
	}
}
