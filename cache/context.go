package cache

import (
	"context"
	"sync"
)

// originContext is the context of a request to the origin. It has the values of
// the client's, and ends when the exchange does. Only when somebody asks for its
// Done is the client watched, which costs the engine more than a small answer:
// then gone is called when the client has left, and says what that means.
type originContext struct {
	context.Context // without an end
	client          context.Context
	gone            func()

	mu      sync.Mutex
	inner   context.Context // with an end; nil until somebody asks
	end     context.CancelFunc
	unwatch func() bool
	err     error
}

func (c *originContext) start(client context.Context, gone func()) {
	c.Context, c.client, c.gone = context.WithoutCancel(client), client, gone
}

// Done implements context.Context.
func (c *originContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.end = context.WithCancel(c.Context)
		if c.err != nil {
			c.end()
		} else if c.gone != nil {
			c.unwatch = context.AfterFunc(c.client, c.gone)
		}
	}
	return c.inner.Done()
}

// Err implements context.Context.
func (c *originContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Value implements context.Context. That of inner lets package context find
// the parent of contexts that are made of this one.
func (c *originContext) Value(key any) any {
	c.mu.Lock()
	from := c.inner
	c.mu.Unlock()
	if from == nil {
		from = c.Context
	}
	return from.Value(key)
}

// cancel ends the context.
func (c *originContext) cancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = context.Canceled
	if c.end != nil {
		c.end()
	}
	if c.unwatch != nil {
		c.unwatch()
	}
}
