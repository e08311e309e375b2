package fleet_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/bus"
	"freshet/internal/worker"
	"freshet/jobs"
)

// hubIn opens a node that servers may join, in a folder, at an address: that of
// a node which was closed may take a moment to be free.
func hubIn(t *testing.T, dir, addr string) *fleet.Node {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	var n *fleet.Node
	eventually(t, "a hub at "+addr, func() (ok bool) {
		var err error
		n, err = fleet.Open(t.Context(), fleet.Options{Dir: dir, Name: "hub", Tasks: 1, Listen: addr, Drain: time.Nanosecond, ErrorLog: quiet,
			Figures: func(r *fleet.Report) { r.Version, r.Config = "1.0", "00000000" }})
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
	t.Cleanup(func() { closed(t, n) })
	return n
}

// member is a server that joins, and reports often.
type member struct {
	cancel context.CancelFunc
	ended  chan error
}

func start(t *testing.T, o fleet.MemberOptions) *member {
	t.Helper()
	o.ErrorLog, o.Patient = quiet, true
	o.ReportEvery(5 * time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	m := &member{cancel, make(chan error, 1)}
	go func() {
		err := fleet.Join(ctx, o)
		m.ended <- err
		close(m.ended)
	}()
	t.Cleanup(func() { m.stop() })
	return m
}

func (m *member) stop() error {
	m.cancel()
	return <-m.ended
}

// tasks are the options of one that runs tasks which need the label far.
func tasks(token string) fleet.MemberOptions {
	return fleet.MemberOptions{Token: token, Worker: &worker.Options{Capacity: 2, Labels: map[string]string{"far": ""}, Drain: -1}}
}

// shown is a server as the list has it.
func shown(t *testing.T, c *fleet.Client, name string) fleet.Server {
	t.Helper()
	list, err := c.Servers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Name == name {
			return list[i]
		}
	}
	return fleet.Server{}
}

func becomes(t *testing.T, c *fleet.Client, name, state string) {
	t.Helper()
	eventually(t, name+" is "+state, func() bool { return shown(t, c, name).State == state })
}

func want(t *testing.T, c *fleet.Client, name, do string) {
	t.Helper()
	if err := c.Want(t.Context(), name, do); err != nil {
		t.Fatal(err)
	}
}

// Servers say how they are, and the hub is one of them.
func TestReports(t *testing.T) {
	n := hubIn(t, t.TempDir(), "127.0.0.1:0")
	c := client(n)
	o := tasks(invite(t, c, "a"))
	hits := 0.75
	o.Figures = func(r *fleet.Report) {
		r.Version, r.Started, r.Cache, r.Requests = "1.1", time.Now(), &fleet.Stored{Objects: 3, Bytes: 70, Hits: &hits}, &hits
	}
	invite(t, c, "b")
	start(t, o)
	eventually(t, "its clock is compared", func() bool { return shown(t, c, "a").Clock != nil })
	list, err := c.Servers(t.Context())
	if err != nil || len(list) != 3 || list[0].Name != "hub" || list[1].Name != "a" || list[2].Name != "b" {
		t.Fatalf("%+v %v", list, err)
	}
	hub, a, b := &list[0], &list[1], &list[2]
	if !hub.Hub || hub.State != fleet.StateWorking || hub.Processors == 0 || hub.Memory.Ours == 0 || hub.Tasks.Capacity != 1 {
		t.Errorf("%+v", hub)
	}
	if runtime.GOOS == "linux" && (a.Load == nil || a.Memory.Total < a.Memory.Available || a.Memory.Available == 0 || a.Disk == nil || a.Disk.Total < a.Disk.Free) {
		t.Errorf("%+v", a)
	}
	_, far := a.Tasks.Labels["far"]
	if a.State != fleet.StateWorking || a.Version != "1.1" || a.Started.IsZero() || a.Seen.IsZero() || a.Address == "" || a.Tasks.Capacity != 2 || !far || *a.Cache.Hits != hits || *a.Requests != hits {
		t.Errorf("%+v", a)
	}
	if len(a.Wrong) == 0 || a.Wrong[0] != "runs 1.1; most run 1.0" {
		t.Errorf("%q", a.Wrong)
	}
	if b.State != fleet.StateInvited || len(b.Wrong) > 0 || !b.Seen.IsZero() {
		t.Errorf("%+v", b)
	}
	if err := c.Revoke(t.Context(), "b"); err != nil || shown(t, c, "b").Name != "" {
		t.Errorf("revoked, it is known: %v", err)
	}
	for do, why := range map[string]string{"jump": "nothing that a server can do", "lock": "no server called"} {
		if err := c.Want(t.Context(), "b", do); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", do, err)
		}
	}
}

// A lock outlives the hub, and the server that is locked.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	n := hubIn(t, dir, "127.0.0.1:0")
	c := client(n)
	o := tasks(invite(t, c, "a"))
	m := start(t, o)
	becomes(t, c, "a", fleet.StateWorking)
	want(t, c, "a", "lock")
	want(t, c, "hub", "lock")
	becomes(t, c, "a", fleet.StateLocked)
	becomes(t, c, "hub", fleet.StateLocked)
	id := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"far": ""}})

	addr := n.Address()
	closed(t, n)
	c = client(hubIn(t, dir, addr))
	becomes(t, c, "a", fleet.StateLocked)
	if err := m.stop(); err != nil {
		t.Error(err)
	}
	becomes(t, c, "a", fleet.StateAway)
	start(t, o)
	becomes(t, c, "a", fleet.StateLocked)
	if hub := shown(t, c, "hub"); hub.State != fleet.StateLocked || hub.Wanted != "lock" {
		t.Errorf("%+v", hub)
	}
	if info, err := c.Job(t.Context(), id); err != nil || info.State != jobs.Queued {
		t.Errorf("%+v %v", info, err)
	}
	want(t, c, "a", "release")
	if info, err := c.Wait(t.Context(), id); err != nil || info.State != jobs.Succeeded {
		t.Errorf("%+v %v", info, err)
	}
	becomes(t, c, "a", fleet.StateWorking)
}

// A worker that is drained ends when its tasks are over; started again, it is
// locked. A server that is drained stays.
func TestDrain(t *testing.T) {
	c := client(hubIn(t, t.TempDir(), "127.0.0.1:0"))
	o := tasks(invite(t, c, "a"))
	m := start(t, o)
	gate := filepath.Join(t.TempDir(), "gate")
	far := map[string]string{"far": ""}
	id := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nowhere": ""}}) // nobody may run it
	if err := c.Cancel(t.Context(), id, jobs.Array{}); err != nil {
		t.Fatal(err)
	}
	id = submit(t, c, jobs.Spec{Command: []string{"sh", "-c", "echo begun; until test -e " + gate + "; do sleep 0.05; done"}, Needs: far})
	eventually(t, "it runs", func() bool {
		text, err := c.Log(t.Context(), id, 0, 0)
		return err == nil && string(text) == "begun\n"
	})
	want(t, c, "a", "drain")
	becomes(t, c, "a", fleet.StateDraining)
	allow(t, gate)
	if err := <-m.ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
	if info, err := c.Wait(t.Context(), id); err != nil || info.State != jobs.Succeeded {
		t.Errorf("%+v %v", info, err)
	}
	becomes(t, c, "a", fleet.StateDrained)
	m = start(t, o)
	becomes(t, c, "a", fleet.StateLocked)
	want(t, c, "a", "release")
	becomes(t, c, "a", fleet.StateWorking)

	m.stop()
	o.Stays = true
	m = start(t, o)
	becomes(t, c, "a", fleet.StateWorking)
	want(t, c, "a", "drain")
	becomes(t, c, "a", fleet.StateDrained)
	want(t, c, "a", "release")
	becomes(t, c, "a", fleet.StateWorking)
	want(t, c, "hub", "drain")
	becomes(t, c, "hub", fleet.StateDrained)
	select {
	case err := <-m.ended:
		t.Errorf("a server ends: %v", err)
	default:
	}
}

// allow makes a file that everybody can see, in folders that all can enter.
func allow(t *testing.T, file string) {
	t.Helper()
	dir := filepath.Dir(file)
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chmod(dir, 0o711), os.WriteFile(file, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// Release ends a quarantine.
func TestReleaseFromQuarantine(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("nobody else may change folders there")
	}
	c := client(hubIn(t, t.TempDir(), "127.0.0.1:0"))
	o := tasks(invite(t, c, "a"))
	dir := t.TempDir()
	allow(t, filepath.Join(dir, "seen"))
	o.Worker.Dir = filepath.Join(dir, "tasks")
	o.Worker.QuarantineAfter, o.Worker.Quarantine = 1, time.Hour
	start(t, o)
	becomes(t, c, "a", fleet.StateWorking)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	id := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"far": ""}})
	becomes(t, c, "a", fleet.StateQuarantined)
	if a := shown(t, c, "a"); len(a.Wrong) == 0 || !strings.Contains(a.Wrong[0], "may be changed") {
		t.Errorf("%+v", a)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	want(t, c, "a", "release")
	if info, err := c.Wait(t.Context(), id); err != nil || info.State != jobs.Succeeded {
		t.Errorf("%+v %v", info, err)
	}
	becomes(t, c, "a", fleet.StateWorking)
}

// What a worker had whose connection has ended is given to another one, before
// its lease is over; at once when its token was revoked.
func TestTakenOver(t *testing.T) {
	c := client(hubIn(t, t.TempDir(), "127.0.0.1:0"))
	claim := func(name string) (jobs.ID, *bus.Conn) {
		t.Helper()
		conn, err := bus.Join(t.Context(), invite(t, c, name), bus.JoinOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		if _, err := conn.Call(t.Context(), "fleet.report", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		id := submit(t, c, jobs.Spec{Command: []string{"true"}, Needs: map[string]string{name: ""}})
		if _, err := conn.Call(t.Context(), "jobs.claim", []byte(`{"worker":{"labels":{"`+name+`":""}},"number":1}`)); err != nil {
			t.Fatal(err)
		}
		return id, conn
	}
	back := func(id jobs.ID) {
		t.Helper()
		var reason string
		eventually(t, "it is queued again", func() bool {
			list, err := c.Tasks(t.Context(), id, jobs.TaskFilter{})
			if err == nil && len(list) == 1 && list[0].Result != nil {
				reason = list[0].Result.Reason
			}
			return err == nil && len(list) == 1 && list[0].State == jobs.Queued
		})
		if reason != "its worker was gone" {
			t.Errorf("why: %q", reason)
		}
	}
	id, conn := claim("cut")
	conn.Close()
	back(id)
	id, _ = claim("revoked")
	if err := c.Revoke(t.Context(), "revoked"); err != nil {
		t.Fatal(err)
	}
	back(id)
}
