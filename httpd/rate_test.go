package httpd

import (
	"errors"
	"os"
	"testing"
	"time"

	"freshet/internal/rule"
)

// A body that has kept the server waiting for longer than rateAfter must have
// brought the least rate; what the handler itself took does not count.
func TestBodyTooSlow(t *testing.T) {
	srv := &Server{MinBodyRate: 100}
	srv.init()
	for _, tt := range []struct {
		waited time.Duration
		got    int64
		slow   bool
	}{
		{rateAfter, 0, false},
		{rateAfter + time.Second, 1599, true},
		{rateAfter + time.Second, 1600, false},
		{time.Hour, 359_999, true},
	} {
		b := &body{w: &response{c: &conn{srv: srv}}, waited: tt.waited, got: tt.got}
		err := b.tooSlow()
		var broken *errBody
		if slow := errors.As(err, &broken) && broken.rule == rule.BodyTooSlow; slow != tt.slow {
			t.Errorf("%d bytes in %v: %v", tt.got, tt.waited, err)
		}
		if tt.slow && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v is no timeout", err)
		}
	}
}
