package fleet

import (
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"testing"

	"freshet/internal/bus"
	"freshet/jobs"
)

// deskOf is a desk of an empty queue.
func deskOf(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	logs, err := OpenLogs(dir+"/logs", testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := OpenOutputs(dir+"/outputs", 0, testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := jobs.OpenFileLog(dir + "/log")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	s, err := jobs.New(t.Context(), log, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(t.Context()) })
	return &desk{queue: s, logs: logs, outputs: outputs, held: map[uint64]assignment{}}
}

func claimOf(t *testing.T, number uint64) []byte {
	t.Helper()
	b, err := json.Marshal(&claim{Number: number})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Two workers with one token do not take turns as fast as they can: who is
// replaced hears why, which is an error, so that it waits.
func TestWorkersThatShareAToken(t *testing.T) {
	d := deskOf(t)
	first := make(chan error, 1)
	go func() {
		_, err := d.claim(t.Context(), bus.Request{From: "a", Payload: claimOf(t, 7)})
		first <- err
	}()
	for !d.claims.waits() {
		runtime.Gosched()
	}
	second := make(chan error, 1)
	go func() {
		_, err := d.claim(t.Context(), bus.Request{From: "a", Payload: claimOf(t, 1007)})
		second <- err
	}()
	if err := <-first; !errors.Is(err, errShared) {
		t.Errorf("the first one: %v", err)
	}
	if _, err := d.leave(t.Context(), bus.Request{From: "a", Payload: claimOf(t, 1007)}); err != nil {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Errorf("the second one, which has given up: %v", err)
	}
}

// A claim that was given up is not begun when it comes late; that of a worker
// which was started anew, with an earlier clock, is.
func TestClaimsThatComeLate(t *testing.T) {
	var c claims
	const given = 1_000_000_000_000
	c.leave(t.Context(), "a", given)
	for number, want := range map[uint64]bool{given: false, given - 1: false, given + 1: true, given - 3_600_000_000: true} {
		_, one := c.begin(t.Context(), "a", number)
		if (one != nil) != want {
			t.Errorf("claim %d: begun is %v", number, one != nil)
		}
		if one != nil {
			c.end("a", one, nil)
		}
	}
}

// A member is given tasks of the kinds that every node has, whatever it says that
// it can do: others are the hub's.
func TestMembersKinds(t *testing.T) {
	for name := range kinds(nil) {
		if !membersKinds[name] {
			t.Errorf("members get no tasks of kind %s", name)
		}
	}
	d := deskOf(t)
	specs := []jobs.Spec{{Kind: "purge"}, {Kind: "scrub"}, {Kind: "other"}, {Kind: "check"}, {Command: []string{"true"}}, {Kind: "warm"}}
	if _, err := d.queue.Submit(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	var got []string
	for n := range uint64(3) {
		b, err := json.Marshal(&claim{Number: n + 1, Worker: jobs.Worker{Kinds: []string{"purge", "warm", "scrub", "check", "other"}, Capacity: 9}})
		if err != nil {
			t.Fatal(err)
		}
		text, err := d.claim(t.Context(), bus.Request{From: "a", Payload: b})
		var task jobs.Task
		if err := errors.Join(err, json.Unmarshal(text, &task)); err != nil {
			t.Fatal(err)
		}
		got = append(got, task.Spec.Kind)
	}
	if slices.Sort(got); !slices.Equal(got, []string{"", "check", "warm"}) {
		t.Errorf("a member got %q", got)
	}
	for range 3 {
		task, err := d.queue.Claim(t.Context(), jobs.Worker{Node: "hub", Kinds: []string{"purge", "scrub", "other"}})
		if err != nil || task.Spec.Kind == "" {
			t.Fatalf("%+v, %v", task, err)
		}
	}
}
