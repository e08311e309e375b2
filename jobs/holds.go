package jobs

import "context"

// Holds says whether a worker has a task still, by the leases: so it knows of
// workers, too, that have not asked this scheduler for a task. ErrLost: the task
// was never given to it with this lease, or to another one since.
func (s *Scheduler) Holds(ctx context.Context, worker string, l Lease) (bool, error) {
	running := false
	err := s.look(ctx, func() error {
		j, pos, err := s.m.leased(l)
		if err != nil {
			return err
		}
		t := j.task(pos)
		if t.worker != worker || int(t.attempt) != l.Attempt {
			return ErrLost
		}
		running = t.state == Running
		return nil
	})
	if err != nil {
		return false, err
	}
	return running, nil
}

// Leases are those of all tasks that a worker has.
func (s *Scheduler) Leases(ctx context.Context, worker string) ([]Lease, error) {
	var list []Lease
	err := s.look(ctx, func() error {
		for e := s.leases.order.Front(); e != nil; e = e.Next() {
			l := e.Value.(*lease)
			if l.worker != worker {
				continue
			}
			if j := s.m.find(l.job); j != nil {
				list = append(list, Lease{makeID(l.job), j.number(l.pos), int(j.task(l.pos).attempt), l.token})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}
