package jobs

import (
	"fmt"
	"strings"
)

// Title is what people call the job: its name, else its kind, else its command.
// It is not fit for a terminal or a page as it is: who submitted it wrote it.
func (s *Spec) Title() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Kind != "":
		return s.Kind
	}
	return strings.Join(s.Command, " ")
}

// Condition is the job's state in a word, "paused" while no task of it is begun.
func (i *Info) Condition() string {
	if i.Paused && !i.State.Final() {
		return "paused"
	}
	return i.State.String()
}

// Ending says how a run ended, for people: "exit status 1", "SIGKILL", or the
// reason; "" for nil.
func (r *Result) Ending() string {
	switch {
	case r == nil:
		return ""
	case r.Reason != "":
		return r.Reason
	case r.Signal != "":
		return r.Signal
	}
	return fmt.Sprintf("exit status %d", r.Exit)
}
