package cache

import (
	"slices"
	"sort"
	"sync"
	"time"
)

// An epoch is one purge, as far as what is stored compares with it: what it is
// about is found out when an object is asked for. Its number is a generation
// of the store; it is about objects that were born before. Epochs are immutable
// but for direct, busy, swept and since, which the mutex of epochs guards.
type epoch struct {
	number uint64
	sel    Selector
	soft   bool // validated before its next use, not gone
	at     int64
	by     *receipt // nil: an invalidation of groups, or several that became one
	direct bool     // what it is about is found at once, by its key
	busy   bool     // and that is under way
	swept  bool     // nothing that it is about is stored any more, or it was counted
	since  int64    // when that was; 0: before this process looked at all that is stored
}

func (e *epoch) about(key string, o *object) bool {
	return o.born < e.number && e.sel.about(key, o, e.at)
}

// epochs are those that hold, by what they are about. An object that was
// compared with all of them, and is none of their business, is marked with the
// generation (object.prepared.seen): its next hits compare two numbers.
type epochs struct {
	mu    sync.RWMutex // guards all below
	all   []*epoch     // by number
	hard  index
	soft  index
	floor uint64 // the latest number that was forgotten; what was asked for before it is not stored
	mark  string // not of purges, but kept with them: see Store.SetMark
}

// maxEpochs bounds them. Beyond it the earliest of those that were swept are
// forgotten, and then the older half becomes a few that are about more: all that
// has tags in place of some tags, all that has groups, and everything in place of
// the rest.
const maxEpochs = 100_000

// keptSwept is how many epochs are kept that were swept: an answer that was
// asked for before them may still be on its way.
const keptSwept = 4096

// settled is when what a sweep has removed does not come back: folders are not
// synced, but systems write them by themselves, within half a minute. Until then
// an epoch is kept however many there are, up to maxEpochs: when the power goes,
// files are back.
const settled = time.Minute

// fewEpochs is up to how many an object is compared with one by one.
const fewEpochs = 8

// index finds the epoch that an object belongs to without looking at each: the
// latest of each name.
type index struct {
	named   [selectorKinds]map[string]*epoch
	lengths []int // of prefixes, each once
	where   []*epoch
	last    *epoch // of everything
	lastTag *epoch // about any tag
}

// of returns the epochs that an object belongs to, one that makes it gone and
// one that has it validated; nil for none. Epochs up to seen are not about it.
func (t *epochs) of(key string, o *object, seen uint64) (hard, soft *epoch) {
	after := max(o.born, seen)
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i, n := len(t.all)-1, 0; ; i, n = i-1, n+1 {
		if i < 0 || t.all[i].number <= after {
			return hard, soft
		}
		if n == fewEpochs {
			return t.hard.of(key, o), t.soft.of(key, o)
		}
		if e := t.all[i]; e.about(key, o) {
			if e.soft {
				soft = e
			} else {
				hard = e
			}
		}
	}
}

// of returns the earliest of those that the object belongs to, as far as they
// are the latest of their names.
func (x *index) of(key string, o *object) (found *epoch) {
	found = earlier(nil, x.last, o)
	found = earlier(found, x.named[selectKey][key], o)
	address := addressOf(key)
	if e := x.named[selectURL][address]; e != nil && !isIgnoring(key) {
		found = earlier(found, e, o)
	}
	if m := x.named[selectHost]; len(m) > 0 {
		authority := authorityOf(key)
		found = earlier(found, m[authority], o)
		found = earlier(found, m[hostOf(authority)], o)
	}
	for _, n := range x.lengths {
		if n <= len(address) {
			found = earlier(found, x.named[selectPrefix][address[:n]], o)
		}
	}
	if len(x.lengths) > 0 && isIgnoring(key) {
		for _, e := range x.named[selectPrefix] {
			if e.sel.aboutKey(key) {
				found = earlier(found, e, o)
			}
		}
	}
	if len(o.tags) > 0 {
		for _, tag := range o.tags {
			found = earlier(found, x.named[selectTag][tag], o)
		}
		found = earlier(found, x.named[selectTag][anyTag], o)
		if o.tags[0] == anyTag {
			found = earlier(found, x.lastTag, o)
		}
	}
	if m := x.named[selectGroup]; len(o.groups) > 0 && len(m) > 0 {
		var buf [256]byte
		b := append(append(buf[:0], originOf(key)...), '\n')
		for _, group := range o.groups {
			found = earlier(found, m[string(append(b, group...))], o)
		}
		found = earlier(found, m[""], o)
	}
	for _, e := range x.where {
		if o.born < e.number && (found == nil || e.number < found.number) && e.about(key, o) {
			found = e
		}
	}
	return found
}

// earlier returns the earlier of two epochs that are about an object by what
// they name, if it was born before.
func earlier(found, e *epoch, o *object) *epoch {
	if e == nil || o.born >= e.number || found != nil && found.number < e.number {
		return found
	}
	return e
}

// ofKey reports whether an epoch since a generation is about a key, whatever is
// stored under it.
func (t *epochs) ofKey(key string, since uint64) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for i := len(t.all) - 1; i >= 0 && t.all[i].number > since; i-- {
		if e := t.all[i]; e.sel.byKey() && e.sel.aboutKey(key) {
			return true
		}
	}
	return false
}

func (t *epochs) side(soft bool) *index {
	if soft {
		return &t.soft
	}
	return &t.hard
}

// add enters an epoch, whose number is the highest; t.mu is held. One of the
// same name that is of no use besides goes.
func (t *epochs) add(e *epoch) {
	x := t.side(e.soft)
	old := x.named[e.sel.kind][e.sel.value]
	if e.sel.kind == selectAll {
		old = x.last
	}
	if old != nil && !e.soft && (old.swept || e.sel.kind == selectGroup) {
		i := sort.Search(len(t.all), func(i int) bool { return t.all[i].number >= old.number })
		t.all = slices.Delete(t.all, i, i+1)
	}
	t.all = append(t.all, e)
	x.enter(e)
}

// enter enters an epoch that is later than those of its name.
func (x *index) enter(e *epoch) {
	switch e.sel.kind {
	case selectWhere:
		x.where = append(x.where, e)
		return
	case selectPrefix:
		if !slices.Contains(x.lengths, len(e.sel.value)) {
			x.lengths = append(x.lengths, len(e.sel.value))
		}
	case selectAll:
		x.last = e
		return
	case selectTag:
		x.lastTag = e
	}
	m := x.named[e.sel.kind]
	if m == nil {
		m = make(map[string]*epoch)
		x.named[e.sel.kind] = m
	}
	m[e.sel.value] = e
}

// drop takes epochs out; t.mu is held. What they had put in the shade holds
// again.
func (t *epochs) drop(which func(*epoch) bool) {
	before := len(t.all)
	if t.all = slices.DeleteFunc(t.all, which); len(t.all) == before {
		return
	}
	t.hard, t.soft = index{}, index{}
	for _, e := range t.all {
		t.side(e.soft).enter(e)
	}
}

// forget drops the earliest of the hard epochs that were swept and that may go, n
// at most; t.mu is held.
func (t *epochs) forget(n int, may func(*epoch) bool) {
	t.drop(func(e *epoch) bool {
		if n <= 0 || !e.swept || e.soft || !may(e) {
			return false
		}
		n--
		t.floor = max(t.floor, e.number)
		return true
	})
}

// forgetOld forgets hard epochs that were swept before a time, but for the latest,
// many at once; t.mu is held.
func (t *epochs) forgetOld(before int64) {
	old := func(e *epoch) bool { return e.since != 0 && e.since <= before }
	n, may := -keptSwept, 0
	for _, e := range t.all {
		if e.swept && !e.soft {
			n++
			if old(e) {
				may++
			}
		}
	}
	if n = min(n, may); n > keptSwept/8 {
		t.forget(n, old)
	}
}

// widen makes a few epochs of the older half, which are about more; t.mu is
// held. It returns those that are no more.
func (t *epochs) widen(at int64) (lost []*epoch) {
	type class struct {
		soft bool
		kind selectorKind
	}
	wide := make(map[class]*epoch)
	half := len(t.all) / 2
	for _, e := range t.all[:half] {
		c := class{e.soft, selectAll}
		if e.sel.kind == selectTag || e.sel.kind == selectGroup {
			c.kind = e.sel.kind
		}
		if len(wide) == 0 || wide[c] == nil {
			wide[c] = &epoch{sel: Selector{kind: c.kind}, soft: c.soft, at: at}
		}
		wide[c].number = max(wide[c].number, e.number)
		lost = append(lost, e)
	}
	rest := slices.Clone(t.all[half:])
	t.all = t.all[:0]
	for _, e := range wide {
		t.all = append(t.all, e)
	}
	slices.SortFunc(t.all, func(a, b *epoch) int { return int(int64(a.number - b.number)) })
	t.all = append(t.all, rest...)
	t.hard, t.soft = index{}, index{}
	for _, e := range t.all {
		t.side(e.soft).enter(e)
	}
	return lost
}

// done notes that what epochs are about has been looked for.
func (t *epochs) done(es []*epoch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range es {
		e.busy = false
	}
}

// notDirect notes that what epochs are about is still to be found.
func (t *epochs) notDirect(es []*epoch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range es {
		e.direct = false
	}
}

// unswept returns the epochs that are to be swept: all, or those for which all has
// to be looked at. Groups are not swept: what belongs to them goes when it is asked
// for, or was not used for long.
func (t *epochs) unswept(direct bool) (es []*epoch) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.unsweptLocked(direct)
}

// unsweptLocked is unswept while t.mu is held.
func (t *epochs) unsweptLocked(direct bool) (es []*epoch) {
	for _, e := range t.all {
		if !e.swept && !e.busy && e.sel.kind != selectGroup && (direct || !e.direct) {
			es = append(es, e)
		}
	}
	return es
}

// numbered returns the epoch with a number, nil when it was forgotten.
func (t *epochs) numbered(number uint64) *epoch {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.find(number)
}

// find is numbered while t.mu is held.
func (t *epochs) find(number uint64) *epoch {
	i := sort.Search(len(t.all), func(i int) bool { return t.all[i].number >= number })
	if i < len(t.all) && t.all[i].number == number {
		return t.all[i]
	}
	return nil
}

// told says which purge it was, to stand behind what it did; "" when nobody
// knows.
func (e *epoch) told() string {
	if e == nil || e.by == nil {
		return ""
	}
	return " by receipt " + e.by.id + " (" + e.sel.String() + ") at " + time.Unix(0, e.at).UTC().Format(time.RFC3339)
}
