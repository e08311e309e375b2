package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
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

	mu   sync.Mutex // guards what follows; a leaf
	node *Node      // nil: away
	why  error      // that it is

	// What does not change when a node is another.
	fleet    bool
	messages bool
	about    string
	address  string
}

// How long it is waited before a queue is opened again: the first time, and at
// most; each time twice as long.
const (
	openAgain     = time.Second
	openAgainMost = 30 * time.Second
)

// Keep opens the queue and starts to run its tasks, as [Open], and keeps it open.
// ctx bounds the first opening, whose error is returned.
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
	if err != nil {
		return nil, err
	}
	k := &Keeper{o: o, open: open, log: o.ErrorLog, node: n}
	k.fleet, k.messages, k.address = n.purges != nil, n.conn != nil, n.address
	if n.worker != nil {
		k.about = n.Describe()
	}
	k.o.again = true
	if _, port, err := net.SplitHostPort(o.Listen); err == nil && port == "0" {
		k.o.Listen = n.address // where members look for it
	}
	running, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.ended.Go(func() { k.run(running, n) })
	return k, nil
}

// run opens the queue again whenever it has stopped, until ctx ends.
func (k *Keeper) run(ctx context.Context, n *Node) {
	for n != nil {
		select {
		case <-ctx.Done():
			return
		case <-n.Failed():
		}
		err := n.Fault()
		k.set(nil, err)
		k.log.Error("the job queue has stopped; what was acknowledged is kept, and it is tried to open it again", "err", err)
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
			k.set(n, nil)
			k.log.Info("the job queue is open again")
			return n
		}
		k.set(nil, err)
	}
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
