package fastcgi

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"

	"freshet/internal/rule"
)

// TestDialRule: a backend that is not there is told apart from one that is slow
// to accept, and from one whose queue is full.
func TestDialRule(t *testing.T) {
	for err, want := range map[error]rule.ID{
		syscall.ECONNREFUSED:     rule.FastcgiUnreachable,
		syscall.ENOENT:           rule.FastcgiUnreachable,
		syscall.EACCES:           rule.FastcgiUnreachable,
		syscall.EAGAIN:           rule.FastcgiOverloaded,
		os.ErrDeadlineExceeded:   rule.FastcgiConnectTimeout,
		&net.DNSError{Err: "no"}: rule.FastcgiUnreachable,
	} {
		if got := dialRule(fmt.Errorf("dial: %w", err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}
