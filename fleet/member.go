package fleet

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/pulse"
	"freshet/internal/worker"
)

// MemberOptions say what a node is to the fleet that it joins.
type MemberOptions struct {
	// Token is the one that the hub made for this node; see Node.Invite.
	Token string
	// Worker has it run tasks of the hub's jobs; nil: none. Queue, Node, Logs,
	// Files and ErrorLog are filled in, and Kinds: those that every node has. A hub
	// gives its members tasks of no others.
	Worker *worker.Options
	// Inputs is a folder of its own in which it keeps files that jobs came with,
	// also from one start to the next; "": a new one that is removed at the end.
	// Several nodes may share one. MaxInputs is how many bytes they may have, each
	// node's; 0: DefaultInputCache.
	Inputs    string
	MaxInputs int64
	// Ring seals these; nil: they are not sealed. What is kept in the other way is
	// removed.
	Ring *atrest.Ring
	// Stays has it stay when it is drained, as servers do, without tasks; with a
	// Cache it does so anyway. Otherwise Join returns then.
	Stays bool
	// Figures adds to what the node says of itself what only the process knows;
	// nil: nothing. It is called every few seconds.
	Figures func(*Report)
	// Linked is told how the hub is asked about the certificates of the fleet,
	// and, with nil, that it cannot be asked any more; nil: nobody.
	Linked func(ask func(ctx context.Context, question []byte) ([]byte, error))
	// Tickets is given the keys of session tickets, whenever the hub has answered a
	// report; nil: nobody, and the hub gives none.
	Tickets func(keys []byte)
	// Dir is the folder whose disk is reported; "": the one for temporary files.
	Dir string
	// Cache is what the node has stored, to which it applies the purges of the
	// fleet; nil: nothing. It is held before Join is called, or by Join, and let
	// go when it has applied all, for as long as that is sure; and it is held when
	// Join returns.
	Cache Cache
	// Patient keeps trying to reach the hub at the start. Otherwise a hub that
	// is not there is an error.
	Patient bool
	// Ready is called once it has joined, with the node's name and, if it runs
	// tasks, a line about how; nil: nobody.
	Ready func(name, about string)
	// ErrorLog hears of what is wrong; nil: slog.Default.
	ErrorLog *slog.Logger

	times *purgeTimes // nil: usualTimes

	every time.Duration // between reports; 0: reportEvery

	// where asks by another way than the connection where hubs are; nil: there is none.
	where func(ctx context.Context) ([]string, error)
}

// Join joins a fleet, and does there what its options say until ctx ends, or it
// is drained. While the hub is away it waits for it. Its error is why it could
// not join, or why the hub has ended it.
func Join(ctx context.Context, o MemberOptions) error {
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Cache != nil {
		o.Cache.Hold()
	}
	conn, err := o.reach(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	m := &member{MemberOptions: o, conn: conn, joined: time.Now(), reports: newReporter(func(ctx context.Context, report []byte) ([]byte, error) { return conn.Call(ctx, callReport, report) })}
	defer m.close()
	about, err := m.prepare()
	if err != nil {
		return err
	}
	if o.Linked != nil {
		o.Linked(func(ctx context.Context, q []byte) ([]byte, error) { return conn.Call(ctx, callCertificates, q) })
		defer o.Linked(nil)
	}
	if o.Ready != nil {
		o.Ready(conn.Name(), about)
	}
	return m.run(ctx)
}

// CheckToken says whether a text can be a token of a fleet.
func CheckToken(text string) error { return bus.CheckToken(text) }

// How long a patient node waits before it tries again to reach its hub.
const (
	tryAgain     = time.Second
	tryAgainMost = 30 * time.Second
)

// reach connects to the hub.
func (o *MemberOptions) reach(ctx context.Context) (*bus.Conn, error) {
	for wait := tryAgain; ; wait = min(2*wait, tryAgainMost) {
		conn, err := bus.Join(ctx, o.Token, bus.JoinOptions{Log: o.ErrorLog})
		if err == nil || !o.Patient || errors.Is(err, bus.ErrToken) || errors.Is(err, bus.ErrRefused) || errors.Is(err, bus.ErrAbsent) || ctx.Err() != nil {
			return conn, err
		}
		o.ErrorLog.Warn("the fleet's hub is not reached; it is tried again", "in", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// A member is a node while it is connected.
type member struct {
	MemberOptions
	conn    *bus.Conn
	worker  *worker.Worker // nil: it runs no tasks
	inputs  *inputCache    // nil: likewise
	reports *reporter
	joined  time.Time
	parts   []func(context.Context) error
}

// prepare makes the parts of the node that there are to be.
func (m *member) prepare() (about string, err error) {
	r := m.reports
	r.tickets = m.Tickets
	r.figures, r.stays, r.dir, r.log, r.learn = m.Figures, m.Stays, m.Dir, m.ErrorLog, m.conn.Learn
	if r.figures == nil && m.Worker != nil {
		r.figures = func(to *Report) { to.Version, to.Started = m.Worker.Version, m.joined }
	}
	if m.every > 0 {
		r.every = m.every
	}
	if r.dir == "" {
		r.dir = os.TempDir()
	}
	if m.Cache != nil {
		f := newFollower(m.Cache, m.times.or(usualTimes), m.ErrorLog, func(ctx context.Context, q []byte) ([]byte, error) { return m.conn.Call(ctx, callPurges, q) })
		m.parts = append(m.parts, f.run)
		r.stays = true
		r.place = func() *Place { return &Place{Entry: placeOf(m.Cache.Mark()).N, Held: f.lease.isHeld()} }
	}
	if m.where != nil {
		m.parts = append(m.parts, m.seek)
	}
	if m.Worker == nil {
		return "", nil
	}
	if m.inputs, err = openInputCache(m.Inputs, m.MaxInputs, m.Ring); err != nil {
		return "", err
	}
	q := newRemoteQueue(m.conn, m.inputs)
	o := *m.Worker
	o.Queue, o.Logs, o.Files, o.Node, o.Kinds, o.ErrorLog = q, q, q, m.conn.Name(), kinds(nil), m.ErrorLog
	if m.worker, err = worker.New(o); err != nil {
		return "", err
	}
	r.worker = m.worker
	m.parts = append(m.parts, m.work, m.heed)
	return m.worker.Describe(), nil
}

// seekEvery is how often a member that has lost its hub asks where others are.
const seekEvery = time.Second

// seek asks so for as long as none that is known lets it in.
func (m *member) seek(ctx context.Context) error {
	for {
		sleep(ctx, pulse.Within(time.Now(), seekEvery))
		if ctx.Err() != nil {
			return nil
		}
		if m.conn.IsUp() {
			continue
		}
		hubs, err := m.where(ctx)
		if err != nil {
			m.ErrorLog.Debug("ask where the hubs of the fleet are", "err", err) // nobody leads yet
			continue
		}
		m.conn.Learn(hubs)
	}
}

// work runs tasks, once it is known whether it is to: a locked worker takes none
// when it is started anew.
func (m *member) work(ctx context.Context) error {
	m.reports.await(ctx)
	err := m.worker.Run(ctx)
	if err == nil && ctx.Err() == nil {
		return errDrained
	}
	return err
}

// close gives back what prepare took.
func (m *member) close() {
	if m.worker != nil {
		m.worker.Close()
	}
	if m.inputs != nil {
		m.inputs.close()
	}
}

// run runs the parts until ctx ends, the connection does, or one of them fails.
func (m *member) run(ctx context.Context) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	reporting, reported := context.WithCancel(context.Background())
	var parts, reports sync.WaitGroup
	reports.Go(func() { m.reports.loop(reporting) }) // until the parts have ended
	defer reports.Wait()
	defer reported()
	for _, part := range m.parts {
		parts.Go(func() {
			if err := part(running); err != nil && running.Err() == nil {
				stop(err)
			}
		})
	}
	select {
	case <-m.conn.Done():
		stop(errEnded)
	case <-running.Done():
	}
	if m.worker != nil && context.Cause(ctx) == errLeads {
		m.worker.Abandon()
	}
	parts.Wait()
	if cause := context.Cause(running); ctx.Err() == nil && cause != errDrained {
		return cause
	}
	return nil
}

var errDrained = errors.New("drained")

var errEnded = errors.New("the hub has ended the connection: the token was revoked, or its time is over")
