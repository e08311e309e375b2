//go:build unix && !linux

package child_test

import "testing"

// gone cannot be told here without a race: the system reaps orphans.
func gone(testing.TB, int) {}

func serveUntilKilled() {}
