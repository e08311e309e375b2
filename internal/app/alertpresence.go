package app

import (
	"math"
	"time"

	"freshet/fleet"
	"freshet/internal/alert"
)

// presence is which servers of the fleet have been heard of. It outlives a restart
// of the hub, after which nothing is known of a server until it reports: one that
// was away is so still, and one that was there has to come back.
type presence struct {
	began time.Time     // the first look of this process
	ran   time.Duration // at the last look, as sampler.ran
	heard map[string]heardOf
}

// heardOf is a server that was heard of and has not said goodbye.
type heardOf struct {
	Away time.Time     `json:"away,omitzero"` // since when it is away; zero: it is not
	For  time.Duration `json:"for,omitzero"`  // how long that is: it never becomes less
}

// same reports whether nothing has changed that has to be saved at once.
func (h heardOf) same(other heardOf) bool { return h.Away.Equal(other.Away) }

// look returns how long servers are away, and notes it. From the first look on
// that grows as time passes, whatever is done to the clock.
func (p *presence) look(list []fleet.Server, now time.Time, ran time.Duration) (all []alert.Reading) {
	first := p.began.IsZero()
	if first {
		p.began, p.ran = now, ran
	}
	is := make(map[string]heardOf, len(list))
	for i := range list {
		one := &list[i]
		h, known := p.heard[one.Name]
		was := !first && !h.Away.IsZero()
		switch one.State {
		case fleet.StateInvited:
			if !known {
				all = append(all, alert.Reading{Subject: one.Name, Value: math.NaN()})
				continue
			}
			if h.Away.IsZero() {
				h.Away = p.began
			}
		case fleet.StateAway:
			if h.Away.IsZero() {
				h.Away = one.Away
			}
		default:
			h = heardOf{}
		}
		r := alert.Reading{Subject: one.Name}
		if !h.Away.IsZero() {
			if was {
				h.For += ran - p.ran
			} else {
				h.For = max(h.For, now.Sub(h.Away))
			}
			r.Value = h.For.Seconds()
		}
		all = append(all, r)
		if one.State != fleet.StateDrained && !one.Hub {
			is[one.Name] = h
		}
	}
	p.heard, p.ran = is, ran
	return all
}
