//go:build !nonats

package bus

import (
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

// Hints that wait for a slow subscriber; what does not fit is dropped, and logged.
const (
	hintsWaiting     = 4096
	hintBytesWaiting = 16 << 20
)

// Publish tells whoever listens now. Nothing says whether somebody does.
func (c *Conn) Publish(subject string, payload []byte) error {
	if err := checkSubject(subject, false); err != nil {
		return err
	}
	if c.worker {
		return fmt.Errorf("publish %s: %w", subject, ErrDenied)
	}
	if int64(len(payload)) > c.room() {
		return fmt.Errorf("publish %s with %d bytes: %w", subject, len(payload), ErrTooLarge)
	}
	if err := c.nc.Publish(prefixHint+subject, payload); err != nil {
		return fmt.Errorf("publish %s: %w", subject, plainly(err))
	}
	return nil
}

// Subscribe calls f with the hints of a subject, in which a name may be * and
// the last one >, one after the other, until stop is called (not by f), which waits
// for f. Hints that are published after it returns are heard.
func (c *Conn) Subscribe(subject string, f func(Hint)) (stop func(), err error) {
	if err := checkSubject(subject, true); err != nil {
		return nil, err
	}
	if c.worker && !mayHear(c.name, subject) {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, ErrDenied)
	}
	var mu sync.Mutex // held while f runs
	stopped := false
	sub, err := c.nc.Subscribe(prefixHint+subject, func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			f(Hint{strings.TrimPrefix(m.Subject, prefixHint), m.Data})
		}
	})
	if err == nil {
		err = sub.SetPendingLimits(hintsWaiting, hintBytesWaiting)
	}
	if err == nil {
		err = c.nc.FlushTimeout(DefaultTimeout)
	}
	if err != nil {
		if sub != nil {
			_ = sub.Unsubscribe()
		}
		return nil, fmt.Errorf("subscribe to %s: %w", subject, plainly(err))
	}
	return func() {
		_ = sub.Unsubscribe() // fails only when the connection has ended
		mu.Lock()
		stopped = true
		mu.Unlock()
	}, nil
}
