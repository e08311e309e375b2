package gateway

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/rule"
)

// AheadState is how many answers are read ahead of clients that are slow.
//
// Such an answer is kept in 64 KiB of memory, beyond that in a file. A program
// that ends is gone then, and its turn is another's, while the client takes its
// time. Where neither has room, the program waits for the client, and keeps its
// turn.
type AheadState struct {
	Answers int   // that are kept for slow clients now, wholly or in part
	Held    int   // whose programs wait for their clients now, for want of room
	Begun   int64 // answers so far
	Waited  int64 // of those, whose programs had to wait
}

// aheadTally counts answers that are read ahead.
type aheadTally struct{ answers, held, begun, waited atomic.Int64 }

// Ahead returns how many answers are read ahead.
func (f *Files) Ahead() AheadState {
	t := &f.ahead
	return AheadState{Answers: int(t.answers.Load()), Held: int(t.held.Load()), Begun: t.begun.Load(), Waited: t.waited.Load()}
}

// spillAt is how little memory must be left for what is there to go to the file.
const spillAt = 16 << 10

// ahead is what was read of one output and not sent yet: what is in the file
// comes before what is in memory. One goroutine reads the output, the request's
// own sends.
type ahead struct {
	x     *relay
	most  int64 // octets in the file
	tally *aheadTally
	done  chan struct{} // closed when the reading goroutine is
	room  chan struct{} // has one when there may be room
	more  chan struct{} // has one when there may be more to send

	reading, sending *time.Timer // of the goroutine that reads, of the one that sends; nil before they wait

	mu       sync.Mutex    // guards what follows; held while the file is read or written
	mem      *outputMemory // mem.octets[from:to] is kept
	from, to int
	file     *os.File  // nil when there is none
	name     string    // of file, where it still has one
	at, end  int64     // what of it is kept
	took     time.Time // when the client last took something
	held     bool      // the program had to wait
	broken   bool      // files cannot be written
	stopped  rule.ID   // why nobody wants more; 0: somebody does
	over     bool      // the output is
	fault    *Fault    // what there is to say of it then
	panicked any       // what ended the goroutine
}

// startAhead begins to read the output of x, whose goroutine is writing.
func startAhead(x *relay) *ahead {
	a := &ahead{
		x: x, most: x.opt.Spool.Most, done: make(chan struct{}), room: make(chan struct{}, 1), more: make(chan struct{}, 1),
		mem: outputBuffers.Get().(*outputMemory),
	}
	if a.most <= 0 {
		a.most = DefaultSpool
	}
	if x.opt.Spool.Files != nil {
		a.tally = &x.opt.Spool.Files.ahead
	} else {
		a.tally = new(aheadTally)
	}
	a.tally.begun.Add(1)
	a.tally.answers.Add(1)
	go a.run()
	return a
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run reads the output to its end.
func (a *ahead) run() {
	defer close(a.done)
	defer func() {
		p := recover()
		a.mu.Lock()
		a.over, a.panicked = true, p
		a.mu.Unlock()
		tell(a.more)
	}()
	f := a.x.end(a.read())
	a.mu.Lock()
	a.fault = f
	a.mu.Unlock()
}

func (a *ahead) read() *Fault {
	x := a.x
	x.disarm()
	for x.left != 0 {
		b, ok := a.space()
		if !ok {
			return &Fault{Rule: a.isStopped()}
		}
		n, err := x.o.src.Read(b)
		b, f := x.take(b[:n])
		a.add(len(b))
		why := a.isStopped()
		switch {
		case why != 0:
			return &Fault{Rule: why}
		case f != nil:
			return f
		case err != nil:
			return x.meaning(err)
		}
	}
	rest := NewOutput(x.o.src)
	defer rest.Release()
	rest.discard()
	return nil
}

// space waits for memory to read into; false when nobody wants more.
func (a *ahead) space() ([]byte, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.stopped == 0 {
		if a.from == a.to || a.to > outputBuffer-spillAt && a.from >= spillAt {
			a.to = copy(a.mem.octets[:], a.mem.octets[a.from:a.to])
			a.from = 0
		}
		if a.to <= outputBuffer-spillAt {
			return a.mem.octets[a.to:], true
		}
		// A client that keeps up needs no file, though its program is faster.
		soon := lagAfter - time.Since(a.took)
		if soon <= 0 && a.spill() {
			continue
		}
		if a.to < outputBuffer {
			return a.mem.octets[a.to:], true
		}
		a.awaitRoom(soon)
	}
	return nil, false
}

// roomAgain is how often a program that waits looks whether others have left
// room in files.
const roomAgain = time.Second

// awaitRoom lets go of mu until there may be room, or the time is over after
// which a client that took nothing is slow.
func (a *ahead) awaitRoom(soon time.Duration) {
	if held := soon <= 0; held {
		if soon = roomAgain; !a.held {
			a.held = true
			a.tally.waited.Add(1)
		}
		a.tally.held.Add(1)
		defer a.tally.held.Add(-1)
	}
	a.mu.Unlock()
	defer a.mu.Lock()
	within(soon, a.room, &a.reading)
}

// within waits for c for so long; false when the time is over. t is used again.
func within(d time.Duration, c <-chan struct{}, t **time.Timer) bool {
	if *t == nil {
		*t = time.NewTimer(d)
	} else {
		(*t).Reset(d)
	}
	defer (*t).Stop()
	select {
	case <-c:
		return true
	case <-(*t).C:
		return false
	}
}

// add says that n octets were read into the space.
func (a *ahead) add(n int) {
	if n == 0 {
		return
	}
	a.mu.Lock()
	a.to += n
	a.mu.Unlock()
	tell(a.more)
}

// spill moves what is in memory to the file; false when that cannot be, or is
// of no use: when the rest of a body of known length does not fit, its program
// would wait all the same. mu is held.
func (a *ahead) spill() bool {
	n, o := int64(a.to-a.from), &a.x.opt.Spool
	if a.broken || a.end+n > a.most || a.x.left > a.most || !o.Files.take(n, a.most, aheadAtOnce) {
		return false
	}
	a.end += n
	var err error
	if a.file == nil {
		a.file, a.name, err = unnamed(o.Dir)
	}
	if err == nil {
		_, err = a.file.WriteAt(a.mem.octets[a.from:a.to], a.end-n)
	}
	if err != nil { // most often a disk is full; a part that was written is not used
		a.broken = true
		a.end -= n
		a.give(n)
		return false
	}
	a.from, a.to = 0, 0
	return true
}

// give gives back the room of n octets in files; mu is held.
func (a *ahead) give(n int64) {
	if f := a.x.opt.Spool.Files; f != nil {
		f.octets.Add(-n)
	}
}

// closeFile forgets the file; mu is held.
func (a *ahead) closeFile() {
	if a.file != nil {
		a.file.Close()
		if a.name != "" {
			os.Remove(a.name)
		}
	}
	a.give(a.end)
	a.file, a.name, a.at, a.end = nil, "", 0, 0
}
