package httpd

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// written is a connection that keeps what is written, until it fails.
type written struct {
	net.Conn
	mu    sync.Mutex
	got   [][]byte
	fails error
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fails != nil {
		return 0, w.fails
	}
	w.got = append(w.got, bytes.Clone(p))
	return len(p), nil
}

func (w *written) sizes() (sizes []int) {
	for _, p := range w.got {
		sizes = append(sizes, len(p))
	}
	return sizes
}

func TestTogether(t *testing.T) {
	var w written
	var inUse atomic.Int32
	j := &together{Conn: &w, inUse: &inUse}
	rec := make([]byte, 16<<10+22)
	put := func(n int) {
		if got, err := j.Write(rec[:n]); got != n || err != nil {
			t.Fatal(got, err)
		}
	}
	put(5)
	j.join()
	put(400)
	for range 6 {
		put(len(rec))
	}
	if inUse.Load() != 1 {
		t.Errorf("%d buffers in use", inUse.Load())
	}
	if err := j.flush(); err != nil {
		t.Fatal(err)
	}
	put(7)
	if want := []int{5, 400 + 4*len(rec), 2 * len(rec), 7}; !slices.Equal(w.sizes(), want) {
		t.Errorf("written %v, want %v", w.sizes(), want)
	}
	j.join()
	if err := j.flush(); err != nil || len(w.got) != 4 || inUse.Load() != 0 || j.bp != nil {
		t.Errorf("nothing joined: %v, %d writes, %d in use", err, len(w.got), inUse.Load())
	}
}

// Behind a part of a record, which a failed write may leave, nothing is written.
func TestTogetherAfterAFailure(t *testing.T) {
	w := written{fails: errors.New("full")}
	var inUse atomic.Int32
	j := &together{Conn: &w, inUse: &inUse}
	j.join()
	j.Write([]byte("record"))
	if err := j.flush(); err != w.fails || inUse.Load() != 0 {
		t.Errorf("flush: %v, %d in use", err, inUse.Load())
	}
	fault := w.fails
	w.fails = nil
	if _, err := j.Write([]byte("alert")); err != fault || len(w.got) > 0 {
		t.Errorf("%v; %q was written", err, w.got)
	}
	j.join()
	if _, err := j.Write([]byte("record")); err != fault || j.flush() != fault || inUse.Load() != 0 {
		t.Errorf("%v, %d in use", err, inUse.Load())
	}
}

// What slow clients can make the server hold is bounded.
func TestTogetherBound(t *testing.T) {
	var w written
	var inUse atomic.Int32
	all := make([]together, maxJoins)
	for i := range all {
		all[i].Conn, all[i].inUse = &w, &inUse
		all[i].join()
		all[i].Write([]byte("waits"))
	}
	next := &together{Conn: &w, inUse: &inUse}
	next.join()
	next.Write([]byte("goes"))
	if len(w.got) != 1 || string(w.got[0]) != "goes" || next.flush() != nil {
		t.Errorf("written %q", w.got)
	}
	for i := range all {
		if err := all[i].flush(); err != nil {
			t.Fatal(err)
		}
	}
	if inUse.Load() != 0 || len(w.got) != 1+maxJoins {
		t.Errorf("%d in use, %d writes", inUse.Load(), len(w.got))
	}
}

// TLS writes for who reads, too, while an answer is written: each record is
// written once, and in the order of the calls.
func TestTogetherAtOnce(t *testing.T) {
	var w written
	var inUse atomic.Int32
	j := &together{Conn: &w, inUse: &inUse}
	const n = 2000
	var both sync.WaitGroup
	both.Go(func() {
		for i := range n {
			if i%10 == 0 {
				j.join()
			}
			j.Write([]byte{1, byte(i >> 8), byte(i)})
			if i%10 == 9 {
				j.flush()
			}
		}
	})
	both.Go(func() {
		for i := range n {
			j.Write([]byte{2, byte(i >> 8), byte(i)})
		}
	})
	both.Wait()
	all := bytes.Join(w.got, nil)
	next := [3]int{}
	for r := range slices.Chunk(all, 3) {
		if got := int(r[1])<<8 | int(r[2]); got != next[r[0]] {
			t.Fatalf("record %d of %d, want %d", got, r[0], next[r[0]])
		}
		next[r[0]]++
	}
	if next != [3]int{0, n, n} || inUse.Load() != 0 {
		t.Errorf("written %v, %d in use", next, inUse.Load())
	}
}
