//go:build nonats

package bus

import (
	"errors"
	"testing"
)

func TestAbsent(t *testing.T) {
	if _, err := Start(Options{Dir: t.TempDir()}); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
	if _, err := Connect(t.Context(), ConnectOptions{URL: "nats://localhost", Name: "a"}); !errors.Is(err, ErrAbsent) {
		t.Errorf("%v", err)
	}
}
