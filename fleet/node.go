package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// Options say where a queue is kept, and how its tasks are run here.
type Options struct {
	// Dir is where everything is kept: an absolute path of a folder that one
	// process at a time may use. It is made if need be, for its owner alone.
	Dir string
	// Name is what the worker is called. Default: the host's name.
	Name string
	// Version of the program, for those who look at workers.
	Version string
	// Tasks is how many run at once. Default: a processor each.
	Tasks int
	// User is who programs run as; see worker.Options.
	User string
	// Dirs are folders that jobs may ask to run in.
	Dirs []string
	// Keep is how long jobs that are over are known, with what they wrote.
	// Default: 7 days. Those that failed are known four times as long.
	Keep time.Duration
	// Kinds are kinds of work that this node has beyond those of every node, for
	// Spec.Kind; one of the same name takes the place of that. Members are given no
	// tasks of those. A job of a kind that is neither is not accepted.
	Kinds map[string]worker.Kind
	// Check says what is wrong with a job that somebody submits, beyond what
	// jobs.Spec.Check knows: it is not accepted then. nil: nothing is. It may be
	// called by many goroutines.
	Check func(*jobs.Spec) error
	// Inputs bounds the files that jobs come with.
	Inputs InputOptions
	// Outputs is how many bytes the files may have that tasks make, all together.
	// Default: DefaultMaxOutputs.
	Outputs int64
	// Ring seals what is kept in Dir of jobs, of what they came with, made and wrote;
	// nil: it is not sealed. What is there of the other kind is refused, with
	// atrest.ErrSealed or atrest.ErrPlain; see SealFolder.
	Ring *atrest.Ring
	// Limits are those of pools, and the shares of owners; nil: none.
	Limits *Limits
	// Listen is where workers of other machines may join, host:port; "": nowhere.
	Listen string
	// Cache is what is stored here, to which the purges of the fleet are applied;
	// nil: nothing. It is held until Open returns; see Node.Purger.
	Cache Cache
	// Drain is how long tasks may go on when the node is closed. Then they are
	// ended, and queued again. Default: 30 s.
	Drain time.Duration
	// Figures adds to what this server says of itself what only the process
	// knows; nil: nothing. It is called for each list of servers.
	Figures func(*Report)
	// Certificates answers what members ask about the certificates of the fleet,
	// which this server keeps; nil: it keeps none. Who asks has a server's token.
	Certificates func(ctx context.Context, from string, question []byte) ([]byte, error)
	// Tickets are the keys of session tickets, which members that serve over TLS, and
	// have a server's token, get with the answers to their reports; nil: they get none, nor does anybody
	// when the queue is kept elsewhere, for who runs that could read them.
	Tickets func() []byte
	// ErrorLog hears of what is wrong; nil: slog.Default.
	ErrorLog *slog.Logger

	// NATS is a cluster elsewhere in which the queue is kept, with all that makes
	// the fleet one; nil: all is kept in Dir. Keep takes it; several servers may name
	// the same cluster. Listen is necessary then.
	NATS *NATS
	// Peer has this server be one of those that keep all that themselves, instead;
	// nil: it is none. Its token says what it is called. Listen is necessary, too.
	Peer *Peer

	times *purgeTimes // nil: usualTimes
	again bool        // this process had it open before, and has ended its tasks

	cluster *bus.Conn     // of NATS, or of peers; nil: none
	leads   func() bool   // with it: nobody else can lead yet
	lease   time.Duration // of who leads; 0: leaseLife
	reports time.Duration // between those of a standby; 0: reportEvery
	holds   time.Duration // the lease of a task; 0: that of jobs
	keys    time.Duration // how often it is looked which keys there are; 0: sealAgainMost
	store   int64         // bytes that may be stored on the bus here; 0: as many as usual
	walk    walker        // nil: filepath.WalkDir
}

// ErrInUse is why a folder is not opened that another process uses.
var ErrInUse = errors.New("the jobs there are another process's")

// A Node is a queue with its worker. Close it.
type Node struct {
	scheduler *jobs.Scheduler
	worker    *worker.Worker
	logs      *Logs
	outputs   *Outputs
	inputs    *Inputs
	log       *slog.Logger
	server    *bus.Server            // nil without NATS
	conn      *bus.Conn              // of the scheduler; nil without NATS
	roll      *roll                  // of the servers of the fleet
	takers    atomic.Pointer[roll]   // roll, for the scheduler, which begins before it
	own       *reporter              // of this one, which reports to nobody
	hints     *bus.Conn              // to workers elsewhere; nil: they may not join
	desk      *desk                  // for workers elsewhere; nil: they may not join
	purges    *hub                   // nil: there is no fleet
	name      string                 // of the worker here
	check     func(*jobs.Spec) error // Options.Check
	kinds     map[string]worker.Kind // Options.Kinds
	address   string                 // of Options.Listen, as it became
	heeds     *heeds                 // of workers, also of that here
	room      room                   // on the bus, for jobs
	sealing   sealing                // of what is on the bus
	peers     bool                   // keep that
	keepers   []func() error         // what is closed, in the opposite order

	certificates func(context.Context, string, []byte) ([]byte, error) // Options.Certificates

	stop  context.CancelFunc
	ended sync.WaitGroup

	shared *shared    // with other hubs; nil: there are none
	files  *elsewhere // of jobs; nil: they are here alone

	failing sync.Once
	failed  chan struct{} // closed when the log cannot be written any more
	fault   error         // why; set before that
}

// Open opens the queue and starts to run its tasks. ctx bounds the opening.
func Open(ctx context.Context, o Options) (_ *Node, err error) {
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Name == "" {
		o.Name, _ = os.Hostname()
	}
	n := &Node{name: o.Name, check: o.Check, kinds: o.Kinds, certificates: o.Certificates, log: o.ErrorLog, stop: func() {}, failed: make(chan struct{}), heeds: newHeeds()}
	n.sealing.ring, n.sealing.every, n.peers = o.Ring, cmp.Or(o.keys, sealAgainMost), o.Peer != nil
	defer func() {
		if err != nil {
			err = errors.Join(n.sorted(ctx, err), n.Close())
		}
	}()
	log, err := n.openLog(ctx, &o)
	if err != nil {
		return nil, err
	}
	if n.logs, err = OpenLogs(filepath.Join(o.Dir, "logs"), o.Ring, n.files); err != nil {
		return nil, err
	}
	n.keep(n.logs.Close)
	if o.walk == nil {
		o.walk = filepath.WalkDir
	}
	if n.outputs, err = openOutputs(filepath.Join(o.Dir, "outputs"), o.Outputs, o.Ring, n.files, o.walk); err != nil {
		return nil, err
	}
	n.keep(n.outputs.Close)
	if n.inputs, err = OpenInputs(filepath.Join(o.Dir, "inputs"), o.Inputs, o.Ring, n.files); err != nil {
		return nil, err
	}
	n.keep(n.inputs.Close)
	if n.conn != nil {
		if err := n.room.look(ctx, n.conn); err != nil {
			n.log.Debug("how much is stored is not known yet", "err", err)
		}
	}
	if n.scheduler, err = jobs.New(ctx, log, jobs.Options{Room: n.room.take, PageBytes: o.store / 64, Heed: n.heeds.note, Takes: n.takes, Lease: o.holds, Keep: o.Keep, KeepFailed: 4 * o.Keep, ErrorLog: o.ErrorLog}); err != nil {
		return nil, err
	}
	n.keep(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
		defer cancel()
		return n.scheduler.Close(ctx)
	})
	if o.Limits != nil {
		o.Limits.hold(ctx, n.scheduler)
		n.keep(func() error { o.Limits.drop(n.scheduler); return nil })
	}
	n.worker, err = worker.New(worker.Options{Queue: n.scheduler, Node: o.Name, Version: o.Version, Capacity: o.Tasks, User: o.User, Dirs: o.Dirs, Drain: o.Drain,
		Logs: n.logs, Files: files{n.outputs, n.inputs}, Kinds: kinds(o.Kinds), ErrorLog: o.ErrorLog})
	if err != nil {
		return nil, mistaken(err)
	}
	n.keep(n.worker.Close)
	if err := n.enroll(ctx, &o); err != nil {
		return nil, err
	}
	if err := n.openPurges(ctx, &o); err != nil {
		return nil, err
	}
	if err := n.admit(o.Listen); err != nil {
		return nil, err
	}
	if o.again {
		if err := n.giveBack(ctx); err != nil {
			return nil, err
		}
	}
	n.run()
	return n, nil
}

// sorted is an error of Open; see fault.go. When the log cannot be written, all
// else fails for that.
func (n *Node) sorted(ctx context.Context, err error) error {
	if n.server != nil && n.server.Err() != nil && ctx.Err() == nil {
		return &unkept{fmt.Errorf("%w: %w", n.server.Err(), err)}
	}
	return sorted(ctx, err)
}

// giveBack gives back the tasks that the worker here had, which has ended.
func (n *Node) giveBack(ctx context.Context) error {
	leases, err := n.scheduler.Leases(ctx, n.name)
	if err != nil {
		return err
	}
	for _, l := range leases {
		err := n.scheduler.Finish(ctx, l, jobs.Result{Lost: true, Reason: "the job queue had stopped"})
		if err != nil && !errors.Is(err, jobs.ErrLost) && !errors.Is(err, jobs.ErrUnknown) {
			return err
		}
	}
	return nil
}

func (n *Node) keep(close func() error) { n.keepers = append(n.keepers, close) }

// openLog opens the log of the queue: in a cluster elsewhere, on NATS inside this
// process or, in a program that was built without it, in files.
func (n *Node) openLog(ctx context.Context, o *Options) (jobs.Log, error) {
	if o.cluster != nil {
		return n.openShared(ctx, o)
	}
	dir := o.Dir
	if bus.Holds(filepath.Join(dir, peersDir)) {
		return nil, mistaken(fmt.Errorf("the folder %s has the queue of a peer, which this server is not; give it the peer's token, or another folder", dir))
	}
	if err := probe(dir); err != nil {
		return nil, err
	}
	server, err := bus.Start(bus.Options{Dir: filepath.Join(dir, busDir), MaxStore: o.store, Seal: o.Ring, Log: n.log})
	if errors.Is(err, bus.ErrAbsent) {
		log, err := jobs.OpenSealedFileLog(filepath.Join(dir, "log"), o.Ring)
		switch {
		case err == nil:
			n.keep(log.Close)
		case errors.Is(err, jobs.ErrFenced):
			err = fmt.Errorf("%w: %w", ErrInUse, err)
		}
		return log, err
	}
	if errors.Is(err, bus.ErrLocked) {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	if err != nil {
		return nil, err
	}
	n.keep(server.Close)
	n.server = server
	conn, err := server.Connect(ownScheduler)
	if err != nil {
		return nil, err
	}
	n.keep(func() error { conn.Close(); return nil })
	n.conn = conn
	log, err := conn.Log(ctx, logJobs, bus.LogOptions{})
	if err == nil {
		n.sealing.add(ofLog("jobs", log, n.cutJobs))
	}
	return busLog{log}, err
}

// enroll begins the list of servers with this one.
func (n *Node) enroll(ctx context.Context, o *Options) error {
	var store pageStore
	if n.conn != nil {
		log, err := n.conn.Log(ctx, logNodes, bus.LogOptions{})
		if err != nil {
			return err
		}
		n.sealing.add(ofLog("servers", log, cutAll(log)))
		store = log
	}
	wants, err := openWants(ctx, store)
	if err != nil {
		return err
	}
	n.roll = newRoll(wants)
	if o.NATS == nil && o.Peer == nil {
		n.roll.keys, n.roll.serves = o.Tickets, func(name string) bool { return n.server != nil && n.server.Serves(name) }
	}
	if n.shared != nil {
		n.roll.hubs = n.shared.addresses // before anybody reports
	}
	n.takers.Store(n.roll)
	n.own = newReporter(nil)
	n.own.worker, n.own.stays, n.own.figures, n.own.dir, n.own.log = n.worker, true, o.Figures, o.Dir, o.ErrorLog
	n.obey()
	return nil
}

// takes is for the scheduler.
func (n *Node) takes(worker string) bool {
	r := n.takers.Load()
	return r == nil || r.takes(worker)
}

// closeWithin bounds the writing of the ledger's pages at the end; what is not in
// them is in the log.
const closeWithin = 10 * time.Second

// run starts the worker, and what removes what forgotten jobs have left.
func (n *Node) run() {
	ctx, stop := context.WithCancel(context.Background())
	before := n.stop
	n.stop = func() { before(); stop() }
	n.ended.Go(func() {
		if err := n.worker.Run(ctx); err != nil {
			n.log.Error("jobs are not run", "err", err)
		}
	})
	n.ended.Go(func() { n.clean(ctx) })
	n.ended.Go(func() { n.watch(ctx) })
	n.ended.Go(func() { n.heeds.run(ctx, n.heed) })
	if n.conn != nil {
		n.ended.Go(func() { n.room.watch(ctx, n.conn) })
		if n.sealing.ring != nil {
			n.ended.Go(func() { n.seal(ctx) })
		}
	}
}

// watch sees when the log cannot be written any more, as on a full disk. Nothing
// is lost by that, but nothing can be submitted, begun or ended either.
func (n *Node) watch(ctx context.Context) {
	var broken <-chan struct{}
	if n.server != nil {
		broken = n.server.Broken()
	}
	select {
	case <-broken:
		n.quit(n.server.Err())
	case <-n.scheduler.Done():
		n.quit(n.scheduler.Err())
	case <-ctx.Done():
	}
}

// quit notes why the queue has stopped, the first time. Nothing is written
// elsewhere from then on.
func (n *Node) quit(why error) {
	n.failing.Do(func() {
		n.fault = why
		if n.files != nil {
			n.files.yield()
		}
		close(n.failed)
	})
}

// Failed is closed when the queue has stopped by itself, because its log cannot be
// written, and Fault says why. What was acknowledged is there when it is opened
// again.
func (n *Node) Failed() <-chan struct{} { return n.failed }

// Fault is why the queue has stopped; nil while it has not.
func (n *Node) Fault() error {
	select {
	case <-n.failed:
		return n.fault
	default:
		return nil
	}
}

// Queue is the queue.
func (n *Node) Queue() jobs.Queue { return n.scheduler }

// Logs are what tasks have written.
func (n *Node) Logs() *Logs { return n.logs }

// Outputs are the files that tasks have made.
func (n *Node) Outputs() *Outputs { return n.outputs }

// Describe says in a line how tasks are run, for logs.
func (n *Node) Describe() string { return n.worker.Describe() }

// Handler answers what commands ask for, below /job/ and /fleet/.
func (n *Node) Handler() http.Handler {
	return (&handler{queue: n.scheduler, logs: n.logs, outputs: n.outputs, node: n}).routes()
}

// Close ends the worker, which gives back what is not done after Options.Drain,
// and the queue. Of a queue that has stopped, tasks end at once.
func (n *Node) Close() error {
	if n.worker != nil && n.Fault() != nil {
		n.worker.Abandon()
	}
	n.stop()
	n.ended.Wait()
	var err error
	for i := len(n.keepers) - 1; i >= 0; i-- {
		err = errors.Join(err, n.keepers[i]())
	}
	n.keepers = nil
	return err
}
