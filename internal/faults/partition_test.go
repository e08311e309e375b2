//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/control"
	"freshet/internal/wiretest"
)

// Machines of the partition.
const (
	atHub = iota
	atWorker
	atCache
	machines
)

// acknowledgedWithin is for a purge while a member is away: its lease of 5 s, and
// a little.
const acknowledgedWithin = 6 * time.Second

// TestPartition cuts a worker and a cache off from their hub while tasks run and
// purges are made, and connects them again. The tasks run elsewhere and are
// counted once; each purge is acknowledged within a lease, and names the cache;
// which never answers with what was purged before it was asked.
func TestPartition(t *testing.T) {
	long(t, "it takes a lease of 15 seconds")
	t.Parallel()
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	w := newNetwork(t, machines)
	o := newOrigin(t, filepath.Join(readable(t), "origin"))
	s := newShape(t, plan{workers: 1, wrap: w.at, address: address(atHub) + ":7422",
		hub: []string{"proxy", "--to", "unix:" + o.socket, "--listen", "unix:" + filepath.Join(filepath.Dir(o.socket), "hub")}})
	m := s.newMember(t, w, o)
	ctx, over := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer over()
	for range 2 {
		asking.Go(func() { m.askOn(ctx, t) })
	}
	asking.Go(func() { m.pulse.beat(ctx) })
	more, slow := 0, 0
	for round := range *rounds {
		until := time.Now().Add(roundWithin)
		ids, tasks := s.lateResult(t, fmt.Sprint(round), until, func() {
			w.cut(t, atWorker, random.IntN(2) == 0)
			slow += m.cutOff(t, random, until)
		}, func() { w.heal(t, atWorker) })
		more += s.verify(t, ids, tasks)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	over()
	asking.Wait()
	t.Logf("%d rounds; runs beyond one a task: %d; purges: %d, of which took too long on this machine: %d; answers of the cache: %d, of which it asked the origin for %d; 0 of what was purged",
		*rounds, more, o.version.Load(), slow, m.answers.Load(), o.asked.Load())
}

// origin has one page, of which there is a version after the other.
type origin struct {
	socket  string
	version atomic.Int64
	asked   atomic.Int64
}

func newOrigin(t *testing.T, socket string) *origin {
	t.Helper()
	o := &origin{socket: socket}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: o}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(l) })
	t.Cleanup(func() {
		server.Close()
		serving.Wait()
	})
	return o
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	v := o.version.Load()
	tag := fmt.Sprintf(`"v%d"`, v)
	w.Header().Set("Cache-Control", "max-age=36000, must-revalidate")
	w.Header().Set("Surrogate-Key", "page")
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprint(w, v)
}

// member is a cache of the fleet.
type member struct {
	s      *shape
	w      *network
	origin *origin
	client *http.Client

	acknowledged atomic.Int64 // the version whose predecessors are purged
	answers      atomic.Int64
	hits         atomic.Int64 // answers without a question to the origin meanwhile
	pulse        pulse
}

func (s *shape) newMember(t *testing.T, w *network, o *origin) *member {
	t.Helper()
	socket := filepath.Join(filepath.Dir(o.socket), "member")
	m := &member{s: s, w: w, origin: o}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	m.client = &http.Client{Transport: transport, Timeout: startWithin}
	begin(t, &node{name: "cache", wrap: w.at(atCache), ready: regexp.MustCompile(`fleet: joined as`), env: []string{"FRESHET_JOIN=" + s.invite(t, "cache")},
		args: []string{"proxy", "--to", "unix:" + o.socket, "--listen", "unix:" + socket, "--data", filepath.Join(s.dir, "cache"), "--monitor", "off", "--access-log", "off"}})
	return m
}

// ask asks for the page. An answer that was purged before is a fault.
func (m *member) ask(ctx context.Context) error {
	purged, before := m.acknowledged.Load(), m.origin.asked.Load()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://site.test/page", nil)
	if err != nil {
		return err
	}
	a, err := m.client.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return err
	}
	var version int64
	if _, err := fmt.Sscan(string(text), &version); a.StatusCode != http.StatusOK || err != nil {
		return fmt.Errorf("%s: %q", a.Status, text)
	}
	if version < purged && !m.pulse.stood() {
		return fmt.Errorf("version %d, and all before %d was purged: %v", version, purged, a.Header)
	}
	m.answers.Add(1)
	if m.origin.asked.Load() == before {
		m.hits.Add(1)
	}
	return nil
}

func (m *member) askOn(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		if err := m.ask(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// uses waits until the cache answers by itself again.
func (m *member) uses(t *testing.T, until time.Time) {
	t.Helper()
	for had := m.hits.Load(); m.hits.Load() == had; time.Sleep(5 * time.Millisecond) {
		if t.Failed() || time.Now().After(until) {
			t.Fatal("the cache uses nothing of what it has stored")
		}
	}
}

// purge makes the page have another version, and then purges the earlier ones.
func (m *member) purge(t *testing.T, until time.Time) (r *control.Receipt, took time.Duration) {
	t.Helper()
	v := m.origin.version.Add(1)
	began := time.Now()
	r = m.receipt(t, until, &control.Request{Tags: []string{"page"}, ID: fmt.Sprint("purge-", v)})
	took = time.Since(began)
	m.acknowledged.Store(v)
	return r, took
}

func (m *member) receipt(t *testing.T, until time.Time, q *control.Request) *control.Receipt {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), until)
	defer cancel()
	c, err := control.Find(m.s.datas[0], "")
	if err != nil {
		t.Fatal(err)
	}
	status, text, err := c.Send(ctx, http.MethodPost, "/purge", nil, must(json.Marshal(q)))
	var a control.Answer
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d: %s", status, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil || a.Receipt == nil {
		t.Fatalf("%v: %s", err, text)
	}
	return a.Receipt
}

// state is what a receipt says of the cache.
func state(r *control.Receipt) string {
	for _, n := range r.Nodes {
		if n.Node == "cache" {
			return n.State
		}
	}
	return "not named"
}

// cutOff purges while the cache is cut off, until that took no longer than it may,
// and connects it again; how many times it took longer, as on a machine that is
// busy it may.
func (m *member) cutOff(t *testing.T, random *rand.Rand, until time.Time) (slow int) {
	t.Helper()
	for ; ; slow++ {
		m.uses(t, until)
		if r, _ := m.purge(t, until); state(r) != control.NodeDone {
			if t.Logf("a purge with all there: %+v", r); slow == 4 {
				t.Fatal("it is never applied at once")
			}
			continue // a machine that is busy takes a cache's time to answer for itself
		}
		m.uses(t, until)
		m.w.cut(t, atCache, random.IntN(2) == 0)
		time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		r, took := m.purge(t, until)
		if state(r) != control.NodeAway {
			t.Errorf("a purge while the cache is away: %+v", r)
		}
		for range random.IntN(3) {
			m.purge(t, until)
		}
		m.w.heal(t, atCache)
		m.uses(t, until)
		for m.receipt(t, until, &control.Request{Receipt: r.ID}).Missing() != nil {
			if time.Now().After(until) {
				t.Fatal("the cache is back, and has not said that it has applied a purge")
			}
			time.Sleep(20 * time.Millisecond)
		}
		if took <= acknowledgedWithin {
			return slow
		}
		if t.Logf("acknowledged after %v", took); slow == 4 {
			t.Fatal("no purge was acknowledged in time")
		}
	}
}

// pulse knows whether the machine stood still: a process that did may give one
// answer before it notices that its lease is over, as is said where leases are
// promised.
type pulse struct{ last atomic.Int64 }

// Of a machine that stood still: for how long, and until when it may show.
const (
	stoodFor   = 200 * time.Millisecond
	stoodUntil = 2 * time.Second
)

func (p *pulse) beat(ctx context.Context) {
	for before := time.Now(); ctx.Err() == nil; {
		time.Sleep(10 * time.Millisecond)
		now := time.Now()
		if now.Sub(before) > stoodFor {
			p.last.Store(now.UnixNano())
		}
		before = now
	}
}

func (p *pulse) stood() bool { return time.Since(time.Unix(0, p.last.Load())) < stoodUntil }
