package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/worker"
	"freshet/jobs"
)

// hub opens a node that workers may join.
func hub(t *testing.T) (*fleet.Node, *fleet.Client) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	n, err := fleet.Open(t.Context(), fleet.Options{Dir: t.TempDir(), Name: "hub", Tasks: 1, Listen: "127.0.0.1:0", Drain: time.Nanosecond, ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, n) })
	return n, client(n)
}

var quiet = slog.New(slog.DiscardHandler)

// join starts a worker; what stops it waits for its end.
func join(t *testing.T, token string, labels map[string]string) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- fleet.Join(ctx, fleet.MemberOptions{Token: token, Worker: &worker.Options{Capacity: 2, Labels: labels, Drain: -1}, ErrorLog: quiet,
			Ready: func(name, _ string) { ready <- name }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("it does not join: %v", err)
	}
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() { stop() })
	return stop
}

func invite(t *testing.T, c *fleet.Client, name string) string {
	t.Helper()
	token, err := c.Invite(t.Context(), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func submit(t *testing.T, c *fleet.Client, s jobs.Spec) jobs.ID {
	t.Helper()
	ids, err := c.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return ids[0]
}

// A worker with a token runs what this machine does not have the label for;
// output and files come back.
func TestAWorkerElsewhere(t *testing.T) {
	_, c := hub(t)
	join(t, invite(t, c, "far"), map[string]string{"gpu": "two"})
	const size = 3<<20 + 17 // several pieces, and an end
	id := submit(t, c, jobs.Spec{Command: []string{"sh", "-c", "echo there; head -c 3145745 /dev/zero | tr '\\0' x > large; : > empty"}, Needs: map[string]string{"gpu": ""}, Outputs: []string{"large", "empty"}})
	info, err := c.Wait(t.Context(), id)
	if err != nil || info.State != jobs.Succeeded {
		t.Fatalf("%+v %v", info, err)
	}
	if text, err := c.Log(t.Context(), id, 0, 0); err != nil || string(text) != "there\n" {
		t.Errorf("%q %v", text, err)
	}
	files, err := c.Outputs(t.Context(), id, 0)
	if err != nil || len(files) != 2 || files[0].Name != "empty" || files[0].Size != 0 {
		t.Fatalf("%+v %v", files, err)
	}
	if b, err := os.ReadFile(files[1].Path); err != nil || len(b) != size || len(bytes.Trim(b, "x")) > 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if tasks, err := c.Tasks(t.Context(), id, jobs.TaskFilter{}); err != nil || tasks[0].Worker != "far" {
		t.Errorf("%+v %v", tasks, err)
	}
}

// What a worker holds when it stops is run by another one.
func TestAWorkerThatStops(t *testing.T) {
	_, c := hub(t)
	gpu := map[string]string{"gpu": ""}
	stop := join(t, invite(t, c, "first"), gpu)
	id := submit(t, c, jobs.Spec{Command: []string{"sh", "-c", "test $FRESHET_ATTEMPT -gt 1 || { echo begun; exec sleep 1000; }"}, Needs: gpu})
	eventually(t, "it runs", func() bool {
		text, err := c.Log(t.Context(), id, 0, 0)
		return err == nil && string(text) == "begun\n"
	})
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	join(t, invite(t, c, "second"), gpu)
	if info, err := c.Wait(t.Context(), id); err != nil || info.State != jobs.Succeeded {
		t.Errorf("%+v %v", info, err)
	}
}

// A token that is revoked ends its worker; a wrong one joins nothing.
func TestRevoke(t *testing.T) {
	_, c := hub(t)
	token := invite(t, c, "gone")
	ended := make(chan error, 1)
	ready := make(chan bool, 1)
	go func() {
		ended <- fleet.Join(t.Context(), fleet.MemberOptions{Token: token, Worker: &worker.Options{Drain: -1, Tell: time.Nanosecond}, ErrorLog: quiet, Ready: func(string, string) { ready <- true }})
	}()
	<-ready
	if list, err := c.Invited(t.Context()); err != nil || len(list) != 1 || list[0].Name != "gone" || list[0].Address == "" {
		t.Errorf("%+v %v", list, err)
	}
	if err := c.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("its worker ended with %v", err)
	}
	if err := fleet.Join(t.Context(), fleet.MemberOptions{Token: token, Worker: &worker.Options{}, ErrorLog: quiet}); err == nil {
		t.Error("it joins again")
	}
	if err := c.Revoke(t.Context(), "gone"); err == nil || !strings.Contains(err.Error(), "no worker of that name") {
		t.Errorf("revoked twice: %v", err)
	}
	if _, err := c.Invite(t.Context(), "a b", 0); err == nil || errors.Is(err, jobs.ErrSpec) {
		t.Errorf("a name that is none: %v", err)
	}
	for _, name := range []string{"hub", "desk", "scheduler"} {
		if _, err := c.Invite(t.Context(), name, 0); err == nil || !strings.Contains(err.Error(), "the server's own") {
			t.Errorf("a worker called %s, as the server: %v", name, err)
		}
	}
}
