package fleet

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"freshet/internal/bus"
)

// Peer is a server's part in a fleet that several servers keep; see
// bus.PeerOptions.
type Peer struct {
	// Token is one of those of bus.NewPeers.
	Token string
	// Listen is where the other peers find it, host:port; "": at the address that
	// the token says.
	Listen string
}

// PeerPlace is where a peer is; see [NewPeers].
type PeerPlace = bus.PeerPlace

// NewPeers makes a token for each of a set of peers, in their order.
func NewPeers(places []PeerPlace) ([]string, error) {
	for _, p := range places {
		if ownName(p.Name) {
			return nil, fmt.Errorf("%s is a name that each server uses itself; choose another one", p.Name)
		}
	}
	return bus.NewPeers(places)
}

// The folders below Options.Dir in which NATS keeps its streams: of one hub, and of
// a peer.
const (
	busDir   = "bus"
	peersDir = "peers"
)

// peerStore is how much a peer may keep: the files that jobs come with and that
// tasks make, a quarter more for what tasks write and for what NATS keeps beside,
// and room for the logs.
func peerStore(o *Options) int64 {
	inputs, outputs := o.Inputs.MaxAll, o.Outputs
	if inputs <= 0 {
		inputs = DefaultMaxInputs
	}
	if outputs <= 0 {
		outputs = DefaultMaxOutputs
	}
	most := (float64(inputs)+float64(outputs))*1.25 + 4<<30
	return int64(min(most, 1<<60)) // either may be without a bound that counts
}

// startPeer is connect for one of several servers that keep the fleet.
func (c *candidate) startPeer() error {
	o := &c.k.o
	if bus.Holds(filepath.Join(o.Dir, busDir)) {
		return mistaken(fmt.Errorf("the folder %s has the queue of a hub that was alone, whose jobs the peers would not know; give another folder", o.Dir))
	}
	if err := probe(o.Dir); err != nil {
		return err
	}
	p, err := bus.StartPeer(bus.PeerOptions{Token: o.Peer.Token, Dir: filepath.Join(o.Dir, peersDir), Listen: o.Peer.Listen, MaxStore: peerStore(o), Seal: o.Ring, Log: o.ErrorLog})
	if errors.Is(err, bus.ErrLocked) {
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err != nil {
		return err
	}
	c.peer = p
	c.conn, err = p.Connect(o.Name)
	return err
}

// unled is a peer that knows of nobody who leads.
func (c *candidate) unled() standby {
	away, all := c.peer.Away()
	return unled(away, all, bus.Holds(filepath.Join(c.k.o.Dir, peersDir)))
}

// unled says why a peer knows of nobody who leads, when that is for the peers that
// are away. began: there are streams, so that no more than most of all are needed.
// Behind a cut most of them may be together, and have one who leads.
func unled(away []string, all int, began bool) standby {
	switch there := all - len(away); {
	case 2*there <= all:
		return standby{why: "it knows of nobody who leads the fleet: most of its peers are needed, and " + listed(away) + " cannot be reached"}
	case there < bus.MinPeers && !began:
		return standby{why: fmt.Sprintf("nobody leads the fleet yet: %d peers are needed the first time, and %s cannot be reached", bus.MinPeers, listed(away))}
	}
	return standby{}
}

// stance is what a standby says of itself before it has asked anybody.
func (c *candidate) stance() standby {
	if c.peer != nil && c.token == "" {
		if now := c.unled(); now.why != "" {
			return now
		}
	}
	return standby{leader: c.leader}
}

func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
