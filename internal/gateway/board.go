package gateway

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Board is what runs, for people to look at and to stop. The zero value is
// empty.
type Board struct {
	mu   sync.Mutex // guards what follows
	last uint64
	runs map[uint64]*Run
}

// Run is one program that runs, or one request that a backend works on. Its
// exported fields must not change once it was added.
type Run struct {
	Kind    string // "cgi", "fastcgi", "worker"
	Request string // the request's name; "" for a worker
	Script  string // file of the program, or address of the backend
	Method  string
	URL     string
	Client  string // address
	PID     int    // 0 when it is not ours
	Started time.Time

	// Stop ends it; called at most once.
	Stop func()
	// Usage, when not nil, tells processor time and memory (octets) so far.
	Usage func() (cpu time.Duration, memory int64)

	Sent atomic.Int64 // octets of the answer's body so far

	id      uint64
	stopped atomic.Bool
	said    atomic.Pointer[string]
}

// Say keeps the last line of the program's standard error.
func (r *Run) Say(line string) { r.said.Store(&line) }

// Said returns the last line of the program's standard error.
func (r *Run) Said() string {
	if s := r.said.Load(); s != nil {
		return *s
	}
	return ""
}

// Stopped reports whether somebody asked that it be stopped.
func (r *Run) Stopped() bool { return r.stopped.Load() }

// ID returns the number that Board.Stop takes; 0 before it was added.
func (r *Run) ID() uint64 { return r.id }

// Add shows r.
func (b *Board) Add(r *Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runs == nil {
		b.runs = make(map[uint64]*Run)
	}
	b.last++
	r.id = b.last
	b.runs[r.id] = r
}

// Remove takes r away.
func (b *Board) Remove(r *Run) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.runs, r.id)
}

// Runs returns what is shown, the oldest first.
func (b *Board) Runs() []*Run {
	b.mu.Lock()
	runs := make([]*Run, 0, len(b.runs))
	for _, r := range b.runs {
		runs = append(runs, r)
	}
	b.mu.Unlock()
	slices.SortFunc(runs, func(x, y *Run) int { return cmp.Compare(x.id, y.id) })
	return runs
}

// Stop has one end, and reports whether it was shown.
func (b *Board) Stop(id uint64) bool {
	b.mu.Lock()
	r := b.runs[id]
	b.mu.Unlock()
	if r == nil {
		return false
	}
	if !r.stopped.Swap(true) && r.Stop != nil {
		r.Stop()
	}
	return true
}
