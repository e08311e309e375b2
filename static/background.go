package static

import (
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"hash"
	"io"
	"sync"
	"weak"

	"freshet/digest"
	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/representation"
)

// What takes long is done beside the requests: hashing files that are not in
// memory, and making codings. Nothing is made that nobody asks for: a request
// queues the one thing that would have made its own answer better. A worker
// runs only while there is work.

const (
	maxJobs    = 1024 // waiting; beyond that a later request asks again
	maxWorkers = 2    // so that a file of gigabytes does not hold up small ones
)

// jobs is a queue and its workers. The zero value is ready.
type jobs struct {
	mu      sync.Mutex
	queue   []job
	running int
	closed  bool
	wg      sync.WaitGroup
}

// job is one coding of an entry to be made, or whose file is to be hashed. An
// entry that leaves the table while it waits is not held: the queue would else
// keep bodies that Options.Memory has no room for.
type job struct {
	e    weak.Pointer[entry]
	c    field.Coding
	long bool // it is hashed by sha-512
}

// wish queues the best coding that a request accepts and the entry lacks,
// unless one that it likes as much is there.
func (h *Handler) wish(e *entry, accepted field.Accepted) {
	todo, set := e.todo.Load(), e.set.Load()
	order, n := accepted.Order(coding.All.With(field.Identity))
	for _, c := range order[:n] {
		if todo&(1<<c) != 0 {
			h.enqueue(e, c)
			return
		}
		if set.Has(c) {
			return
		}
	}
}

// enqueue queues a job, once. When the queue is full the entry still lacks the
// coding, and a later request asks again.
func (h *Handler) enqueue(e *entry, c field.Coding) {
	j := &h.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed || len(j.queue) == maxJobs || e.todo.And(^uint32(1<<c))&(1<<c) == 0 {
		return
	}
	j.push(h, job{e: weak.Make(e), c: c})
}

// enqueueLong queues the sha-512 of a variant, once. When the queue is full, a
// later request asks again.
func (h *Handler) enqueueLong(e *entry, v *representation.Variant) {
	j := &h.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.closed && len(j.queue) < maxJobs && v.LongBegun.CompareAndSwap(false, true) {
		j.push(h, job{weak.Make(e), v.Coding, true})
	}
}

// push queues a job. The lock is held.
func (j *jobs) push(h *Handler, one job) {
	if j.running < maxWorkers {
		j.running++
		j.wg.Add(1)
		go h.workOff()
	}
	j.queue = append(j.queue, one)
}

func (h *Handler) workOff() {
	j := &h.jobs
	defer j.wg.Done()
	for {
		j.mu.Lock()
		if len(j.queue) == 0 || j.closed {
			j.running--
			j.mu.Unlock()
			return
		}
		next := j.queue[0]
		j.queue = j.queue[1:]
		j.mu.Unlock()
		if e := next.e.Value(); e != nil && h.table.has(e) {
			h.do(e, next)
		}
	}
}

// stopping reports whether the handler is being closed.
func (j *jobs) stopping() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.closed
}

func (j *jobs) close() {
	j.mu.Lock()
	j.closed, j.queue = true, nil
	j.mu.Unlock()
	j.wg.Wait()
}

// do makes one coding of an entry, or hashes its file. What fails is left as
// it is: the entry is right without.
func (h *Handler) do(e *entry, j job) {
	set, c := e.set.Load(), j.c
	switch v := set.Variant(c); {
	case v == nil && j.long:
		return
	case v != nil && j.long:
		if sum := sha512.New(); h.hash(e.sources[c], sum) {
			d := digest.FromSum(digest.SHA512, sum.Sum(nil))
			v.Long.Store(&d)
		}
		v.LongBegun.Store(false)
		return
	case v != nil:
		if sum := sha256.New(); h.hash(e.sources[c], sum) {
			h.table.grow(e, newHashed(&e.meta, c, v.Size, nil, [sha256.Size]byte(sum.Sum(nil))))
		}
		return
	}
	body := set.Variant(field.Identity).Body
	b, err := coding.Encode(nil, c, body, coding.Best)
	if err != nil || !coding.Worth(len(body), len(b)) {
		return
	}
	b = append(make([]byte, 0, len(b)), b...) // without the encoder's spare room
	h.table.grow(e, newVariant(&e.meta, c, int64(len(b)), b))
}

// hash hashes a file on disk, and reports whether it is the same file before and
// after it was read.
func (h *Handler) hash(s *source, sum hash.Hash) bool {
	f, err := h.open(s.name)
	if err != nil {
		return false
	}
	defer f.Close()
	if f.dir || f.stamp != s.stamp {
		return false
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{h.cancellable(sum, f)}, struct{ io.Reader }{f}, make([]byte, 256<<10))
	after, statErr := f.restamp()
	return err == nil && statErr == nil && n == s.stamp.size && after == s.stamp
}

// cancellable returns a writer into sum that fails when the handler is closed,
// and when f, which is read, has changed: a log of gigabytes that grows all the
// time would else be read to its end for nothing, again and again.
func (h *Handler) cancellable(sum hash.Hash, f *opened) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		if h.jobs.stopping() {
			return 0, errClosed
		}
		if now, err := f.restamp(); err != nil || now != f.stamp {
			return 0, errChanged
		}
		return sum.Write(p)
	})
}

var errClosed = errors.New("the handler is closed")

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
