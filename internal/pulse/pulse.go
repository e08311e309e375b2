// Package pulse has what a process looks at again and again done at the same
// moments. A processor that has nothing else to do is woken once for all of it,
// and that costs more than most looks do. It is for what may be late or early by
// a part of its interval; who needs a time of his own has package time.
package pulse

import (
	"context"
	"time"
)

// A Ticker ticks when the wall clock is at a multiple of its interval, as at
// each full second. Read C, and then call Again; ticks that nobody takes are not
// kept. It needs no Stop once nobody has it. Its methods are for one goroutine.
type Ticker struct {
	C     <-chan time.Time
	timer *time.Timer
	every time.Duration
}

// NewTicker returns one that ticks first within the interval, which is
// positive.
func NewTicker(every time.Duration) *Ticker {
	t := time.NewTimer(Within(time.Now(), every))
	return &Ticker{C: t.C, timer: t, every: every}
}

// Again has it tick another time.
func (t *Ticker) Again() { t.timer.Reset(Within(time.Now(), t.every)) }

// Stop has it tick no more.
func (t *Ticker) Stop() { t.timer.Stop() }

// Each calls look at each tick until ctx ends; ticks that come while it looks are
// not kept.
func Each(ctx context.Context, every time.Duration, look func()) {
	t := NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		t.Again()
		look()
	}
}

// Within is how long it is from now until the wall clock is at a multiple of the
// interval, but for one that is less than a millisecond away. Whoever waits for
// it is woken with others who do.
func Within(now time.Time, every time.Duration) time.Duration {
	past := time.Duration(now.UnixNano() % int64(every))
	if left := every - past; left > early {
		return left
	}
	return 2*every - past
}

// early is how much too early a timer may be by the wall clock, which is moved
// while it waits.
const early = time.Millisecond
