package child

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a program that was started. Its methods may be called by several
// goroutines. One of them must call Wait, Done or Ended until it is gone: who
// started a process sees it to its end.
type Process struct {
	spawner *Spawner
	slot    int
	mark    string
	pid     int
	handle  handle // what the system needs to wait for it

	mu       sync.Mutex  // guards what follows, and is held while its group is signalled
	reaped   bool        // its number is not ours any more
	stopping *time.Timer // from Terminate: kills after the grace

	seeing sync.Mutex // held by who sees it to its end
	gone   atomic.Bool
	result Result // set before gone
	done   chan struct{}
	seen   sync.Once // Done has it seen to its end
}

// Pid is the number of the process and of the group it leads.
func (p *Process) Pid() int { return p.pid }

// Gone says whether the process and its group are gone.
func (p *Process) Gone() bool { return p.gone.Load() }

// Done is closed when the process and its group are gone. It takes a goroutine
// until then.
func (p *Process) Done() <-chan struct{} {
	p.seen.Do(func() {
		if !p.Gone() {
			go p.Wait()
		}
	})
	return p.done
}

// Wait blocks until the process ended, the rest of its group was killed, and
// all were reaped.
func (p *Process) Wait() Result {
	if !p.Gone() {
		p.seeing.Lock()
		defer p.seeing.Unlock()
		if !p.Gone() {
			p.await()
		}
	}
	return p.result
}

// Ended is Wait for a process that is as good as over, having closed what it
// writes to: it waits for some moments at most, and says whether that was
// enough. It is much cheaper than Done, and only Linux has it: elsewhere it
// says whether the process is gone.
func (p *Process) Ended() bool {
	if p.Gone() {
		return true
	}
	if !p.seeing.TryLock() {
		return false // somebody waits already
	}
	defer p.seeing.Unlock()
	if !p.Gone() && p.soon() {
		p.await()
	}
	return p.Gone()
}

// Terminate sends TERM to the group, and KILL after Options.Grace if it is
// still there. It returns at once; later calls do nothing.
func (p *Process) Terminate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped || p.stopping != nil {
		return
	}
	_ = signalGroup(p, syscall.SIGTERM)
	p.stopping = time.AfterFunc(p.spawner.options.Grace, p.Kill)
}

// Kill sends KILL to the group. It returns at once.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = signalGroup(p, syscall.SIGKILL)
	}
}

// await sees the process to its end; seeing is held.
func (p *Process) await() {
	p.result = p.end()
	p.mu.Lock()
	if p.stopping != nil {
		p.stopping.Stop()
	}
	p.mu.Unlock()
	p.spawner.forget(p)
	p.gone.Store(true)
	close(p.done)
}

// reap marks the number as not ours any more in the same step that gives it
// up: no signal is sent in between.
func (p *Process) reap(wait func()) {
	p.mu.Lock()
	wait()
	p.reaped = true
	p.mu.Unlock()
}
