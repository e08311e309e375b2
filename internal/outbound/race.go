package outbound

import (
	"context"
	"net"
	"time"
)

// dialFunc is what makes connections.
type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// defaultStagger is the Connection Attempt Delay of RFC 8305 §5.
const defaultStagger = 250 * time.Millisecond

// race makes n attempts to connect, each begun when the one before has failed
// or has had its time, and returns the first connection, or the first error.
// The others are closed, and none is left when it returns.
func race(ctx context.Context, n int, stagger time.Duration, attempt func(ctx context.Context, i int) (net.Conn, error)) (net.Conn, error) {
	if n == 1 {
		return attempt(ctx, 0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		nc  net.Conn
		err error
	}
	results := make(chan result)
	timer := time.NewTimer(stagger)
	defer timer.Stop()
	var winner net.Conn
	var first error
	next, running := 0, 0
	begin := func() {
		i := next
		next++
		running++
		timer.Reset(stagger)
		go func() {
			nc, err := attempt(ctx, i)
			results <- result{nc, err}
		}()
	}
	begin()
	for running > 0 {
		var late <-chan time.Time
		if next < n && winner == nil {
			late = timer.C
		}
		select {
		case <-late:
			begin()
			continue
		case r := <-results:
			running--
			switch {
			case r.err == nil && winner == nil:
				winner = r.nc
				cancel()
			case r.err == nil:
				r.nc.Close()
			case first == nil:
				first = r.err
			}
		}
		if winner == nil && next < n && ctx.Err() == nil {
			begin()
		}
	}
	if winner != nil {
		return winner, nil
	}
	return nil, first
}
