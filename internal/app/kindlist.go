package app

import (
	"context"
	"fmt"
	"strings"

	"freshet/forward"
	"freshet/internal/why"
	"freshet/internal/worker"
	"freshet/jobs"
)

// listKind is a kind of task that has a forward proxy look at its filter lists
// now, as it does by itself when they are due, and waits until what has come is in force.
// It has no parameters. It fails when a list cannot be read: the edition that
// was there stays.
func listKind(h *forward.Handler) worker.Kind {
	return func(ctx context.Context, t *jobs.Task, r worker.Reporter) jobs.Result {
		if err := noParams(t.Spec.Params); err != nil {
			return jobs.Result{Exit: exitUsage, Reason: err.Error()}
		}
		all, err := h.UpdateLists(ctx, func(done, all int, name string) {
			r.Progress(float64(done)/float64(all), name)
		})
		if err != nil {
			return jobs.Result{Exit: exitFault, Reason: err.Error()}
		}
		var failed []string
		for i := range all {
			r.Print("%s", updated(&all[i]))
			if all[i].Error != "" {
				failed = append(failed, visible(all[i].Name))
			}
		}
		if len(failed) > 0 {
			return jobs.Result{Exit: exitFault, Reason: fmt.Sprintf("%d of %s could not be updated: %s", len(failed), why.Count(int64(len(all)), "list"), strings.Join(failed, ", "))}
		}
		return jobs.Result{}
	}
}

// updated says in a line what has become of a list.
func updated(u *forward.ListUpdate) string {
	what := "unchanged, " + why.Count(int64(u.Now), "rule")
	switch {
	case u.Error != "":
		what = "failed: " + u.Error
		if u.Now > 0 {
			what += "; the edition before stays, " + why.Count(int64(u.Now), "rule")
		}
	case u.Changed:
		what = fmt.Sprintf("updated: %d → %s", u.Before, why.Count(int64(u.Now), "rule"))
	}
	return visible(u.Name + ": " + what)
}
