package jobs

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
)

// A leaf as it is kept: a version, what it is, the entry it was written after,
// and its contents. Pages of jobs are written behind the log, each at another
// time; which entries a leaf knows is said by its asOf alone.

const leafVersion = 1

const (
	leafMeta  = 'm'
	leafPage  = 'j'
	leafBlock = 't'
)

func (p *page) kept() *stored  { return &p.stored }
func (b *block) kept() *stored { return &b.stored }

// key of a leaf: with the term of who wrote it, so that a scheduler that does
// not know yet that it is fenced writes over nobody's pages but its own.
func (p *page) key(term uint64) string { return fmt.Sprintf("j-%d-%d", p.no, term) }

func (b *block) key(term uint64) string {
	return fmt.Sprintf("t-%s-%d-%d", makeID(b.job.num), b.no, term)
}

func metaKey(term uint64) string { return fmt.Sprintf("m-%d", term) }

func appendLeaf(what byte, asOf uint64) []byte {
	return binary.AppendUvarint([]byte{leafVersion, what}, asOf)
}

func (p *page) encode(asOf uint64) []byte {
	b := appendLeaf(leafPage, asOf)
	for _, v := range []uint64{p.no, p.first, p.last, uint64(p.assigned), uint64(p.bytes)} {
		b = binary.AppendUvarint(b, v)
	}
	var classes []*class
	at := map[*class]int{}
	for _, j := range p.jobs {
		if _, ok := at[j.class]; !ok {
			at[j.class] = len(classes)
			classes = append(classes, j.class)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(classes)))
	for _, c := range classes {
		b = appendText(b, c.key)
	}
	b = binary.AppendUvarint(b, uint64(len(p.jobs)))
	for _, j := range p.jobs {
		b = binary.AppendUvarint(b, j.num)
		b = binary.AppendUvarint(b, uint64(at[j.class]))
		b = append(b, byte(j.flags), byte(j.base))
		for _, v := range []int64{j.submitted, j.began, j.touched, j.fired} {
			b = binary.AppendVarint(b, v)
		}
		b = appendText(b, j.reason)
		b = appendText(b, j.spec)
		if b = appendBool(b, j.one != nil); j.one != nil {
			b = appendText(b, j.one.worker)
			b = j.one.append(b, 0)
		}
	}
	return b
}

func (b *block) encode(asOf uint64) []byte {
	out := appendLeaf(leafBlock, asOf)
	out = binary.AppendUvarint(out, b.job.num)
	out = binary.AppendVarint(out, b.no)
	var workers []string
	at := map[string]int{}
	for i := range b.tasks {
		w := b.tasks[i].worker
		if _, ok := at[w]; !ok {
			at[w] = len(workers)
			workers = append(workers, w)
		}
	}
	out = binary.AppendUvarint(out, uint64(len(workers)))
	for _, w := range workers {
		out = appendText(out, w)
	}
	out = binary.AppendUvarint(out, uint64(len(b.tasks)))
	for i := 0; i < len(b.tasks); {
		t := &b.tasks[i]
		if !t.plain() {
			out = t.append(out, at[t.worker])
			i++
			continue
		}
		n := 1
		for i+n < len(b.tasks) && b.tasks[i+n].plain() && b.tasks[i+n].state == t.state {
			n++
		}
		out = append(out, byte(t.state)|plainTasks)
		out = binary.AppendUvarint(out, uint64(n))
		i += n
	}
	return out
}

// plainTasks marks tasks of which nothing but the state is known.
const plainTasks = 0x80

func (t *task) plain() bool {
	return *t == task{state: t.state}
}

func (t *task) append(b []byte, worker int) []byte {
	b = append(b, byte(t.state), byte(t.flags))
	b = binary.AppendUvarint(b, uint64(worker))
	b = binary.AppendUvarint(b, t.token)
	b = binary.AppendVarint(b, t.at)
	b = binary.AppendVarint(b, t.began)
	b = binary.AppendUvarint(b, uint64(t.cpu))
	b = binary.AppendUvarint(b, uint64(t.rss))
	b = binary.AppendVarint(b, int64(t.exit))
	for _, v := range []uint16{t.attempt, t.failed, t.lost} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	if b = appendBool(b, t.detail != nil); t.detail != nil {
		b = appendText(b, t.detail.signal)
		b = appendText(b, t.detail.reason)
		b = appendText(b, t.detail.output)
		b = appendBool(b, t.detail.lost)
		if t.flags&flagAsked != 0 {
			b = binary.AppendUvarint(b, t.detail.by)
		}
	}
	return b
}

// task reads a task behind its state.
func (r *reader) task(s byte, workers []string) (t task) {
	if t.state = State(s); t.state >= states {
		r.fail()
	}
	t.flags = taskFlags(r.byte())
	w := r.uint()
	if w >= uint64(len(workers)) {
		r.fail()
		return task{}
	}
	t.worker = workers[w]
	t.token, t.at, t.began = r.uint(), r.int(), r.int()
	t.cpu, t.rss, t.exit = uint32(r.uint()), uint32(r.uint()), int32(r.int())
	t.attempt, t.failed, t.lost = uint16(r.uint()), uint16(r.uint()), uint16(r.uint())
	if r.bool() {
		t.detail = &detail{signal: r.text(), reason: r.text(), output: r.text(), lost: r.bool()}
		if t.flags&flagAsked != 0 {
			t.detail.by = r.uint()
		}
	}
	return t
}

// meta is what is written when all leaves that an entry has changed are
// written: entries up to it are not needed any more.
type meta struct {
	asOf, term, last, nextPage uint64
	now                        int64
	pages                      Set // that there are
}

func (v *meta) encode() []byte {
	b := appendLeaf(leafMeta, v.asOf)
	for _, n := range []uint64{v.term, v.last, v.nextPage} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendVarint(b, v.now)
	b = binary.AppendUvarint(b, uint64(len(v.pages.ranges)))
	for lo, hi := range v.pages.Ranges {
		b = binary.AppendVarint(b, lo)
		b = binary.AppendVarint(b, hi)
	}
	return b
}

func (r *reader) meta(asOf uint64) (v meta) {
	v = meta{asOf: asOf, term: r.uint(), last: r.uint(), nextPage: r.uint(), now: r.int()}
	for n := r.uint(); n > 0 && !r.bad; n-- {
		lo, hi := r.int(), r.int()
		if lo > hi {
			r.fail()
			break
		}
		v.pages.Add(lo, hi)
	}
	return v
}

// ledger gathers leaves as they are read, in any order.
type ledger struct {
	m      *machine
	meta   meta
	found  bool // a meta
	pages  map[uint64]keptPage
	blocks map[blockName]keptBlock
	metas  []string
	gone   []string // keys that newer ones replace
}

type blockName struct {
	job uint64
	no  int64
}

type keptPage struct {
	*page
	key string
}

type keptBlock struct {
	*block
	key string
}

func newLedger(m *machine) *ledger {
	return &ledger{m: m, pages: map[uint64]keptPage{}, blocks: map[blockName]keptBlock{}}
}

// add reads a leaf. A key that is none of ours is an error: the pages are
// somebody else's.
func (l *ledger) add(key string, leaf []byte) error {
	err := l.read(key, leaf)
	if err != nil {
		return fmt.Errorf("page %q: %w", key, err)
	}
	return nil
}

func (l *ledger) read(key string, leaf []byte) error {
	term, err := termOf(key)
	if err != nil {
		return err
	}
	r := &reader{b: leaf}
	if v := r.byte(); v != leafVersion {
		return fmt.Errorf("%w: it begins with %d", errFormat, v)
	}
	what, asOf := r.byte(), r.uint()
	switch what {
	case leafMeta:
		v := r.meta(asOf)
		if r.bad {
			return errFormat
		}
		l.metas = append(l.metas, key)
		if !l.found || v.asOf > l.meta.asOf {
			l.meta, l.found = v, true
		}
	case leafPage:
		p := r.page(l.m)
		if r.bad {
			return errFormat
		}
		p.stored = stored{asOf: asOf, term: term, changed: asOf}
		l.keepPage(key, p)
	case leafBlock:
		b, num := r.block()
		if r.bad {
			return errFormat
		}
		b.stored = stored{asOf: asOf, term: term, changed: asOf}
		l.keepBlock(key, b, num)
	default:
		return errFormat
	}
	return nil
}

func termOf(key string) (uint64, error) {
	i := len(key)
	for i > 0 && key[i-1] != '-' {
		i--
	}
	var term uint64
	if _, err := fmt.Sscanf(key[i:], "%d", &term); err != nil || i == 0 {
		return 0, errFormat
	}
	return term, nil
}

func (l *ledger) keepPage(key string, p *page) {
	if old, ok := l.pages[p.no]; ok {
		if old.asOf >= p.asOf {
			l.gone = append(l.gone, key)
			return
		}
		l.gone = append(l.gone, old.key)
	}
	l.pages[p.no] = keptPage{p, key}
}

func (l *ledger) keepBlock(key string, b *block, num uint64) {
	name := blockName{num, b.no}
	if old, ok := l.blocks[name]; ok {
		if old.asOf >= b.asOf {
			l.gone = append(l.gone, key)
			return
		}
		l.gone = append(l.gone, old.key)
	}
	l.blocks[name] = keptBlock{b, key}
}

func (r *reader) page(m *machine) *page {
	p := &page{no: r.uint(), first: r.uint(), last: r.uint(), assigned: int(r.uint()), bytes: int(r.uint())}
	var classes []*class
	for n := r.uint(); n > 0 && !r.bad; n-- {
		classes = append(classes, r.class(m))
	}
	before := uint64(0)
	for n := r.uint(); n > 0 && !r.bad; n-- {
		j := &job{num: r.uint(), page: p}
		if c := r.uint(); c < uint64(len(classes)) {
			j.class = classes[c]
		} else {
			r.fail()
		}
		j.flags, j.base = jobFlags(r.byte()), r.state()
		j.submitted, j.began, j.touched, j.fired = r.int(), r.int(), r.int(), r.int()
		j.reason, j.spec = r.text(), r.text()
		if r.bool() {
			t := r.worked()
			j.one = &t
		}
		if r.bad || j.num <= before || j.num < p.first || j.num > p.last {
			r.fail()
			return p
		}
		if j.flags&flagArray != 0 {
			var s struct {
				Array Array `json:"array"`
			}
			if json.Unmarshal([]byte(j.spec), &s) != nil || s.Array.IsZero() {
				r.fail()
				return p
			}
			j.many = &array{numbers: s.Array, blocks: map[int64]*block{}}
		}
		before = j.num
		p.jobs = append(p.jobs, j)
	}
	return p
}

// worked reads a task with its worker.
func (r *reader) worked() task {
	workers := []string{r.text()}
	return r.task(r.byte(), workers)
}

func (r *reader) class(m *machine) *class {
	key := r.text()
	if c := m.classes[key]; c != nil {
		return c
	}
	var k classKey
	if err := json.Unmarshal([]byte(key), &k); err != nil {
		r.fail()
		return nil
	}
	return m.newClass(key, k)
}

func (r *reader) block() (*block, uint64) {
	num := r.uint()
	b := &block{no: r.int()}
	var workers []string
	for n := r.uint(); n > 0 && !r.bad; n-- {
		workers = append(workers, r.text())
	}
	n := r.uint()
	if n > blockSize {
		r.fail()
		return b, num
	}
	for uint64(len(b.tasks)) < n && !r.bad {
		s := r.byte()
		if s&plainTasks == 0 {
			t := r.task(s, workers)
			if t.detail != nil {
				b.details++
			}
			b.tasks = append(b.tasks, t)
			continue
		}
		run := r.uint()
		if run > n-uint64(len(b.tasks)) || s&^plainTasks >= byte(states) {
			r.fail()
			break
		}
		b.tasks = append(b.tasks, slices.Repeat([]task{{state: State(s &^ plainTasks)}}, int(run))...)
	}
	return b, num
}

// load makes a machine of the leaves. Entries after meta.asOf are to be
// applied to it.
func (l *ledger) load() error {
	m := l.m
	m.last, m.nextPage, m.entry, m.now = l.meta.last, l.meta.nextPage, l.meta.asOf, l.meta.now
	for no, p := range l.pages {
		if no <= l.meta.nextPage && !l.meta.pages.Has(int64(no)) {
			l.gone = append(l.gone, p.key) // it was empty, and somebody wrote it again who did not know
			continue
		}
		m.pages = append(m.pages, p.page)
		m.nextPage = max(m.nextPage, no)
		m.last = max(m.last, p.last)
	}
	sort.Slice(m.pages, func(i, k int) bool { return m.pages[i].no < m.pages[k].no })
	for i, p := range m.pages {
		if i > 0 && p.first <= m.pages[i-1].last {
			return fmt.Errorf("%w: pages %d and %d overlap", errFormat, m.pages[i-1].no, p.no)
		}
	}
	for name, b := range l.blocks {
		j := m.find(name.job)
		if j == nil {
			l.gone = append(l.gone, b.key)
			continue
		}
		if j.many == nil || name.no < 0 || name.no*blockSize >= j.n() || int64(len(b.tasks)) != min(blockSize, j.n()-name.no*blockSize) {
			return fmt.Errorf("%w: job %s has no block %d", errFormat, makeID(name.job), name.no)
		}
		b.job = j
		j.many.blocks[name.no] = b.block
	}
	for _, key := range l.metas {
		if key != metaKey(l.meta.term) {
			l.gone = append(l.gone, key)
		}
	}
	return nil
}

// maxRanges bounds the meta: when there are more ranges of pages, it names all
// pages that there were. Then who writes an old page again that is not needed
// brings jobs back that were forgotten.
const maxRanges = 50_000

// metaNow is what is to be written when every change up to an entry is; until
// then there were pages up to nextPage.
func (m *machine) metaNow(asOf, term, nextPage uint64) meta {
	v := meta{asOf: asOf, term: term, last: m.last, nextPage: nextPage, now: m.now}
	for _, p := range m.pages {
		if p.no <= nextPage {
			v.pages.Add(int64(p.no), int64(p.no))
		}
	}
	if len(v.pages.ranges) > maxRanges {
		v.pages = Set{}
		v.pages.Add(1, int64(nextPage))
	}
	return v
}

// sweep drops pages that take no more jobs and have been without any since
// that entry, and returns their keys.
func (m *machine) sweep(asOf uint64) (gone []string) {
	if len(m.pages) == 0 {
		return nil
	}
	last := m.pages[len(m.pages)-1]
	m.pages = slices.DeleteFunc(m.pages, func(p *page) bool {
		if len(p.jobs) > 0 || p == last || p.changed > asOf || p.dirty {
			return false
		}
		if p.term != 0 {
			gone = append(gone, p.key(p.term))
		}
		return true
	})
	return gone
}
