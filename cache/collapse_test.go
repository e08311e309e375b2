package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// client is one that takes an answer as it comes.
type client struct {
	header http.Header
	code   int
	body   bytes.Buffer
	hold   chan struct{} // not nil: it takes nothing until this is closed
	cut    bool
	done   bool
	leave  context.CancelFunc
}

func (c *client) Header() http.Header  { return c.header }
func (c *client) WriteHeader(code int) { c.code = code }
func (c *client) Flush()               {}

func (c *client) Write(p []byte) (int, error) {
	if c.hold != nil {
		<-c.hold
	}
	return c.body.Write(p)
}

// arrive has a client send a request.
func (w *world) arrive(c *client, line string, fields ...string) *client {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	ctx, leave := context.WithCancel(context.Background())
	c.header, c.leave = http.Header{}, leave
	go func() {
		defer func() {
			if err, ok := recover().(error); ok {
				if c.cut = errors.Is(err, http.ErrAbortHandler); !c.cut {
					w.t.Errorf("%s: panic: %v", line, err)
				}
			}
			c.done = true
			leave()
		}()
		w.ServeHTTP(c, r.WithContext(ctx))
	}()
	return c
}

func (c *client) expect(t testing.TB, code int, body, status string) {
	t.Helper()
	if !c.done || c.cut || c.code != code || c.body.String() != body || !strings.Contains(c.header.Get("Cache-Status"), status) {
		t.Errorf("done %v, cut %v: %d %q %q, want %d %q %q", c.done, c.cut, c.code, c.body.String(), c.header.Get("Cache-Status"), code, body, status)
	}
}

// crowd has n clients send a request.
func (w *world) crowd(n int, line string, fields ...string) []*client {
	cs := make([]*client, n)
	for i := range cs {
		cs[i] = w.arrive(&client{}, line, fields...)
	}
	return cs
}

// halves answers with two halves and waits before the head, and between
// them, at the gates, if there are any.
func halves(control string, head, middle *gate) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if head != nil {
			head.pass()
		}
		w.Header().Set("Cache-Control", control)
		w.Header().Set("Content-Length", "10")
		fmt.Fprint(w, "01234")
		w.(http.Flusher).Flush()
		if middle != nil {
			middle.pass()
		}
		fmt.Fprint(w, "56789")
	}
}

func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head, middle := newGate(t), newGate(t)
		w := newWorld(t, Options{}, halves("max-age=100", head, middle))
		cs := w.crowd(1000, "GET /a")
		synctest.Wait()
		close(head.open)
		synctest.Wait() // the origin has sent a half
		for _, c := range cs {
			if c.code != 200 || c.body.String() != "01234" {
				t.Fatalf("%d %q, while the answer comes", c.code, c.body.String())
			}
		}
		late := w.arrive(&client{}, "GET /a")
		synctest.Wait()
		if late.body.String() != "01234" {
			t.Errorf("%q for one who came late", late.body.String())
		}
		close(middle.open)
		synctest.Wait()
		collapsed := 0
		for _, c := range append(cs, late) {
			c.expect(t, 200, "0123456789", "stored")
			if strings.Contains(c.header.Get("Cache-Status"), "collapsed") {
				collapsed++
			}
		}
		if n := w.asked.Load(); n != 1 || collapsed != 1000 {
			t.Errorf("the origin was asked %d times, %d requests collapsed", n, collapsed)
		}
	})
}

// A lease that runs out lets one who waits ask again, and the others have that.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := newGate(t)
		var began atomic.Bool
		w := newWorld(t, Options{}, func(rw http.ResponseWriter, r *http.Request) {
			if !began.Swap(true) {
				stuck.pass()
			}
			halves("max-age=100", nil, nil)(rw, r)
		})
		leader := w.arrive(&client{}, "GET /a")
		synctest.Wait()
		cs := w.crowd(100, "GET /a")
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if w.asked.Load() != 1 {
			t.Error("somebody did not wait")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		for _, c := range cs {
			c.expect(t, 200, "0123456789", "")
		}
		if n := w.asked.Load(); n != 2 {
			t.Errorf("the origin was asked %d times", n)
		}
		close(stuck.open)
		synctest.Wait()
		leader.expect(t, 200, "0123456789", "")
	})
}

// An answer that may not be stored queues nobody: all who waited are at the
// origin at once, and those who come later do not wait at all, until that is
// forgotten.
func TestPassedCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head, middle := newGate(t), newGate(t)
		w := newWorld(t, Options{}, halves("no-store", head, middle))
		cs := w.crowd(100, "GET /a")
		synctest.Wait()
		if n := w.asked.Load(); n != 1 {
			t.Errorf("%d at the origin before the head came", n)
		}
		close(head.open)
		synctest.Wait()
		if n := len(middle.came); n != 100 {
			t.Errorf("%d of 100 are at the origin", n)
		}
		close(middle.open)
		synctest.Wait()
		for _, c := range cs {
			c.expect(t, 200, "0123456789", "")
		}
		head.open = make(chan struct{})
		w.asked.Store(0)
		w.crowd(10, "GET /a")
		synctest.Wait()
		if n := w.asked.Load(); n != 10 {
			t.Errorf("%d of 10 did not queue", n)
		}
		close(head.open)
		synctest.Wait()
		w.pass(61)
		head.open = make(chan struct{})
		w.asked.Store(0)
		w.crowd(10, "GET /a")
		synctest.Wait()
		if n := w.asked.Load(); n != 1 {
			t.Errorf("%d at the origin, though it is forgotten by now", n)
		}
		close(head.open)
	})
}

// Who waited for another variant waits with its like for the right one.
func TestVaryingCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head := newGate(t)
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			head.pass()
			w.Header().Set("Cache-Control", "max-age=100")
			w.Header().Set("Vary", "X-V")
			fmt.Fprint(w, r.Header.Get("X-V"))
		})
		all := map[string][]*client{}
		for _, x := range []string{"a", "b", "c"} {
			all[x] = w.crowd(50, "GET /a", "X-V: "+x)
		}
		synctest.Wait()
		close(head.open)
		synctest.Wait()
		for x, cs := range all {
			for _, c := range cs {
				c.expect(t, 200, x, "")
			}
		}
		if n := w.asked.Load(); n != 3 {
			t.Errorf("the origin was asked %d times", n)
		}
	})
}

// The leader leaves: before anybody waits, while others wait for the head, and
// in the middle of the body.
func TestLeaderLeaves(t *testing.T) {
	for _, when := range []string{"alone", "waiting", "middle"} {
		synctest.Test(t, func(t *testing.T) {
			head, middle := newGate(t), newGate(t)
			var cancelled bool
			w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				head.came <- struct{}{}
				select {
				case <-head.open:
				case <-r.Context().Done():
					cancelled = true
					panic(http.ErrAbortHandler)
				}
				halves("max-age=100", nil, middle)(w, r)
			})
			leader := w.arrive(&client{}, "GET /a")
			synctest.Wait()
			var cs []*client
			switch when {
			case "alone":
				leader.leave()
				cs = w.crowd(10, "GET /a") // may join before the flight has ended
			case "waiting":
				cs = w.crowd(10, "GET /a")
				synctest.Wait()
				leader.leave()
			case "middle":
				cs = w.crowd(10, "GET /a")
				synctest.Wait()
				close(head.open)
				synctest.Wait()
				leader.leave()
			}
			synctest.Wait()
			if when != "middle" {
				close(head.open)
				synctest.Wait()
			}
			close(middle.open)
			synctest.Wait()
			for _, c := range cs {
				c.expect(t, 200, "0123456789", "")
			}
			want := int64(1)
			if cancelled && when == "alone" { // they came too late to save it
				want = 2
			}
			if cancelled && when != "alone" || w.asked.Load() != want {
				t.Errorf("%s: cancelled: %v, asked %d times", when, cancelled, w.asked.Load())
			}
		})
	}
}

// A body that breaks off is cut for all and kept for nobody.
func TestCutCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, declared := range []bool{true, false} {
			head, middle := newGate(t), newGate(t)
			w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				head.pass()
				w.Header().Set("Cache-Control", "max-age=100")
				if declared {
					w.Header().Set("Content-Length", "10")
				}
				fmt.Fprint(w, "01234")
				w.(http.Flusher).Flush()
				middle.pass()
				if !declared {
					panic(http.ErrAbortHandler)
				}
			})
			cs := w.crowd(100, "GET /a")
			synctest.Wait()
			close(head.open)
			synctest.Wait()
			cs = append(cs, w.arrive(&client{}, "GET /a", "If-None-Match: *"))
			close(middle.open)
			synctest.Wait()
			for _, c := range cs {
				if !c.done || !c.cut && c.code == 200 {
					t.Errorf("not cut: %+v", c)
				}
			}
			again := w.arrive(&client{}, "GET /a")
			synctest.Wait()
			if again.cut = false; w.asked.Load() < 2 || strings.Contains(again.header.Get("Cache-Status"), "hit") {
				t.Errorf("what was cut off is stored")
			}
		}
	})
}

// A leader that takes nothing slows down nobody, and one that waits neither.
func TestSlowLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		head := newGate(t)
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			head.pass()
			bySize(w, r)
		})
		slow := w.arrive(&client{hold: make(chan struct{})}, "GET /500000")
		synctest.Wait()
		slower := w.arrive(&client{hold: make(chan struct{})}, "GET /500000")
		cs := w.crowd(10, "GET /500000")
		synctest.Wait()
		close(head.open)
		synctest.Wait()
		for _, c := range cs {
			c.expect(t, 200, text(500_000), "collapsed")
		}
		after := w.arrive(&client{}, "GET /500000")
		synctest.Wait()
		after.expect(t, 200, text(500_000), "hit")
		close(slow.hold)
		close(slower.hold)
		synctest.Wait()
		slow.expect(t, 200, text(500_000), "stored")
		slower.expect(t, 200, text(500_000), "collapsed")
	})
}

// HEAD, ranges and conditions while an answer is under way.
func TestOthersInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		middle := newGate(t)
		w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=100")
			w.Header().Set("ETag", `"x"`)
			w.Header().Set("Content-Length", "10")
			switch {
			case r.Method == "HEAD":
			case r.Header.Get("Range") == "bytes=2-3":
				w.Header().Set("Content-Range", "bytes 2-3/10")
				w.Header().Set("Content-Length", "2")
				w.WriteHeader(206)
				fmt.Fprint(w, "23")
			default:
				fmt.Fprint(w, "01234")
				w.(http.Flusher).Flush()
				middle.pass()
				fmt.Fprint(w, "56789")
			}
		})
		leader := w.arrive(&client{}, "GET /a")
		synctest.Wait()
		head := w.arrive(&client{}, "HEAD /a")
		part := w.arrive(&client{}, "GET /a", "Range: bytes=2-3")
		same := w.arrive(&client{}, "GET /a", `If-None-Match: "x"`)
		synctest.Wait()
		head.expect(t, 200, "", "")
		part.expect(t, 206, "23", "")
		same.expect(t, 304, "", "")
		close(middle.open)
		synctest.Wait()
		leader.expect(t, 200, "0123456789", "stored")
		last := w.arrive(&client{}, "GET /a")
		synctest.Wait()
		last.expect(t, 200, "0123456789", "hit")
	})
}
