package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"freshet/internal/bus"
)

// ErrAway is of what is asked of a queue that is not open at the moment.
var ErrAway = errors.New("the job queue is not open")

// away says why a queue is not open.
type away struct{ text string }

func (a away) Error() string { return a.text }

// Is makes it ErrAway.
func (a away) Is(target error) bool { return target == ErrAway }

// Status is that of an answer over HTTP.
func (a away) Status() int { return 503 }

// A Keeper keeps a queue open: when a [Node] has stopped, as with a full disk, it
// is closed and opened again. What is asked of it meanwhile is ErrAway. Its
// methods may be called at the same time; Close it.
type Keeper struct {
	o    Options
	open func(context.Context, Options) (*Node, error)
	log  *slog.Logger

	stop   context.CancelFunc
	ended  sync.WaitGroup
	failed error // of closing a node; read when all has ended

	said   string // why the queue cannot be opened, as it was logged last, and when; run's
	saidAt time.Time

	mu   sync.Mutex // guards what follows; a leaf
	node *Node      // nil: away
	why  error      // that it is
	// What does not change when a node is another, known with the first.
	about   string
	address string

	fleet    bool // there is one
	messages bool // there are some
}

// How long it is waited before a queue is opened again: the first time, and at
// most; each time twice as long.
const (
	openAgain     = time.Second
	openAgainMost = 30 * time.Second
)

// Keep opens the queue and starts to run its tasks, as [Open], and keeps it open.
// ctx bounds the first opening. An error says that something is wrong with the
// options; when what is kept cannot be read or written, the queue is away from the
// start, and opened again.
// With NATS, or as a peer, it leads the fleet, or is a standby that takes the place of who leads;
// it returns when it is known which.
func Keep(ctx context.Context, o Options) (*Keeper, error) {
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.NATS != nil || o.Peer != nil {
		return keepElsewhere(ctx, o)
	}
	return keep(ctx, o, Open)
}

func keep(ctx context.Context, o Options, open func(context.Context, Options) (*Node, error)) (*Keeper, error) {
	n, err := open(ctx, o)
	if err != nil && !isUnkept(err) {
		return nil, err
	}
	k := &Keeper{o: o, open: open, log: o.ErrorLog, address: o.Listen, about: "tasks are run when the job queue is open"}
	_, absent := bus.PeerName("")
	k.messages = !errors.Is(absent, bus.ErrAbsent)
	k.fleet = k.messages && (o.Cache != nil || o.Listen != "")
	if n != nil {
		k.opened(n)
	} else {
		if o.Cache != nil {
			o.Cache.Hold() // until it is known what was purged
		}
		k.set(nil, err)
		k.log.Error("the job queue cannot be opened; the server goes on without it, and it is tried again", "err", err)
		k.said, k.saidAt = err.Error(), time.Now()
	}
	running, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.ended.Go(func() { k.run(running, n) })
	return k, nil
}

// opened notes that a node is open, and, of the first, what does not change then.
func (k *Keeper) opened(n *Node) {
	k.set(n, nil)
	if k.o.again {
		return
	}
	k.o.again = true
	k.mu.Lock()
	defer k.mu.Unlock()
	k.address = n.address
	if n.worker != nil {
		k.about = n.Describe()
	}
	if _, port, err := net.SplitHostPort(k.o.Listen); err == nil && port == "0" {
		k.o.Listen = n.address // where members look for it
	}
}

// run opens the queue, and again whenever it has stopped, until ctx ends. n is nil
// if it is not open yet.
func (k *Keeper) run(ctx context.Context, n *Node) {
	if n == nil {
		n = k.reopen(ctx)
	}
	for n != nil {
		select {
		case <-ctx.Done():
			return
		case <-n.Failed():
		}
		err := n.Fault()
		k.set(nil, err)
		k.log.Error("the job queue has stopped; what was acknowledged is kept, and it is tried to open it again", "err", err)
		k.said, k.saidAt = err.Error(), time.Now()
		if err := n.Close(); err != nil {
			k.log.Debug("close the job queue", "err", err) // it had stopped
		}
		n = k.reopen(ctx)
	}
}

// reopen opens the queue; nil: ctx has ended.
func (k *Keeper) reopen(ctx context.Context) *Node {
	for wait := openAgain; ; wait = min(2*wait, openAgainMost) {
		sleep(ctx, wait)
		if ctx.Err() != nil {
			return nil
		}
		n, err := k.open(ctx, k.o)
		if err == nil {
			k.opened(n)
			k.log.Info("the job queue is open again")
			return n
		}
		k.set(nil, err)
		k.say(err)
	}
}

// sayAgain is how close lines about a queue that cannot be opened may follow each
// other.
const sayAgain = time.Minute

// say logs why the queue cannot be opened, when that is another reason than the one
// that was logged before.
func (k *Keeper) say(err error) {
	if err.Error() == k.said || time.Since(k.saidAt) < sayAgain {
		return
	}
	k.said, k.saidAt = err.Error(), time.Now()
	k.log.Error("the job queue still cannot be opened, for another reason", "err", err)
}

// set sets which node is open, or why none is.
func (k *Keeper) set(n *Node, why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.node, k.why = n, nil
	if n == nil {
		k.why = away{fmt.Sprintf("the job queue is being opened again: %v", why)}
	}
}

// stands says why no node is open.
func (k *Keeper) stands(why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.node, k.why = nil, why
}

// now is the node that is open.
func (k *Keeper) now() (*Node, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.node, k.why
}

// Close ends what Keep began; see [Node.Close].
func (k *Keeper) Close() error {
	k.stop()
	k.ended.Wait()
	n, _ := k.now()
	if n == nil {
		return k.failed
	}
	k.set(nil, errors.New("the server ends"))
	return n.Close()
}
