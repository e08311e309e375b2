package cgi

import (
	"fmt"
	"syscall"
	"testing"

	"freshet/internal/child"
	"freshet/internal/rule"
)

// TestNotStarted: what the system says about a program that it does not start
// is told apart, for the remedies are.
func TestNotStarted(t *testing.T) {
	for err, want := range map[error]rule.ID{
		syscall.ENOENT:  rule.ScriptNotStarted,
		syscall.ENOEXEC: rule.ScriptNotStarted,
		syscall.EACCES:  rule.ScriptNotExecutable,
		syscall.E2BIG:   rule.HeadTooLarge,
		syscall.EAGAIN:  rule.ScriptNoRoom,
		syscall.ENOMEM:  rule.ScriptNoRoom,
		syscall.EMFILE:  rule.ScriptNoRoom,
		child.ErrBusy:   rule.ScriptNoRoom,
		child.ErrClosed: rule.ScriptStopped,
	} {
		if f := notStarted(fmt.Errorf("start: %w", err)); f.Rule != want || f.Err == nil {
			t.Errorf("%v: %v, want %v", err, f.Rule, want)
		}
	}
}
