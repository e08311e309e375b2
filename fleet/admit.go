package fleet

import (
	"context"
	"fmt"
	"time"

	"freshet/internal/bus"
)

// What the connections of the server itself are called. A worker of such a name
// would hear what is answered to them.
const (
	ownDesk      = "desk"
	ownScheduler = "scheduler"
)

// admit lets workers of other machines in.
func (n *Node) admit(addr string) error {
	if addr == "" {
		return nil
	}
	if n.server == nil {
		return bus.ErrAbsent
	}
	open, err := n.server.Open(bus.Listen{Addr: addr})
	if err != nil {
		return mistaken(err)
	}
	n.address = open.String()
	conn, err := n.server.Connect(ownDesk)
	if err != nil {
		return err
	}
	n.keep(func() error { conn.Close(); return nil })
	n.hints = conn
	d := &desk{queue: n.scheduler, logs: n.logs, outputs: n.outputs, inputs: n.inputs}
	n.desk = d
	stop, err := d.serve(conn)
	if err != nil {
		return err
	}
	n.keep(func() error { stop(); return nil })
	stopReports, err := conn.ServeWith(callReport, bus.ServeOptions{PerCaller: 4}, n.roll.hear)
	if err != nil {
		return err
	}
	n.keep(func() error { stopReports(); return nil })
	if err := n.serveCertificates(conn); err != nil {
		return err
	}
	if n.shared != nil {
		if err := n.shared.admit(n); err != nil {
			return err
		}
	}
	watching, end := context.WithCancel(context.Background())
	n.ended.Go(func() { d.claims.watch(watching, n.connected) })
	n.ended.Go(func() {
		n.roll.watch(watching, n.connected, func(name string) { n.ended.Go(func() { n.takeOver(name) }) })
	})
	before := n.stop
	n.stop = func() { end(); before() }
	return nil
}

// connected are the workers that have a connection.
func (n *Node) connected() map[string]bool {
	there := map[string]bool{}
	for _, one := range n.server.Nodes() {
		if one.Conns > 0 {
			there[one.Name] = true
		}
	}
	return there
}

// Address is where workers may join; "" if they may not.
func (n *Node) Address() string { return n.address }

// ownName reports whether a name is one of the connections that a hub has to
// itself.
func ownName(name string) bool {
	return name == ownDesk || name == ownScheduler || name == ownPurges
}

// Invite makes a token for a worker, which is its name from then on: letters,
// digits, - and _. It ends after a time; 0: never. Who has the token is that
// worker, so it is a secret.
func (n *Node) Invite(name string, life time.Duration) (token string, err error) {
	return n.invite(name, life, false)
}

// InviteServer makes a token for a further server, as Invite does. Beyond what a
// worker may it gets the certificates of the fleet, with their keys, and those of
// session tickets.
func (n *Node) InviteServer(name string, life time.Duration) (token string, err error) {
	return n.invite(name, life, true)
}

func (n *Node) invite(name string, life time.Duration, serves bool) (token string, err error) {
	if n.address == "" {
		return "", errClosedFleet
	}
	if ownName(name) || name == n.name {
		return "", wrong(fmt.Errorf("%s is a name of the server's own; choose another one", name))
	}
	o := bus.TokenOptions{Name: name, Serves: serves}
	if life > 0 {
		o.Until = time.Now().Add(life)
	}
	return n.server.Token(o)
}

var errClosedFleet = fmt.Errorf("%w: the server lets no workers join; start it with --fleet ADDR", errBad)

// Revoke ends the token of a worker, and its connections.
func (n *Node) Revoke(name string) error {
	if n.server == nil {
		return bus.ErrAbsent
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if err := n.server.Revoke(name); err != nil {
		return err
	}
	if n.purges != nil {
		n.purges.prune()
	}
	if n.desk != nil {
		n.takeOver(name) // it is heard no more
	}
	return n.roll.forget(ctx, name)
}

// Invited are those who have a token.
func (n *Node) Invited() []bus.Node {
	if n.server == nil {
		return nil
	}
	return n.server.Nodes()
}
