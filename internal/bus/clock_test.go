//go:build !nonats

package bus

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// Until when a token is good goes by the time of day, which may be set while its
// node is connected, and while nobody is: until then it is good, and good again when
// the clock is set back.
func TestAttackExpiredByTheClock(t *testing.T) {
	s := startServer(t, t.TempDir())
	var off atomic.Int64
	s.nodes.now = func() time.Time { return time.Now().Round(0).Add(time.Duration(off.Load())) }
	s.nodes.again = 5 * time.Millisecond
	openDoor(t, s)
	text := makeToken(t, s, TokenOptions{Name: "n1", Until: time.Now().Add(time.Hour)})
	c := joinFleet(t, text)
	off.Store(int64(-24 * time.Hour))
	time.Sleep(10 * s.nodes.again) // it is looked at meanwhile
	if err := c.nc.FlushTimeout(patience); err != nil {
		t.Errorf("its token is good for a day more: %v", err)
	}
	off.Store(int64(2 * time.Hour))
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Error("it is connected an hour after the end of its token")
	}
	if c, err := Join(limited(t), text, JoinOptions{}); !errors.Is(err, ErrRefused) {
		if err == nil {
			c.Close()
		}
		t.Errorf("a token that has ended: %v", err)
	}
	off.Store(0)
	joinFleet(t, text)
}

// What time is left is not measured by the monotonic clock.
func TestTokenWithoutMonotonicClock(t *testing.T) {
	s := startServer(t, t.TempDir())
	openDoor(t, s)
	makeToken(t, s, TokenOptions{Name: "n1", Until: time.Now().Add(time.Hour)})
	if until := s.Nodes()[0].Until; until != until.Round(0) {
		t.Errorf("%v", until)
	}
}
