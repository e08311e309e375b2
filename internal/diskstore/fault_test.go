package diskstore

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fakeClock is a clock that tests set.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (f *faultFS) set(fail, failRead func(op, name string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.failRead = fail, failRead
}

// nth fails some operations from the n-th that is asked for on.
func nth(n, times int, err error) (fail func(op, name string) error, reached func() bool) {
	var mu sync.Mutex
	count := 0
	return func(string, string) error {
			mu.Lock()
			defer mu.Unlock()
			count++
			if count > n && count <= n+times {
				return err
			}
			return nil
		}, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return count > n
		}
}

// Whichever operation of storing is the first to fail, with whatever error,
// the caller is told, what was stored before is there still, nothing is left
// over, and once the disk works and the time has passed all goes on.
func TestDiskFails(t *testing.T) {
	for _, c := range []struct {
		failure error
		times   int
	}{{syscall.ENOSPC, 1000}, {syscall.EIO, 1}, {syscall.EROFS, 1000}} {
		for n := 0; ; n++ {
			done := false
			t.Run(fmt.Sprint(c.failure, n), func(t *testing.T) { done = diskFails(t, c.failure, n, c.times) })
			if done {
				break
			}
		}
	}
}

// diskFails reports whether storing took fewer than n operations.
func diskFails(t *testing.T, failure error, n, times int) (done bool) {
	clock := &fakeClock{now: time.Now()}
	fs := &faultFS{}
	s := open(t, Options{Dir: t.TempDir(), FS: fs, Now: clock.Now})
	settled(t, s)
	k, old, data := key(1), content(1, 100_000), content(2, 300_000)
	put(t, s, k, "old", write(t, s, -1, old))

	fail, reached := nth(n, times, failure)
	fs.set(fail, nil)
	err := storeTwo(s, k, old, data)
	if !reached() {
		if err != nil {
			t.Errorf("nothing failed, but: %v", err)
		}
		return true
	}
	if err == nil && n < 7 && times > 1 {
		t.Error("no error")
	}
	if err != nil {
		if !errors.Is(err, ErrFailing) || !errors.Is(err, failure) {
			t.Errorf("error: %v", err)
		}
		if _, err := s.Create(10); !errors.Is(err, ErrFailing) {
			t.Errorf("Create: %v", err)
		}
		if err := s.Put(k, &Record{}); !errors.Is(err, ErrFailing) {
			t.Errorf("Put: %v", err)
		}
		state := Failing
		if failure == syscall.ENOSPC {
			state = Full
		}
		if got := s.Stats(); got.State != state || !errors.Is(got.Err, failure) {
			t.Errorf("stats: %+v", got)
		}
	}
	fs.set(nil, nil)
	if meta, bodies, err := get(s, k); err == nil && (meta == "old" && string(bodies[0]) != string(old) || meta == "new" && string(bodies[1]) != string(data)) {
		t.Errorf("%q has other bodies", meta)
	} else if err != nil && failure != syscall.ENOSPC { // a full disk makes the store shed
		t.Errorf("what was there: %v", err)
	}
	s.background.Wait() // of shed
	clock.advance(10 * time.Second)
	if err := storeTwo(s, k, old, data); err != nil {
		t.Fatalf("when the disk works again: %v", err)
	}
	want(t, s, k, "new", old, data)
	if s.Stats().State != OK {
		t.Errorf("state: %v", s.Stats().State)
	}
	if err := s.Delete(k); err != nil {
		t.Error(err)
	}
	// A file that could not be removed stays counted, and goes at the next start.
	if s.Stats().Bytes > 0 {
		s.abandon()
		s = open(t, s.opt)
	}
	balanced(t, s)
	if s.Stats().Bytes != 0 {
		t.Errorf("after all: %+v", s.Stats())
	}
	return false
}

// storeTwo stores two new bodies in place of what k has.
func storeTwo(s *Store, k Key, one, two []byte) (err error) {
	r := &Record{Meta: []byte("new")}
	for _, data := range [][]byte{one, two} {
		w, err := s.Create(-1)
		if err != nil {
			return err
		}
		defer w.Abort()
		if _, err := w.Write(data); err != nil {
			return err
		}
		b, err := w.Finish()
		if err != nil {
			return err
		}
		r.Bodies = append(r.Bodies, b)
	}
	return s.Put(k, r)
}

// Reading fails at each operation in turn: the object is not found, or there
// is an error; never other bytes.
func TestReadingFails(t *testing.T) {
	for _, failure := range []error{syscall.EIO, syscall.EMFILE} {
		for n := range 5 { // open and read metadata, open the body, verify two blocks
			fs := &faultFS{}
			s := open(t, Options{Dir: t.TempDir(), FS: fs})
			settled(t, s)
			data := content(1, 100_000)
			put(t, s, key(1), "meta", write(t, s, -1, data))
			fail, reached := nth(n, 1000, failure)
			fs.set(nil, fail)
			_, _, err := get(s, key(1))
			if reached() == (err == nil) {
				t.Errorf("%v at %d: %v", failure, n, err)
			}
			fs.set(nil, nil)
			if failure == syscall.EIO && reached() {
				wantNone(t, s, key(1))
				if n := s.Stats(); n.State != Failing {
					t.Errorf("stats: %+v", n)
				}
			} else {
				want(t, s, key(1), "meta", data) // too many descriptors is not the object's fault
			}
			s.Close()
		}
	}
}

// What cannot be removed is an error of Delete, not of others.
func TestDeleteFails(t *testing.T) {
	fs := &faultFS{}
	s := open(t, Options{Dir: t.TempDir(), FS: fs})
	settled(t, s)
	put(t, s, key(1), "meta")
	fs.set(func(op, _ string) error {
		if op == "remove" {
			return syscall.EROFS
		}
		return nil
	}, nil)
	if err := s.Delete(key(1)); !errors.Is(err, syscall.EROFS) {
		t.Error(err)
	}
	if err := s.Delete(key(2)); err != nil {
		t.Error(err)
	}
	want(t, s, key(1), "meta")
}

// A store whose directories cannot be listed answers, and counts later.
func TestWalkFails(t *testing.T) {
	fs := &faultFS{}
	o := Options{Dir: t.TempDir(), FS: fs, RetryAfter: time.Millisecond, ScrubRate: -1}
	s := open(t, o)
	settled(t, s)
	put(t, s, key(1), "meta")
	s.Close()
	fail, reached := nth(2, 1000, syscall.EIO)
	fs.set(nil, func(op, name string) error {
		if op == "readdir" && strings.Contains(name, "objects") {
			return fail(op, name)
		}
		return nil
	})
	s = open(t, o)
	want(t, s, key(1), "meta")
	wantNone(t, s, key(2))
	wait(t, "a failure", reached)
	if s.Stats().Indexed {
		t.Error("indexed, without having seen all")
	}
	fs.set(nil, nil)
	balanced(t, s)
	want(t, s, key(1), "meta")
}
