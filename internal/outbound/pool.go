package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"time"
)

// hostKey is an origin as requests name it. Two spellings of one origin merely
// share no connections. A parent that forwards requests is the host of all
// origins for http; host is empty then.
type hostKey struct {
	scheme, host string
	only1        bool    // HTTP/2 is not offered
	via          *Parent // as knownParent has it; nil for none
}

// host is what is known of an origin while there are connections to it or
// requests that wait for one.
type host struct {
	key     hostKey
	addr    string      // host:port to dial
	tls     *tls.Config // nil for http
	idle    []*conn     // the one used last at the end
	conns   int         // connections, and those being made
	waiters []*waiter   // first come, first served

	forwards bool // it is a parent that forwards requests
}

// waiter is a request that waits for MaxConnsPerHost. It gets a connection, or
// nil: the right to make one.
type waiter struct{ ready chan *conn }

var errQueueFull = errors.New("too many requests wait for a connection")

// connect returns a connection for the exclusive use of the caller: an idle one
// unless it has to be fresh, else a new one. An idle one was looked at, unless
// that is left to trip, because the request has no body.
func (t *Transport) connect(ctx context.Context, key hostKey, fresh, bodyless bool) (*conn, error) {
	for {
		t.mu.Lock()
		h := t.hosts[key]
		if h == nil {
			h = t.newHost(key)
			t.hosts[key] = h
		}
		if n := len(h.idle); n > 0 && !fresh {
			c := h.idle[n-1]
			h.idle[n-1] = nil
			h.idle = h.idle[:n-1]
			t.mu.Unlock()
			if bodyless && c.direct() || c.usable() {
				c.reused = true
				return c, nil
			}
			c.drop()
			continue
		}
		if limit := t.MaxConnsPerHost; limit <= 0 || h.conns < limit {
			h.conns++
			t.mu.Unlock()
			return t.dial(ctx, h)
		}
		if len(h.idle) > 0 { // but a fresh one is wanted: it takes the place
			c := h.idle[0]
			h.idle = slices.Delete(h.idle, 0, 1)
			t.mu.Unlock()
			c.close()
			return t.dial(ctx, h)
		}
		if len(h.waiters) >= orInt(t.MaxQueuedPerHost, 1024) {
			t.mu.Unlock()
			return nil, &Error{Op: "wait for a connection", Kind: ConnectionLimitReached, Peer: h.addr, Err: errQueueFull}
		}
		w := &waiter{make(chan *conn, 1)}
		h.waiters = append(h.waiters, w)
		t.mu.Unlock()
		c, err := t.wait(ctx, h, w)
		switch {
		case err != nil:
			return nil, err
		case c == nil:
			return t.dial(ctx, h)
		case !fresh && (bodyless && c.direct() || c.usable()):
			c.reused = true
			return c, nil
		}
		c.close()
		return t.dial(ctx, h)
	}
}

var errQueueTimeout = errors.New("no connection became free in time")

// wait waits until w is served.
func (t *Transport) wait(ctx context.Context, h *host, w *waiter) (*conn, error) {
	var late <-chan time.Time
	if t.times.queue > 0 {
		timer := time.NewTimer(t.times.queue)
		defer timer.Stop()
		late = timer.C
	}
	failed := &Error{Op: "wait for a connection", Peer: h.addr}
	select {
	case c := <-w.ready:
		return c, nil
	case <-ctx.Done():
		failed.Err = context.Cause(ctx)
	case <-late:
		failed.Kind, failed.Err = ConnectionLimitReached, errQueueTimeout
	}
	t.mu.Lock()
	if i := slices.Index(h.waiters, w); i >= 0 {
		h.waiters = slices.Delete(h.waiters, i, i+1)
		t.mu.Unlock()
		return nil, failed
	}
	t.mu.Unlock()
	// It was served at the same moment.
	if c := <-w.ready; c != nil {
		t.put(c)
	} else {
		t.giveUp(h)
	}
	return nil, failed
}

// next takes the first waiter off the queue, nil if there is none; t.mu is held.
func (h *host) next() *waiter {
	if len(h.waiters) == 0 {
		return nil
	}
	w := h.waiters[0]
	h.waiters[0] = nil
	h.waiters = h.waiters[1:]
	return w
}

// put takes back a connection that can be used again.
func (t *Transport) put(c *conn) {
	h := c.host
	t.mu.Lock()
	if w := h.next(); w != nil {
		t.mu.Unlock()
		w.ready <- c
		return
	}
	var oldest *conn
	if len(h.idle) >= orInt(t.MaxIdlePerHost, 64) {
		oldest = h.idle[0]
		h.idle = slices.Delete(h.idle, 0, 1)
	}
	h.idle = append(h.idle, c)
	if t.times.idle > 0 {
		c.expires = time.Now().Add(t.times.idle)
		if t.sweep == nil {
			t.sweep = time.AfterFunc(t.times.idle, t.closeExpired)
		}
	}
	t.mu.Unlock()
	if oldest != nil {
		oldest.drop()
	}
}

// giveUp returns the place of a connection that is no more, or did not come to
// be.
func (t *Transport) giveUp(h *host) {
	t.mu.Lock()
	if w := h.next(); w != nil {
		t.mu.Unlock()
		w.ready <- nil
		return
	}
	h.conns--
	if h.conns == 0 {
		delete(t.hosts, h.key)
	}
	t.mu.Unlock()
}

// closeExpired closes what has been idle for IdleTimeout, and comes again for
// what has not.
func (t *Transport) closeExpired() {
	now := time.Now()
	t.closeIdle(func(c *conn) bool { return !c.expires.After(now) })
}

// closeIdle closes the idle connections that expired says, and sets the timer
// for the others.
func (t *Transport) closeIdle(expired func(*conn) bool) {
	var over []*conn
	var first time.Time
	t.mu.Lock()
	for _, h := range t.hosts {
		h.idle = slices.DeleteFunc(h.idle, func(c *conn) bool {
			if expired(c) {
				over = append(over, c)
				return true
			}
			if first.IsZero() || c.expires.Before(first) {
				first = c.expires
			}
			return false
		})
	}
	if t.sweep != nil {
		t.sweep.Stop()
		t.sweep = nil
	}
	if !first.IsZero() {
		t.sweep = time.AfterFunc(time.Until(first), t.closeExpired)
	}
	t.mu.Unlock()
	for _, c := range over {
		c.drop()
	}
}

// newHost makes what dialling an origin needs.
func (t *Transport) newHost(key hostKey) *host {
	if key.host == "" {
		h := &host{key: key, addr: key.via.addr(), forwards: true}
		if key.via.scheme == "https" {
			h.tls = t.parentTLS(key.via)
		}
		return h
	}
	h := &host{key: key}
	var name string
	name, h.addr = address(key.scheme, key.host)
	if key.scheme == "https" {
		h.tls = t.tlsConfig(name, !key.only1)
	}
	return h
}

// address splits the host of a URL: its name, and host:port to dial.
func address(scheme, urlHost string) (name, addr string) {
	name, port, err := net.SplitHostPort(urlHost)
	if err != nil {
		name, port = urlHost, ""
		if n := len(name); n > 1 && name[0] == '[' && name[n-1] == ']' {
			name = name[1 : n-1]
		}
	}
	if port == "" {
		port = "80"
		if scheme == "https" {
			port = "443"
		}
		return name, net.JoinHostPort(name, port)
	}
	return name, urlHost
}
