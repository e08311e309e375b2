package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/filelock"
	"freshet/internal/worker"
)

// ErrStandby is of what is asked of a server while another one leads its fleet.
var ErrStandby = errors.New("this server is a standby")

// ErrNoLeader is of the same while a standby knows of nobody who leads: ErrStandby
// is its normal state, and this is none.
var ErrNoLeader = errors.New("nobody is known to lead the fleet")

// standby says so, and who leads.
type standby struct {
	leader string
	why    string // nobody is known to; "": it is too early to say
}

func (s standby) Error() string {
	switch {
	case s.why != "":
		return "this server is a standby, and " + s.why
	case s.leader == "":
		return "this server is a standby, and it is not known yet who leads the fleet"
	}
	return "this server is a standby: " + s.leader + " leads the fleet; ask there"
}

// Is makes it ErrStandby, and ErrNoLeader if that is so.
func (s standby) Is(target error) bool {
	return target == ErrStandby || target == ErrNoLeader && s.leader == ""
}

// Status is that of an answer over HTTP.
func (s standby) Status() int { return 503 }

// errName ends what a server is to the fleet that another may be, too.
var errName = errors.New("its name may be another server's: the cluster was not reached")

// errPeer ends what a server is to the fleet while its part of the queue cannot be
// written.
var errPeer = errors.New("its part of the queue cannot be written")

// errLeads ends a standby's being a member.
var errLeads = errors.New("this server leads now")

// The leases that hubs have in the cluster, and for how long without a sign.
const (
	leaseHub  = "hub"
	leaseName = "hub-" // and a name, so that one server has it
	leaseLife = 3 * time.Second
	// firstTries is for how many of these times a server that is started waits until
	// it is known who leads, before it goes on as a standby.
	firstTries = 4
	askAgain   = 250 * time.Millisecond
	// askLeader bounds how long it waits for a token.
	askLeader = 5 * time.Second
)

// A candidate is a hub of a fleet that is kept in a cluster: it leads, or is a
// standby.
type candidate struct {
	k     *Keeper
	conn  *bus.Conn
	named *bus.Leadership // of a cluster elsewhere, with lock
	lock  io.Closer
	peer  *bus.Peer // nil: the cluster is elsewhere

	was    bool   // part of the fleet: tasks that this server has are those of this process, which has ended them
	token  string // as a standby; of the goroutine that is one
	leader string // who gave it
	wait   time.Duration
}

// HubName makes a name for a hub of the host's.
func HubName(host string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, host)
	return name[:min(len(name), 40)]
}

// keepElsewhere is Keep for a queue in a cluster.
func keepElsewhere(ctx context.Context, o Options) (_ *Keeper, err error) {
	if o.Listen == "" {
		return nil, errors.New("hubs of a fleet find each other at an address; give one")
	}
	switch {
	case o.Peer != nil:
		if o.Name, err = bus.PeerName(o.Peer.Token); err != nil {
			return nil, err
		}
	case o.Name == "":
		host, _ := os.Hostname()
		o.Name = HubName(host)
	}
	k := &Keeper{o: o, open: Open, log: o.ErrorLog, fleet: true, messages: true, address: o.Listen, why: standby{}}
	k.about = "as the server that leads has them, or, while this one leads, its own"
	c := &candidate{k: k, wait: openAgain}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if o.Cache != nil {
		o.Cache.Hold()
	}
	l, n, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.ended.Go(func() {
		c.run(running, l, n)
		c.close()
	})
	return k, nil
}

// begin connects, and leads if nobody else does. What is kept that cannot be read
// or written is tried again later, by run.
func (c *candidate) begin(ctx context.Context) (l *bus.Leadership, n *Node, err error) {
	k := c.k
	if err := c.connect(ctx); err != nil {
		if !isDiskFault(err) {
			return nil, nil, err
		}
		k.set(nil, err)
		k.log.Error("this server's part of the queue cannot be opened; the server goes on without it, and it is tried again", "err", err)
		c.close()
		return nil, nil, nil
	}
	k.o.cluster = c.conn
	if l, err = c.first(ctx); l == nil || err != nil {
		return nil, nil, err
	}
	k.o.leads = l.Holds
	if n, err = k.open(ctx, k.o); err != nil {
		l.Resign()
		if !isUnkept(err) {
			return nil, nil, err
		}
		c.over(err)
		k.log.Error("this server cannot lead the fleet; it is tried again, if no other does", "err", err)
		return nil, nil, nil
	}
	c.leads(n)
	return l, n, nil
}

// first waits until it is known who leads: this server, or, with no lease, another
// one, which has given it a token. It does not wait for ever.
func (c *candidate) first(ctx context.Context) (*bus.Leadership, error) {
	patience, end := context.WithTimeout(ctx, firstTries*c.life())
	defer end()
	trying, cancel := context.WithCancel(patience)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() {
		for trying.Err() == nil && c.ask(trying) != nil {
			sleep(trying, askAgain)
		}
		cancel()
	})
	// That another one leads is known does not say that the keys fit.
	if err := c.fits(patience); isKeyFault(err) {
		cancel()
		asking.Wait()
		return nil, mistaken(err)
	}
	l, err := c.conn.Lead(trying, leaseHub, c.life())
	for err != nil && c.peer != nil && trying.Err() == nil { // too few are there, or they do not know yet who leads them
		sleep(trying, askAgain)
		l, err = c.conn.Lead(trying, leaseHub, c.life())
	}
	late := trying.Err() != nil
	cancel()
	asking.Wait()
	if err != nil && late {
		return nil, ctx.Err()
	}
	return l, err
}

// connect takes the folder, and the name, for this process.
func (c *candidate) connect(ctx context.Context) error {
	o := &c.k.o
	if o.Peer != nil {
		return c.startPeer()
	}
	dir := filepath.Join(o.Dir, busDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := filelock.Take(filepath.Join(dir, "lock"))
	if errors.Is(err, filelock.ErrLocked) {
		return fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err != nil {
		return err
	}
	c.lock = lock
	n := o.NATS
	c.conn, err = bus.Connect(ctx, bus.ConnectOptions{URL: n.URL, Name: o.Name, Creds: n.Creds, User: n.User, Password: n.Password, Token: n.Token, TLS: n.TLS, Replicas: n.Replicas, Seal: o.Ring, Log: o.ErrorLog})
	if err != nil {
		return err
	}
	naming, cancel := context.WithTimeout(ctx, 4*c.life()) // of a process that was killed it is free after one
	defer cancel()
	c.named, err = c.conn.Lead(naming, leaseName+o.Name, c.life())
	if err != nil && naming.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("another server of the cluster is called %s, or the cluster does not answer; each hub needs a name of its own: %w", o.Name, err)
	}
	return err
}

// close gives back what connect took.
func (c *candidate) close() {
	defer func() { c.lock, c.peer = nil, nil }()
	c.disconnect()
	if c.peer != nil {
		if err := c.peer.Close(); err != nil {
			c.k.log.Warn("close this server's part of the queue", "err", err)
		}
	}
	if c.lock != nil {
		_ = c.lock.Close()
	}
}

func (c *candidate) disconnect() {
	if c.named != nil {
		c.named.Resign()
	}
	if c.conn != nil {
		c.conn.Close()
	}
	c.named, c.conn = nil, nil
}

// run leads, or is a standby, until ctx ends.
func (c *candidate) run(ctx context.Context, l *bus.Leadership, n *Node) {
	for ; ctx.Err() == nil; n = nil {
		if n == nil {
			if c.conn == nil || c.isGone() {
				c.again(ctx)
				continue
			}
			if l = c.standBy(ctx); l == nil {
				c.again(ctx)
				continue
			}
			n = c.take(ctx, l)
		}
		if n != nil {
			c.lead(ctx, l, n)
		}
	}
	if n != nil { // it ended before it was seen
		c.lead(ctx, l, n)
	}
}

// life is how long a lease lives without a sign.
func (c *candidate) life() time.Duration {
	if c.k.o.lease > 0 {
		return c.k.o.lease
	}
	return leaseLife
}

// gone is closed when this server can be nothing to the fleet until it has made
// its connection anew: another may have its name, or its peer is broken.
func (c *candidate) gone() <-chan struct{} {
	if c.peer != nil {
		return c.peer.Broken()
	}
	return c.named.Lost()
}

func (c *candidate) isGone() bool {
	select {
	case <-c.gone():
		return true
	default:
		return false
	}
}

// goneWhy is why.
func (c *candidate) goneWhy() error {
	if c.peer != nil {
		return fmt.Errorf("%w: %w", errPeer, c.peer.Err())
	}
	return errName
}

// whileWhole is a context that ends with a peer that is broken, too.
func (c *candidate) whileWhole(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if c.peer != nil {
		go func(broken <-chan struct{}) {
			select {
			case <-broken:
				cancel()
			case <-ctx.Done():
			}
		}(c.peer.Broken())
	}
	return ctx, cancel
}

// again makes a connection in place of one that has ended for good, as when the
// cluster does not know who we are for a while.
func (c *candidate) again(ctx context.Context) {
	for wait := openAgain; ctx.Err() == nil; wait = min(2*wait, openAgainMost) {
		err := c.anew(ctx)
		if err == nil {
			c.k.o.cluster = c.conn
			return
		}
		if ctx.Err() == nil {
			c.k.set(nil, err)
			c.k.log.Warn("the cluster that keeps the fleet is not reached; it is tried again", "in", wait, "err", err)
		}
		sleep(ctx, wait)
	}
}

// anew connects after all was given back. A peer that is well goes on: without it,
// too few may be left.
func (c *candidate) anew(ctx context.Context) (err error) {
	if c.peer != nil && !c.isGone() {
		c.disconnect()
		if c.conn, err = c.peer.Connect(c.k.o.Name); err == nil {
			return nil
		}
	}
	c.close()
	return c.connect(ctx)
}

// leads notes that a node is open.
func (c *candidate) leads(n *Node) {
	c.wait, c.token, c.leader = openAgain, "", ""
	if cache := c.k.o.Cache; cache != nil && c.k.o.leads() {
		cache.Release()
	}
	c.was = true
	c.k.set(n, nil)
	c.k.log.Info("this server leads the fleet", "name", c.k.o.Name)
}

// take opens the node; nil: it cannot, and another may.
func (c *candidate) take(ctx context.Context, l *bus.Leadership) *Node {
	c.k.o.again, c.k.o.leads = c.was, l.Holds
	c.k.set(nil, errLeads)
	opening, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-l.Lost():
			cancel()
		case <-opening.Done():
		}
	}()
	n, err := c.k.open(opening, c.k.o)
	cancel()
	if err == nil {
		c.leads(n)
		return n
	}
	if ctx.Err() == nil {
		c.k.log.Error("this server cannot lead the fleet; it is tried again, if no other does", "err", err)
	}
	c.over(err)
	l.Resign()
	sleep(ctx, c.wait)
	c.wait = min(2*c.wait, openAgainMost)
	return nil
}

// over holds what is stored: from now on another may purge it.
func (c *candidate) over(why error) {
	if cache := c.k.o.Cache; cache != nil {
		cache.Hold()
	}
	c.k.set(nil, why)
}

// lead leads until ctx ends, or another may.
func (c *candidate) lead(ctx context.Context, l *bus.Leadership, n *Node) {
	var why error
	select {
	case <-l.Lost():
		why = errors.New("its time to lead is over: the cluster was not reached, or another leads")
	case <-n.Failed():
		why = n.Fault()
	case <-c.gone():
		why = c.goneWhy()
	case <-ctx.Done():
	}
	if why != nil {
		c.over(why)
		n.quit(why)
		c.k.log.Error("this server does not lead the fleet any more; what was acknowledged is kept in the cluster", "err", why)
	} else {
		c.k.set(nil, errors.New("the server ends"))
	}
	if err := n.Close(); err != nil && why == nil {
		c.k.failed = err
	}
	if c.peer != nil && why == nil {
		c.peer.Yield() // first, so that the next one finds who answers
	}
	l.Resign()
	if why != nil {
		sleep(ctx, openAgain)
	}
}

// standBy is a member of the fleet until this server has the lease; nil: ctx has
// ended, or the connection has.
func (c *candidate) standBy(ctx context.Context) *bus.Leadership {
	c.k.stands(c.stance())
	member, leave := context.WithCancelCause(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { c.follow(member) })
	defer ended.Wait()
	defer leave(errLeads)
	waiting, cancel := c.whileWhole(ctx)
	defer cancel()
	said := ""
	for {
		var l *bus.Leadership
		err := c.fits(waiting)
		if err == nil {
			if l, err = c.conn.Lead(waiting, leaseHub, c.life()); err == nil {
				return l
			}
		}
		if isKeyFault(err) && err.Error() != said {
			said = err.Error()
			c.k.log.Error("this server cannot lead the fleet, whatever becomes of who does: its keys are not those of the fleet", "err", err)
		}
		if waiting.Err() != nil || errors.Is(err, bus.ErrClosed) {
			leave(nil)
			return nil
		}
		c.k.log.Debug("ask to lead", "err", err)
		sleep(ctx, openAgain)
	}
}

// fits says whether the keys are those by which the fleet seals what it keeps; an
// error that is none of those of isKeyFault is that ctx or the connection has ended. Who has others
// does not lead, nor makes anything.
func (c *candidate) fits(ctx context.Context) error {
	for {
		err := c.conn.KeysFit(ctx)
		if err == nil || isKeyFault(err) {
			return err
		}
		select {
		case <-c.conn.Done():
			return bus.ErrClosed
		case <-time.After(askAgain):
		case <-ctx.Done():
			return err
		}
	}
}

// isKeyFault reports whether something is sealed, and not by the keys that there are.
func isKeyFault(err error) bool {
	return errors.Is(err, atrest.ErrSealed) || errors.Is(err, atrest.ErrNoKey) || errors.Is(err, atrest.ErrDamaged)
}

// follow is a member of the fleet until ctx ends.
func (c *candidate) follow(ctx context.Context) {
	o := &c.k.o
	said := ""
	for ctx.Err() == nil {
		err := c.ask(ctx)
		if err == nil {
			said, c.was = "", true
			err = Join(ctx, MemberOptions{
				Token: c.token, Cache: o.Cache, Stays: true, Figures: o.Figures, Dir: o.Dir, Inputs: filepath.Join(o.Dir, "fetched"), Ring: o.Ring, ErrorLog: o.ErrorLog, times: o.times, every: o.reports, where: c.where,
				Worker: &worker.Options{Version: o.Version, Capacity: o.Tasks, User: o.User, Dirs: o.Dirs, Drain: o.Drain},
			})
			c.token = ""
		}
		if err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			c.k.log.Warn("this standby is no member of the fleet; it asks again", "err", err)
		}
		sleep(ctx, openAgain)
	}
}

// ask asks who leads for a token, unless there is one.
func (c *candidate) ask(ctx context.Context) error {
	if c.token != "" {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, askLeader)
	defer cancel()
	body, err := json.Marshal(&hubAsks{bus.Reachable(c.k.o.Listen)})
	if err != nil {
		return err
	}
	text, err := c.conn.Call(asking, callHub, body)
	if err != nil {
		var answer *bus.Error // of one who leads
		if c.peer != nil && !errors.As(err, &answer) {
			now := c.unled()
			c.k.stands(now)
			if now.why != "" {
				return now
			}
		}
		return fmt.Errorf("ask who leads the fleet: %w", uncoded(err))
	}
	var told hubTold
	if err := json.Unmarshal(text, &told); err != nil {
		return err
	}
	c.token, c.leader = told.Token, told.Leader
	c.k.stands(standby{leader: told.Leader})
	return nil
}

// where asks who leads where all hubs are: one that has come since this standby was
// told of them may lead now.
func (c *candidate) where(ctx context.Context) (hubs []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLeader)
	defer cancel()
	text, err := c.conn.Call(ctx, callPlaces, nil)
	if err != nil {
		return nil, uncoded(err)
	}
	return hubs, json.Unmarshal(text, &hubs)
}
