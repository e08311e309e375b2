package fleet

import (
	"context"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
)

// openPurges begins the purges of the fleet, if there may be one. The cache here
// has what it has missed when it returns.
func (n *Node) openPurges(ctx context.Context, o *Options) error {
	if n.server == nil || o.Cache == nil && o.Listen == "" {
		return nil
	}
	conn, err := n.server.Connect(ownPurges)
	if err != nil {
		return err
	}
	n.keep(func() error { conn.Close(); return nil })
	keeps := conn
	if o.cluster != nil {
		keeps = o.cluster
	}
	log, err := keeps.Log(ctx, "purges", bus.LogOptions{})
	if err != nil {
		return err
	}
	h := &hub{name: n.name, cache: o.Cache, times: o.times.or(usualTimes), log: n.log, valid: n.validNames, leads: o.leads}
	if n.shared != nil {
		err = n.shared.openPurges(ctx, h, ownLog{log, n, o.leads})
	} else {
		err = h.open(ctx, log)
	}
	if err != nil {
		return err
	}
	n.keep(func() error { h.close(); return nil })
	n.sealing.add(ofLog("purges", log, h.cutPlain))
	stop, err := conn.ServeWith(callPurges, bus.ServeOptions{Parallel: 2 * bus.MaxNodes, PerCaller: 16}, h.hear)
	if err != nil {
		return err
	}
	n.keep(func() error { h.end(); stop(); return nil })
	running, end := context.WithCancel(context.Background())
	n.ended.Go(func() { h.run(running) })
	before := n.stop
	n.stop = func() { end(); before() }
	n.purges = h
	return nil
}

// validNames are those whose token is valid.
func (n *Node) validNames() map[string]bool {
	now := time.Now()
	names := map[string]bool{}
	for _, one := range n.server.Nodes() {
		if one.Until.IsZero() || now.Before(one.Until) {
			names[one.Name] = true
		}
	}
	return names
}

// Purger purges what the whole fleet has stored; nil if there is no fleet.
func (n *Node) Purger() control.Purger {
	if n.purges == nil {
		return nil
	}
	return n.purges
}
