package guard

import (
	"net/netip"
	"testing"
	"time"
)

// Figures count what counts now, and not what is over and was not looked at since.
func TestFigures(t *testing.T) {
	const began = int64(1_800_000_000)
	s := NewReplays(began * second)
	s.allow(4)
	for i, want := range []sighting{unseen, unseen, unseen, noRoom} {
		v := verdictOf("a", "", string(rune('0'+i)), began+100, began+200+int64(i))
		if got := s.peek(v, began+100, 4); got != want {
			t.Errorf("%d: peek says %v", i, got)
		}
		if got := s.add(v, began+100, 4); got != want {
			t.Errorf("%d: %v", i, got)
		}
	}
	for at, want := range map[int64]ReplayFigures{began + 100: {3, 4, 1}, began + 200: {3, 4, 1}} {
		if got := s.Figures(at * second); got != want {
			t.Errorf("%d: %+v", at-began, got)
		}
	}
	for i, want := range []int{2, 1, 0} {
		if got := s.Figures((began + 201 + int64(i)) * second); got != (ReplayFigures{want, 4, 1}) {
			t.Errorf("after %d: %+v", i, got)
		}
	}

	tries, now := NewTries(), time.Unix(began, 0)
	for range MaxForClient {
		tries.Failed(Attempt{netip.MustParseAddr("192.0.2.1"), "users", "ann"}, now)
	}
	tries.Failed(Attempt{netip.Addr{}, "users", "bob"}, now.Add(time.Second))
	if tries.Wait(Attempt{netip.MustParseAddr("192.0.2.1"), "users", "carl"}, now) == 0 {
		t.Error("it may guess on")
	}
	for after, want := range map[time.Duration]TriesFigures{0: {1, 1, maxTried, 1}, TriesTime: {1, 2, maxTried, 1}, TriesTime + time.Second: {0, 1, maxTried, 1}, time.Hour: {0, 0, maxTried, 1}} {
		if got := tries.Figures(now.Add(after)); got != want {
			t.Errorf("after %v: %+v", after, got)
		}
	}
}
