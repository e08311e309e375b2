package httpd

import (
	"context"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// requestContext is the context of one request. It ends when the handler
// returns, when the connection's context ends, or when the client goes away;
// for the last a goroutine has to watch the connection, and it is started only
// when somebody asks (Done, Err, AfterFunc): most handlers never do.
type requestContext struct {
	context.Context // the connection's: values, deadline
	c               *conn
	watch           watcher

	mu    sync.Mutex
	done  chan struct{} // nil until Done
	err   error
	asked bool // somebody wants to know
	ready bool // the body has been read: the connection may be watched
	after map[*func()]struct{}
	stop  func() bool // ends the watch over the connection's context
}

// Done implements context.Context.
func (x *requestContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		if x.err != nil {
			close(x.done)
		}
	}
	x.ask()
	return x.done
}

// Err implements context.Context.
func (x *requestContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ask()
	return x.err
}

// AfterFunc lets package context attach children without a goroutine each.
func (x *requestContext) AfterFunc(f func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ask()
	if x.err != nil {
		go f()
		return func() bool { return false }
	}
	if x.after == nil {
		x.after = make(map[*func()]struct{})
	}
	key := &f
	x.after[key] = struct{}{}
	return func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, ok := x.after[key]
		delete(x.after, key)
		return ok
	}
}

// ask starts what tells x of an end; x.mu is held.
func (x *requestContext) ask() {
	if x.asked || x.err != nil {
		return
	}
	x.asked = true
	if err := x.Context.Err(); err != nil {
		x.finish(err)
		return
	}
	if x.Context.Done() != nil {
		x.stop = context.AfterFunc(x.Context, func() { x.cancel(x.Context.Err()) })
	}
	if x.ready {
		x.watch.start(x.c, x)
	}
}

// bodyRead says that the request's body has been read to its end, so that what
// is read next from the connection belongs to the next request.
func (x *requestContext) bodyRead() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.ready {
		x.ready = true
		if x.asked && x.err == nil {
			x.watch.start(x.c, x)
		}
	}
}

// end ends x when its handler has returned, unless somebody has asked to be
// told of an end: then the connection may be being watched, which has to stop
// first.
func (x *requestContext) end() (watched bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.asked {
		x.finish(contextEnded)
	}
	return x.asked
}

func (x *requestContext) cancel(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finish(err)
}

// finish ends x; x.mu is held.
func (x *requestContext) finish(err error) {
	if x.err != nil {
		return
	}
	x.err = err
	if x.done != nil {
		close(x.done)
	}
	if x.stop != nil {
		x.stop()
	}
	for f := range x.after {
		go (*f)()
	}
	x.after = nil
}

// watcher reads one byte ahead on a goroutine of its own while a handler runs,
// to notice the end of the connection. A byte that it gets belongs to the next
// request and is kept.
type watcher struct {
	mu   sync.Mutex
	done chan struct{} // nil when not running
	from interface {
		io.ReadCloser
		SetReadDeadline(time.Time) error
	} // where it reads from: the connection, or a second descriptor of it
	stopped bool // start does nothing: the handler has returned
	got     bool // one byte is in buf
	buf     [1]byte
}

func (w *watcher) start(c *conn, x *requestContext) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done != nil || w.stopped || w.got {
		return
	}
	w.from = c.nc
	if c.locked {
		// The file is read as it is: a net.Conn made of it would be one more
		// descriptor, and would turn keep-alive probes on.
		fc, ok := c.tcp.(interface{ File() (*os.File, error) })
		if !ok {
			return
		}
		f, err := fc.File()
		if err != nil {
			c.srv.logf("httpd: watch %v: %v", c.tcp.RemoteAddr(), err)
			return
		}
		w.from = f
	}
	from, done := w.from, make(chan struct{})
	w.done = done
	go func() {
		defer close(done)
		n, err := from.Read(w.buf[:])
		if n == 1 {
			w.got = true
			return
		}
		if err != nil && !w.isStopped() {
			x.cancel(context.Canceled)
		}
	}()
}

func (w *watcher) isStopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// stop ends the watch and waits for its goroutine.
func (w *watcher) stop(c *conn) {
	w.mu.Lock()
	w.stopped = true
	done := w.done
	w.mu.Unlock()
	if done == nil {
		return
	}
	select {
	case <-done:
	default:
		w.from.SetReadDeadline(time.Unix(1, 0))
		<-done
		w.from.SetReadDeadline(time.Time{})
	}
	if w.from != c.nc {
		w.from.Close()
	}
	w.done, w.from = nil, nil
}

// early returns the byte that was read, once; w has stopped.
func (w *watcher) early() (b byte, got bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, got = w.buf[0], w.got
	w.got = false
	return b, got
}

// baseContext is the context of all requests of the connection.
func (c *conn) baseContext() context.Context {
	if c.ctx == nil {
		ctx := c.from.base
		ctx = context.WithValue(ctx, ServerContextKey, c.srv)
		ctx = context.WithValue(ctx, http.LocalAddrContextKey, c.tcp.LocalAddr())
		if c.srv.Pages != nil {
			ctx = c.srv.Pages.Context(ctx)
		}
		if c.srv.ConnContext != nil {
			ctx = c.srv.ConnContext(ctx, c.nc)
			if ctx == nil {
				panic("httpd: ConnContext returned nil")
			}
		}
		c.ctx = ctx
	}
	return c.ctx
}
