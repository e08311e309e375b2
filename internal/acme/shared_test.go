package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLeaseLost: what is done under a lock ends when the hub is away for longer
// than others leave it alone, and nothing is stored then.
func TestLeaseLost(t *testing.T) {
	at, _ := testFolder(t)
	own, _ := testFolder(t)
	m := &Manager{desk: &desk{folder: at, life: time.Minute, lent: map[string]*lent{}}}
	defer m.desk.close()
	h := &Hub{}
	answer := func(ctx context.Context, q []byte) ([]byte, error) { return m.Answer(ctx, "n1", q) }
	h.Link(answer)
	s := newShared(own, h, 300*time.Millisecond)
	s.sites = func(name string) []string { return []string{"certificates/a/" + name + "/" + name} }
	const lock = certLock + "a.example.org"
	ctx, done := s.guard(t.Context(), lock)
	defer done()
	if err := s.Lock(ctx, lock); err != nil {
		t.Fatal(err)
	}
	h.Link(nil)
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, errLost) {
		t.Error(err)
	}
	h.Link(answer)
	v := newVersion(t, 1)
	if err := s.push(t.Context(), "certificates/a/a.example.org/a.example.org", &files{v.key, v.cert, v.meta}); !errors.Is(err, errLost) {
		t.Errorf("a certificate is taken without the lock: %v", err)
	}
	if err := s.Unlock(ctx, lock); err != nil {
		t.Error(err)
	}
	if err := s.Lock(t.Context(), lock); err != nil { // it was given back
		t.Error(err)
	}
	if err := s.Unlock(t.Context(), lock); err != nil {
		t.Error(err)
	}
}

// TestProofFlood: however many ask for challenges that there are not, the hub is
// asked a few times a second, and one that is stored is found soon, from then on.
func TestProofFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked, atOnce := map[string]int{}, 0
		stored := map[string]string{}
		h := &Hub{}
		h.Link(func(_ context.Context, text []byte) ([]byte, error) {
			var q question
			if err := json.Unmarshal(text, &q); err != nil {
				t.Error(err)
			}
			var a answer
			mu.Lock()
			asked[q.Do]++
			if q.Do == "open" {
				if atOnce++; atOnce > 1 {
					t.Error("two listings at once")
				}
			}
			switch value, ok := stored[q.Key]; {
			case q.Do == "open":
				a.Open = slices.Collect(maps.Keys(stored))
			case ok:
				a.Value = []byte(value)
			default:
				a.None = true
			}
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			if q.Do == "open" {
				mu.Lock()
				atOnce--
				mu.Unlock()
			}
			return json.Marshal(a)
		})
		s := newShared(nil, h, time.Minute)
		began := time.Now()
		var all sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				time.Sleep(5 * time.Millisecond)
				all.Go(func() {
					if value, err := s.Load(t.Context(), fmt.Sprintf("challenges/http/none-%d", i)); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%q, %v", value, err)
					}
				})
			}
		})
		for i := range 40 {
			time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
			key := fmt.Sprintf("challenges/http/token-%d", i)
			mu.Lock()
			stored[key] = key
			mu.Unlock()
			came := time.Now()
			for range 3 {
				all.Go(func() {
					if value, err := s.Load(t.Context(), key); err != nil || string(value) != key || time.Since(came) > time.Second {
						t.Errorf("after %v: %q, %v", time.Since(came), value, err)
					}
				})
			}
			time.Sleep(time.Second)
			mu.Lock()
			delete(stored, key)
			mu.Unlock()
			if _, err := s.Load(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what is over is found: %v", err)
			}
		}
		stop()
		all.Wait()
		if most := int(time.Since(began)/listEvery) + 2; asked["open"] > most || asked["load"] > 80 { // two listings may begin in the moment in which three come
			t.Errorf("in %v the hub was asked %v", time.Since(began), asked)
		}
	})
}

// TestListings: what waits for the hub when the server ends is over with it, and
// a hub that is away is an error.
func TestListings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hub{}
		s := newShared(nil, h, time.Minute)
		if _, err := s.Load(t.Context(), "challenges/http/x"); !errors.Is(err, ErrAway) {
			t.Error(err)
		}
		h.Link(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		ctx, end := context.WithCancel(t.Context())
		s.open.ctx = ctx
		began := time.Now()
		if _, err := s.Load(t.Context(), "challenges/http/x"); err == nil || time.Since(began) > askTime {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		var waits sync.WaitGroup
		waits.Go(func() {
			if _, err := s.Load(t.Context(), "challenges/http/x"); err == nil {
				t.Error("it has what was never answered")
			}
		})
		time.Sleep(time.Second)
		end()
		waits.Wait()
		s.open.spawn = func(func()) bool { return false }
		synctest.Wait()
		if _, err := s.Load(t.Context(), "challenges/http/x"); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	})
}

// TestOpenChallenges: what a hub lists is what is open, and no more than a bound.
func TestOpenChallenges(t *testing.T) {
	f, dir := testFolder(t)
	if all, err := f.open(); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
	want := []string{"challenges/http/a", "challenges/http/b", "challenges/tls/a.example.org"}
	for _, key := range want {
		if err := f.Store(t.Context(), key, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "challenges", "http", "c.1.part"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if all, err := f.open(); err != nil || !slices.Equal(all, want) {
		t.Errorf("%v, %v", all, err)
	}
	for i := range 5000 {
		if err := os.WriteFile(filepath.Join(dir, "challenges", "http", strings.Repeat("z", 110)+strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := f.open(); err != nil || len(all) > 4500 || len(all) < 4000 {
		t.Errorf("%d, %v", len(all), err)
	}
}
