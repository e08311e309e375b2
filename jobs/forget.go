package jobs

import (
	"slices"
	"time"
)

// forgetMost is how many jobs of a kind are forgotten in one entry.
const forgetMost = 256

// ends are the lists of jobs that are over, with what bounds them.
func (s *Scheduler) ends() [2]struct {
	list *[]ending
	keep time.Duration
	n    int64
} {
	m := &s.m
	return [2]struct {
		list *[]ending
		keep time.Duration
		n    int64
	}{
		{&m.finished, s.options.Keep, m.jobs[Succeeded] + m.jobs[Cancelled]},
		{&m.broken, s.options.KeepFailed, m.jobs[Failed] + m.jobs[Dead]},
	}
}

// current says whether an item of the lists is still true.
func (s *Scheduler) current(e ending) *job {
	if j := s.m.find(e.num); j != nil && j.state.Final() && j.touched == e.at {
		return j
	}
	return nil
}

// forgets is when the next finished job is to be forgotten; zero: none is known.
func (s *Scheduler) forgets() time.Time {
	var at time.Time
	for _, e := range s.ends() {
		if len(*e.list) == 0 {
			continue
		}
		t := time.UnixMilli((*e.list)[0].at).Add(e.keep)
		if e.n > int64(s.options.KeepJobs) {
			t = s.now()
		}
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}

// forget forgets jobs that are over for long enough, or are too many.
func (s *Scheduler) forget() error {
	for _, e := range s.ends() {
		before := s.now().Add(-e.keep).UnixMilli()
		for n := 0; n < forgetMost && len(*e.list) > 0 && s.room(); n++ {
			first := (*e.list)[0]
			j := s.current(first)
			if j != nil && first.at > before && e.n <= int64(s.options.KeepJobs) {
				break
			}
			*e.list = (*e.list)[1:]
			if j == nil {
				continue // it was tried again, and stands in the list once more
			}
			if s.m.waitedFor(j) {
				s.m.held[j.num] = struct{}{}
				continue
			}
			if err := s.emit(&event{kind: evForgotten, job: j.num}); err != nil {
				return err
			}
			e.n--
		}
		if len(*e.list) > 2*int(e.n)+1000 {
			*e.list = slices.DeleteFunc(*e.list, func(x ending) bool { return s.current(x) == nil })
		}
	}
	return nil
}
