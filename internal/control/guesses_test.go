package control

import (
	"strconv"
	"testing"
	"time"
)

func TestGuesses(t *testing.T) {
	now := time.Unix(1e9, 0)
	var g Guesses[string]
	for i := range 10 {
		if g.TooMany("a", now) {
			t.Fatalf("after %d", i)
		}
		g.Failed("a", now)
	}
	if !g.TooMany("a", now.Add(GuessTime)) || g.TooMany("b", now) {
		t.Error("ten wrong ones shut out the wrong key, or none")
	}
	if g.TooMany("a", now.Add(GuessTime+1)) {
		t.Error("the time is over")
	}
	// With more keys than are told apart, all others count as one.
	for i := range 64 {
		g.Failed(strconv.Itoa(i), now)
	}
	for i := range 10 {
		if g.TooMany("other"+strconv.Itoa(i), now) {
			t.Fatalf("after %d others", i)
		}
		g.Failed("other"+strconv.Itoa(i), now)
	}
	if !g.TooMany("one more", now) || g.TooMany("3", now) || len(g.of) > 65 {
		t.Errorf("%d keys", len(g.of))
	}
	if g.TooMany("one more", now.Add(-time.Hour)) || len(g.of) != 0 {
		t.Error("a clock that was set back shuts out")
	}
}
