//go:build nonats

// Package bustest has tests run a NATS server; not in a program without NATS.
package bustest

import (
	"testing"

	"freshet/internal/wiretest"
)

// Abandoned is nothing here.
var Abandoned []wiretest.Abandoned

// Server skips the test.
func Server(t testing.TB) string {
	t.Helper()
	t.Skip("this program is built without NATS")
	return ""
}

// Stream does nothing.
func Stream(testing.TB, string, string, ...string) {}

// Remove does nothing.
func Remove(testing.TB, string, string) {}
