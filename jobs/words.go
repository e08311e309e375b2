package jobs

import (
	"fmt"
	"strings"
	"time"
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

// Standing says, for people, in which order its tasks come, and who goes for whom;
// "" when it is like most.
func (s *Spec) Standing() string {
	var parts []string
	if s.Priority != 0 {
		parts = append(parts, fmt.Sprint(s.Priority))
	}
	if s.Preempt {
		parts = append(parts, "pre-empts tasks of a lower one")
	}
	if s.NoPreempt {
		parts = append(parts, "is pre-empted by none")
	}
	return strings.Join(parts, ", ")
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

// Condition is the task's state in a word, "ending" while a cancelled one still
// runs, and so does "giving way", which is to be given back.
func (t *TaskInfo) Condition() string {
	if t.Ending {
		return "ending"
	}
	if t.Preempted != "" {
		return "giving way"
	}
	return t.State.String()
}

// Took is how long the latest run took, or takes until now; false when there was
// none, or when it is not known how it ended.
func (t *TaskInfo) Took(now time.Time) (time.Duration, bool) {
	switch {
	case t.Started.IsZero():
		return 0, false
	case t.State == Running:
		return max(0, now.Sub(t.Started)), true
	case t.Ended.IsZero():
		return 0, false
	}
	return max(0, t.Ended.Sub(t.Started)), true
}

// Says is what a task that runs says of itself, and otherwise how it ended.
func (t *TaskInfo) Says() string {
	if t.State == Running {
		return t.Progress.Message
	}
	return t.Result.Ending()
}

// Over is how many tasks are in final states.
func (c Counts) Over() int64 { return c.Total() - c[Queued] - c[Running] }

// Broken is how many tasks are failed or dead.
func (c Counts) Broken() int64 { return c[Failed] + c[Dead] }

// Words says how many tasks are in which state: "3 queued, 1 running".
func (c Counts) Words() string {
	var parts []string
	for s, n := range c {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, State(s)))
		}
	}
	return strings.Join(parts, ", ")
}
