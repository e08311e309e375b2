package fleet_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/jobs"
)

// A task that is cancelled, or pre-empted, ends at once, here and on a worker
// elsewhere: with leases of two hours their beats cannot have told them.
func TestToldAtOnce(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	o := fleet.Options{Dir: t.TempDir(), Name: "hub", Tasks: 2, Listen: "127.0.0.1:0", Drain: time.Nanosecond, ErrorLog: quiet}
	o.Holds(2 * time.Hour)
	n, err := fleet.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, n) })
	c := client(n)
	for _, here := range []bool{true, false} {
		need := map[string]string{}
		if !here {
			need["gpu"] = ""
			join(t, invite(t, c, "far"), map[string]string{"gpu": "two"}) // two at once
		}
		begin := func(s jobs.Spec) jobs.ID {
			t.Helper()
			s.Command, s.Needs = []string{"sh", "-c", "echo begun; exec sleep 1000"}, need
			id := submit(t, c, s)
			eventually(t, "it runs", func() bool {
				text, err := c.Log(t.Context(), id, 0, 0)
				return err == nil && string(text) == "begun\n"
			})
			return id
		}
		cancelled := begin(jobs.Spec{})
		if err := c.Cancel(t.Context(), cancelled, jobs.Array{}); err != nil {
			t.Fatal(err)
		}
		if info, err := c.Wait(t.Context(), cancelled); err != nil || info.State != jobs.Cancelled {
			t.Fatalf("%+v %v", info, err)
		}
		stays, goes := begin(jobs.Spec{NoPreempt: true}), begin(jobs.Spec{Priority: 1})
		high := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: need, Priority: 2, Preempt: true})
		if info, err := c.Wait(t.Context(), high); err != nil || info.State != jobs.Succeeded {
			t.Fatalf("%+v %v", info, err)
		}
		// It runs again, and what its first run wrote is there.
		eventually(t, "it runs again", func() bool {
			text, err := c.Log(t.Context(), goes, 0, 0)
			return err == nil && strings.Contains(string(text), "-- run 2\nbegun\n") && strings.Contains(string(text), "another one goes first")
		})
		if tasks, err := c.Tasks(t.Context(), goes, jobs.TaskFilter{}); err != nil || tasks[0].Attempt != 2 || tasks[0].State != jobs.Running || tasks[0].Result.Reason != "pre-empted by job "+string(high) {
			t.Errorf("%+v %v", tasks, err)
		}
		for id, want := range map[jobs.ID]int{stays: 1, goes: 2} {
			if tasks, err := c.Tasks(t.Context(), id, jobs.TaskFilter{}); err != nil || tasks[0].Attempt != want {
				t.Errorf("%+v %v", tasks, err)
			}
			if err := c.Cancel(t.Context(), id, jobs.Array{}); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Wait(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
}
