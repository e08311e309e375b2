package monitor

import (
	"sync"
	"time"

	"freshet/cache"
)

// A stock is a list of what a cache holds, made anew when somebody looks. A
// large cache takes a moment to list: until that is done for the first time,
// those who look get what has been listed so far; afterwards they get the list
// before. So nobody waits long, and the list is made once for all.
//
// Memory: about 160 bytes for each of at most maxStock keys, twice while a new
// list is made, and none once nobody has looked for stockKept.
type stock struct {
	mu      sync.Mutex // guards the rest
	whole   *listing   // the last one that is complete; nil: none
	next    *listing   // that is being made; nil: none
	closed  bool
	forget  *time.Timer
	running sync.WaitGroup
}

// A listing is what was listed. Rows are only appended to.
type listing struct {
	begun  time.Time
	took   time.Duration
	rows   []cache.ObjectInfo
	capped bool // there was more than maxStock
	done   chan struct{}
}

const (
	maxStock   = 1 << 21
	stockKept  = time.Minute
	stockFirst = 40 * time.Millisecond // how long one waits for the first list
	stockShare = 20                    // a list is at least this many times as old as it took
)

// A view is what there is of a listing at a moment.
type stockView struct {
	rows   []cache.ObjectInfo
	at     time.Time
	whole  bool
	capped bool
}

// look returns a list of what objects yields, at most a second old or so.
func (s *stock) look(objects func(yield func(cache.ObjectInfo) bool), now func() time.Time) stockView {
	s.mu.Lock()
	fresh := s.whole != nil && now().Sub(s.whole.begun) < max(time.Second, stockShare*s.whole.took)
	if !fresh && s.next == nil && !s.closed {
		s.next = &listing{begun: now(), done: make(chan struct{})}
		s.running.Add(1)
		go s.list(s.next, objects, now)
	}
	if s.forget != nil {
		s.forget.Stop()
	}
	if !s.closed {
		s.forget = time.AfterFunc(stockKept, s.drop)
	}
	next, whole := s.next, s.whole
	s.mu.Unlock()
	if next != nil && !fresh {
		wait := time.NewTimer(stockFirst)
		select {
		case <-next.done:
		case <-wait.C:
		}
		wait.Stop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.whole != nil:
		return stockView{s.whole.rows, s.whole.begun, true, s.whole.capped}
	case s.next != nil:
		return stockView{s.next.rows, s.next.begun, false, false}
	case whole != nil:
		return stockView{whole.rows, whole.begun, true, whole.capped}
	}
	return stockView{}
}

// list makes a listing.
func (s *stock) list(l *listing, objects func(yield func(cache.ObjectInfo) bool), now func() time.Time) {
	defer s.running.Done()
	const batch = 4096
	var rows []cache.ObjectInfo
	stopped := false
	publish := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.rows, stopped = rows, s.closed
	}
	objects(func(o cache.ObjectInfo) bool {
		if len(rows) == maxStock {
			l.capped = true
			return false
		}
		if rows = append(rows, o); len(rows)%batch == 0 {
			publish()
		}
		return !stopped
	})
	publish()
	s.mu.Lock()
	defer s.mu.Unlock()
	l.took = now().Sub(l.begun)
	s.whole, s.next = l, nil
	close(l.done)
}

// drop lets go what nobody looks at.
func (s *stock) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = nil
}

// stale makes the next look make a new list, after a change.
func (s *stock) stale() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = nil
}

// close waits for a list that is being made.
func (s *stock) close() {
	s.mu.Lock()
	s.closed = true
	if s.forget != nil {
		s.forget.Stop()
	}
	s.mu.Unlock()
	s.running.Wait()
}
