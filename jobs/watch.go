package jobs

import (
	"context"
	"fmt"
)

// watcher is a Watch that waits for its job to change. A signal that is not
// taken yet stands for any number of changes.
type watcher struct{ signal chan struct{} }

// Watch calls f in the caller's goroutine; a slow f holds up nobody.
func (s *Scheduler) Watch(ctx context.Context, id ID, f func(Info) error) error {
	num, err := id.number()
	if err != nil {
		return err
	}
	w := &watcher{make(chan struct{}, 1)}
	err = s.ask(ctx, &request{write: func() error {
		if s.m.find(num) == nil {
			return fmt.Errorf("%w: %s", ErrUnknown, id)
		}
		if s.watching >= s.options.MaxWatching {
			return fmt.Errorf("%w: %d jobs are watched", ErrFull, s.watching)
		}
		if s.watchers[num] == nil {
			s.watchers[num] = map[*watcher]struct{}{}
		}
		s.watchers[num][w] = struct{}{}
		s.watching++
		return nil
	}})
	defer s.unwatch(num, w)
	if err != nil {
		return err
	}
	for {
		info, err := s.Job(ctx, id)
		if err != nil {
			return err
		}
		if err := f(info); err != nil {
			return err
		}
		if info.State.Final() {
			return nil
		}
		select {
		case <-w.signal:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stopped:
			return s.stoppedError()
		}
	}
}

// unwatch ends a watch that may not have begun. It does not wait: requests are
// taken in order.
func (s *Scheduler) unwatch(num uint64, w *watcher) {
	r := &request{done: make(chan error, 1), write: func() error {
		if _, ok := s.watchers[num][w]; !ok {
			return nil
		}
		s.watching--
		if delete(s.watchers[num], w); len(s.watchers[num]) == 0 {
			delete(s.watchers, num)
		}
		return nil
	}}
	select {
	case s.requests <- r:
	case <-s.stopped:
	}
}

// tell signals those who watch what has changed.
func (s *Scheduler) tell() {
	if len(s.watchers) > 0 {
		for num := range s.m.touched {
			for w := range s.watchers[num] {
				select {
				case w.signal <- struct{}{}:
				default:
				}
			}
		}
	}
	clear(s.m.touched)
}
