package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
	"freshet/jobs"
)

func needsPeers(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	if _, err := bus.PeerName(""); errors.Is(err, bus.ErrAbsent) {
		t.Skip("this program is built without NATS")
	}
}

// leaderOf waits until one of the hubs leads.
func leaderOf(t *testing.T, hubs ...*Keeper) (at int) {
	t.Helper()
	until(t, "one leads", func() bool {
		for i, k := range hubs {
			if k.leadsNow() {
				at = i
				return true
			}
		}
		return false
	})
	return at
}

// settled is leaderOf for who has led for a lease: what another did when it ended
// moves it no more.
func settled(t *testing.T, lease time.Duration, hubs ...*Keeper) (at int) {
	t.Helper()
	since := time.Now()
	until(t, "one leads, and goes on", func() bool {
		l := leaderOf(t, hubs...)
		if l != at {
			at, since = l, time.Now()
		}
		return time.Since(since) >= lease
	})
	return at
}

// long skips a test of peers that takes its time under the race detector, which
// tries what they do with one hub, and with NATS elsewhere, too.
func long(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("it is tried without the race detector")
	}
}

// beside runs a test that waits most of its time beside others. Not one that opens a
// folder again: a program that another test just starts may still hold its lock. Under
// the race detector it is alone: servers of NATS in one process have races of their own.
func beside(t *testing.T) {
	t.Helper()
	if !raceEnabled {
		t.Parallel()
	}
}

// Why nobody is known to lead is said when it is for the peers that are away, by
// their names, and at no other time.
func TestUnled(t *testing.T) {
	for _, tt := range []struct {
		all   int
		away  []string
		began bool
		want  string
	}{
		{3, nil, false, "it is not known yet who leads the fleet"},
		{3, []string{"c"}, false, "nobody leads the fleet yet: 3 peers are needed the first time, and c cannot be reached"},
		{3, []string{"c"}, true, "it is not known yet who leads the fleet"},
		{3, []string{"b", "c"}, false, "it knows of nobody who leads the fleet: most of its peers are needed, and b and c cannot be reached"},
		{3, []string{"b", "c"}, true, "most of its peers are needed, and b and c cannot be reached"},
		{4, []string{"c", "d"}, true, "most of its peers are needed, and c and d cannot be reached"},
		{5, []string{"d", "e"}, false, "it is not known yet who leads the fleet"},
		{5, []string{"d", "e"}, true, "it is not known yet who leads the fleet"},
		{5, []string{"c", "d", "e"}, true, "most of its peers are needed, and c, d and e cannot be reached"},
	} {
		if got := unled(tt.away, tt.all, tt.began).Error(); !strings.HasPrefix(got, "this server is a standby, and ") || !strings.HasSuffix(got, tt.want) {
			t.Errorf("%v of %d away, begun: %v: %q", tt.away, tt.all, tt.began, got)
		}
	}
}

// What TestStandby says of two hubs holds of three peers of which one is away.
func TestPeersStandby(t *testing.T) {
	needsPeers(t)
	long(t)
	t.Parallel()
	const lease = 10 * time.Second
	all := peersOf(t)
	for i := range all {
		all[i].lease = lease
	}
	hubs, caches := candidatesOf(t, all[:]...)
	l := leaderOf(t, hubs...)
	away := (l + 1) % len(hubs)
	if err := hubs[away].Close(); err != nil {
		t.Error(err)
	}
	hubs, caches = slices.Delete(hubs, away, away+1), slices.Delete(caches, away, away+1)
	l = settled(t, lease, hubs...)
	testStandby(t, hubs[l], hubs[1-l], caches[l], caches[1-l], func() { hubs[l].o.cluster.Close() })
}

// A peer that is alone starts, as a standby that says why it does nothing, with its
// cache held; it goes on when others are there. When who leads ends in good order,
// another one leads, with all that was acknowledged. When that one is alone, it
// does not lead any more.
func TestPeerAlone(t *testing.T) {
	needsPeers(t)
	long(t)
	t.Parallel()
	all := peersOf(t)
	for i := range all {
		all[i].lease = 1500 * time.Millisecond // and a fourth of how long the first one waits for the others
	}
	one, cacheOne := candidateOf(t, all[0])
	_, err := one.Queue().Submit(t.Context(), jobs.Spec{Command: []string{"true"}})
	if !errors.Is(err, ErrStandby) || !strings.Contains(err.Error(), "three and two cannot be reached") || !cacheOne.isHeld() {
		t.Errorf("%v, held: %t", err, cacheOne.isHeld())
	}
	if _, err := one.Purger().Purge(&control.Request{Tags: []string{"a"}}); err == nil {
		t.Error("a purge that nobody but this one has heard of is acknowledged")
	}
	rest, caches := candidatesOf(t, all[1:]...)
	hubs, caches := append(rest, one), append(caches, cacheOne)
	l := leaderOf(t, hubs...)
	until(t, "all use what they have stored", func() bool {
		return !slices.ContainsFunc(caches, func(c *fakeCache) bool { return c.isHeld() })
	})
	var ids []jobs.ID
	until(t, "a job is accepted by who leads", func() bool {
		l = leaderOf(t, hubs...)
		ids, err = hubs[l].Queue().Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
		return err == nil
	})
	began := time.Now()
	if err := hubs[l].Close(); err != nil {
		t.Error(err)
	}
	ended := time.Since(began)
	hubs, caches = slices.Delete(hubs, l, l+1), slices.Delete(caches, l, l+1)
	l = leaderOf(t, hubs...)
	t.Logf("who led has ended after %v, and the next one leads after %v", ended, time.Since(began))
	until(t, "who leads has what was acknowledged", func() bool {
		l = leaderOf(t, hubs...)
		_, err := hubs[l].Queue().Job(t.Context(), ids[0])
		if errors.Is(err, jobs.ErrUnknown) {
			t.Fatal(err)
		}
		return err == nil
	})
	if err := hubs[1-l].Close(); err != nil {
		t.Error(err)
	}
	until(t, "the one that is left says that it is alone, and uses nothing that it has stored", func() bool {
		_, err := hubs[l].Queue().Job(t.Context(), ids[0])
		return errors.Is(err, ErrStandby) && strings.Contains(err.Error(), "cannot be reached") && caches[l].isHeld()
	})
}

// A folder of another shape of queue is refused, whose jobs would not be seen.
func TestPeerFolders(t *testing.T) {
	needsPeers(t)
	all := peersOf(t)
	dir := all[0].Dir
	single := Options{Dir: dir, Tasks: 1}
	n, err := Open(t.Context(), single)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	all[0].Listen = "127.0.0.1:0"
	if k, err := Keep(t.Context(), all[0]); err == nil || !strings.Contains(err.Error(), "a hub that was alone") {
		t.Errorf("%v %v", k, err)
	}
	if err := os.Rename(filepath.Join(dir, busDir), filepath.Join(dir, peersDir)); err != nil {
		t.Fatal(err)
	}
	if n, err := Open(t.Context(), single); err == nil || !strings.Contains(err.Error(), "the queue of a peer") {
		t.Errorf("%v %v", n, err)
	}
}

// TestPeerStore: files that may be kept here have room at each peer.
func TestPeerStore(t *testing.T) {
	const gib = 1 << 30
	for _, tt := range []struct{ inputs, outputs, want int64 }{
		{0, 0, 164 * gib},
		{4 * gib, 4 * gib, 14 * gib},
		{4 * gib, 0, 89 * gib},
		{1 << 62, 1 << 62, 1 << 60},
	} {
		if got := peerStore(&Options{Inputs: InputOptions{MaxAll: tt.inputs}, Outputs: tt.outputs}); got != tt.want {
			t.Errorf("for %d and %d: %d, want %d", tt.inputs, tt.outputs, got, tt.want)
		}
	}
}

// TestPeerNames: a peer is a member when another one leads, and so has no name of
// those that a hub has to itself.
func TestPeerNames(t *testing.T) {
	for _, name := range []string{ownDesk, ownScheduler, ownPurges} {
		places := []PeerPlace{{Name: "a", Address: "127.0.0.1:1"}, {Name: name, Address: "127.0.0.1:2"}, {Name: "c", Address: "127.0.0.1:3"}}
		if _, err := NewPeers(places); err == nil || !strings.Contains(err.Error(), name+" is a name") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
