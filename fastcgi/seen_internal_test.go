package fastcgi

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSeen()
		if s.lately("a.php") != nil {
			t.Error("seen before it was noted")
		}
		s.note("a.php", nil)
		long := strings.Repeat("x", seenName+1)
		s.note(long, nil)
		time.Sleep(seenFor - time.Nanosecond)
		if s.lately("a.php") == nil || s.lately("b.php") != nil || s.lately(long) != nil {
			t.Error("not what was noted")
		}
		time.Sleep(time.Nanosecond)
		if s.lately("a.php") != nil {
			t.Error("seen for longer than a moment")
		}
		for i := range 10 * seenSlots {
			s.note(strings.Repeat("a", i%seenName), nil)
		}
	})
}
