package fleet

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/bustest"
	"freshet/internal/control"
	"freshet/internal/wiretest"
	"freshet/internal/worker"
	"freshet/jobs"
)

// saidByHubs is their log.
type saidByHubs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *saidByHubs) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *saidByHubs) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// candidateOf starts a hub that keeps all in a cluster.
func candidateOf(t *testing.T, o Options) (*Keeper, *fakeCache) {
	t.Helper()
	hubs, caches := candidatesOf(t, o)
	return hubs[0], caches[0]
}

// candidatesOf starts some at the same time, as those that wait for each other.
func candidatesOf(t *testing.T, all ...Options) (hubs []*Keeper, caches []*fakeCache) {
	t.Helper()
	hubs = make([]*Keeper, len(all))
	faults := make([]error, len(all))
	said := &saidByHubs{}
	var starting sync.WaitGroup
	for i, o := range all {
		caches = append(caches, newFakeCache())
		o.Dir, o.Tasks, o.Listen, o.Cache, o.Drain = cmp.Or(o.Dir, t.TempDir()), 1, wiretest.Reserve(t), caches[i], time.Nanosecond
		o.ErrorLog = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelInfo})).With("hub", i)
		starting.Go(func() { hubs[i], faults[i] = Keep(t.Context(), o) })
	}
	starting.Wait()
	t.Cleanup(func() {
		var ending sync.WaitGroup
		for _, k := range hubs {
			if k == nil {
				continue
			}
			ending.Go(func() {
				if err := k.Close(); err != nil && k.o.Peer == nil { // when all peers end at once too few may be left to write
					t.Error(err)
				}
			})
		}
		ending.Wait()
		if t.Failed() {
			t.Log(said)
		}
	})
	if err := errors.Join(faults...); err != nil {
		t.Fatal(err)
	}
	return hubs, caches
}

// peersOf are the options of three peers.
func peersOf(t *testing.T) (all [3]Options) {
	t.Helper()
	places := make([]PeerPlace, len(all))
	for i, name := range [...]string{"one", "two", "three"} {
		places[i] = PeerPlace{Name: name, Address: wiretest.Reserve(t)}
	}
	tokens, err := NewPeers(places)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i] = Options{Dir: t.TempDir(), Peer: &Peer{Token: tokens[i]}}
	}
	return all
}

func (k *Keeper) leadsNow() bool {
	n, _ := k.now()
	return n != nil
}

// applied reports whether all of these have applied a purge.
func applied(r *control.Receipt, names ...string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(r.Nodes, func(n control.NodeReceipt) bool { return n.Node == name && n.State == control.NodeDone }) {
			return false
		}
	}
	return true
}

// Of two hubs one leads; when it is cut off the other one does, with all that was
// acknowledged, and the members of the fleet find it.
func TestStandby(t *testing.T) {
	beside(t)
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	url := bustest.Server(t)
	hub := func(name string) Options { return Options{Name: name, NATS: &NATS{URL: url}, lease: 10 * time.Second} }
	one, cacheOne := candidateOf(t, hub("one"))
	if !one.leadsNow() {
		t.Fatal("the first one does not lead")
	}
	two, cacheTwo := candidateOf(t, hub("two"))
	testStandby(t, one, two, cacheOne, cacheTwo, func() { one.o.cluster.Close() }) // nothing is given back
}

// testStandby has two hubs, the first of which leads, and cuts that one off.
func testStandby(t *testing.T, one, two *Keeper, cacheOne, cacheTwo *fakeCache, cutOff func()) {
	t.Helper()
	until(t, "the other one is a standby", func() bool {
		_, err := two.Queue().Jobs(t.Context(), jobs.Filter{})
		return errors.Is(err, ErrStandby) && strings.Contains(err.Error(), one.o.Name+" leads") && !cacheTwo.isHeld()
	})
	token, err := one.Invite("far", 0)
	if err != nil {
		t.Fatal(err)
	}
	cacheFar := newFakeCache()
	cacheFar.Hold()
	ctx, cancel := context.WithCancel(context.Background())
	joined := make(chan error, 1)
	go func() {
		joined <- Join(ctx, MemberOptions{Token: token, Cache: cacheFar, Worker: &worker.Options{Capacity: 1, Labels: map[string]string{"far": "x"}, Drain: -1}, every: 100 * time.Millisecond, ErrorLog: slog.New(slog.DiscardHandler)})
	}()
	defer func() {
		cancel()
		<-joined
	}()
	until(t, "the member is let go", func() bool { return !cacheFar.isHeld() })
	for _, c := range []*fakeCache{cacheOne, cacheTwo, cacheFar} {
		c.store("a", 1)
	}
	a, err := one.Purger().Purge(&control.Request{Tags: []string{"a"}})
	if err != nil || !applied(a.Receipt, one.o.Name, two.o.Name, "far") {
		t.Fatalf("%+v %v", a, err)
	}
	for name, c := range map[string]*fakeCache{"one": cacheOne, "two": cacheTwo, "far": cacheFar} {
		if c.serves("a") != 0 {
			t.Errorf("%s serves what was purged", name)
		}
	}
	var refused interface{ Status() int }
	if _, err := two.Purger().Purge(&control.Request{Tags: []string{"a"}}); !errors.As(err, &refused) || refused.Status() != 409 {
		t.Errorf("a purge at the standby: %v", err)
	}
	client := through(two.Handler())
	if status, text, _ := client.Send(t.Context(), "GET", "/job/list", nil, nil); status != 503 || !strings.Contains(string(text), `"code":"standby"`) {
		t.Errorf("%d %s", status, text)
	}
	needs := map[string]string{"far": ""}
	ids, err := one.Queue().Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: needs}, jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the member has learned where the other hub is, and done its job", func() bool {
		info, err := one.Queue().Job(t.Context(), ids[0])
		return err == nil && info.State == jobs.Succeeded
	})

	if !one.leadsNow() {
		t.Fatal("the first one does not lead any more")
	}
	// It comes back, and of two that want the lease when it is over one gets it. So
	// it is cut off again: shortly before it would have written the lease anew, for
	// then the other one has seen the lease for longer, and is the first.
	life := cmp.Or(one.o.lease, leaseLife)
	var leads time.Time
	until(t, "the other one leads", func() bool {
		switch {
		case !one.leadsNow():
			leads = time.Time{}
		case leads.IsZero():
			leads = time.Now()
		case time.Since(leads) > life*3/10:
			leads = time.Time{}
			cutOff()
		}
		return two.leadsNow()
	})
	for _, id := range ids {
		if _, err := two.Queue().Job(t.Context(), id); err != nil {
			t.Errorf("%s was acknowledged: %v", id, err)
		}
	}
	if a, err := two.Purger().Purge(&control.Request{Receipt: a.Receipt.ID}); err != nil || a.Receipt == nil {
		t.Errorf("the receipt of a purge from before: %+v %v", a, err)
	}
	until(t, "the one that led is a standby, and is let go", func() bool {
		_, err := one.Queue().Jobs(t.Context(), jobs.Filter{})
		return errors.Is(err, ErrStandby) && strings.Contains(err.Error(), two.o.Name+" leads") && !cacheOne.isHeld()
	})
	until(t, "the member is let go again", func() bool { return !cacheFar.isHeld() })
	for _, c := range []*fakeCache{cacheOne, cacheTwo, cacheFar} {
		c.store("b", 1)
	}
	if a, err := two.Purger().Purge(&control.Request{Tags: []string{"b"}}); err != nil || !applied(a.Receipt, one.o.Name, two.o.Name, "far") {
		t.Fatalf("%+v %v", a, err)
	}
	for name, c := range map[string]*fakeCache{"one": cacheOne, "two": cacheTwo, "far": cacheFar} {
		if c.serves("b") != 0 {
			t.Errorf("%s serves what was purged", name)
		}
	}
	again, err := two.Queue().Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: needs})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the member runs jobs of the other hub", func() bool {
		info, err := two.Queue().Job(t.Context(), again[0])
		return err == nil && info.State == jobs.Succeeded
	})
}
