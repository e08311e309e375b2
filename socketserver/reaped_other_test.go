//go:build unix && !linux

package socketserver_test

import "testing"

// reaped cannot be asked here without taking children away.
func reaped(t *testing.T) { t.Helper() }
