//go:build !unix

package notify

import "os/exec"

// ownGroup does nothing where there are no groups of processes: the program
// itself is killed.
func ownGroup(*exec.Cmd) {}
