package fleet

import (
	"context"
	"sync"

	"freshet/internal/bus"
)

// A worker beats every few seconds, and hears then when a task of it is to end. So
// that it hears it at once, it is told to beat now, by a hint: one that gets lost
// costs those seconds.

// hintHeed and the name of a worker are the subject of its hints.
const hintHeed = "jobs.heed."

// heeds are workers that are to be told, each once.
type heeds struct {
	mu   sync.Mutex // guards by; a leaf
	by   map[string]bool
	some chan struct{} // has one when there are some
}

func newHeeds() *heeds { return &heeds{by: map[string]bool{}, some: make(chan struct{}, 1)} }

// note notes one. It waits for nothing.
func (h *heeds) note(worker string) {
	h.mu.Lock()
	h.by[worker] = true
	h.mu.Unlock()
	select {
	case h.some <- struct{}{}:
	default:
	}
}

func (h *heeds) take() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	by := h.by
	h.by = map[string]bool{}
	return by
}

// run tells them, until ctx ends.
func (h *heeds) run(ctx context.Context, tell func(worker string)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.some:
		}
		for worker := range h.take() {
			tell(worker)
		}
	}
}

// heed tells a worker, here or elsewhere.
func (n *Node) heed(worker string) {
	switch {
	case worker == n.name:
		n.worker.Heed()
	case n.hints != nil:
		if err := n.hints.Publish(hintHeed+worker, nil); err != nil {
			n.log.Debug("a worker is not told to beat", "worker", worker, "err", err)
		}
	}
}

// heed has the worker beat when the hub says so, until ctx ends.
func (m *member) heed(ctx context.Context) error {
	stop, err := m.conn.Subscribe(hintHeed+m.conn.Name(), func(bus.Hint) { m.worker.Heed() })
	if err != nil {
		m.ErrorLog.Debug("the worker does not hear at once that a task is to end", "err", err)
		return nil
	}
	<-ctx.Done()
	stop()
	return nil
}
