package alert

import "time"

// mostDrift is how far a clock may be off after a step without having been set.
const mostDrift = time.Second

// shift moves times by which alerts are judged by as much as the clock was set since
// the last step. At the first one the day in which nothing is known of an alert
// begins anew: nobody has looked for it before.
func (m *Machine) shift(now time.Time) {
	last := m.last
	m.last = now
	if last.IsZero() {
		for _, a := range m.alerts {
			a.Known = now.Round(0).UTC()
		}
		return
	}
	lap := now.Sub(last)
	if m.lap != nil {
		lap = m.lap(last, now)
	}
	set := now.Round(0).Sub(last.Round(0)) - lap
	if set.Abs() <= mostDrift {
		return
	}
	move := func(t *time.Time) {
		if !t.IsZero() {
			*t = t.Add(set)
		}
	}
	for _, a := range m.alerts {
		move(&a.Told)
		move(&a.Well)
		move(&a.Known)
		if a.State != Raised { // since when it is raised is only shown
			move(&a.Since)
		}
		for i := range a.Before {
			move(&a.Before[i])
		}
	}
	for _, l := range m.lacks {
		move(&l.since)
	}
}

// unwind moves times that have not come yet to now: the clock was set back.
func (m *Machine) unwind(now time.Time) {
	for _, a := range m.alerts {
		for _, t := range []*time.Time{&a.Since, &a.Raised, &a.Told, &a.Well, &a.Known} {
			if t.After(now) {
				*t = now
			}
		}
		for i := range a.Before {
			if a.Before[i].After(now) {
				a.Before[i] = now
			}
		}
	}
}
