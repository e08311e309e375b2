package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"freshet/internal/bus"
	"freshet/internal/pulse"
)

// When a server is taken for away, and when, after its connection has ended, its
// tasks are given to others.
const (
	awayAfter = 15 * time.Second
	overAfter = 3 * time.Second
)

// roll knows how the servers of a fleet are, by what they have reported. It is
// kept in memory: they report again soon.
type roll struct {
	wants *wants
	now   func() time.Time // with a monotonic clock
	hubs  func() []string  // where else the fleet may be found; nil: nowhere

	keys   func() []byte          // of session tickets, for servers that take them; nil: none
	serves func(name string) bool // who may have them; set with keys

	mu sync.Mutex // guards by; a leaf
	by map[string]*present
}

// present is what is known of a server.
type present struct {
	report Report
	seen   time.Time // its last report
	cut    time.Time // since when it has no connection; zero: it has one
	over   bool      // its tasks were taken over since
}

func newRoll(w *wants) *roll { return &roll{wants: w, now: time.Now, by: map[string]*present{}} }

// takes reports whether a server takes tasks, as far as it is known: one that is
// wanted to take none does not, nor one that says so.
func (r *roll) takes(name string) bool {
	if r.wants.of(name).Do != "" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.by[name]
	return p == nil || p.report.Tasks == nil || p.report.Tasks.State == StateWorking
}

// hear takes a report, and answers with what its server is to do. Whose it is
// says the token, not the report.
func (r *roll) hear(ctx context.Context, q bus.Request) ([]byte, error) {
	received := r.now()
	report, err := readReport(q.Payload)
	if err != nil {
		return nil, coded(wrong(err))
	}
	if !r.note(q.From, report, received) {
		return nil, coded(wrong(fmt.Errorf("there are %d servers, and no room for more", bus.MaxNodes)))
	}
	w, err := r.orders(ctx, q.From, report.Run)
	if err != nil {
		return nil, err
	}
	h := &heard{Received: received, Do: w.Do, Serial: w.Serial}
	if r.hubs != nil {
		h.Hubs = r.hubs()
	}
	if r.keys != nil && report.Tickets && r.serves(q.From) {
		h.Tickets = r.keys()
	}
	h.Sent = r.now()
	return json.Marshal(h)
}

// note keeps a report.
func (r *roll) note(name string, report *Report, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.by[name]
	if p == nil {
		if len(r.by) >= bus.MaxNodes {
			maps.DeleteFunc(r.by, func(_ string, p *present) bool { return !p.cut.IsZero() })
		}
		if len(r.by) >= bus.MaxNodes {
			return false
		}
		p = &present{}
		r.by[name] = p
	}
	*p = present{report: *report, seen: now}
	return true
}

// orders is what a process is to do.
func (r *roll) orders(ctx context.Context, name, run string) (wish, error) {
	w := r.wants.of(name)
	if w.Do != doDrain {
		return w, nil
	}
	if w.Run == "" && run != "" {
		err := r.wants.set(ctx, name, func(w *wish) {
			if w.Do == doDrain && w.Run == "" {
				w.Run = run
			}
		})
		if err != nil {
			return w, err
		}
		w = r.wants.of(name)
	}
	if w.Do == doDrain && w.Run != run {
		w.Do = doLock
	}
	return w, nil
}

// want has a server do something.
func (r *roll) want(ctx context.Context, name, do string) error {
	r.mu.Lock()
	run := ""
	if p := r.by[name]; p != nil {
		run = p.report.Run
	}
	now := r.now()
	r.mu.Unlock()
	return r.wants.set(ctx, name, func(w *wish) {
		next := wish{Do: do, Serial: max(w.Serial+1, uint64(now.UnixNano())), Since: now.Round(0)}
		switch do {
		case doRelease:
			next.Do = ""
		case doDrain:
			if next.Run = run; run == "" && w.Do == doDrain {
				next.Run = w.Run
			}
		}
		*w = next
	})
}

// forget has a server not known any more, whose token was revoked.
func (r *roll) forget(ctx context.Context, name string) error {
	r.mu.Lock()
	delete(r.by, name)
	r.mu.Unlock()
	return r.wants.forget(ctx, name)
}

// watch looks who is connected until ctx ends. over is called once for each
// whose connection has ended, and has not come back.
func (r *roll) watch(ctx context.Context, connected func() map[string]bool, over func(name string)) {
	pulse.Each(ctx, watchEvery, func() {
		if r.empty() {
			return
		}
		for _, name := range r.look(connected()) {
			over(name)
		}
	})
}

func (r *roll) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.by) == 0
}

// look notes who is there, and returns who has been gone for long enough.
func (r *roll) look(there map[string]bool) (over []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for name, p := range r.by {
		switch {
		case there[name]:
			p.cut, p.over = time.Time{}, false
		case p.cut.IsZero():
			p.cut = now
		case !p.over && now.Sub(p.cut) >= overAfter:
			p.over = true
			over = append(over, name)
		}
	}
	return over
}
