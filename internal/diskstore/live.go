package diskstore

import "sync"

// live counts who holds each body that has a file, so that the file of one
// that is not referenced any more goes when the last reader has gone: until
// then an object that was found can be read, and its bytes stay counted.
type live struct {
	mu     sync.Mutex // guards all below
	bodies map[uint64]*liveBody
}

type liveBody struct {
	refs int
	// path and cost are set when the file is to be removed at the end.
	path string
	cost int64
}

func (s *Store) retain(id uint64) {
	l := &s.live
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bodies[id]
	if b == nil {
		if l.bodies == nil {
			l.bodies = map[uint64]*liveBody{}
		}
		b = &liveBody{}
		l.bodies[id] = b
	}
	b.refs++
}

func (s *Store) release(id uint64) {
	l := &s.live
	l.mu.Lock()
	b := l.bodies[id]
	b.refs--
	if b.refs > 0 {
		l.mu.Unlock()
		return
	}
	delete(l.bodies, id)
	l.mu.Unlock()
	if b.path != "" {
		s.unlink(id, b.path, b.cost)
	}
}

// doom removes the file of a body, now or when nobody holds it any more.
func (s *Store) doom(id uint64, path string, cost int64) {
	l := &s.live
	l.mu.Lock()
	if b := l.bodies[id]; b != nil {
		b.path, b.cost = path, cost
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	s.unlink(id, path, cost)
}

// unlink removes a file and gives its bytes back. A file that cannot be
// removed stays counted; the next start finds it.
func (s *Store) unlink(id uint64, path string, cost int64) {
	s.seen.forget(id)
	if err := s.fs.Remove(path); err == nil || isGone(err) {
		s.budget.give(cost)
	}
}
