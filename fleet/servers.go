package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"freshet/internal/bus"
	"freshet/jobs"
)

// Server is what the hub knows of a server of its fleet, which it is one of.
type Server struct {
	Name    string    `json:"name"`
	Hub     bool      `json:"hub,omitempty"`
	State   string    `json:"state"`              // one of StateServing to StateInvited
	Seen    time.Time `json:"seen,omitzero"`      // its last report
	Away    time.Time `json:"away,omitzero"`      // since when; zero: it is not
	Address string    `json:"address,omitempty"`  // that it is connected from
	Wanted  string    `json:"wanted,omitempty"`   // "lock" or "drain", if it was told so
	Wrong   []string  `json:"wrong,omitempty"`    // in words
	Ended   int64     `json:"finished,omitempty"` // tasks, since the queue was started
	Lost    int64     `json:"lost,omitempty"`     // that it gave back, or that were taken from it
	// Sealing is how much is sealed of what the fleet keeps on NATS, of the hub if it
	// has keys.
	Sealing *Sealing `json:"sealing,omitempty"`
	// Behind: it is a peer, and has not got all from the others yet.
	Behind bool `json:"behind,omitempty"`
	Report
}

// Servers lists this server, and then those that have a token, by name.
func (n *Node) Servers(ctx context.Context) ([]Server, error) {
	workers, err := n.scheduler.Workers(ctx)
	if err != nil {
		return nil, err
	}
	now := n.roll.now()
	list := []Server{n.itself(now)}
	for _, one := range n.Invited() {
		if !one.Peer {
			list = append(list, n.roll.server(one, now))
		}
	}
	for i := range list {
		at, found := slices.BinarySearchFunc(workers, list[i].Name, func(w jobs.WorkerInfo, name string) int { return strings.Compare(w.Node, name) })
		if found {
			list[i].Ended, list[i].Lost = workers[at].Finished, workers[at].Lost
		}
	}
	if n.peers {
		if err := n.behind(ctx, list); err != nil {
			n.log.Debug("which peers have all is not known", "err", err)
		}
	}
	judge(list, now)
	return list, nil
}

// behind marks the peers that have not got all yet.
func (n *Node) behind(ctx context.Context, list []Server) error {
	names, err := n.conn.Behind(ctx)
	for i := range list {
		list[i].Behind = slices.Contains(names, list[i].Name)
	}
	return err
}

// itself is this server.
func (n *Node) itself(now time.Time) Server {
	s := Server{Name: n.name, Hub: true, Seen: now.Round(0), Wanted: n.roll.wants.of(n.name).Do, Sealing: n.sealing.now(), Report: n.own.report()}
	s.State = s.Tasks.State
	return s
}

// server is what is known of one that has a token.
func (r *roll) server(from bus.Node, now time.Time) Server {
	s := Server{Name: from.Name, Address: from.Address, State: StateInvited, Wanted: r.wants.of(from.Name).Do}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.by[from.Name]
	if p == nil {
		return s
	}
	s.Report, s.Seen = p.report, p.seen.Round(0)
	switch {
	case from.Conns == 0 && !p.cut.IsZero():
		s.Away = p.cut
	case from.Conns == 0:
		s.Away = now
	case now.Sub(p.seen) >= awayAfter, p.report.Leaving:
		s.Away = p.seen
	}
	switch {
	case !s.Away.IsZero() && p.report.Leaving && p.report.Tasks != nil && p.report.Tasks.State == StateDrained:
		s.State = StateDrained
	case !s.Away.IsZero():
		s.State = StateAway
	case p.report.Tasks != nil:
		s.State = p.report.Tasks.State
	default:
		s.State = StateServing
	}
	s.Away = s.Away.Round(0)
	return s
}

// Want has a server do something: "lock", so that it takes no further tasks;
// "drain", so that a worker ends, too, when those that run are over; "release",
// so that it takes tasks again, also from a quarantine. It is told with the
// answer to the server's next report, and kept: a server that is started anew is
// told, too.
func (n *Node) Want(ctx context.Context, name, do string) error {
	if do != doLock && do != doDrain && do != doRelease {
		return wrong(fmt.Errorf("%q is nothing that a server can do; there are lock, drain and release", oneLine(do, maxText)))
	}
	if name != n.name {
		at := slices.IndexFunc(n.Invited(), func(one bus.Node) bool { return one.Name == name && !one.Peer })
		if at < 0 {
			return wrong(fmt.Errorf("there is no server called %q; freshet servers shows them", oneLine(name, maxText)))
		}
		if n.roll.servesOnly(name) {
			return wrong(fmt.Errorf("%s runs no tasks", name))
		}
	}
	if err := n.roll.want(ctx, name, do); err != nil {
		return err
	}
	if name == n.name {
		n.obey()
	}
	return nil
}

// servesOnly reports whether a server has said that it runs no tasks.
func (r *roll) servesOnly(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.by[name]
	return p != nil && p.report.Tasks == nil
}

// obey has this server do what is wanted of it.
func (n *Node) obey() {
	w := n.roll.wants.of(n.name)
	n.own.obey(&heard{Do: w.Do, Serial: w.Serial})
}

// takeOver gives the tasks of a worker that is gone to others. It would lose
// them anyway when its leases are over.
func (n *Node) takeOver(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	leases, err := n.scheduler.Leases(ctx, name)
	if err != nil {
		return // they end by themselves
	}
	for _, l := range leases {
		n.desk.give(l)
	}
}
