package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
)

// A node is a member with a cache, as the hub knows it.
type node struct {
	name string
	now  *holder   // the process that has its token
	old  []*holder // those that had it before, which may use what they have for a while
	seen time.Time // when it has asked last, of the clock on the wall
	away bool      // as it was written
	gone bool      // its token is not valid any more
}

// A holder is a process that has a lease.
type holder struct {
	name    string
	process string
	after   uint64    // it has applied all purges up to this one
	until   time.Time // its lease is over by then, whatever it has heard; monotonic
}

// waiting is a purge's wait for a process.
type waiting struct {
	who   *holder
	until time.Time // of the lease that it had when the purge was made
}

var errSameToken = errors.New("another server with the same token is part of the fleet; each needs a token of its own: freshet worker invite NAME")

// admit notes what a question says, and returns who asks; nil: one that asks no
// more. That there is a member is written before its first answer, so that a hub
// that is started anew knows whose lease may run.
func (h *hub) admit(ctx context.Context, name string, q *question) (*holder, error) {
	if who, known := h.heard(name, q); known {
		return who, nil
	}
	h.admitting.Lock()
	defer h.admitting.Unlock()
	if who, known := h.heard(name, q); known { // another question of it was faster
		return who, nil
	}
	h.mu.Lock()
	err := h.refuses(name, q.Process)
	h.mu.Unlock()
	if err != nil {
		return nil, coded(err)
	}
	h.mu.Lock()
	n := h.nodes[name]
	if n == nil {
		n = &node{name: name}
	}
	next := n.with(q.Process)
	page := next.page()
	h.mu.Unlock()
	if err := h.store.PutPage(ctx, pageNode+name, page); err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.nodes[name] = next
	h.mu.Unlock()
	who, _ := h.heard(name, q)
	return who, nil
}

// with is the node once another process has its token. The one before may have a
// lease still, and is not let in again while this one is there.
func (n *node) with(process string) *node {
	now := time.Now()
	next := &node{name: n.name, seen: now, now: &holder{name: n.name, process: process}}
	for _, o := range n.old {
		if o.process == process {
			next.now = o
		} else {
			next.old = append(next.old, o)
		}
	}
	if n.now != nil {
		next.old = append(next.old, n.now)
	}
	for i := 0; i < len(next.old) && len(next.old) > maxReplaced; {
		if next.old[i].until.After(now) {
			i++
		} else {
			next.old = slices.Delete(next.old, i, i+1)
		}
	}
	return next
}

// refuses says why a process may not be a node: there are too many, or another
// one has come after it and uses the same token; mu is held.
func (h *hub) refuses(name, process string) error {
	n := h.nodes[name]
	if n == nil {
		if len(h.nodes) >= bus.MaxNodes {
			return fmt.Errorf("%d servers of the fleet have caches, and no more may", bus.MaxNodes)
		}
		return nil
	}
	now := time.Now()
	runs := func(o *holder) bool { return o != nil && o.until.After(now) }
	was := slices.ContainsFunc(n.old, func(o *holder) bool { return o.process == process })
	others := 0
	for _, o := range n.old {
		if runs(o) {
			others++
		}
	}
	if was && runs(n.now) || others >= maxReplaced {
		return errSameToken
	}
	return nil
}

// heard notes what a question says, if it is of the process that has the node's
// token.
func (h *hub) heard(name string, q *question) (who *holder, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.nodes[name]
	if n == nil || n.now.process != q.Process {
		if n != nil && q.Leaves {
			for _, o := range n.old {
				if o.process == q.Process {
					o.until = time.Time{}
				}
			}
			h.move()
		}
		return nil, q.Leaves
	}
	n.seen = time.Now()
	if h.knows(q.place) && q.N > n.now.after {
		h.applied(n, q.N)
	}
	for i := range q.Told {
		h.note(name, &q.Told[i])
	}
	if q.Leaves {
		n.now.until = time.Time{}
		h.move()
		return nil, true
	}
	return n.now, true
}

// move wakes the purges that wait for members; mu is held.
func (h *hub) move() {
	close(h.moved)
	h.moved = make(chan struct{})
}

// applied notes that a node has applied all purges up to one; mu is held.
func (h *hub) applied(n *node, to uint64) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i := max(n.now.after+1, h.oldestSaid()); i <= to; i++ {
		if o := h.said[i][n.name]; o != nil && o.Done.IsZero() {
			o.Done = now
			h.dirty[pageOf(i)] = true
		}
	}
	n.now.after = to
	h.move()
}

// oldestSaid is the first purge of which it is known what nodes said.
func (h *hub) oldestSaid() uint64 { return max(h.last.N, keptTold) - keptTold + 1 }

// expected is the list of nodes that a purge is for, of which none has said
// anything; mu is held.
func (h *hub) expected() map[string]*outcome {
	said := map[string]*outcome{}
	for name, n := range h.nodes {
		if !n.gone {
			said[name] = &outcome{}
		}
	}
	if h.cache != nil {
		said[h.name] = &outcome{}
	}
	return said
}

// expect begins the list of nodes that a purge is for; mu is held.
func (h *hub) expect(p *purge) {
	h.said[p.n] = h.expected()
	h.dirty[pageOf(p.n)] = true
	old := h.oldestSaid()
	if delete(h.said, old-1); old > 1 && pageOf(old-1) != pageOf(old) {
		h.dirty[pageOf(old-1)] = true // nothing is left of it
	}
}

// note notes what a node says of a purge; mu is held, or nobody else is there.
func (h *hub) note(name string, t *outcome) {
	n := t.N
	if p := h.byID[t.ID]; n == 0 && p != nil {
		n = p.n
	}
	o := h.said[n][name]
	if o == nil {
		return
	}
	was := *o
	o.Objects, o.Bytes, o.Counting, o.Fault = within(t.Objects), within(t.Bytes), t.Counting, plainly(t.Fault)
	if name == h.name && o.Done.IsZero() {
		o.Done = time.Now().UTC().Truncate(time.Millisecond)
	}
	if *o != was {
		h.dirty[pageOf(n)] = true
	}
}

// mostCounted bounds what a node says it had, so that sums of many are numbers.
const mostCounted = 1 << 45

func within(n int64) int64 { return min(max(n, 0), mostCounted) }

// plainly is what a node says is wrong, without what terminals obey. It is a copy,
// since what it was cut from may be long.
func plainly(s string) string {
	s = strings.Clone(strings.ToValidUTF8(s[:min(len(s), maxFault)], ""))
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

// waits are the processes that may use what they have stored before a purge; mu
// is held.
func (h *hub) waits(p *purge) (list []waiting) {
	if p == nil {
		return nil
	}
	now := time.Now()
	add := func(o *holder) {
		if o != nil && o.after < p.n && o.until.After(now) {
			list = append(list, waiting{o, o.until})
		}
	}
	for _, n := range h.nodes {
		add(n.now)
		for _, o := range n.old {
			add(o)
		}
	}
	return list
}

// stillWaits are those of whom it is still to be waited for that they have applied
// purge n; mu is held.
func (h *hub) stillWaits(n uint64, waits []waiting) []waiting {
	now := time.Now()
	return slices.DeleteFunc(waits, func(w waiting) bool {
		return w.who.after >= n || !w.until.After(now) || w.who.until.IsZero()
	})
}

// waitFor waits until a purge is applied by those who may use what they have, or
// their lease is over. Leases that they take meanwhile are from answers with the
// purge in them: who has one has applied it. ok: it did not end before that.
func (h *hub) waitFor(n uint64, waits []waiting) (ok bool) {
	for {
		h.mu.Lock()
		waits = h.stillWaits(n, waits)
		moved := h.moved
		h.mu.Unlock()
		if len(waits) == 0 {
			return true
		}
		first := slices.MinFunc(waits, func(a, b waiting) int { return a.until.Compare(b.until) }).until
		over := time.NewTimer(time.Until(first))
		select {
		case <-moved:
		case <-over.C:
		case <-h.stop:
			over.Stop()
			return false
		}
		over.Stop()
	}
}

// complete adds to the receipt of the own cache what other nodes said.
func (h *hub) complete(r *control.Receipt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.byID[r.ID]
	if p == nil || len(h.said[p.n]) == 0 {
		return
	}
	if h.cache != nil {
		h.note(h.name, &outcome{N: p.n, Objects: r.Objects, Bytes: r.Bytes, Counting: r.Counting})
	}
	r.Objects, r.Bytes, r.Counting = 0, 0, false
	alone := true
	for name, o := range h.said[p.n] {
		if h.nodes[name] == nil && name != h.name && o.Done.IsZero() || h.nodes[name] != nil && h.nodes[name].gone {
			continue // its token was revoked
		}
		alone = alone && name == h.name
		r.Objects, r.Bytes, r.Counting = r.Objects+o.Objects, r.Bytes+o.Bytes, r.Counting || o.Counting
		r.Nodes = append(r.Nodes, h.nodeReceipt(name, p, o))
	}
	if alone {
		r.Nodes = nil
		return
	}
	slices.SortFunc(r.Nodes, func(a, b control.NodeReceipt) int { return strings.Compare(a.Node, b.Node) })
}

// nodeReceipt is what is known of a purge, or of its being undone, on a node; mu
// is held.
func (h *hub) nodeReceipt(name string, p *purge, o *outcome) control.NodeReceipt {
	r := control.NodeReceipt{Node: name, Objects: o.Objects, Bytes: o.Bytes, Counting: o.Counting, Done: o.Done, State: control.NodeDone, Fault: o.Fault}
	if undo := h.said[p.undone][name]; undo != nil {
		r.Done, p = undo.Done, h.number(p.undone)
	}
	if !r.Done.IsZero() {
		return r
	}
	n := h.nodes[name]
	if r.State = control.NodeWaiting; p.settled {
		r.State = control.NodeAway
		if n != nil {
			r.Since = n.seen.UTC().Truncate(time.Second)
		}
	}
	return r
}

// unasked is the list of nodes of a receipt of the own cache alone.
func (h *hub) unasked(own *control.Receipt) (list []control.NodeReceipt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, n := range h.nodes {
		if !n.gone {
			list = append(list, control.NodeReceipt{Node: name, State: control.NodeUnasked})
		}
	}
	if len(list) == 0 {
		return nil
	}
	list = append(list, control.NodeReceipt{Node: h.name, Objects: own.Objects, Bytes: own.Bytes, Done: own.Time, State: control.NodeDone})
	slices.SortFunc(list, func(a, b control.NodeReceipt) int { return strings.Compare(a.Node, b.Node) })
	return list
}

// finish makes the answer to a purge.
func (h *hub) finish(p *purge, a *control.Answer) {
	if a.Receipt == nil {
		if a.Receipt = p.receipt(); p.Request.Undo != "" {
			return
		}
	}
	h.complete(a.Receipt)
	if len(a.Receipt.Nodes) > 0 {
		a.Purged = nil // they are of one node
	}
}

// prune notes whose tokens are not valid any more, and forgets those that use
// nothing any more.
func (h *hub) prune() {
	if h.valid == nil {
		return
	}
	valid := h.valid()
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, n := range h.nodes {
		if n.gone = !valid[name]; !n.gone {
			continue
		}
		uses := func(o *holder) bool { return o != nil && o.until.After(now) }
		if !uses(n.now) && !slices.ContainsFunc(n.old, uses) {
			delete(h.nodes, name)
			h.dirty[pageNode+name] = true
		}
	}
}
