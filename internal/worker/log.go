package worker

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"freshet/jobs"
)

// Stream is where a line was printed.
type Stream uint8

// The streams.
const (
	Note   Stream = iota // by the worker, about the task
	Stdout               //
	Stderr
)

// String is the stream's name in lower case.
func (s Stream) String() string {
	switch s {
	case Stdout:
		return "stdout"
	case Stderr:
		return "stderr"
	}
	return "note"
}

// Line is a line that a task printed, as octets, whatever they are.
type Line struct {
	Time   time.Time
	Stream Stream
	Text   []byte // without its end: LF, CR LF, or a CR alone, as progress bars have it
	// Part says that the line goes on in the next one of its stream: it is
	// longer than 64 KiB.
	Part bool
}

// Of logs: how much of a line is one, what each costs beside its text, how long
// a log gathers lines, how many octets it sends at a time, how long the end of
// a task waits for a sink that fails, and how much of the output is a result's.
const (
	maxLine    = 64 << 10
	lineCost   = 64
	gatherFor  = 100 * time.Millisecond
	maxBatch   = 256 << 10
	closeFor   = 10 * time.Second
	lastOutput = 4 << 10
)

// log is the output of one attempt on its way to a LogSink: the head at once,
// the tail at the end. Nobody who prints waits for the sink.
type log struct {
	sink  LogSink
	lease jobs.Lease
	clock func() time.Time

	mu      sync.Mutex // guards what follows; a leaf
	tailed  []byte     // the last octets, for the result; up to twice as many as it gets
	head    int        // what may still be sent at once
	pending []Line     // to be sent
	tail    ring
	closed  bool
	ending  chan struct{} // closed by close
	wake    chan struct{} // has one when there is something to send
	sent    chan error    // how sending ended; nil without a sink
	give    context.CancelFunc
}

// newLog begins the log of an attempt; close ends it.
func newLog(sink LogSink, l jobs.Lease, most int, clock func() time.Time) *log {
	g := &log{sink: sink, lease: l, clock: clock, head: most - most/4, ending: make(chan struct{}), wake: make(chan struct{}, 1)}
	g.tail.most = most / 4
	if sink != nil {
		ctx, cancel := context.WithCancel(context.Background())
		g.give, g.sent = cancel, make(chan error, 1)
		go func() { g.sent <- g.send(ctx) }()
	}
	return g
}

// raw keeps the end of what was printed, as it was.
func (g *log) raw(b []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(b) > lastOutput {
		b = b[len(b)-lastOutput:]
	}
	if len(g.tailed)+len(b) > 2*lastOutput {
		keep := g.tailed[len(g.tailed)-(lastOutput-min(len(b), lastOutput)):]
		g.tailed = append(g.tailed[:0], keep...)
	}
	g.tailed = append(g.tailed, b...)
}

// last is the end of what was printed.
func (g *log) last() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return bytes.Clone(g.tailed[max(0, len(g.tailed)-lastOutput):])
}

// note adds a line of ours.
func (g *log) note(text string) { g.add(Line{Stream: Note, Text: []byte(text)}) }

// line adds a line that the task printed, and keeps it for the result.
func (g *log) line(s Stream, text []byte) {
	g.raw(append(text[:len(text):len(text)], '\n'))
	g.add(Line{Stream: s, Text: text})
}

// add adds a line, which is the log's from now on.
func (g *log) add(l Line) {
	if g.sink == nil {
		return
	}
	l.Time = g.clock()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	cost := len(l.Text) + lineCost
	if cost > g.head {
		g.head = 0 // what follows a line that is left out is not the head
		g.tail.push(l)
		return
	}
	g.head -= cost
	g.pending = append(g.pending, l)
	g.nudge()
}

func (g *log) nudge() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// close sends what is left, with a line about what is left out, and waits for
// it, for a while when the sink fails.
func (g *log) close() error {
	if g.sink == nil {
		return nil
	}
	g.mu.Lock()
	g.closed = true
	if t := &g.tail; t.droppedLines > 0 {
		text := fmt.Sprintf("%d lines (%d bytes) of output are left out here", t.droppedLines, t.droppedBytes)
		g.pending = append(g.pending, Line{Time: g.clock(), Stream: Note, Text: []byte(text)})
	}
	g.pending = append(g.pending, g.tail.lines[g.tail.first:]...)
	g.tail = ring{}
	g.mu.Unlock()
	close(g.ending)
	g.nudge()
	defer time.AfterFunc(closeFor, g.give).Stop()
	defer g.give()
	return <-g.sent
}

// send gives lines to the sink until the log is closed and all are sent, or
// ctx ends.
func (g *log) send(ctx context.Context) error {
	var failing pause
	for {
		batch, over := g.batch()
		if len(batch) == 0 && over {
			return nil
		}
		if len(batch) == 0 {
			<-g.wake
			continue
		}
		if err := g.sink.Append(ctx, g.lease, batch); err != nil {
			ending := g.ending
			if over {
				ending = nil
			}
			if !failing.wait(ctx, ending) && ctx.Err() != nil {
				return err
			}
			continue
		}
		failing = pause{}
		g.mu.Lock()
		clear(g.pending[:len(batch)])
		g.pending = g.pending[len(batch):]
		over = g.closed
		g.mu.Unlock()
		if !over {
			g.gather()
		}
	}
}

// gather waits a moment for more lines, so that a task that prints many is no
// call each.
func (g *log) gather() {
	t := time.NewTimer(gatherFor)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			g.nudge()
			return
		case <-g.wake:
			g.mu.Lock()
			over := g.closed
			g.mu.Unlock()
			if over {
				return
			}
		}
	}
}

// batch is what to send next; over: nothing comes behind it.
func (g *log) batch() (lines []Line, over bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	size, n := 0, 0
	for n < len(g.pending) && (n == 0 || size < maxBatch) {
		size += len(g.pending[n].Text) + lineCost
		n++
	}
	return g.pending[:n:n], g.closed
}

// ring keeps the last lines within a bound, and counts what it let go.
type ring struct {
	most, size                 int
	lines                      []Line
	first                      int // index of the first one that is kept
	droppedLines, droppedBytes int64
}

func (r *ring) push(l Line) {
	r.lines = append(r.lines, l)
	r.size += len(l.Text) + lineCost
	for r.size > r.most && r.first < len(r.lines) {
		old := &r.lines[r.first]
		r.size -= len(old.Text) + lineCost
		r.droppedLines++
		r.droppedBytes += int64(len(old.Text)) + 1
		*old = Line{}
		r.first++
	}
	if r.first > 64 && 2*r.first > len(r.lines) {
		n := copy(r.lines, r.lines[r.first:])
		clear(r.lines[n:])
		r.lines, r.first = r.lines[:n], 0
	}
}
