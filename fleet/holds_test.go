package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"freshet/internal/bus"
	"freshet/jobs"
)

var wholeLog = regexp.MustCompile(`^(begun\n)+-- run 1\n(50%\n)+(ended\n)+$`)

// A worker whose slots are all busy asks for no task, and so has said nothing to a
// hub that is started anew but what it says of those that it has: it is believed,
// and they go on to their end.
func TestFullWorkerOutlivesItsHub(t *testing.T) {
	dir, flags := t.TempDir(), t.TempDir()
	n := hubIn(t, dir, "127.0.0.1:0")
	c := client(n)
	start(t, tasks(invite(t, c, "far")))
	script := fmt.Sprintf(`cd %s; echo begun; until test -e said; do sleep 0.02; done; echo 50%%; until test -e end; do sleep 0.02; done; echo ended; echo made > "$OLDPWD/made"`, flags)
	for _, folder := range []string{flags, filepath.Dir(flags)} { // programs run as nobody
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	spec := jobs.Spec{Command: []string{"sh", "-c", script}, Needs: map[string]string{"far": ""}, Progress: `^(\d+)%`, Outputs: []string{"made"}, Array: jobs.Range(1, 2)}
	id := submit(t, c, spec)
	all := func(what string, is func(jobs.TaskInfo) bool) {
		t.Helper()
		eventually(t, what, func() bool {
			list, err := c.Tasks(t.Context(), id, jobs.TaskFilter{})
			if err != nil || len(list) != 2 {
				return false
			}
			for _, task := range list {
				if task.Attempt > 1 {
					t.Fatalf("task %d runs again: %+v", task.Task, task.Result)
				}
			}
			return is(list[0]) && is(list[1])
		})
	}
	all("both run", func(task jobs.TaskInfo) bool {
		text, err := c.Log(t.Context(), id, task.Task, 0)
		return err == nil && string(text) == "begun\n"
	})
	closed(t, n)
	c = client(hubIn(t, dir, n.Address()))
	set := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(flags, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("said")
	all("the new one has heard both", func(task jobs.TaskInfo) bool { return task.Progress.Fraction == 0.5 })
	set("end")
	all("they end", func(task jobs.TaskInfo) bool { return task.State == jobs.Succeeded })
	for task := range int64(2) {
		// Each hub names the run. What a hub has kept and could not acknowledge any
		// more is sent again, so that a line may be there twice.
		if text, err := c.Log(t.Context(), id, task+1, 0); err != nil || !wholeLog.Match(text) {
			t.Errorf("%q %v", text, err)
		}
		if files, err := c.Outputs(t.Context(), id, task+1); err != nil || len(files) != 1 || files[0].Size != 5 {
			t.Errorf("%+v %v", files, err)
		}
	}
}

// Of a worker that has not asked a new hub for tasks, and then is gone, the tasks
// are given to others, too, before their leases are over.
func TestTakenOverByANewHub(t *testing.T) {
	dir := t.TempDir()
	n := hubIn(t, dir, "127.0.0.1:0")
	c := client(n)
	conn, err := bus.Join(t.Context(), invite(t, c, "cut"), bus.JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	id := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"cut": ""}})
	if _, err := conn.Call(t.Context(), "jobs.claim", []byte(`{"worker":{"labels":{"cut":""}},"number":1}`)); err != nil {
		t.Fatal(err)
	}
	closed(t, n)
	c = client(hubIn(t, dir, n.Address()))
	eventually(t, "it has reported", func() bool {
		_, err := conn.Call(t.Context(), "fleet.report", []byte("{}"))
		return err == nil
	})
	conn.Close()
	eventually(t, "its task is queued again", func() bool {
		list, err := c.Tasks(t.Context(), id, jobs.TaskFilter{})
		if err != nil || list[0].State != jobs.Queued {
			return false
		}
		if list[0].Result.Reason != "its worker was gone" {
			t.Fatalf("why: %q", list[0].Result.Reason)
		}
		return true
	})
}
