package child

import (
	"fmt"
	"io/fs"
	"sync"
)

// Spawner starts programs, all as one user, with the same limits and in the
// same sandbox. Its methods may be called by several goroutines.
type Spawner struct {
	options Options
	system  *system

	mu       sync.Mutex        // guards what follows; a leaf
	free     []int             // slots that no child has
	live     map[*Process]bool // children, from their start until they are gone
	starting sync.WaitGroup    // calls of Start that have a slot
	closed   bool
	gone     chan struct{} // closed when Close is done
}

// New makes ready to start programs; an error says what of the options cannot
// be had here. The Spawner must be closed.
func New(o Options) (*Spawner, error) {
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("start programs: %w", err)
	}
	y, err := newSystem(&o)
	if err != nil {
		return nil, fmt.Errorf("start programs: %w", err)
	}
	s := &Spawner{options: o, system: y, live: map[*Process]bool{}, gone: make(chan struct{})}
	for i := o.Slots - 1; i >= 0; i-- {
		s.free = append(s.free, i)
	}
	return s, nil
}

// Start starts a program and returns when it runs. An error is ErrBusy,
// ErrClosed or a [*fs.PathError] that says why the system would not.
func (s *Spawner) Start(c *Command) (*Process, error) {
	p, err := s.take(c.Mark)
	if err != nil {
		return nil, err
	}
	defer s.starting.Done()
	if err := s.system.start(c, p); err != nil {
		s.forget(p)
		return nil, &fs.PathError{Op: "start", Path: c.Path, Err: err}
	}
	return p, nil
}

// take reserves a slot; who has it calls starting.Done once the child runs,
// or does not.
func (s *Spawner) take(mark string) (*Process, error) {
	p := &Process{spawner: s, mark: mark, done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if len(s.free) == 0 {
		return nil, ErrBusy
	}
	p.slot = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	s.live[p] = true
	s.starting.Add(1)
	return p, nil
}

// forget takes a child that is gone, or did not start, off the list.
func (s *Spawner) forget(p *Process) {
	s.mu.Lock()
	delete(s.live, p)
	s.free = append(s.free, p.slot)
	s.mu.Unlock()
}

// Close kills all children, waits until they are gone, and gives back what
// the Spawner held. Start fails from then on.
func (s *Spawner) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.gone
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.starting.Wait()
	s.mu.Lock()
	var live []*Process
	for p := range s.live {
		live = append(live, p)
	}
	s.mu.Unlock()
	for _, p := range live {
		p.Kill()
		p.Done() // they end side by side
	}
	for _, p := range live {
		<-p.Done()
	}
	err := s.system.close()
	close(s.gone)
	if err != nil {
		return fmt.Errorf("end programs: %w", err)
	}
	return nil
}

// Describe is one line for logs: who programs run as, within which limits,
// and what holds them.
func (s *Spawner) Describe() string { return s.system.describe() }
