package monitor

import "testing"

func TestPurgedInWords(t *testing.T) {
	for _, tt := range []struct {
		n    int
		soft bool
		want string
	}{
		{0, false, "Nothing was stored there."},
		{0, true, "Nothing was stored there."},
		{1, false, "1 answer was forgotten."},
		{1, true, "1 answer will be validated before it is used again."},
		{1200, false, "1,200 answers were forgotten."},
		{2, true, "2 answers will be validated before they are used again."},
	} {
		if got := purged(tt.n, tt.soft); got != tt.want {
			t.Errorf("%d, %v: %q, want %q", tt.n, tt.soft, got, tt.want)
		}
	}
}
