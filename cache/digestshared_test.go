package cache

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"freshet/digest"
)

// TestWrongShared: an answer that is not what its digest says goes to the request
// that it came for; those who share the fetch are cut before they have all of it,
// and who comes when that is known asks for itself.
func TestWrongShared(t *testing.T) {
	for _, size := range []int{10, 300_000} {
		for _, declared := range []bool{true, false} {
			for _, tier := range []string{"memory", "disk", "relay"} {
				for _, right := range []bool{true, false} {
					t.Run(fmt.Sprintf("%d bytes, declared %v, %s, right %v", size, declared, tier, right), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) { testWrongShared(t, size, declared, tier, right) })
					})
				}
			}
		}
	}
}

func testWrongShared(t *testing.T, size int, declared bool, tier string, right bool) {
	content := strings.Repeat("x", size)
	said := digest.Of(digest.SHA256, []byte("another")).String()
	if right {
		said = digest.Of(digest.SHA256, []byte(content)).String()
	}
	o := Options{}
	if tier != "memory" {
		o.MaxInMemory = 1000
	}
	if tier == "disk" {
		o.Store = closedStore(t)
	}
	middle := newGate(t)
	w := newWorld(t, o, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=100")
		h.Set("Repr-Digest", said)
		if declared {
			h.Set("Content-Length", strconv.Itoa(size))
		}
		w.Write([]byte(content[:size/2]))
		w.(http.Flusher).Flush()
		middle.pass()
		w.Write([]byte(content[size/2:]))
	})
	first := w.arrive(&client{hold: make(chan struct{})}, "GET /a")
	synctest.Wait()
	joined := w.crowd(3, "GET /a")
	synctest.Wait()
	close(middle.open)
	synctest.Wait()
	relayed := tier == "relay" && size > 1000 // those who share it wait for the slowest
	if !relayed && !right {
		// The first has not taken anything yet; it is known what the answer is.
		late := w.arrive(&client{}, "GET /a")
		synctest.Wait()
		late.expect(t, 200, content, "fwd=uri-miss")
		if strings.Contains(late.header.Get("Cache-Status"), "collapsed") {
			t.Errorf("who comes later shares the answer: %q", late.header.Get("Cache-Status"))
		}
	}
	close(first.hold)
	synctest.Wait()
	first.expect(t, 200, content, "fwd=uri-miss")
	for _, c := range joined {
		collapsed := strings.Contains(c.header.Get("Cache-Status"), "collapsed")
		switch {
		case right || !collapsed:
			c.expect(t, 200, content, "")
		case !c.cut || c.body.Len() >= size && declared:
			t.Errorf("one who shares it: cut %v, %d bytes", c.cut, c.body.Len())
		}
		if !relayed && !collapsed {
			t.Errorf("it is not shared: %q", c.header.Get("Cache-Status"))
		}
	}
	asked := w.asked.Load()
	again := w.crowd(3, "GET /a") // which share nothing that was wrong a moment ago
	synctest.Wait()
	for _, c := range again {
		c.expect(t, 200, content, "")
	}
	if want := map[bool]int64{true: 0, false: 3}[right]; w.asked.Load()-asked != want && !relayed {
		t.Errorf("then the origin was asked %d times, want %d", w.asked.Load()-asked, want)
	}
}
