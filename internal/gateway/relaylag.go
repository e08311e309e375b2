package gateway

import (
	"sync"
	"time"
)

// lagAfter is how long a client may take over one write before it counts as
// slow: longer than a write takes that only fills the socket's buffer, and short
// beside what it saves.
const lagAfter = 10 * time.Millisecond

// lag notices that a write takes long. It is kept with its timer, so that
// looking costs no allocation. A timer that fires late may find the write after
// the one that it was for, which is then taken for a slow one: no harm.
type lag struct {
	timer *time.Timer // nil before the first write

	mu sync.Mutex // guards what follows; a leaf
	of *relay     // whose write is going on; nil: none
}

// fire has the output read ahead of the client.
func (l *lag) fire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.of != nil && l.of.ahead == nil {
		l.of.ahead = startAhead(l.of)
	}
}

// begin is called before a write.
func (l *lag) begin(x *relay) {
	l.mu.Lock()
	l.of = x
	l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(lagAfter, l.fire)
		return
	}
	l.timer.Reset(lagAfter)
}

// over is called after it: from then on ahead does not change.
func (l *lag) over() {
	l.timer.Stop()
	l.mu.Lock()
	l.of = nil
	l.mu.Unlock()
}

// aside does what may wait for the client, and has the output read ahead when it
// does: then x.ahead is not nil afterwards.
func (x *relay) aside(write func(*relay, []byte) *Fault, b []byte) *Fault {
	if x.opt.Program == nil || x.ahead != nil {
		return write(x, b)
	}
	l := &x.o.buf.lag
	l.begin(x)
	defer l.over()
	return write(x, b)
}

func (x *relay) sendAside(b []byte) *Fault {
	if len(b) == 0 {
		return nil
	}
	return x.aside((*relay).send, b)
}

func (x *relay) flushAside() {
	x.aside(func(x *relay, _ []byte) *Fault { x.flush(); return nil }, nil)
}
