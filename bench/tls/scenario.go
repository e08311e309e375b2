package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"freshet/bench/internal/stats"
)

// scenario is what is measured of each server.
type scenario struct {
	name, unit, what string

	path    string
	plain   bool    // without TLS, for what remains without it
	resumed bool    // each handshake resumes a session
	kept    bool    // a unit is an answer on a connection that is kept, not a connection
	bar     float64 // the ratio that ours is to have at most; 0 for none
}

var scenarios = []scenario{
	{name: "full", unit: "connection", what: "a full handshake, one GET of 100 bytes, and the client closes", path: small, bar: 1.1},
	{name: "resumed", unit: "connection", what: "a resumed handshake (a ticket, with X25519), one GET of 100 bytes, and the client closes", path: small, resumed: true, bar: 1.1},
	{name: "connect", unit: "connection", what: "the same without TLS: what of the two above is not TLS", path: small, plain: true},
	{name: "body", unit: "answer", what: "GET of 100 KB (100,000 bytes), HTTP/1.1 over TLS, on connections that are kept", path: large, kept: true, bar: 1},
	{name: "body-plain", unit: "answer", what: "the same without TLS", path: large, plain: true, kept: true},
}

// measure asks the servers in turn, each first as often as the others.
func (b *bench) measure(ctx context.Context, s *scenario) error {
	n := b.handshakes
	if s.kept {
		n = b.bodies
	}
	for round := range b.rounds + 1 {
		for i := range b.columns {
			c := b.columns[(i+round)%len(b.columns)]
			cost, err := b.once(ctx, s, c, n)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first one warms up
				c.cost[s.name] = append(c.cost[s.name], cost)
			}
		}
	}
	return nil
}

// once returns what a unit costs a server, in µs. Connections that are kept are
// opened and closed in this time, too, and divided among the answers.
func (b *bench) once(ctx context.Context, s *scenario, c *column, n int) (float64, error) {
	addr := c.secure
	if s.plain {
		addr = c.plain
	}
	asking, err := newClient(ctx, b.site, addr, s, b.conns)
	if err != nil {
		return 0, err
	}
	before, err := c.rested(ctx)
	if err != nil {
		return 0, err
	}
	if err := asking.ask(ctx, n); err != nil {
		return 0, err
	}
	after, err := c.rested(ctx)
	return float64((after - before).Nanoseconds()) / 1e3 / float64(n), err
}

// rested returns the processor time of a server that has seen the last
// connections end: once it has used none for a moment.
func (c *column) rested(ctx context.Context) (time.Duration, error) {
	last, err := c.cpu()
	for range 100 {
		if err != nil {
			return 0, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		var now time.Duration
		if now, err = c.cpu(); err == nil && now-last < 100*time.Microsecond {
			return now, nil
		}
		last = now
	}
	return last, err
}

// print prints the figures of a scenario, and the ratio of ours to the other.
func (b *bench) print(w io.Writer, s *scenario) {
	fmt.Fprintf(w, "\n%s: %s\n", s.name, s.what)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tCPU µs/%s\tleast\tgreatest\t\n", s.unit)
	for _, c := range b.columns {
		f := stats.Of(c.cost[s.name])
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t\n", c.name, f.Median, f.Min, f.Max)
	}
	t.Flush()
	if len(b.columns) < 2 {
		return
	}
	ours, other := b.columns[0], b.columns[1]
	ratios := stats.Ratios(ours.cost[s.name], other.cost[s.name])
	low, high, sure := stats.Interval(ratios)
	fmt.Fprintf(w, "%s ÷ %s: median of the rounds' ratios %.2f, from %.2f to %.2f with %.1f %% confidence; %s\n",
		ours.name, other.name, stats.Of(ratios).Median, low, high, 100*sure, verdict(s.bar, low, high, sure))
}

// verdict says how an interval of ratios lies to a bar.
func verdict(bar, low, high, sure float64) string {
	switch {
	case bar == 0:
		return "for information"
	case sure < 0.95:
		return "too few rounds to say"
	case high <= bar:
		return fmt.Sprintf("at most %.1f: MET", bar)
	case low > bar:
		return fmt.Sprintf("at most %.1f: MISSED", bar)
	}
	return fmt.Sprintf("at most %.1f: not sure", bar)
}
