package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// What workers ask a queue for over the bus, with JSON.
const (
	callClaim  = "jobs.claim"
	callLeave  = "jobs.leave"
	callBeat   = "jobs.beat"
	callFinish = "jobs.finish"
	callLog    = "jobs.log"
	callFile   = "jobs.file"
	callInput  = "jobs.input"
)

// claimFor is how long a claim waits; then the worker asks again.
const claimFor = 20 * time.Second

// claim is a request for a task, or one that gives such a request up.
type claim struct {
	Worker jobs.Worker `json:"worker,omitzero"`
	Number uint64      `json:"number"` // grows
}

// leased is a request about a task that its worker holds.
type leased struct {
	Lease    jobs.Lease    `json:"lease"`
	Progress jobs.Progress `json:"progress,omitzero"`
	Result   *jobs.Result  `json:"result,omitempty"`
	Lines    []line        `json:"lines,omitempty"`
	File     *piece        `json:"file,omitempty"`
	Input    *wanted       `json:"input,omitempty"`
}

// line is a worker.Line.
type line struct {
	Stream worker.Stream `json:"s,omitempty"`
	Text   []byte        `json:"t,omitempty"`
	Part   bool          `json:"p,omitempty"`
}

// desk gives tasks to workers on other machines, and takes what they say. A
// worker is heard only about tasks that were given to it.
type desk struct {
	queue   *jobs.Scheduler
	logs    *Logs
	outputs *Outputs
	inputs  *Inputs
	named   named
	pieces  pieces
	claims  claims

	mu   sync.Mutex            // guards held; a leaf
	held map[uint64]assignment // by token
}

// assignment is who has a task, and what has come of it.
type assignment struct {
	worker string
	lease  jobs.Lease
	seen   time.Time // when the queue said last that it is theirs
	logged int64     // bytes of output
	files  int       // stored
	bytes  int64     // of them
}

// What is taken of a run: a worker bounds it itself, to half of that; what it
// sends again counts again.
const (
	mostLogged = 2 * worker.DefaultMaxLog
	mostFiles  = 2 * worker.DefaultMaxOutputs
	mostBytes  = 2 * worker.DefaultMaxOutputSize
)

// believedFor is how long a task is taken for a worker's without a sign of the
// queue. It is above the time between two beats.
const believedFor = 20 * time.Second

// serve answers on a connection until stop is called.
func (d *desk) serve(c *bus.Conn) (stop func(), err error) {
	d.held = map[uint64]assignment{}
	var stops []func()
	stop = func() {
		for _, s := range stops {
			s()
		}
		d.pieces.forget()
	}
	calls := map[string]bus.Handler{callInput: d.about(d.input)}
	for subject, handle := range map[string]func(context.Context, string, *leased) error{callBeat: d.beat, callFinish: d.finish, callLog: d.log, callFile: d.file} {
		calls[subject] = d.about(func(ctx context.Context, name string, l *leased) ([]byte, error) { return nil, handle(ctx, name, l) })
	}
	for subject, handle := range calls {
		s, err := c.Serve(subject, handle)
		if err != nil {
			stop()
			return nil, err
		}
		stops = append(stops, s)
	}
	for subject, handle := range map[string]bus.Handler{callClaim: d.claim, callLeave: d.leave} {
		s, err := c.ServeWith(subject, bus.ServeOptions{Parallel: maxClaims}, handle)
		if err != nil {
			stop()
			return nil, err
		}
		stops = append(stops, s)
	}
	return stop, nil
}

// maxClaims is how many claims of workers may wait at once.
const maxClaims = 4096

// claim gives a task, or after a while nothing.
func (d *desk) claim(ctx context.Context, r bus.Request) ([]byte, error) {
	var c claim
	if err := json.Unmarshal(r.Payload, &c); err != nil {
		return nil, coded(wrong(err))
	}
	c.Worker.Node = r.From // it is who its token says
	c.Worker.Kinds = slices.DeleteFunc(c.Worker.Kinds, func(kind string) bool { return !membersKinds[kind] })
	waiting, one := d.claims.begin(ctx, r.From, c.Number)
	if one == nil {
		return nil, nil
	}
	t, err := d.queue.Claim(waiting, c.Worker)
	gone := waiting.Err() != nil
	if err == nil {
		d.mu.Lock()
		d.held[t.Token] = assignment{worker: r.From, lease: t.Lease, seen: time.Now()}
		d.mu.Unlock()
	}
	replaced := d.claims.end(r.From, one, t)
	switch {
	case err == nil:
		return json.Marshal(t)
	case replaced && ctx.Err() == nil:
		return nil, errShared // so that it waits before it asks again
	case gone && ctx.Err() == nil:
		return nil, nil
	}
	return nil, coded(err)
}

// errShared is what a worker hears that waited for a task when another one began
// to. A worker that has lost its connection does not hear it.
var errShared = errors.New("another worker with the same token asks for tasks; each needs a token of its own: freshet worker invite NAME")

// leave is told by a worker that it waits no more.
func (d *desk) leave(ctx context.Context, r bus.Request) ([]byte, error) {
	var c claim
	if err := json.Unmarshal(r.Payload, &c); err != nil {
		return nil, coded(wrong(err))
	}
	if t := d.claims.leave(ctx, r.From, c.Number); t != nil {
		d.give(t.Lease)
	}
	return nil, nil
}

// give gives a task back that did not reach its worker.
func (d *desk) give(l jobs.Lease) {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	if d.queue.Finish(ctx, l, jobs.Result{Lost: true, Reason: "its worker was gone"}) == nil {
		d.drop(l)
	}
}

func (d *desk) drop(l jobs.Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.held, l.Token)
}

// about makes a handler of one for what workers say about a task of theirs.
func (d *desk) about(handle func(context.Context, string, *leased) ([]byte, error)) bus.Handler {
	return func(ctx context.Context, r bus.Request) ([]byte, error) {
		var l leased
		if err := json.Unmarshal(r.Payload, &l); err != nil {
			return nil, coded(wrong(err))
		}
		err := d.theirs(ctx, r.From, l.Lease)
		var text []byte
		if err == nil {
			text, err = handle(ctx, r.From, &l)
		}
		if err != nil {
			return nil, coded(err)
		}
		return text, nil
	}
}

// theirs refuses a worker that was not given the task, or from which it was given
// to another. After a restart it is the queue that knows.
func (d *desk) theirs(ctx context.Context, name string, l jobs.Lease) error {
	d.mu.Lock()
	a, known := d.held[l.Token]
	d.mu.Unlock()
	if !known {
		_, err := d.ask(ctx, name, l)
		return err
	}
	if a.worker != name || a.lease != l {
		return jobs.ErrLost
	}
	return nil
}

// ask asks the queue whether a worker has a task now. ErrLost: it is another's.
func (d *desk) ask(ctx context.Context, name string, l jobs.Lease) (running bool, err error) {
	if running, err = d.queue.Holds(ctx, name, l); err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.held[l.Token]
	a.worker, a.lease, a.seen = name, l, time.Time{}
	if running {
		a.seen = time.Now()
	}
	d.held[l.Token] = a
	return running, nil
}

// count changes what is known of a task that a worker has.
func (d *desk) count(l jobs.Lease, change func(*assignment)) (now assignment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, known := d.held[l.Token]
	if change(&now); known {
		d.held[l.Token] = now
	}
	return now
}

// runs refuses output and files of a task that is over, or is another's now. Of
// its end, which may be told again, it is the queue that decides.
func (d *desk) runs(ctx context.Context, name string, l jobs.Lease) error {
	d.mu.Lock()
	seen := d.held[l.Token].seen
	d.mu.Unlock()
	if time.Since(seen) < believedFor {
		return nil
	}
	running, err := d.ask(ctx, name, l)
	if running || err != nil && !errors.Is(err, jobs.ErrLost) {
		return err
	}
	d.pieces.over(l.Token)
	return jobs.ErrLost
}

func (d *desk) beat(ctx context.Context, _ string, l *leased) error {
	err := d.queue.Beat(ctx, l.Lease, l.Progress)
	d.count(l.Lease, func(a *assignment) {
		switch {
		case err == nil:
			a.seen = time.Now()
		case errors.Is(err, jobs.ErrLost):
			a.seen = time.Time{}
		}
	})
	return err
}

// finish keeps who had the task, because the same may come again.
func (d *desk) finish(ctx context.Context, _ string, l *leased) error {
	if l.Result == nil {
		return wrong(errors.New("there is no result"))
	}
	err := d.queue.Finish(ctx, l.Lease, *l.Result)
	if err == nil {
		d.count(l.Lease, func(a *assignment) { a.seen = time.Time{} })
		d.pieces.over(l.Lease.Token)
		d.forgetOld(l.Lease.Token)
	}
	return err
}

// keptHeld is how many tokens below the latest one are remembered.
const keptHeld = 100_000

// forgetOld forgets who had tasks long ago, when there are many.
func (d *desk) forgetOld(token uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.held) < keptHeld {
		return
	}
	for t := range d.held {
		if t < token {
			delete(d.held, t) // of one that runs still, the queue knows
		}
	}
}

func (d *desk) log(ctx context.Context, name string, l *leased) error {
	if err := d.runs(ctx, name, l.Lease); err != nil {
		return err
	}
	lines, size := make([]worker.Line, len(l.Lines)), int64(0)
	for i, from := range l.Lines {
		lines[i] = worker.Line{Stream: from.Stream, Text: from.Text, Part: from.Part}
		size += int64(len(from.Text)) + 1
	}
	if now := d.count(l.Lease, func(*assignment) {}); now.logged+size > mostLogged {
		return fmt.Errorf("%w: a run writes %d bytes at most", jobs.ErrFull, int64(mostLogged))
	}
	err := d.logs.Append(ctx, l.Lease, lines)
	if err == nil {
		d.count(l.Lease, func(a *assignment) { a.logged += size })
	}
	return err
}

func (d *desk) file(ctx context.Context, name string, l *leased) error {
	if l.File == nil {
		return wrong(errors.New("there is no piece of a file"))
	}
	if err := d.runs(ctx, name, l.Lease); err != nil {
		return err
	}
	now := d.count(l.Lease, func(*assignment) {})
	size := now.bytes
	if l.File.Offset == 0 {
		size += d.pieces.promised(l.Lease.Token) + max(l.File.Size, 0)
	}
	if now.files >= mostFiles || size > mostBytes {
		return fmt.Errorf("%w: a run makes %d files at most, and %d bytes", jobs.ErrFull, mostFiles, int64(mostBytes))
	}
	whole, err := d.pieces.add(ctx, d.outputs, name, l.Lease, l.File)
	if whole {
		d.count(l.Lease, func(a *assignment) { a.files++; a.bytes += l.File.Size })
	}
	return err
}

// coded is an error with the code by which the other side knows it.
func coded(err error) error {
	for _, c := range codes {
		if errors.Is(err, c.err) {
			return &bus.Error{Code: c.name, Text: err.Error()}
		}
	}
	return err
}

// uncoded is the error that a code stands for.
func uncoded(err error) error {
	var from *bus.Error
	if !errors.As(err, &from) {
		return err
	}
	for _, c := range codes {
		if c.name == from.Code {
			return &remote{from.Text, c.err}
		}
	}
	return fmt.Errorf("the queue says: %s", from.Text)
}
