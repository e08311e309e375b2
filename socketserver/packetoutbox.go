package socketserver

import (
	"sync"
	"sync/atomic"
	"time"
)

// mostDelay is how long a reply waits for others to be sent with.
const mostDelay = time.Millisecond

// outbox has the packets whose handlers have returned and whose replies are to
// be sent together: at the latest when its owner, a goroutine that runs
// handlers, has nothing more to do, or a handler takes long.
type outbox struct {
	mu    sync.Mutex // guards what follows
	ps    []*Packet
	timer *time.Timer
	armed atomic.Bool // it will fire; set by the owner, under mu
}

// before is called before a handler runs, which may take long.
func (o *outbox) before() {
	if o.armed.Load() { // what it finds then is all that there is now
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ps) == 0 {
		return
	}
	o.armed.Store(true)
	if o.timer == nil {
		o.timer = time.AfterFunc(mostDelay, o.late)
	} else {
		o.timer.Reset(mostDelay)
	}
}

// late is what the timer does.
func (o *outbox) late() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.armed.Store(false)
	o.flushLocked()
}

// add has p sent, and then released. Long ones do not wait: they could be what
// a reader waits for (PacketServer.Memory).
func (o *outbox) add(p *Packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ps = append(o.ps, p)
	if len(o.ps) >= orDefault(p.sock.srv.Batch, DefaultBatch) || p.size > 0 {
		o.flushLocked()
	}
}

func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flushLocked()
}

func (o *outbox) flushLocked() {
	for rest := o.ps; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].sock == rest[0].sock {
			n++
		}
		rest[0].sock.finish(rest[:n])
		clear(rest[:n])
		rest = rest[n:]
	}
	o.ps = o.ps[:0]
}

// finish sends what the packets, all of this socket, have gathered, and
// releases them.
func (k *packetSocket) finish(ps []*Packet) {
	k.send(ps)
	for _, p := range ps {
		if p.err != nil {
			k.srv.fault(p, p.err)
		}
	}
	k.spare.put(ps)
	k.release(int64(len(ps)))
}

// close sends what there is; the outbox is not used any more.
func (o *outbox) close() {
	o.flush()
	if o.timer != nil {
		o.timer.Stop()
	}
}
