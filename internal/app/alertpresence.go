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
	began time.Time // the first look of this process
	heard map[string]heardOf
}

// heardOf is a server that was heard of and has not said goodbye.
type heardOf struct {
	Away time.Time `json:"away,omitzero"` // since when it is away; zero: it is not
}

// look returns how long servers are away, and notes it.
func (p *presence) look(list []fleet.Server, now time.Time) (all []alert.Reading) {
	if p.began.IsZero() {
		p.began = now
	}
	is := make(map[string]heardOf, len(list))
	for i := range list {
		one := &list[i]
		h, known := p.heard[one.Name]
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
			h.Away = time.Time{}
		}
		r := alert.Reading{Subject: one.Name}
		if !h.Away.IsZero() {
			r.Value = now.Sub(h.Away).Seconds()
		}
		all = append(all, r)
		if one.State != fleet.StateDrained && !one.Hub {
			is[one.Name] = h
		}
	}
	p.heard = is
	return all
}
