package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/alert"
)

func oneOf(n alert.Notice) []alert.Notice { return []alert.Notice{n} }

// A way that is told what to answer, and tells what it was asked.
type fake struct {
	most  int
	tries []string // when, and what
	began time.Time
	err   func(n int) error // of the n-th try, from 1
	block chan struct{}
}

func (f *fake) Name() string { return "fake" }
func (f *fake) ID() string   { return "fake" }
func (f *fake) Most() int    { return f.most }

func (f *fake) Send(ctx context.Context, notices []alert.Notice, dropped int64) error {
	var ids []string
	for _, n := range notices {
		ids = append(ids, n.ID)
	}
	line := fmt.Sprintf("%d:%s", int(time.Since(f.began).Minutes()), strings.Join(ids, "+"))
	if dropped > 0 {
		line += fmt.Sprintf("(-%d)", dropped)
	}
	f.tries = append(f.tries, line)
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.err != nil {
		return f.err(len(f.tries))
	}
	return nil
}

func (f *fake) log() string { return strings.Join(f.tries, " ") }

func some(ids string) (all []alert.Notice) {
	for _, id := range strings.Split(ids, "") {
		all = append(all, alert.Notice{ID: id, Time: time.Now()})
	}
	return all
}

var errTest = errors.New("it fails")

func failing(n int) func(int) error {
	return func(try int) error {
		if try <= n {
			return errTest
		}
		return nil
	}
}

func TestSender(t *testing.T) {
	for _, c := range []struct {
		name string
		f    fake
		o    Options
		play func(s *Sender)
		want string
		left int
	}{
		{"at once", fake{most: 1}, Options{}, func(s *Sender) { s.Add(some("ab")) }, "0:a 0:b", 0},
		{"together", fake{most: 20}, Options{}, func(s *Sender) { s.Add(some("ab")) }, "0:a+b", 0},
		{"1, 4, 16 minutes, an hour", fake{most: 1, err: failing(5)}, Options{}, func(s *Sender) { s.Add(some("a")) }, "0:a 1:a 5:a 21:a 81:a 141:a", 0},
		{"in their order", fake{most: 1, err: failing(1)}, Options{}, func(s *Sender) { s.Add(some("abc")) }, "0:a 1:a 1:b 1:c", 0},
		{"a new one goes sooner", fake{most: 5, err: failing(3)}, Options{}, func(s *Sender) {
			s.Add(some("a"))
			time.Sleep(10 * time.Minute)
			s.Add(some("b"))
		}, "0:a 1:a 5:a 10:a+b", 0},
		{"but not at once", fake{most: 5, err: failing(1)}, Options{}, func(s *Sender) {
			s.Add(some("a"))
			time.Sleep(10 * time.Second)
			s.Add(some("b"))
		}, "0:a 1:a+b", 0},
		{"refused", fake{most: 1, err: func(n int) error {
			if n == 1 {
				return fmt.Errorf("no: %w", ErrRefused)
			}
			return nil
		}}, Options{}, func(s *Sender) { s.Add(some("ab")) }, "0:a 0:b(-1)", 0},
		{"refused together", fake{most: 3, err: func(n int) error {
			switch n {
			case 1:
				return fmt.Errorf("too much: %w", ErrApart)
			case 2:
				return fmt.Errorf("no: %w", ErrRefused)
			case 3:
				return errTest
			}
			return nil
		}}, Options{}, func(s *Sender) { s.Add(some("abcde")) }, "0:a+b+c 0:a 0:b(-1) 1:b(-1) 1:c 1:d+e", 0},
		{"too old by its clock", fake{most: 1, err: failing(1)}, Options{}, func(s *Sender) {
			old := some("a")
			old[0].Time = old[0].Time.Add(-1000 * time.Hour)
			s.Add(old)
		}, "0:a 1:a", 0},
		{"full", fake{most: 1, err: failing(1)}, Options{Queue: 2}, func(s *Sender) { s.Add(some("abcde")) }, "0:a(-3) 1:a(-3) 1:b", 0},
		{"given up", fake{most: 1, err: failing(4)}, Options{Keep: time.Hour}, func(s *Sender) {
			s.Add(some("a"))
			time.Sleep(2 * time.Hour)
			s.Add(some("b"))
		}, "0:a 1:a 5:a 21:a 120:b(-1)", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := c.f
				f.began = time.Now()
				s := NewSender(&f, c.o)
				s.Start()
				go c.play(s)
				time.Sleep(10 * time.Hour)
				s.Close()
				if got := f.log(); got != c.want || len(s.Waiting()) != c.left {
					t.Errorf("got %s, want %s; %d wait", got, c.want, len(s.Waiting()))
				}
			})
		})
	}
}

// What has not been tried once is not given up, however long it has waited.
func TestSenderUntried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{most: 1, block: make(chan struct{}), began: time.Now()}
		s := NewSender(f, Options{})
		s.Start()
		s.Add(some("ab"))
		time.Sleep(48 * time.Hour)
		close(f.block)
		synctest.Wait()
		if f.log() != "0:a 2880:b" || len(s.Waiting()) != 0 {
			t.Errorf("%s; %d wait", f.log(), len(s.Waiting()))
		}
		s.Close()
	})
}

// One that hangs holds up no other, is left at the end, and what it had waits.
func TestSenderHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, fast := &fake{most: 1, block: make(chan struct{})}, &fake{most: 1}
		slow.began, fast.began = time.Now(), time.Now()
		a, b := NewSender(slow, Options{}), NewSender(fast, Options{})
		a.Start()
		b.Start()
		for _, s := range []*Sender{a, b} {
			s.Add(some("xy"))
		}
		synctest.Wait()
		if fast.log() != "0:x 0:y" || slow.log() != "0:x" {
			t.Errorf("%s; %s", fast.log(), slow.log())
		}
		a.Close()
		b.Close()
		if w := a.Waiting(); len(w) != 2 || w[0].ID != "x" {
			t.Errorf("%v", w)
		}
		if s := a.State(); s.Sent != 0 || s.Waiting != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestSenderState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{most: 1, err: func(int) error { return errors.New("no\r\nway") }}
		s := NewSender(f, Options{})
		s.Start()
		s.Add(some("a"))
		synctest.Wait()
		state := s.State()
		if state.Error != "no??way" || state.Failed != 1 || state.Next.Sub(state.Last) != time.Minute || state.Way != "fake" {
			t.Errorf("%+v", state)
		}
		s.Close()
	})
}
