package gateway

import (
	"fmt"
	"time"

	"freshet/internal/rule"
)

// The side of reading ahead that sends what was read.

// next moves what is to be sent next to b. over is true when nothing is left
// and nothing comes.
func (a *ahead) next(b []byte) (n int, over bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.at < a.end:
		n, err = a.file.ReadAt(b[:min(int64(len(b)), a.end-a.at)], a.at)
		if a.at += int64(n); n > 0 {
			err = nil
		}
		if a.at == a.end {
			a.closeFile() // and its room is free at once
		}
	case a.from < a.to:
		n = copy(b, a.mem.octets[a.from:a.to])
		a.from += n
	default:
		return 0, a.over, nil
	}
	a.took = time.Now()
	tell(a.room)
	return n, false, err
}

func (a *ahead) isStopped() rule.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped
}

// stop has no more read.
func (a *ahead) stop(why rule.ID) {
	a.mu.Lock()
	needless := a.over || a.stopped != 0
	if !needless {
		a.stopped = why
	}
	a.mu.Unlock()
	if !needless {
		tell(a.room)
		a.x.opt.Program.Stop(why)
	}
}

// close waits for the reading goroutine and gives back what a has.
func (a *ahead) close() {
	<-a.done
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closeFile()
	outputBuffers.Put(a.mem)
	a.mem = nil
	a.tally.answers.Add(-1)
}

// leave ends the reading ahead, if there is any, when Relay returns or panics.
func (x *relay) leave() {
	a := x.ahead
	if a == nil {
		x.disarm()
		return
	}
	a.stop(rule.ScriptClientGone)
	a.close()
	if p := a.panicked; p != nil {
		panic(p)
	}
}

// follow sends what is read ahead, or ends that when f says that the client has
// gone.
func (x *relay) follow(f *Fault) *Fault {
	a := x.ahead
	if a == nil {
		return x.end(f)
	}
	for f == nil {
		n, over, err := a.next(x.o.buf.octets[:])
		switch {
		case err != nil:
			f = &Fault{Rule: rule.ScriptSpoolFailed, Err: fmt.Errorf("read what was kept of an answer: %w", err)}
		case over:
			<-a.done
			return a.fault
		case n == 0:
			a.await(x)
		default:
			f = x.send(x.o.buf.octets[:n])
		}
	}
	a.stop(f.Rule)
	<-a.done
	if a.fault != nil && a.fault.Rule != f.Rule {
		return a.fault // came first
	}
	return f
}

// await waits for more to send; what is not sent yet is flushed when its time is
// over.
func (a *ahead) await(x *relay) {
	if !x.unflushed {
		<-a.more
		return
	}
	if !within(x.opt.Pause, a.more, &a.sending) {
		x.flush()
	}
}
