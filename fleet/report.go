package fleet

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"freshet/internal/field"
)

// Report is what a server says of itself, every few seconds. Sizes are in
// bytes; what is not known is nil or zero.
type Report struct {
	Version string `json:"version,omitempty"`
	// Config names the configuration in force, so that servers can be compared;
	// "": it has none.
	Config  string    `json:"config,omitempty"`
	Started time.Time `json:"started,omitzero"`
	// Run tells one life of the process from another.
	Run        string      `json:"run,omitempty"`
	Processors int         `json:"processors,omitempty"`
	Load       *[3]float64 `json:"load,omitempty"` // over 1, 5 and 15 minutes
	Memory     Memory      `json:"memory,omitzero"`
	Disk       *Disk       `json:"disk,omitempty"`
	Cache      *Stored     `json:"cache,omitempty"`
	Requests   *float64    `json:"requests,omitempty"` // a second, in the last minute
	Tasks      *Tasks      `json:"tasks,omitempty"`    // nil: it runs none
	Clock      *Clock      `json:"clock,omitempty"`
	Purges     *Place      `json:"purges,omitempty"`
	// Tickets says that it serves over TLS, and takes the keys of session tickets.
	Tickets bool `json:"tickets,omitempty"`
	// Leaving says that it ends in good order, and reports no more.
	Leaving bool `json:"leaving,omitempty"`
}

// Memory is that of the machine, and what the process has of it.
type Memory struct {
	Total     int64 `json:"total,omitempty"`
	Available int64 `json:"available,omitempty"`
	Ours      int64 `json:"ours,omitempty"`
}

// Disk is that of the server's folder.
type Disk struct {
	Total int64 `json:"total"`
	Free  int64 `json:"free"`
}

// Stored is what a cache has.
type Stored struct {
	Objects int64    `json:"objects"`
	Bytes   int64    `json:"bytes"`
	Hits    *float64 `json:"hits,omitempty"` // of the requests of the last minute, 0 to 1; nil: there were none
}

// Tasks is what a worker does.
type Tasks struct {
	State    string            `json:"state"` // StateWorking to StateQuarantined
	Why      string            `json:"why,omitempty"`
	Until    time.Time         `json:"until,omitzero"` // of a quarantine, by its own clock
	Running  int               `json:"running"`
	Capacity int               `json:"capacity"`
	Labels   map[string]string `json:"labels,omitempty"`
	Pools    []string          `json:"pools,omitempty"`
}

// Clock compares a server's with the hub's.
type Clock struct {
	Offset time.Duration `json:"offset"` // the hub's time minus the server's
	Round  time.Duration `json:"round"`  // how long question and answer took; the offset is wrong by half of it at most
}

// Place is how far a server is in the purges of its fleet.
type Place struct {
	Entry uint64 `json:"entry"`
	// Held says that it validates all that it has stored, until it has caught up.
	Held bool `json:"held,omitempty"`
}

// The states of servers.
const (
	StateServing     = "serving"     // it runs no tasks
	StateWorking     = "working"     // it takes tasks
	StateLocked      = "locked"      // it takes none
	StateDraining    = "draining"    // it takes none, and ends when those that run are over
	StateDrained     = "drained"     // they are
	StateQuarantined = "quarantined" // it could not start some, and takes none for a while
	StateAway        = "away"        // it has not reported for awayAfter, or its connection has ended
	StateInvited     = "invited"     // it has a token, and has not reported since the hub was started
)

// What a report says is the server's own word: it is shown, and decides nothing
// but what becomes of its own tasks. Its bounds:
const (
	maxReport = 16 << 10 // bytes
	maxText   = 100      // of a text, in characters
	maxWhy    = 300
	maxOffers = 64 // labels, pools
)

// readReport reads a report, and brings what it says within bounds.
func readReport(text []byte) (*Report, error) {
	if len(text) > maxReport {
		return nil, fmt.Errorf("a report has %d bytes at most", maxReport)
	}
	r := &Report{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, err
	}
	r.tame()
	return r, nil
}

// tame brings what a report says within bounds. What it points at stays as it
// is.
func (r *Report) tame() {
	r.Version, r.Config, r.Run = oneLine(r.Version, maxText), oneLine(r.Config, 16), oneLine(r.Run, 32)
	r.Processors = max(r.Processors, 0)
	if r.Load != nil {
		load := *r.Load
		for i := range load {
			load[i] = bounded(load[i], 1e6)
		}
		r.Load = &load
	}
	r.Memory = Memory{max(r.Memory.Total, 0), max(r.Memory.Available, 0), max(r.Memory.Ours, 0)}
	if d := r.Disk; d != nil {
		r.Disk = &Disk{max(d.Total, 0), max(d.Free, 0)}
	}
	if c := r.Cache; c != nil {
		r.Cache = &Stored{max(c.Objects, 0), max(c.Bytes, 0), share(c.Hits, 1)}
	}
	r.Requests = share(r.Requests, 1e9)
	if r.Tasks != nil {
		r.Tasks = r.Tasks.tamed()
	}
	if c := r.Clock; c != nil {
		r.Clock = &Clock{c.Offset, max(c.Round, 0)}
	}
}

func (t *Tasks) tamed() *Tasks {
	to := &Tasks{State: t.State, Why: oneLine(t.Why, maxWhy), Until: t.Until, Running: max(t.Running, 0), Capacity: max(t.Capacity, 0), Labels: map[string]string{}}
	switch t.State {
	case StateWorking, StateLocked, StateDraining, StateDrained, StateQuarantined:
	default:
		to.State = StateWorking
	}
	for name, value := range t.Labels {
		if len(to.Labels) < maxOffers {
			to.Labels[oneLine(name, maxText)] = oneLine(value, maxText)
		}
	}
	for _, pool := range t.Pools[:min(len(t.Pools), maxOffers)] {
		to.Pools = append(to.Pools, oneLine(pool, maxText))
	}
	return to
}

// share is a number within 0 and most, if it is known.
func share(v *float64, most float64) *float64 {
	if v == nil {
		return nil
	}
	within := bounded(*v, most)
	return &within
}

// bounded is v within 0 and most.
func bounded(v, most float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, 0), most)
}

// oneLine is a text in one line, of so many characters at most, without what
// terminals obey.
func oneLine(text string, most int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if field.Obeyed(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return text
}
