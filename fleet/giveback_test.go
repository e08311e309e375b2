package fleet

import (
	"log/slog"
	"testing"

	"freshet/jobs"
)

// When the queue is opened again, the tasks that ran here are given back at once:
// the new scheduler has heard nothing of their worker.
func TestGiveBack(t *testing.T) {
	o := Options{Dir: t.TempDir(), Name: "here", Tasks: 1, ErrorLog: slog.New(slog.DiscardHandler)}
	n, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := n.scheduler.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"it": ""}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.scheduler.Claim(t.Context(), jobs.Worker{Node: "here", Labels: map[string]string{"it": ""}}); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	o.again = true
	if n, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	list, err := n.scheduler.Tasks(t.Context(), ids[0], jobs.TaskFilter{})
	if err != nil || list[0].State != jobs.Queued || list[0].Result.Reason != "the job queue had stopped" {
		t.Errorf("%+v %v", list, err)
	}
}
