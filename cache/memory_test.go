package cache_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/cache"
	"freshet/proxy"
)

// maxGrowth is how much more the heap may hold while a large answer passes.
const maxGrowth = 32 << 20

// TestStreamsInLittleMemory: what may not be stored, or is too large, passes in
// constant memory, also for several readers.
func TestStreamsInLittleMemory(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() || cache.RaceEnabled {
		size = 64 << 20
	}
	for _, c := range []struct {
		name, fields string
		chunked      bool
		clients      int64 // for each a part of the whole size,
		part         int64 // again divided by this
	}{
		{"uncacheable", "Cache-Control: no-store", false, 1, 1},
		{"too large, and said so", "Cache-Control: max-age=100", false, 1, 8},
		{"too large at last", "Cache-Control: max-age=100", true, 1, 1},
		{"too large at last, for many", "Cache-Control: max-age=100", true, 4, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := size / c.clients / c.part
			piece := []byte(strings.Repeat("0123456789abcdef", 4096))
			var heap heapWatch
			s := newStack(t, cache.Options{}, proxy.Options{}, func(conn net.Conn, r *http.Request) bool {
				head := "HTTP/1.1 200 OK\r\n" + c.fields + "\r\n"
				before, after, end := "", "", ""
				if c.chunked {
					head += "Transfer-Encoding: chunked\r\n\r\n"
					before, after, end = fmt.Sprintf("%x\r\n", len(piece)), "\r\n", "0\r\n\r\n"
				} else {
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", n)
				}
				io.WriteString(conn, head)
				all := []byte(before + string(piece) + after)
				for sent := int64(0); sent < n; sent += int64(len(piece)) {
					heap.pass()
					if _, err := conn.Write(all); err != nil {
						return false
					}
				}
				io.WriteString(conn, end)
				return true
			})
			stop := heap.begin()
			var clients sync.WaitGroup
			for range c.clients {
				clients.Go(func() {
					resp, err := http.Get("http://" + s.addr + "/large")
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					if got, err := io.Copy(&heap, resp.Body); got != n || err != nil {
						t.Errorf("%d bytes, %v", got, err)
					}
				})
			}
			clients.Wait()
			if most := stop(); most > maxGrowth {
				t.Errorf("the heap grew by %d MiB", most>>20)
			}
		})
	}
}

// heapWatch looks at what is alive in the heap while those who send and receive
// stop: else what they make while it looks, on a busy machine more than is
// alive, would count.
type heapWatch struct{ moving sync.RWMutex }

// pass is called by who sends before each piece.
func (h *heapWatch) pass() {
	h.moving.RLock()
	defer h.moving.RUnlock()
}

// Write is that of who receives.
func (h *heapWatch) Write(b []byte) (int, error) {
	h.pass()
	return len(b), nil
}

// begin looks again and again, until end, which returns by how much the heap grew.
func (h *heapWatch) begin() (end func() (most int64)) {
	look := func() int64 {
		h.moving.Lock()
		defer h.moving.Unlock()
		var now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&now)
		return int64(now.HeapAlloc)
	}
	before, most := look(), int64(0)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				most = max(most, look()-before)
			}
		}
	}()
	return func() int64 { close(over); <-ended; return most }
}
