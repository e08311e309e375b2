package cache

import (
	"context"
	"sync"
)

// Background reports whether a request to the handler behind the cache is a
// validation in the background, from the request's context: nobody waits for
// its answer, and what the context has besides is that of a request which has
// been answered.
func Background(ctx context.Context) bool {
	is, _ := ctx.Value(backgroundKey{}).(bool)
	return is
}

type backgroundKey struct{}

// inBackground returns the context of a validation that the request with ctx
// begins: it ends with nothing.
func inBackground(ctx context.Context) context.Context {
	return context.WithValue(context.WithoutCancel(ctx), backgroundKey{}, true)
}

// background counts validations in the background.
type background struct {
	mu   sync.Mutex    // guards all below
	n    int64         // that are under way
	none chan struct{} // closed when there is none left; nil: nobody waits
}

func (b *background) begin() {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
}

func (b *background) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 && b.none != nil {
		close(b.none)
		b.none = nil
	}
}

// count returns how many there are.
func (b *background) count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// AwaitBackground waits until no validation in the background is under way, or
// ctx ends; then it returns its error.
func (s *Store) AwaitBackground(ctx context.Context) error {
	b := &s.background
	b.mu.Lock()
	if b.n == 0 {
		b.mu.Unlock()
		return nil
	}
	if b.none == nil {
		b.none = make(chan struct{})
	}
	none := b.none
	b.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
