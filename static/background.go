package static

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/representation"
)

// What takes long is done beside the requests: hashing files that are not in
// memory, and making codings. A worker runs only while there is work.

const (
	maxJobs    = 1024 // waiting; beyond that a later request asks again
	maxWorkers = 2    // so that a file of gigabytes does not hold up small ones
)

// jobs is a queue of entries and its workers. The zero value is ready.
type jobs struct {
	mu      sync.Mutex
	queue   []*entry
	running int
	closed  bool
	wg      sync.WaitGroup
}

// want queues the work that an entry still needs, unless the queue is full.
func (h *Handler) want(e *entry) {
	if e.work.Load() != workWanted || !e.work.CompareAndSwap(workWanted, workQueued) {
		return
	}
	j := &h.jobs
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed || len(j.queue) == maxJobs:
		e.work.Store(workWanted)
		return
	case j.running < maxWorkers:
		j.running++
		j.wg.Add(1)
		go h.workOff()
	}
	j.queue = append(j.queue, e)
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
		e := j.queue[0]
		j.queue = j.queue[1:]
		j.mu.Unlock()
		h.complete(e)
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

// complete gives an entry the tags and codings that it lacks. What fails is
// left as it is: the entry is right without.
func (h *Handler) complete(e *entry) {
	e.work.Store(workNone)
	for c := field.Coding(0); c < field.NumCodings && !h.jobs.stopping(); c++ {
		v := e.set.Load().Variant(c)
		if v == nil || v.Tag != "" || e.sources[c] == nil {
			continue
		}
		if tag, ok := h.hash(e.sources[c], c); ok {
			h.table.grow(e, representation.New(&e.meta, c, tag, v.Size, nil))
		}
	}
	body := e.set.Load().Variant(field.Identity).Body
	if e.meta.Vary == "" || len(body) < coding.MinSize {
		return
	}
	for c := field.Identity + 1; c < field.NumCodings && !h.jobs.stopping(); c++ {
		if e.set.Load().Has(c) {
			continue
		}
		b, err := coding.Encode(nil, c, body, coding.Best)
		if err != nil || !coding.Worth(len(body), len(b)) {
			continue
		}
		b = append(make([]byte, 0, len(b)), b...) // without the encoder's spare room
		if !h.table.grow(e, newVariant(&e.meta, c, int64(len(b)), b)) {
			return
		}
	}
}

// hash returns the tag of a file on disk, provided that it is the same file
// before and after it was read.
func (h *Handler) hash(s *source, c field.Coding) (tag string, ok bool) {
	f, err := h.tree.open(s.name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	if f.dir || f.stamp != s.stamp {
		return "", false
	}
	sum := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{h.cancellable(sum)}, struct{ io.Reader }{f}, make([]byte, 256<<10))
	after, statErr := f.restamp()
	if err != nil || statErr != nil || n != s.stamp.size || after != s.stamp {
		return "", false
	}
	return tagOf([sha256.Size]byte(sum.Sum(nil)), c), true
}

// cancellable returns a writer into sum that fails when the handler is closed.
func (h *Handler) cancellable(sum hash.Hash) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		if h.jobs.stopping() {
			return 0, errClosed
		}
		return sum.Write(p)
	})
}

var errClosed = errors.New("the handler is closed")

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
