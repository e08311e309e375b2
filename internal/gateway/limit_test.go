package gateway

import (
	"testing"
	"time"
)

func TestOrDefault(t *testing.T) {
	if got := [...]int{OrDefault(0, 5), OrDefault(-1, 5), OrDefault(7, 5)}; got != [...]int{5, 0, 7} {
		t.Error(got)
	}
	if d := OrDefault(-time.Second, time.Minute); d != 0 {
		t.Error(d)
	}
}
