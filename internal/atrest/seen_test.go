package atrest

import (
	"errors"
	"strings"
	"testing"
)

// A name that had one secret does not get another, also when it was away meanwhile.
func TestSeen(t *testing.T) {
	keys := func(lines ...string) *Keys {
		t.Helper()
		text := ""
		for _, line := range lines {
			name, digit, _ := strings.Cut(line, " ")
			text += name + " " + strings.Repeat(digit, 2*SecretSize) + "\n"
		}
		k, err := ParseKeys([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	var s Seen
	for i, c := range []struct {
		keys *Keys
		ok   bool
	}{
		{keys("a 1"), true},
		{keys("b 2", "a 1"), true},
		{keys("a 2", "b 2"), false},
		{keys("b 2"), true},
		{keys("c 3", "a 3"), false},
		{keys("c 4"), true}, // what was refused is not remembered
		{keys("a 1", "b 2", "c 4"), true},
	} {
		if err := s.Add(c.keys); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrOtherSecret) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
