//go:build !nonats

package bus

import (
	"context"
	"os"
	"testing"
	"time"

	"freshet/internal/bustest"
	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
func TestMain(m *testing.M) {
	if os.Getenv(killDirVar) != "" {
		appendUntilKilled()
		return
	}
	if os.Getenv(sealDirVar) != "" {
		sealUntilKilled()
		return
	}
	if os.Getenv(keptDirVar) != "" {
		startUntilKilled()
		return
	}
	if os.Getenv(fullDirVar) != "" {
		appendUntilFull()
		return
	}
	wiretest.Main(m, bustest.Abandoned...)
}

// patience is for what cannot be waited for otherwise; nothing takes as long.
const patience = 5 * time.Minute

func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func startServer(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(Options{Dir: dir, MaxStore: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, s *Server, name string) *Conn {
	t.Helper()
	c, err := s.Connect(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func openLog(t *testing.T, c *Conn, name string) *Log {
	t.Helper()
	l, err := c.Log(limited(t), name, LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}
