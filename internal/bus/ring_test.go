//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/wiretest"
)

// servesWho starts a server that is one of a fleet, with a door at an address,
// and answers with its own name.
func servesWho(t *testing.T, rows Records, name, address string) *Server {
	t.Helper()
	s := startWith(t, Options{NoStore: true, Records: rows})
	serve(t, connect(t, s, "local"), "fleet.who", ServeOptions{}, func(context.Context, Request) ([]byte, error) { return []byte(name), nil })
	if _, err := s.Open(Listen{Addr: address}); err != nil {
		t.Fatal(err)
	}
	return s
}

// awaitWho waits until a server of that name answers a node.
func awaitWho(t *testing.T, c *Conn, want string) {
	t.Helper()
	ctx := limited(t)
	for {
		got, err := c.Call(ctx, "fleet.who", nil)
		if err == nil && string(got) == want {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		select {
		case <-c.Done():
			t.Fatal("the connection has ended")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestLearn: a node finds the server that followed its own, and the way back.
func TestLearn(t *testing.T) {
	rows := &memory{rows: map[string]string{}}
	one, two := wiretest.Reserve(t), wiretest.Reserve(t)
	first := servesWho(t, rows, "first", one)
	c := joinFleet(t, makeToken(t, first, TokenOptions{Name: "n1"}))
	awaitWho(t, c, "first")
	c.Learn([]string{wiretest.Reserve(t), "nonsense", two, one})
	second := servesWho(t, rows, "second", two)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	awaitWho(t, c, "second")
	servesWho(t, rows, "first again", one)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	awaitWho(t, c, "first again")

	local := connect(t, startWith(t, Options{NoStore: true, Dir: t.TempDir()}), "local")
	local.Learn([]string{two}) // nothing to it
}

// TestLearnRefused: who does not know a token is believed only when nobody else
// answers.
func TestLearnRefused(t *testing.T) {
	rows := &memory{rows: map[string]string{}}
	one, two := wiretest.Reserve(t), wiretest.Reserve(t)
	first := servesWho(t, rows, "first", one)
	stale := servesWho(t, &memory{rows: maps.Clone(rows.rows)}, "stale", two) // knows the key, and none of the nodes
	join := func(name string, patience time.Duration) *Conn {
		c := joinFleet(t, makeToken(t, first, TokenOptions{Name: name}))
		c.around.mu.Lock()
		c.around.patience = patience
		c.around.mu.Unlock()
		return c
	}
	c := join("n1", time.Hour)
	c.Learn([]string{two})
	ends := join("n2", 0)
	ends.Learn([]string{two})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	<-ends.Done() // refused by the one, while the other does not answer
	for ctx := limited(t); c.around.refused() == nil; {
		if ctx.Err() != nil {
			t.Fatal("nobody refuses")
		}
		time.Sleep(time.Millisecond)
	}
	again := servesWho(t, rows, "again", one)
	awaitWho(t, c, "again")

	// All refuse: that is the end.
	if err := again.Revoke("n1"); err != nil {
		t.Fatal(err)
	}
	<-c.Done()

	// Joining with a token that is refused says so, also when the last address
	// that was tried does not answer.
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	text := makeToken(t, again, TokenOptions{Name: "n3"})
	if err := again.Revoke("n3"); err != nil {
		t.Fatal(err)
	}
	if _, err := Join(limited(t), changed(t, text, func(t *token) { t.Addresses = append(t.Addresses, two) }), JoinOptions{}); !errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
}

func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRing([]string{"a:1", "b:1", "a:1"})
		var tried []string
		answers := map[string]error{}
		try := func() error {
			_, err := r.through(func(_ context.Context, _, address string) (net.Conn, error) {
				tried = append(tried, address)
				return nil, answers[address]
			})(t.Context(), "tcp", "")
			return err
		}
		const gone = "not reached"
		answers["a:1"] = errors.New(gone)
		_ = try()
		_ = try()
		r.settled()
		r.learn([]string{"c:1", "x", "b:1"})
		tried = nil
		// The one that was connected comes first, and then all in turn.
		for range 6 {
			if err := try(); err != nil && err.Error() != gone {
				t.Error(err)
			}
		}
		if want := []string{"b:1", "c:1", "a:1", "b:1", "c:1", "a:1"}; !slices.Equal(tried, want) {
			t.Errorf("%q", tried)
		}
		// Strangers never end it while one address might be the fleet's.
		answers["b:1"], answers["c:1"] = ErrStranger, ErrStranger
		for range 30 {
			if err := try(); errors.Is(err, ErrStranger) {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		answers["a:1"] = ErrStranger
		if try(); !errors.Is(errors.Join(try(), try(), try()), ErrStranger) {
			t.Error("all are strangers, and it goes on")
		}
		r.settled()
		// A refusal ends it when it stands.
		answers["a:1"], answers["b:1"], answers["c:1"] = errors.New(gone), ErrRefused, ErrStranger
		began := time.Now()
		for !errors.Is(try(), ErrRefused) {
			if time.Since(began) > time.Minute {
				t.Fatal("a refusal never ends it")
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took < refusalStands {
			t.Errorf("it ended after %v", took)
		}
		// Whoever lets it in makes up for it.
		r.settled()
		if r.refused() != nil || errors.Is(try(), ErrRefused) {
			t.Error("it remembers who refused it before")
		}
	})
}

func TestRingBounds(t *testing.T) {
	r := newRing([]string{"a:1"})
	var many []string
	for i := range 1000 {
		many = append(many, fmt.Sprintf("h%d:1", i))
	}
	r.learn(many)
	r.learn([]string{"late:1"})
	if len(r.known) != 1+maxLearned || r.known[maxLearned] != "h63:1" {
		t.Errorf("%d known", len(r.known))
	}
	longest := time.Duration(0)
	for range 10000 {
		r.turn()
		longest = max(longest, r.pause())
	}
	if longest != time.Second {
		t.Errorf("it waits for %v", longest)
	}
}
