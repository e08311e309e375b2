package fleet

import (
	"errors"
	"testing"
)

// A standby that knows its leader is well; one that knows none is not.
func TestStandbyWithoutLeader(t *testing.T) {
	for _, c := range []struct {
		is   standby
		none bool
	}{
		{standby{leader: "one"}, false},
		{standby{}, true},
		{standby{why: "most of its peers cannot be reached"}, true},
		{unled([]string{"two", "three"}, 3, true), true},
	} {
		if !errors.Is(c.is, ErrStandby) || errors.Is(c.is, ErrNoLeader) != c.none {
			t.Errorf("%v: nobody leads: %v", c.is, !c.none)
		}
	}
}
