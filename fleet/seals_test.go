package fleet

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/bustest"
	"freshet/internal/control"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// plainIn lists the messages of a cluster that have a word, as they are stored, or,
// without one, those of a fleet that are not sealed; all is how many there are.
func plainIn(t *testing.T, url, word string) (found []string, all int) {
	t.Helper()
	c, err := bus.Connect(t.Context(), bus.ConnectOptions{URL: url, Name: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	state, err := c.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range state.Streams {
		for n := s.First; n > 0 && n <= s.Last; n++ {
			m, err := c.PeekFrom(t.Context(), s.Name, n)
			if errors.Is(err, bus.ErrNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n = m.Number
			all++
			ours := strings.HasPrefix(s.Name, "log_") || strings.HasPrefix(s.Name, "page_") || strings.HasPrefix(s.Name, "OBJ_")
			if word != "" && bytes.Contains(m.Payload, []byte(word)) || word == "" && ours && len(m.Payload) > 0 && !atrest.IsSealed(m.Payload) {
				found = append(found, fmt.Sprintf("%s %d", s.Name, n))
			}
		}
	}
	return found, all
}

const sealedWord = "s3cr3tw0rd"

// filled is a fleet that has something of all that says a word.
func filled(t *testing.T, k *Keeper, invites string) (ids []jobs.ID) {
	t.Helper()
	q := k.Queue()
	ids, err := q.Submit(t.Context(),
		jobs.Spec{Command: []string{"/bin/sh", "-c", "echo " + sealedWord + " | tee out.txt"}, Outputs: []string{"out.txt"}},
		jobs.Spec{Command: []string{"true", sealedWord}, Needs: map[string]string{"nobody": ""}})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "a job has run", func() bool {
		info, err := q.Job(t.Context(), ids[0])
		return err == nil && info.State.Final()
	})
	for range 2 {
		if _, err := k.Purger().Purge(&control.Request{Tags: []string{sealedWord}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.Invite(invites, 0); err != nil {
		t.Fatal(err)
	}
	return ids
}

// sealingOf is how far a hub is; nil: that is not known.
func sealingOf(t *testing.T, k *Keeper) *Sealing {
	t.Helper()
	list, err := k.Servers(t.Context())
	if err != nil {
		return nil
	}
	return list[0].Sealing
}

// hubsAt makes the options of hubs of a cluster elsewhere, by name and keys.
func hubsAt(url string) func(name string, keys ...string) Options {
	return func(name string, keys ...string) Options {
		o := Options{Name: name, NATS: &NATS{URL: url}, lease: time.Second}
		if len(keys) > 0 {
			o.Ring = ringOf(keys...)
		}
		return o
	}
}

// TestFleetGetsKeys has the hubs of a fleet in a cluster elsewhere get keys, one
// after the other, while it works: once one with keys leads, what was plain is
// sealed. From then on no hub leads without them, or with others.
func TestFleetGetsKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	url := bustest.Server(t)
	hub := hubsAt(url)
	one, _ := candidateOf(t, hub("one"))
	ids := filled(t, one, sealedWord)
	until(t, "what was written is in the cluster", func() bool {
		found, _ := plainIn(t, url, sealedWord)
		return slices.ContainsFunc(found, func(at string) bool { return strings.HasPrefix(at, "OBJ_files") }) &&
			slices.ContainsFunc(found, func(at string) bool { return strings.HasPrefix(at, "log_purges") })
	})
	if found, _ := plainIn(t, url, ""); !slices.ContainsFunc(found, func(at string) bool { return strings.HasPrefix(at, "page_fleet") }) {
		t.Errorf("the fleet's key is not found: this test finds nothing in %q", found)
	}
	two, _ := candidateOf(t, hub("two", "a"))
	if !one.leadsNow() {
		t.Fatal("the one without keys does not lead any more")
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the one with keys leads", two.leadsNow)
	until(t, "all is sealed", func() bool {
		is := sealingOf(t, two)
		return is != nil && is.All
	})
	if found, all := plainIn(t, url, sealedWord); len(found) > 0 || all == 0 {
		t.Errorf("of %d messages, plain are %q", all, found)
	}
	if found, all := plainIn(t, url, ""); len(found) > 0 { // the fleet's key, and who may join
		t.Errorf("of %d messages, not sealed are %q", all, found)
	}
	for _, c := range []struct {
		o    Options
		want error
	}{{hub("three"), atrest.ErrSealed}, {hub("four", "b"), atrest.ErrNoKey}} {
		c.o.Dir, c.o.Tasks, c.o.Listen, c.o.ErrorLog = t.TempDir(), 1, wiretest.Reserve(t), slog.New(slog.DiscardHandler)
		if k, err := Keep(t.Context(), c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.o.Name, err)
			if err == nil {
				_ = k.Close()
			}
		}
	}
	for _, id := range ids {
		if info, err := two.Queue().Job(t.Context(), id); err != nil || info.ID != id {
			t.Errorf("%s: %v", id, err)
		}
	}
	text, _, err := two.ReadLog(ids[0], 0, 0, 1<<10)
	if err != nil || !strings.Contains(string(text), sealedWord) {
		t.Errorf("what it wrote: %q, %v", text, err)
	}
	if f, err := two.OpenOutput(ids[0], 0, "out.txt"); err != nil {
		t.Errorf("what it made: %v", err)
	} else {
		_ = f.Close()
	}
	filled(t, two, sealedWord+"-2")

	// Another key: the new one first, the old one behind it, then without that.
	five, _ := candidateOf(t, hub("five", "b", "a"))
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the one with the new key leads", five.leadsNow)
	until(t, "all is sealed", func() bool {
		is := sealingOf(t, five)
		return is != nil && is.All
	})
	if err := five.Close(); err != nil {
		t.Fatal(err)
	}
	six, _ := candidateOf(t, hub("six", "b"))
	until(t, "one without the old key leads", six.leadsNow)
	for _, id := range ids {
		if _, err := six.Queue().Job(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if found, _ := plainIn(t, url, sealedWord); len(found) > 0 {
		t.Errorf("plain are %q", found)
	}
}

// Who is cut off from the fleet while it gets keys does not lead it afterwards.
func TestStandbyWithoutKeys(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	url := bustest.Server(t)
	hub := hubsAt(url)
	one, _ := candidateOf(t, hub("one", "a"))
	until(t, "all is sealed", func() bool { is := sealingOf(t, one); return is != nil && is.All })
	c, err := bus.Connect(context.Background(), bus.ConnectOptions{URL: url, Name: "late"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := (&candidate{conn: c}).fits(t.Context()); !isKeyFault(err) || !errors.Is(err, atrest.ErrSealed) {
		t.Errorf("%v", err)
	}
	known := &candidate{k: &Keeper{o: Options{lease: time.Second}}, conn: c, token: "of one who leads"}
	if _, err := known.first(t.Context()); !errors.Is(err, atrest.ErrSealed) {
		t.Errorf("who knows already who leads: %v", err)
	}
	c.Close()
	if err := (&candidate{conn: c}).fits(t.Context()); err == nil || isKeyFault(err) {
		t.Errorf("of a connection that is closed: %v", err)
	}
}

var allKeys = flag.Bool("fleet.keys", false, "peers change their key, too, which takes a minute")

// TestPeersGetKeys has three peers get keys one by one: each is stopped, its folder
// of streams removed, and started with them; all is sealed in the end, and nothing is lost. Then,
// with -fleet.keys, another key takes the place of the first one, and nothing stops.
func TestPeersGetKeys(t *testing.T) {
	needsPeers(t)
	long(t)
	all := peersOf(t)
	var hubs [3]*Keeper
	started, _ := candidatesOf(t, all[:]...)
	copy(hubs[:], started)
	ids := filled(t, hubs[leaderOf(t, hubs[:]...)], sealedWord)
	again := func(i int, emptied bool, keys ...string) {
		t.Helper()
		if err := hubs[i].Close(); err != nil {
			t.Logf("close %d: %v", i, err)
		}
		if emptied {
			if err := os.RemoveAll(filepath.Join(all[i].Dir, peersDir)); err != nil {
				t.Fatal(err)
			}
		}
		all[i].Ring = ringOf(keys...)
		hubs[i], _ = candidateOf(t, all[i])
		until(t, "it has what the others have", func() bool {
			list, err := hubs[leaderOf(t, hubs[:]...)].Servers(t.Context())
			there := 0
			for _, s := range list {
				if s.Behind {
					return false
				}
				if s.State != StateInvited && s.Away.IsZero() {
					there++
				}
			}
			return err == nil && there == len(hubs)
		})
	}
	for i := range hubs {
		again(i, true, "a")
	}
	sealed := func() {
		t.Helper()
		until(t, "all is sealed", func() bool {
			is := sealingOf(t, hubs[leaderOf(t, hubs[:]...)])
			return is != nil && is.All
		})
	}
	sealed()
	if *allKeys {
		for i := range hubs {
			again(i, false, "b", "a")
		}
		sealed()
		for i := range hubs {
			again(i, false, "b")
		}
	}
	k := hubs[leaderOf(t, hubs[:]...)]
	for _, id := range ids {
		if _, err := k.Queue().Job(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if text, _, err := k.ReadLog(ids[0], 0, 0, 1<<10); err != nil || !strings.Contains(string(text), sealedWord) {
		t.Errorf("what a task wrote: %q, %v", text, err)
	}
	// One with other keys is refused.
	if err := hubs[0].Close(); err != nil {
		t.Log(err)
	}
	o, said := all[0], &saidByHubs{}
	o.Ring, o.Dir, o.Tasks, o.Listen, o.ErrorLog = ringOf("c"), t.TempDir(), 1, wiretest.Reserve(t), slog.New(slog.NewTextHandler(said, nil))
	other, err := Keep(t.Context(), o)
	if err == nil { // the others could not be asked in time; it says so later, and does not lead
		defer other.Close()
		until(t, "it says that it has other keys", func() bool { return strings.Contains(said.String(), "its keys are not those of the fleet") })
		if other.leadsNow() {
			t.Error("it leads")
		}
	} else if !errors.Is(err, atrest.ErrNoKey) {
		t.Errorf("with another key: %v", err)
	}
}
