//go:build !linux

package outbound

type tripState uint8

// direct reports whether requests without a body go by trip: not here.
func (c *conn) direct() bool { return false }

func (c *conn) trip([]byte) (stale bool, written int, err error) { return false, 0, nil }

func (c *conn) onStep(uintptr) (done bool) { return true }
