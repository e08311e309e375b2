package wiretest

import "testing"

func TestSeed(t *testing.T) {
	for text, want := range map[string]uint64{"": 1, "7": 7, "18446744073709551615": 1<<64 - 1} {
		if seed, err := seedOf(text); seed != want || err != nil {
			t.Errorf("%q: %d, %v", text, seed, err)
		}
	}
	one, err := seedOf("new")
	other, otherErr := seedOf("new")
	if one == other || err != nil || otherErr != nil {
		t.Errorf("new twice: %d, %v; %d, %v", one, err, other, otherErr)
	}
	if _, err := seedOf("old"); err == nil {
		t.Error("old is a seed")
	}
}
