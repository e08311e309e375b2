//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// TestPeersPartition cuts the peer that leads off from the others, and connects it
// again. Meanwhile another one leads, takes jobs, and purges: what is purged the one
// that is cut off does not serve either. No job is lost.
func TestPeersPartition(t *testing.T) {
	if !*peers {
		t.Skip("only with -faults.peers, as in make faults")
	}
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	w := newNetwork(t, 1+peerCount)
	o := newOrigin(t, filepath.Join(readable(t), "origin"))
	socket := func(i int) string { return filepath.Join(filepath.Dir(o.socket), fmt.Sprint("hub-", i+1)) }
	s := newPeers(t, peerPlan{workers: 1,
		hub: func(i int) []string {
			return []string{"proxy", "--to", "unix:" + o.socket, "--listen", "unix:" + socket(i)}
		},
		address: func(i int) (string, string) { return address(i+1) + ":7422", address(i+1) + ":7423" },
		wrap:    func(i int) wrap { return w.at((i + 1) % (1 + peerCount)) }, // the worker is at the bridge
	})
	ctx, over := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer over()
	var caches []*member
	for i := range s.hubs {
		m := s.cacheAt(t, w, o, socket(i))
		caches = append(caches, m)
		asking.Go(func() { m.askOn(ctx, t) })
		asking.Go(func() { m.pulse.beat(ctx) })
	}
	var ids []jobs.ID
	more := 0
	for round := range *rounds {
		until := time.Now().Add(roundWithin)
		submit := func(name string) {
			spec := jobs.Spec{Name: name, Key: fmt.Sprint(name, round), Array: must(jobs.ParseArray("1-20")), Command: s.noted("sleep 0.1")}
			ids = append(ids, insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })...)
		}
		submit("before")
		s.purgeAt(t, s.leader(t, -1), o, caches)
		at := s.leader(t, -1)
		caches[at].uses(t, until)
		w.cut(t, at+1, random.IntN(2) == 0)
		cut := time.Now()
		submit("meanwhile") // the one that is cut off may not acknowledge it
		next := s.leader(t, at)
		t.Logf("round %d: another leads after %.1f s", round, time.Since(cut).Seconds())
		for range 3 {
			s.purgeAt(t, next, o, caches)
		}
		w.heal(t, at+1)
		s.allThere(t)
		caches[at].uses(t, until)
		for _, id := range ids[len(ids)-2:] {
			info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
			if info.State != jobs.Succeeded {
				t.Errorf("job %s: %+v", id, info)
			}
		}
		more = s.verify(t, ids, 20*len(ids))
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	over()
	asking.Wait()
	answers, hits := int64(0), int64(0)
	for _, m := range caches {
		answers += m.answers.Load()
		hits += m.hits.Load()
	}
	t.Logf("%d rounds; runs beyond one a task: %d; purges: %d; answers: %d, %d of them without the origin; 0 of what was purged, 0 jobs lost", *rounds, more, o.version.Load(), answers, hits)
}

// cacheAt is the cache of a peer, which has its page at a socket.
func (s *shape) cacheAt(t *testing.T, w *network, o *origin, socket string) *member {
	t.Helper()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &member{s: s, w: w, origin: o, client: &http.Client{Transport: transport, Timeout: startWithin}}
}

// purgeAt makes the page have another version, and purges the earlier ones at a
// peer, or at the one that leads since; from then on nobody may serve them.
func (s *shape) purgeAt(t *testing.T, at int, o *origin, caches []*member) {
	t.Helper()
	v := o.version.Add(1)
	q := must(json.Marshal(&control.Request{Tags: []string{"page"}, ID: fmt.Sprint("purge-", v)}))
	for late := time.Now().Add(roundWithin); ; time.Sleep(50 * time.Millisecond) {
		err := purgeThrough(t.Context(), s.datas[at], q)
		if err == nil {
			break
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
		at = (at + 1) % len(s.datas)
	}
	for _, m := range caches {
		m.acknowledged.Store(v)
	}
}

func purgeThrough(ctx context.Context, data string, q []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	c, err := control.Find(data, "")
	if err != nil {
		return err
	}
	status, text, err := c.Send(ctx, http.MethodPost, "/purge", nil, q)
	if err != nil {
		return err
	}
	var a control.Answer
	if status != http.StatusOK || json.Unmarshal(text, &a) != nil || a.Receipt == nil {
		return errors.New(string(text))
	}
	return nil
}
