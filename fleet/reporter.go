package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"freshet/internal/pulse"
	"freshet/internal/worker"
)

// callReport is what servers call to report themselves.
const callReport = "fleet.report"

// How often a server reports, how long it waits for an answer, and for that to
// its last report.
const (
	reportEvery  = 5 * time.Second
	reportWithin = 4 * time.Second
	leaveReport  = time.Second
	// firstWithin is how long a worker waits to be told whether it is to take
	// tasks, before it does.
	firstWithin = 15 * time.Second
	// againAfter is when it is asked again until then.
	againAfter = time.Second
)

// heard is the answer to a report.
type heard struct {
	Received time.Time `json:"received"` // by the hub's clock
	Sent     time.Time `json:"sent"`
	Do       string    `json:"do,omitempty"` // doLock, doDrain; "": work
	Serial   uint64    `json:"serial,omitempty"`
	Tickets  []byte    `json:"tickets,omitempty"` // keys of session tickets
	Hubs     []string  `json:"hubs,omitempty"`    // where the fleet may be found, when this hub is not there any more
}

// What a server can be told to do.
const (
	doLock    = "lock"
	doDrain   = "drain"
	doRelease = "release"
)

// reporter reports one server to its hub, and does what the hub answers.
type reporter struct {
	ask     func(ctx context.Context, report []byte) ([]byte, error)
	figures func(*Report)  // adds what only the process knows; nil: nothing
	tickets func([]byte)   // is given keys of session tickets; nil: nobody
	learn   func([]string) // is told where else the fleet may be found; nil: nobody
	place   func() *Place  // in the purges; nil: it does not follow them
	worker  *worker.Worker // nil: it runs no tasks
	stays   bool           // it does not end when it is drained
	dir     string
	run     string
	every   time.Duration
	now     func() time.Time
	log     *slog.Logger

	told chan struct{} // closed when it is known what is to be done

	mu     sync.Mutex // guards what follows; a leaf
	clock  *Clock
	heard  bool
	did    string // what was last told
	serial uint64
}

func newReporter(ask func(context.Context, []byte) ([]byte, error)) *reporter {
	return &reporter{ask: ask, run: rand.Text(), every: reportEvery, now: time.Now, log: slog.Default(), told: make(chan struct{})}
}

// report is how the server is now.
func (r *reporter) report() Report {
	report := measured(r.dir)
	report.Run = r.run
	if r.figures != nil {
		r.figures(&report)
	}
	report.Tickets = r.tickets != nil
	if r.place != nil {
		report.Purges = r.place()
	}
	r.mu.Lock()
	report.Clock = r.clock
	stays := r.stays && r.did == doDrain
	r.mu.Unlock()
	if r.worker != nil {
		report.Tasks = tasksOf(r.worker, stays)
	}
	report.tame()
	return report
}

// loop reports until ctx ends, and then once more, that it leaves.
func (r *reporter) loop(ctx context.Context) {
	next := time.NewTimer(r.every)
	defer next.Stop()
	for unheard := 0; ; {
		switch err := r.once(ctx, false, reportWithin); {
		case err == nil:
			unheard = 0
		case ctx.Err() == nil:
			// Two in a row are missed whenever the hub is started anew.
			if unheard++; unheard == 3 {
				r.log.Warn("the hub does not hear how this server is; it goes on", "err", err)
			}
		}
		wait := pulse.Within(time.Now(), r.every)
		if r.isNew() {
			wait = min(wait, againAfter)
		}
		next.Reset(wait)
		select {
		case <-next.C:
		case <-ctx.Done():
			r.once(context.Background(), true, leaveReport) // without it, it is seen that the connection ends
			return
		}
	}
}

// isNew reports whether nothing was told yet.
func (r *reporter) isNew() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.heard
}

// await waits until it is known what is to be done, but not for ever.
func (r *reporter) await(ctx context.Context) {
	late := time.NewTimer(firstWithin)
	defer late.Stop()
	select {
	case <-r.told:
	case <-late.C:
	case <-ctx.Done():
	}
}

// once reports, and does what it is told.
func (r *reporter) once(ctx context.Context, leaving bool, wait time.Duration) error {
	report := r.report()
	report.Leaving = leaving
	text, err := json.Marshal(&report)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	asked := r.now()
	answer, err := r.ask(ctx, text)
	if err != nil {
		return err
	}
	answered := r.now()
	var h heard
	if err := json.Unmarshal(answer, &h); err != nil {
		return err
	}
	r.compare(asked, answered, &h)
	if r.learn != nil && len(h.Hubs) > 0 {
		r.learn(h.Hubs)
	}
	if r.tickets != nil && len(h.Tickets) > 0 {
		r.tickets(h.Tickets)
	}
	if !leaving {
		r.obey(&h)
	}
	return nil
}

// compare learns how far the hub's clock is from ours, as in NTP (RFC 5905 §8):
// the question took as long as the answer, or else the offset is wrong by half
// of the round trip at most. asked and answered have readings of the monotonic
// clock, so that a clock that is set meanwhile does not matter.
func (r *reporter) compare(asked, answered time.Time, h *heard) {
	round := max(answered.Sub(asked)-max(h.Sent.Sub(h.Received), 0), 0)
	there := h.Sent.Add(round / 2) // the hub's time when the answer came
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock = &Clock{Offset: there.Round(0).Sub(answered.Round(0)), Round: round}
}

// obey does what the hub wants, if that is new.
func (r *reporter) obey(h *heard) {
	r.mu.Lock()
	first := !r.heard
	news := first || h.Do != r.did || h.Serial != r.serial
	r.heard, r.did, r.serial = true, h.Do, h.Serial
	r.mu.Unlock()
	if first {
		defer close(r.told)
	}
	if !news || r.worker == nil {
		return
	}
	switch {
	case h.Do == doDrain && !r.stays:
		r.log.Info("this worker is drained: it takes no more tasks, and ends when those that run are over")
		r.worker.Drain()
	case h.Do == doDrain, h.Do == doLock:
		r.log.Info("this server is locked: it takes no more tasks until it is released", "told", h.Do)
		r.worker.Lock()
	case h.Serial != 0:
		if !first {
			r.log.Info("this server is released: it takes tasks")
		}
		r.worker.Unlock()
	}
}
