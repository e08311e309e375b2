package child

import (
	"sync"
	"syscall"
	"time"
)

// Process is a program that was started. Its methods may be called by several
// goroutines.
type Process struct {
	spawner *Spawner
	slot    int
	mark    string
	pid     int
	handle  handle // what the system needs to wait for it

	mu       sync.Mutex  // guards what follows, and is held while its group is signalled
	reaped   bool        // its number is not ours any more
	stopping *time.Timer // from Terminate: kills after the grace

	result Result // set before done is closed
	done   chan struct{}
}

// Pid is the number of the process and of the group it leads.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the process and its group are gone.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait blocks until the process ended, the rest of its group was killed, and
// all were reaped.
func (p *Process) Wait() Result {
	<-p.done
	return p.result
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

// await sees the process to its end; whoever started it has it called once.
func (p *Process) await() {
	p.result = p.end()
	p.mu.Lock()
	if p.stopping != nil {
		p.stopping.Stop()
	}
	p.mu.Unlock()
	p.spawner.forget(p)
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
