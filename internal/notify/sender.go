package notify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"freshet/internal/alert"
)

// A Way is how notices travel.
type Way interface {
	// Name says which it is, for people; it has no secret.
	Name() string

	// ID is the same for the same way after a restart, and another for each other
	// one; it has no secret either.
	ID() string

	// Send sends all of some notices, and says that others were dropped before.
	// ErrRefused says that it is of no use to try them again, ErrApart that it is of
	// none to try them together: each may be taken by itself.
	Send(ctx context.Context, notices []alert.Notice, dropped int64) error

	// Most is how many notices go at once.
	Most() int
}

// ErrRefused and ErrApart are how a Send can end besides.
var (
	ErrRefused = errors.New("refused")
	ErrApart   = errors.New("refused together")
)

// Options say how a Sender behaves.
type Options struct {
	Queue int           // notices that wait; 0: 100
	Retry time.Duration // pause after a first failure; 0: a minute. Further ones are four times as long each, an hour at most.
	Keep  time.Duration // how long a notice is tried for, from Add on; 0: a day

	Log *slog.Logger // nil: nothing is told

	// Changed is called when notices have left the queue, without a lock; may be nil.
	Changed func()
}

const (
	defaultQueue = 100
	defaultRetry = time.Minute
	maxRetry     = time.Hour
	defaultKeep  = 24 * time.Hour
)

// A Sender sends notices by one way, in their order. Its methods may be called
// at the same time.
type Sender struct {
	way  Way
	o    Options
	ctx  context.Context
	stop context.CancelFunc
	ran  sync.WaitGroup
	wake chan struct{} // of length 1

	mu      sync.Mutex // guards what follows; a leaf
	queue   []waiting  // what is put here wakes run
	untold  int64      // dropped, and nobody was told yet
	apart   int        // the first of the queue, which are sent by themselves
	state   State
	started bool
}

// A waiting notice is given up for how long it was tried for, and not for what its
// time says: the clock may have been set since.
type waiting struct {
	alert.Notice
	added  time.Time
	failed int64 // State.Failed then: there was no try for it yet
}

// State is how a Sender is.
type State struct {
	Way     string    `json:"way"`
	Waiting int       `json:"waiting"`
	Sent    int64     `json:"sent"`    // notices
	Dropped int64     `json:"dropped"` // likewise
	Failed  int64     `json:"failed"`  // tries
	Error   string    `json:"error,omitempty"`
	Last    time.Time `json:"last,omitzero"` // the last try
	Next    time.Time `json:"next,omitzero"` // the next one, after a failure
}

// NewSender returns one that keeps what is added, and sends nothing until Start.
func NewSender(way Way, o Options) *Sender {
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.Retry <= 0 {
		o.Retry = defaultRetry
	}
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	s := &Sender{way: way, o: o, wake: make(chan struct{}, 1), state: State{Way: way.Name()}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s
}

// ID is that of the way.
func (s *Sender) ID() string { return s.way.ID() }

// Start begins to send.
func (s *Sender) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.ran.Go(s.run)
	}
}

// Close ends what is going on and waits for that. What has not been sent stays in
// Waiting.
func (s *Sender) Close() {
	s.stop()
	s.ran.Wait()
}

// Add puts notices behind those that wait. What does not fit is dropped and
// counted.
func (s *Sender) Add(notices []alert.Notice) {
	s.mu.Lock()
	n := max(min(len(notices), s.o.Queue-len(s.queue)), 0)
	for i := range notices[:n] {
		s.queue = append(s.queue, waiting{notices[i], time.Now(), s.state.Failed})
	}
	s.drop(len(notices) - n)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.mu.Unlock()
	if n < len(notices) && s.o.Log != nil {
		s.o.Log.Error("notices of alerts are dropped: too many wait", "way", s.way.Name(), "dropped", len(notices)-n, "waiting", s.o.Queue)
	}
}

// drop counts, with mu held.
func (s *Sender) drop(n int) {
	s.untold += int64(n)
	s.state.Dropped += int64(n)
}

// Waiting returns what has not been sent.
func (s *Sender) Waiting() []alert.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return unwrap(s.queue)
}

func unwrap(queue []waiting) []alert.Notice {
	all := make([]alert.Notice, len(queue))
	for i := range queue {
		all[i] = queue[i].Notice
	}
	return all
}

// State returns how it is.
func (s *Sender) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.state
	state.Waiting = len(s.queue)
	return state
}

// run sends what there is, until Close.
func (s *Sender) run() {
	pause := s.o.Retry
	for {
		batch, dropped := s.next()
		if len(batch) == 0 {
			select {
			case <-s.wake:
				continue
			case <-s.ctx.Done():
				return
			}
		}
		err := s.way.Send(s.ctx, batch, dropped)
		if s.ctx.Err() != nil && err != nil {
			return
		}
		if !s.done(batch, dropped, err, pause) {
			if !s.wait(pause) {
				return
			}
			pause = min(4*pause, max(maxRetry, s.o.Retry))
			continue
		}
		pause = s.o.Retry
		if s.o.Changed != nil {
			s.o.Changed()
		}
	}
}

// next returns what is to be sent now, and how many were dropped before. What was
// tried for too long is dropped.
func (s *Sender) next() ([]alert.Notice, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := slices.DeleteFunc(slices.Clone(s.queue), func(w waiting) bool {
		return time.Since(w.added) > s.o.Keep && s.state.Failed > w.failed
	})
	if old := len(s.queue) - len(fresh); old > 0 {
		s.drop(old)
		if s.o.Log != nil {
			s.o.Log.Error("notices of alerts are given up", "way", s.way.Name(), "dropped", old, "err", s.state.Error)
		}
		s.queue = fresh
	}
	select {
	case <-s.wake: // all that it was about is seen here
	default:
	}
	n := min(len(s.queue), max(s.way.Most(), 1))
	if s.apart > 0 {
		n = min(n, 1)
	}
	return unwrap(s.queue[:n]), s.untold
}

// done takes off what was sent; it returns false when that is to be tried again
// after a pause.
func (s *Sender) done(batch []alert.Notice, dropped int64, err error, pause time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Last, s.state.Next, s.state.Error = time.Now(), time.Time{}, ""
	if err != nil {
		s.state.Error = alert.Clean(err.Error())
		s.state.Failed++
		if s.o.Log != nil {
			s.o.Log.Error("a notice of an alert was not sent", "way", s.way.Name(), "err", s.state.Error)
		}
	}
	switch {
	case err == nil:
		s.state.Sent += int64(len(batch))
		s.untold -= dropped
	case errors.Is(err, ErrApart) && len(batch) > 1:
		s.apart = len(batch)
		return true
	case errors.Is(err, ErrRefused), errors.Is(err, ErrApart):
		s.drop(len(batch))
	default:
		s.state.Next = s.state.Last.Add(pause)
		return false
	}
	s.queue = slices.Delete(s.queue, 0, len(batch))
	s.apart = max(s.apart-len(batch), 0)
	return true
}

// wait waits for the next try. A new notice does not wait as long as the others,
// but as long as after a first failure.
func (s *Sender) wait(pause time.Duration) bool {
	least := time.NewTimer(s.o.Retry)
	defer least.Stop()
	select {
	case <-least.C:
	case <-s.ctx.Done():
		return false
	}
	rest := time.NewTimer(pause - s.o.Retry)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-s.wake:
	case <-s.ctx.Done():
		return false
	}
	return true
}
