package control

import "testing"

func TestAllowed(t *testing.T) {
	if !allowed(1000, 1000) || !allowed(0, 1000) || allowed(1001, 1000) || allowed(1000, 0) {
		t.Error("other users")
	}
}
