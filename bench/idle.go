package main

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"freshet/bench/internal/keepalive"
	"freshet/bench/internal/process"
)

// measureIdle runs a scenario of idle connections: b.idleConns of them are
// opened, each makes one request, and the memory of the server is compared
// with what it was. What the kernel holds for a connection is not in it.
func (b *bench) measureIdle(ctx context.Context, sc *scenario) []*column {
	crowd := *sc
	crowd.conns = b.idleConns // so that every server has room for them
	var columns []*column
	for _, s := range b.contestants(sc) {
		c := &column{server: s}
		c.fault = b.idleColumn(ctx, c, &crowd)
		columns = append(columns, c)
	}
	return columns
}

func (b *bench) idleColumn(ctx context.Context, c *column, sc *scenario) error {
	r, err := c.server.start(ctx, b, sc)
	if err != nil {
		return err
	}
	defer r.stop()
	if _, err := b.verify(ctx, r, sc); err != nil {
		return err
	}
	// What a server makes once, on its first connections, is not theirs.
	first, err := openIdle(ctx, r.setup.addr, sc.path, min(64, b.idleConns))
	closeIdle(first)
	if err != nil {
		return err
	}
	before, heldBefore, err := b.settledMemory(ctx, r, sc)
	if err != nil {
		return err
	}
	conns, err := openIdle(ctx, r.setup.addr, sc.path, b.idleConns)
	defer closeIdle(conns)
	if err != nil {
		return err
	}
	if c.memory, c.held, err = b.settledMemory(ctx, r, sc); err != nil {
		return err
	}
	n := float64(len(conns))
	c.perConn = float64(c.memory.PSS-before.PSS) / n
	c.heldConn = float64(c.held-heldBefore) / n
	return nil
}

// settledMemory reads the memory of a server a second after its last request,
// when what it does afterwards is done; for our small programs, after a
// collection, also what heap and stacks hold.
func (b *bench) settledMemory(ctx context.Context, r *running, sc *scenario) (m process.Memory, held int64, err error) {
	select {
	case <-time.After(min(b.duration, time.Second)):
	case <-ctx.Done():
		return m, 0, ctx.Err()
	}
	if sc.needs&needHandler != 0 {
		c, err := newClient(b.cert)
		if err != nil {
			return m, 0, err
		}
		defer c.CloseIdleConnections()
		a, err := c.get(ctx, r.url+"/memory", nil)
		if err != nil {
			return m, 0, err
		}
		if held, err = strconv.ParseInt(strings.TrimSpace(string(a.body)), 10, 64); err != nil {
			return m, 0, fmt.Errorf("read its memory: %w", err)
		}
	}
	m, err = process.ReadMemory(r.process.PID())
	return m, held, err
}

// openIdle opens n connections and makes one request on each.
func openIdle(ctx context.Context, addr, path string, n int) ([]*keepalive.Conn, error) {
	var conns []*keepalive.Conn
	buf := bufio.NewReader(nil)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return conns, err
		}
		c, err := keepalive.Dial(addr, path)
		if err != nil {
			return conns, fmt.Errorf("connection %d: %w", i+1, err)
		}
		conns = append(conns, c)
		if _, err := c.Get(buf); err != nil {
			return conns, fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return conns, nil
}

func closeIdle(conns []*keepalive.Conn) {
	for _, c := range conns {
		c.Close()
	}
}
