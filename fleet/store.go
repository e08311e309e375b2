package fleet

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/internal/bus"
	"freshet/jobs"
)

// NATS is a cluster elsewhere; see bus.ConnectOptions.
type NATS struct {
	URL                   string
	Creds                 string
	User, Password, Token string
	TLS                   *tls.Config
	Replicas              int
}

// The logs of a queue and of its servers.
const (
	logJobs  = "jobs"
	logNodes = "nodes"
)

// What hubs of a fleet keep in the cluster: the log in which each says that it
// leads, whose pages are who may join and where hubs are, and the files of jobs.
const (
	logFleet  = "fleet"
	pageHub   = "hub." // and a hub's name: its addresses
	filesName = "files"
)

// callHub is what a standby calls to become a member.
const callHub = "hub.join"

// callPlaces is what one calls that knows of no hub that lets it in: it is told
// where they are, and its token stays good.
const callPlaces = "hub.places"

// maxHubs is how many hubs are remembered, and maxAddresses how many addresses of
// each.
const (
	maxHubs      = 16
	maxAddresses = 8
)

// leads is an entry of the log of a fleet.
type leads struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// hubAsks is what a standby asks for, whose name is that of its connection.
type hubAsks struct {
	Addresses []string `json:"addresses"`
}

// hubTold is what it is answered.
type hubTold struct {
	Leader string `json:"leader"`
	Token  string `json:"token"`
}

// shared is what a hub shares with others, which lead before it and after it.
type shared struct {
	conn    *bus.Conn
	log     *bus.Log
	records bus.Records
	name    string
	former  string // who led before; "": nobody
	objects *bus.Objects

	mu   sync.Mutex          // guards by, and that one hub is admitted at a time
	by   map[string][]string // addresses of hubs
	node *Node
}

// openShared has this server be the one that leads: from its entry on, nobody who
// led before can write who may join.
func (n *Node) openShared(ctx context.Context, o *Options) (jobs.Log, error) {
	s := &shared{conn: o.cluster, name: o.Name, by: map[string][]string{}}
	var err error
	if s.log, err = o.cluster.Log(ctx, logFleet, bus.LogOptions{}); err != nil {
		return nil, err
	}
	if err := s.begin(ctx, o.Listen); err != nil {
		return nil, err
	}
	n.server, err = bus.Start(bus.Options{NoStore: true, Records: s.records, Log: n.log})
	if err != nil {
		return nil, err
	}
	n.keep(n.server.Close)
	n.shared, n.conn = s, o.cluster
	files, err := o.cluster.Objects(ctx, filesName, bus.ObjectsOptions{})
	if err != nil {
		return nil, err
	}
	s.objects = files
	n.sealing.add(ofLog("those who led", s.log, cutAll(s.log)))
	n.sealing.add(ofObjects(files))
	if n.files, err = openElsewhere(ctx, roomy{files, &n.room}); err != nil {
		return nil, err
	}
	n.keep(n.files.close)
	log, err := o.cluster.Log(ctx, logJobs, bus.LogOptions{})
	if err == nil {
		n.sealing.add(ofLog("jobs", log, n.cutJobs))
	}
	return busLog{log}, err
}

// begin appends the entry of this server, and reads where hubs are.
func (s *shared) begin(ctx context.Context, listen string) error {
	last, err := s.log.Last(ctx)
	if err != nil {
		return err
	}
	if last > 0 {
		err = s.log.Read(ctx, last-1, func(_ uint64, entry []byte) error {
			var before leads
			if json.Unmarshal(entry, &before) == nil {
				s.former = before.Name
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	entry, err := json.Marshal(&leads{s.name, listen})
	if err != nil {
		return err
	}
	next, err := s.log.Append(ctx, last, entry)
	if err != nil {
		return fmt.Errorf("lead the fleet: %w", err)
	}
	_ = s.log.Trim(ctx, next-1) // some other time
	s.records = s.log.Records()
	return s.log.Pages(ctx, func(key string, page []byte) error {
		var addresses []string
		if name, is := strings.CutPrefix(key, pageHub); is && json.Unmarshal(page, &addresses) == nil {
			s.by[name] = addresses
		}
		return nil
	})
}

// admit serves standbys, once members may join.
func (s *shared) admit(n *Node) error {
	s.node = n
	if err := n.server.Revoke(s.name); err != nil && !errors.Is(err, bus.ErrNotFound) {
		return err // the token of this server, as a standby
	}
	s.mu.Lock()
	err := s.note(s.name, bus.Reachable(n.address))
	s.mu.Unlock()
	if err != nil {
		return err
	}
	stop, err := s.conn.ServeWith(callHub, bus.ServeOptions{Parallel: maxHubs, PerCaller: 2}, s.hear)
	if err != nil {
		return err
	}
	n.keep(func() error { stop(); return nil })
	stop, err = s.conn.ServeWith(callPlaces, bus.ServeOptions{Parallel: maxHubs, PerCaller: 2}, func(context.Context, bus.Request) ([]byte, error) {
		return json.Marshal(s.addresses())
	})
	if err != nil {
		return err
	}
	n.keep(func() error { stop(); return nil })
	return nil
}

// note keeps where a hub is; mu is held.
func (s *shared) note(name string, addresses []string) error {
	if was, known := s.by[name]; !known || !slices.Equal(was, addresses) {
		if !known && len(s.by) >= maxHubs {
			if err := s.forget(); err != nil {
				return err
			}
		}
		page, err := json.Marshal(addresses)
		if err != nil {
			return err
		}
		if err := s.records.Store(pageHub+name, page); err != nil {
			return err
		}
		s.by[name] = addresses
	}
	s.node.server.Also(s.all())
	return nil
}

// forget forgets a hub that is not there; mu is held.
func (s *shared) forget() error {
	there := s.node.connected()
	for name := range s.by {
		if name != s.name && !there[name] {
			delete(s.by, name)
			return s.records.Store(pageHub+name, nil)
		}
	}
	return fmt.Errorf("%d hubs are the most that a fleet has", maxHubs)
}

// all is where hubs are; mu is held.
func (s *shared) all() []string {
	all := slices.Concat(slices.Collect(maps.Values(s.by))...)
	slices.SortFunc(all, cmp.Compare)
	return slices.Compact(all)
}

func (s *shared) addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all()
}

// hear makes a token for a standby. One that it had before ends.
func (s *shared) hear(ctx context.Context, r bus.Request) ([]byte, error) {
	var q hubAsks
	if err := json.Unmarshal(r.Payload, &q); err != nil {
		return nil, coded(wrong(err))
	}
	if q.Addresses = q.Addresses[:min(len(q.Addresses), maxAddresses)]; slices.ContainsFunc(q.Addresses, func(a string) bool { return !bus.IsAddress(a) }) {
		return nil, coded(wrong(errors.New("what it gives is no address")))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err() // it has asked again
	}
	if r.From == s.name {
		return nil, coded(wrong(fmt.Errorf("%s leads; another server has the same name", s.name)))
	}
	_, known := s.by[r.From]
	if err := s.note(r.From, q.Addresses); err != nil { // first, so that its token is known as one that may be made anew
		return nil, coded(err)
	}
	token, err := s.node.Invite(r.From, 0)
	if errors.Is(err, bus.ErrTaken) && known {
		if err = s.node.server.Revoke(r.From); err == nil {
			s.node.takeOver(r.From)
			token, err = s.node.Invite(r.From, 0)
		}
	}
	if err != nil {
		return nil, coded(err)
	}
	return json.Marshal(&hubTold{s.name, token})
}

// openPurges opens the purges. Who led before may use what it has stored for a
// moment, without being a member.
func (s *shared) openPurges(ctx context.Context, h *hub, log purgeLog) error {
	if err := h.open(ctx, log); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nodes[s.name] != nil { // it was a member
		delete(h.nodes, s.name)
		h.dirty[pageNode+s.name] = true
	}
	if s.former != "" && s.former != s.name && h.nodes[s.former] == nil {
		until := time.Now().Add(h.times.lease + h.times.slack)
		h.nodes[s.former] = &node{name: s.former, gone: true, now: &holder{name: s.former, until: until}}
	}
	return nil
}

// ownLog is a log that is written by a node for as long as it leads: a page is not
// refused as an entry is that another has written behind.
type ownLog struct {
	*bus.Log
	node  *Node
	leads func() bool
}

var errLed = errors.New("another server may lead")

// Append appends. What is appended when another may lead already is perhaps not in
// what that one has read.
func (l ownLog) Append(ctx context.Context, last uint64, entry []byte) (uint64, error) {
	if l.node.Fault() != nil {
		return 0, errLed
	}
	n, err := l.Log.Append(ctx, last, entry)
	switch {
	case errors.Is(err, bus.ErrFenced):
		l.node.quit(err) // it is to be read again, by who leads
	case err == nil && (l.node.Fault() != nil || !l.leads()):
		return 0, fmt.Errorf("%w: %w", bus.ErrUnclear, errLed)
	}
	return n, err
}

func (l ownLog) PutPage(ctx context.Context, key string, page []byte) error {
	if l.node.Fault() != nil {
		return errLed
	}
	return l.Log.PutPage(ctx, key, page)
}

func (l ownLog) Trim(ctx context.Context, n uint64) error {
	if l.node.Fault() != nil {
		return errLed
	}
	return l.Log.Trim(ctx, n)
}
