package proxy

import (
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/field"
	"freshet/internal/rule"
)

// tunnel is an upgraded connection: bytes go both ways until both sides have
// ended, or nothing was sent for too long.
type tunnel struct {
	client net.Conn
	origin io.ReadWriteCloser
	idle   time.Duration // 0: no limit
	last   atomic.Int64  // when something was last sent, since start
	start  time.Time
	timer  *time.Timer
	once   sync.Once
}

// switchProtocols passes a 101 answer on and joins the two connections.
func (x *exchange) switchProtocols(a *attempt, resp *http.Response) {
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || !offered(x.upgrade, upgradeOf(resp.Header)) {
		resp.Body.Close()
		x.fail(&Error{Rule: rule.ProxyUpgradeUnasked, Kind: kindUpgrade, Origin: a.o.name, peer: a.o.peer})
		return
	}
	defer conn.Close()
	protocol := upgradeOf(resp.Header)
	h := x.w.Header()
	copyHead(h, x.r.Method, resp)
	delete(h, "Content-Length")
	h["Connection"], h["Upgrade"] = valueUpgrade, []string{protocol}
	addElement(h, "Via", x.h.via(resp.ProtoMajor, resp.ProtoMinor))
	x.setRule(rule.ProxyUpgraded)
	// From here on the end of what the client sends is not its end: net/http
	// takes it for that even after Hijack.
	a.watch.end()
	x.w.WriteHeader(http.StatusSwitchingProtocols)
	client, brw, err := x.rc.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer client.Close()
	t := &tunnel{client: client, origin: conn, idle: x.h.o.UpgradeIdle, start: time.Now()}
	if !x.h.enter(t) {
		return
	}
	defer x.h.leave(t)
	t.run(brw.Reader)
}

// offered reports whether every protocol of got is one of asked.
func offered(asked, got string) bool {
	n := 0
	for elem, rest, ok := field.NextElement(got); ok; elem, rest, ok = field.NextElement(rest) {
		if n++; !field.HasToken(asked, elem) {
			return false
		}
	}
	return n > 0
}

// enter makes the tunnel one that Close ends; false when that has happened.
func (h *Handler) enter(t *tunnel) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.tunnels[t] = struct{}{}
	h.running.Add(1)
	return true
}

func (h *Handler) leave(t *tunnel) {
	h.mu.Lock()
	delete(h.tunnels, t)
	h.mu.Unlock()
	h.running.Done()
}

// run copies both ways. early is what the client has sent already, and the rest.
func (t *tunnel) run(early io.Reader) {
	if t.idle > 0 {
		t.timer = time.AfterFunc(t.idle, t.look)
		defer t.timer.Stop()
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		t.copy(t.client, t.origin)
	}()
	t.copy(t.origin, early)
	<-back
}

// copy copies one direction to its end, which it passes on: the other
// direction goes on.
func (t *tunnel) copy(to io.Writer, from io.Reader) {
	bp := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(bp)
	for {
		n, err := from.Read(*bp)
		if n > 0 {
			t.last.Store(int64(time.Since(t.start)))
			if _, werr := to.Write((*bp)[:n]); werr != nil {
				t.end()
				return
			}
		}
		if err == io.EOF {
			cw, ok := to.(interface{ CloseWrite() error })
			if !ok || cw.CloseWrite() != nil {
				t.end()
			}
			return
		}
		if err != nil {
			t.end()
			return
		}
	}
}

// look ends the tunnel if it has been idle for long enough.
func (t *tunnel) look() {
	quiet := time.Since(t.start) - time.Duration(t.last.Load())
	if quiet >= t.idle {
		t.end()
		return
	}
	t.timer.Reset(t.idle - quiet)
}

// end closes both connections, which ends both copies.
func (t *tunnel) end() {
	t.once.Do(func() {
		t.client.Close()
		t.origin.Close()
	})
}
