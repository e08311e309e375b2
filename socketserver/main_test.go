package socketserver_test

import (
	"os"
	"testing"

	"freshet/internal/wiretest"
	"freshet/socketserver"
)

// forkers are the servers of tests whose children TestMain lets serve; a test
// file registers its own in a variable.
var forkers []socketserver.Forker

// forker registers a server whose model is Process.
func forker[S socketserver.Forker](s S) S {
	forkers = append(forkers, s)
	return s
}

// roles are what this program does instead of testing when TEST_ROLE names one.
var roles = map[string]func(){}

func TestMain(m *testing.M) {
	if socketserver.InChild(forkers...) {
		return
	}
	if play, ok := roles[os.Getenv("TEST_ROLE")]; ok {
		play()
		return
	}
	wiretest.Main(m)
}
