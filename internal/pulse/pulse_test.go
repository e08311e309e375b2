package pulse

import (
	"testing"
	"testing/synctest"
	"time"
)

// Those with the same interval tick at the same moments, whenever they began,
// and so do those of multiples of it.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now().Truncate(10 * time.Second)
		time.Sleep(1300 * time.Millisecond)
		a := NewTicker(time.Second)
		time.Sleep(400 * time.Millisecond)
		b, c := NewTicker(time.Second), NewTicker(2*time.Second)
		for i := range 10 {
			at := <-a.C
			if left := at.Sub(began) % time.Second; left != 0 {
				t.Errorf("%v past a second", left)
			}
			if other := <-b.C; !other.Equal(at) {
				t.Errorf("ticks at %v and %v", at.Sub(began), other.Sub(began))
			}
			if i <= 5 && at.Sub(began)%(2*time.Second) == 0 {
				if other := <-c.C; !other.Equal(at) {
					t.Errorf("ticks at %v and %v", at.Sub(began), other.Sub(began))
				}
				c.Again()
			}
			if i == 5 {
				time.Sleep(1700 * time.Millisecond) // who is late misses ticks, and is not late at the next
				b.Again()
				a.Again()
				continue
			}
			a.Again()
			b.Again()
		}
		a.Stop()
		b.Stop()
		c.Stop()
	})
}

func TestWithin(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, tt := range []struct{ past, every, want time.Duration }{
		{0, time.Second, time.Second},
		{1, time.Second, time.Second - 1},
		{300 * time.Millisecond, time.Second, 700 * time.Millisecond},
		{time.Second - 1, time.Second, time.Second + 1}, // a timer that was early does not tick twice
		{time.Second - time.Millisecond, time.Second, time.Second + time.Millisecond},
		{500 * time.Millisecond, 2 * time.Second, 1500 * time.Millisecond},
	} {
		if got := Within(at.Add(tt.past), tt.every); got != tt.want {
			t.Errorf("%v past, every %v: %v, want %v", tt.past, tt.every, got, tt.want)
		}
	}
}
