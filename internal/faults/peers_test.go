//go:build linux

package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

var peers = flag.Bool("faults.peers", false, "also with three hubs that keep the queue themselves")

// peerCount is how many peers there are.
const peerCount = 3

// peerPlan says how peers are made; its zero value has them serve a folder, here.
type peerPlan struct {
	workers int
	hub     func(i int) []string               // the command of peer i
	address func(i int) (members, peer string) // where it listens
	data    func(i int) string                 // its folder
	wrap    func(i int) wrap                   // where peers, and then workers, run
}

// newPeers starts hubs that keep their fleet themselves.
func newPeers(t *testing.T, p peerPlan) *shape {
	t.Helper()
	s := &shape{dir: readable(t)}
	s.runs = filepath.Join(s.dir, "runs")
	s.writable(t, s.runs)
	if p.hub == nil {
		pages := filepath.Join(s.dir, "pages")
		if err := os.Mkdir(pages, 0o755); err != nil {
			t.Fatal(err)
		}
		p.hub = func(int) []string { return []string{"serve", pages, "--listen", "127.0.0.1:0"} }
	}
	if p.address == nil {
		p.address = func(int) (string, string) { return wiretest.Reserve(t), wiretest.Reserve(t) }
	}
	if p.data == nil {
		p.data = func(i int) string { return filepath.Join(s.dir, fmt.Sprint("data-", i+1)) }
	}
	if p.wrap == nil {
		p.wrap = func(int) wrap { return wrap{} }
	}
	var places []fleet.PeerPlace
	for i := range peerCount {
		members, peer := p.address(i)
		name := fmt.Sprint("hub-", i+1)
		places = append(places, fleet.PeerPlace{Name: name, Address: peer})
		s.datas = append(s.datas, p.data(i))
		s.hubs = append(s.hubs, &node{name: name, wrap: p.wrap(i), ready: regexp.MustCompile(`fleet on `),
			args: slices.Concat(p.hub(i), []string{"--monitor", "off", "--data", s.datas[i], "--access-log", "off", "--jobs", "2", "--fleet", members})})
	}
	s.hub = s.hubs[0]
	tokens, err := fleet.NewPeers(places)
	if err != nil {
		t.Fatal(err)
	}
	faults := make([]error, peerCount)
	var starting sync.WaitGroup
	for i, h := range s.hubs { // together: each waits for a while for the others
		h.env = []string{"FRESHET_FLEET_PEER=" + tokens[i]}
		t.Cleanup(func() {
			h.end(syscall.SIGKILL)
			if t.Failed() {
				t.Logf("%s: %s", h.name, h.said)
			}
		})
		starting.Go(func() { _, faults[i] = h.start() })
	}
	starting.Wait()
	if err := errors.Join(faults...); err != nil {
		t.Fatal(err)
	}
	s.whole = s.allThere
	s.allThere(t)
	for i := range p.workers {
		token := s.inviteToAll(t, fmt.Sprint("worker-", i+1))
		w := &node{name: fmt.Sprint("worker ", i+1), args: []string{"worker", "--tasks", "2", "--label", fmt.Sprint("number=", i+1)}, wrap: p.wrap(peerCount + i),
			env: []string{"FRESHET_JOIN=" + token}, ready: regexp.MustCompile(`(?m)^worker \S+: `)}
		begin(t, w)
		s.workers = append(s.workers, w)
	}
	return s
}

// allThere waits until one of the peers leads, and the others are its members.
func (s *shape) allThere(t *testing.T) {
	t.Helper()
	for late := time.Now().Add(3 * startWithin); ; time.Sleep(100 * time.Millisecond) {
		there := 0
		for i := range s.hubs {
			c := s.clientOf(i)
			if c == nil {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			list, err := c.Servers(ctx)
			cancel()
			if err != nil {
				continue
			}
			for _, one := range list {
				if slices.ContainsFunc(s.hubs, func(h *node) bool { return h.name == one.Name }) && one.State != fleet.StateAway && one.State != fleet.StateInvited {
					there++
				}
			}
			break
		}
		if there == len(s.hubs) {
			return
		}
		if time.Now().After(late) {
			t.Errorf("%d of %d peers are there", there, len(s.hubs))
			return
		}
	}
}

// leader waits until one of the hubs other than that one leads.
func (s *shape) leader(t *testing.T, but int) int {
	t.Helper()
	for late := time.Now().Add(roundWithin); ; time.Sleep(20 * time.Millisecond) {
		for i := range s.hubs {
			c := s.clientOf(i)
			if c == nil || i == but {
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			_, err := c.Workers(ctx)
			cancel()
			if err == nil {
				return i
			}
		}
		if time.Now().After(late) {
			t.Fatal("nobody leads")
		}
	}
}

// TestKillPeers kills peers, never two at once, and workers at random, while jobs
// are submitted and run: no job that was acknowledged is lost, and no attempt of a
// task has begun twice.
func TestKillPeers(t *testing.T) {
	if !*peers {
		t.Skip("only with -faults.peers, as in make faults")
	}
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	s := newPeers(t, peerPlan{workers: 2})
	s.campaign(t, random, s.hubs, s.workers)
}

// TestKillLeadingPeer kills the peer that leads: another goes on with what it has
// acknowledged.
func TestKillLeadingPeer(t *testing.T) {
	if !*peers {
		t.Skip("only with -faults.peers, as in make faults")
	}
	s := newPeers(t, peerPlan{workers: 1})
	until := time.Now().Add(roundWithin)
	submit := func(name string) jobs.ID {
		spec := jobs.Spec{Name: name, Key: name, Array: must(jobs.ParseArray("1-20")), Command: s.noted(""), Backoff: time.Millisecond}
		return insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })[0]
	}
	ids := []jobs.ID{submit("before")}
	at := s.leader(t, -1)
	killed := time.Now()
	if err := s.hubs[at].end(syscall.SIGKILL); err == nil {
		t.Error("it has ended before")
	}
	s.leader(t, at)
	t.Logf("another leads after %.1f s", time.Since(killed).Seconds())
	ids = append(ids, submit("after"))
	if _, err := s.hubs[at].start(); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
		if info.State != jobs.Succeeded {
			t.Errorf("job %s: %+v", id, info)
		}
	}
	s.verify(t, ids, 40)
}

// TestEndLeadingPeer ends the peer that leads in good order: how long it takes until
// another one answers.
func TestEndLeadingPeer(t *testing.T) {
	if !*peers {
		t.Skip("only with -faults.peers, as in make faults")
	}
	s := newPeers(t, peerPlan{})
	for range 6 {
		at := s.leader(t, -1)
		ended := time.Now()
		if err := s.hubs[at].end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		gone := time.Since(ended)
		s.leader(t, at)
		t.Logf("%s has ended after %.1f s, and another leads after %.1f s", s.hubs[at].name, gone.Seconds(), time.Since(ended).Seconds())
		if _, err := s.hubs[at].start(); err != nil {
			t.Fatal(err)
		}
		s.allThere(t)
	}
}

// TestPeerFullDisk fills the disk of the peer that leads: another one leads, with
// all that was acknowledged. When there is room it is one of them again, by itself.
func TestPeerFullDisk(t *testing.T) {
	if !*peers {
		t.Skip("only with -faults.peers, as in make faults")
	}
	var disks []string
	s := newPeers(t, peerPlan{data: func(int) string {
		disks = append(disks, smallDisk(t))
		return filepath.Join(disks[len(disks)-1], "data")
	}})
	for round := range *rounds {
		at := s.leader(t, -1)
		s.asked = at
		ids := s.full(t, round, rand.New(rand.NewPCG(wiretest.Seed(t), uint64(round))), filepath.Join(disks[at], "filler"), false)
		s.allThere(t)
		s.verify(t, ids, len(ids))
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	s.restarted(t)
	t.Logf("%d rounds; 0 jobs lost, 0 attempts begun twice", *rounds)
}
