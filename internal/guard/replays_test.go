package guard

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wiretest"
	"freshet/signature"
)

// verdictOf is a signature that was verified: made at a second, good for a while.
func verdictOf(key, nonce, base string, created, last int64) *signature.Verdict {
	return &signature.Verdict{
		Outcome: signature.Verified, KeyID: key, Nonce: nonce, ID: sha256.Sum256([]byte(base)),
		Created: time.Unix(created, 0), Until: time.Unix(last, 0),
	}
}

func TestReplays(t *testing.T) {
	const t0 = 1_000_000
	s := NewReplays((t0 - clockAhead) * second)
	for i, step := range []struct {
		v    *signature.Verdict
		now  int64
		want sighting
	}{
		{verdictOf("k", "", "a", t0, t0+10), t0, unseen},
		{verdictOf("k", "", "a", t0, t0+10), t0, seen},
		{verdictOf("k", "n", "a", t0, t0+10), t0, unseen}, // by its nonce
		{verdictOf("k", "n", "b", t0, t0+10), t0, seen},   // whatever it covers
		{verdictOf("other", "n", "b", t0, t0+10), t0, unseen},
		{verdictOf("k", "", "old", t0-1, t0+10), t0, beforeBegan},
		{&signature.Verdict{Outcome: signature.Verified, Created: time.Unix(t0, 0)}, t0, beforeBegan}, // for ever
		{verdictOf("k", "", "c", t0, t0+20), t0 + 1, noRoom},
		{verdictOf("k", "", "a", t0, t0+10), t0 + 10, seen}, // in its last second
		{verdictOf("k", "", "c", t0, t0+20), t0 + 10, noRoom},
		{verdictOf("k", "", "c", t0, t0+20), t0 + 11, unseen},
		{verdictOf("k", "", "a", t0, t0+10), t0 + 5, seen}, // the clock went back
		{verdictOf("k", "", "d", t0, t0+1e6), t0 + 5e5, unseen},
		{verdictOf("k", "", "d", t0, t0+1e6), t0 + 1e6, seen},
	} {
		if got := s.add(step.v, step.now, 3); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	if s.sweep(t0 + 2e6); s.Len() != 0 || len(s.until) != 0 {
		t.Errorf("%d are left", s.Len())
	}
}

// What was taken back may come again, and leaves nothing; what is over by then stays
// forgotten, as any other.
func TestReplaysTakenBack(t *testing.T) {
	const t0 = 1_000_000
	s := NewReplays((t0 - clockAhead) * second)
	a, b, c := verdictOf("k", "", "a", t0, t0+10), verdictOf("k", "", "b", t0, t0+20), verdictOf("other", "", "c", t0, t0+10)
	old := verdictOf("other", "", "old", t0-1, t0+10)
	for range 100 {
		if got := s.add(a, t0, 2, *b, *old); got != unseen || s.Len() != 2 {
			t.Fatalf("%v, %d", got, s.Len())
		}
		if got := s.add(a, t0, 2); got != seen {
			t.Fatalf("before it is taken back: %v", got)
		}
		if s.takeBack(a, *b, *old); len(s.seen)+len(s.until)+len(s.of)+len(s.forgot) != 0 {
			t.Fatalf("left: %v, %v, %v, %v", s.seen, s.until, s.of, s.forgot)
		}
	}
	if s.add(a, t0, 9) != unseen || s.add(c, t0, 9) != unseen {
		t.Error("not taken")
	}
	if s.takeBack(a); s.add(c, t0, 9) != seen || s.add(a, t0, 9) != unseen || s.add(b, t0+11, 9) != unseen {
		t.Error("another one of its second was taken back")
	}
	s.takeBack(a) // swept: it is over
	if got := s.add(a, t0, 9); got != seen {
		t.Errorf("the clock went back: %v", got)
	}
	if s.Len() != 1 || s.of["k"] != 1 || len(s.of) != 1 {
		t.Errorf("%d, %v", s.Len(), s.of)
	}
}

// TestReplaysModel: whatever comes, no signature is taken twice while it is good,
// and the table has what is good and no more than it may.
func TestReplaysModel(t *testing.T) {
	seed := wiretest.Seed(t)
	chance := rand.New(rand.NewPCG(uint64(seed), 1))
	const most = 40
	now := int64(1_000_000)
	s := NewReplays((now - clockAhead) * second)
	taken := map[string]int64{} // until when
	for range 20000 {
		if chance.IntN(4) == 0 {
			now += int64(chance.IntN(4))
		}
		if chance.IntN(500) == 0 {
			now += 1000
		}
		name := fmt.Sprint(now/16, " ", chance.IntN(12))
		until := (now/16)*16 + 20
		good := 0
		for _, u := range taken {
			if u >= now {
				good++
			}
		}
		want := unseen
		switch u, ok := taken[name]; {
		case ok && u >= now:
			want = seen
		case good >= most*3/4: // by one key
			want = noRoom
		}
		if got := s.add(verdictOf("k", name, "", (now/16)*16, until), now, most); got != want && (now/16)*16 >= 1_000_000 {
			t.Fatalf("at %d %s: %v, want %v (seed %d)", now, name, got, want, seed)
		}
		if want == unseen {
			taken[name] = until
		}
		if s.Len() > most {
			t.Fatalf("%d are kept", s.Len())
		}
	}
}

// TestReplayAtOnce: of many that come at once one passes.
func TestReplayAtOnce(t *testing.T) {
	s := newSignedSite(t, nil)
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	q := outgoing{method: "POST", target: "/", host: "h", body: "once"}.signed(t, shop, signature.Params{Created: s.at(0)})
	const n = 16
	var wg sync.WaitGroup
	status := make([]int, n)
	for i := range n {
		wg.Go(func() {
			resp, _ := s.send(t, q)
			status[i] = resp.StatusCode
		})
	}
	wg.Wait()
	passed := 0
	for _, code := range status {
		if code == 200 {
			passed++
		} else if code != 401 {
			t.Error(code)
		}
	}
	if passed != 1 {
		t.Errorf("%d of %d passed", passed, n)
	}
}

// TestReplaysFull: without room nobody is let in by a signature, and nothing is
// forgotten for it.
func TestReplaysFull(t *testing.T) {
	s := newSignedSite(t, func(o *SignatureOptions) { o.MaxReplays = 2 })
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	get := outgoing{method: "GET", target: "/", host: "h"}
	first := get.signed(t, shop, signature.Params{Created: s.at(0)})
	for i, tt := range []struct {
		q    outgoing
		want rule.ID
	}{
		{first, 0}, {get.signed(t, shop, signature.Params{Created: s.at(0)}), 0},
		{get.signed(t, shop, signature.Params{Created: s.at(0)}), rule.SignatureRoom}, {first, rule.SignatureReplayed},
	} {
		resp, id := s.send(t, tt.q)
		if id != tt.want || id == rule.SignatureRoom && (resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || resp.Header.Get("Accept-Signature") != "") {
			t.Errorf("%d: %d, %v, want %v", i, resp.StatusCode, id, tt.want)
		}
	}
	s.now.Add(331 * second)
	if resp, id := s.send(t, get.signed(t, shop, signature.Params{Created: s.at(0)})); resp.StatusCode != 200 {
		t.Errorf("later: %d, %v", resp.StatusCode, id)
	}
}

// TestSignatureTooEarly: what a process before this one may have seen is refused.
// So is what a client whose clock is ahead may have sent to it; who signs anew is
// told when.
func TestSignatureTooEarly(t *testing.T) {
	s := newSignedSite(t, func(o *SignatureOptions) { o.Replays = NewReplays(1_800_000_000 * second) })
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	get := outgoing{method: "GET", target: "/", host: "h"}
	for _, tt := range []struct {
		created, now int64
		wait         string
	}{
		{-1, 0, "30"}, {0, 0, "30"}, {20, 0, "30"}, {29, 10, "20"}, {5, 10, "25"}, {-100, 29, "1"}, {-100, 40, ""}, {29, 45, "1"},
	} {
		s.now.Store((1_800_000_000 + tt.now) * second)
		resp, id := s.send(t, get.signed(t, shop, signature.Params{Created: s.at(int(tt.created - tt.now))}))
		if id != rule.SignatureTooEarly || resp.StatusCode != 401 || resp.Header.Get("Retry-After") != tt.wait {
			t.Errorf("created %d at %d: %v, Retry-After %q, want %q", tt.created, tt.now, id, resp.Header.Get("Retry-After"), tt.wait)
		}
	}
	s.now.Store(1_800_000_000 * second)
	if resp, id := s.send(t, get.signed(t, shop, signature.Params{Created: s.at(30)})); resp.StatusCode != 200 {
		t.Error(id)
	}
}

// TestReplaysClock: a clock that jumps ahead and back makes no signature good
// twice, and does not keep out those that are made then.
func TestReplaysClock(t *testing.T) {
	const t0 = 1_000_000
	s := NewReplays((t0 - 1000) * second)
	add := func(name string, made, now int64) sighting {
		return s.add(verdictOf("k", name, "", made, made+330), now, 100)
	}
	for i, step := range []struct {
		name      string
		made, now int64
		want      sighting
	}{
		{"a", t0, t0, unseen},
		{"ahead", t0 + 7200, t0 + 7200, unseen},
		{"ahead too", t0 + 7600, t0 + 7600, unseen}, // and "ahead" is forgotten
		{"a", t0, t0 + 1, seen},                     // back
		{"b", t0 + 1, t0 + 1, unseen},
		{"b", t0 + 1, t0 + 2, seen},
		{"ahead too", t0 + 7600, t0 + 7580, seen},
		{"ahead", t0 + 7200, t0 + 7190, seen},
	} {
		if got := add(step.name, step.made, step.now); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	var stretches []stretch
	for i := range int64(100) {
		stretches = cover(stretches, i*1000)
	}
	if len(stretches) > maxStretches || stretches[0].from != 0 || stretches[len(stretches)-1] != (stretch{99000, 99000}) {
		t.Error(stretches)
	}
}

// TestReplaysShare: one key does not take the room of others.
func TestReplaysShare(t *testing.T) {
	const t0 = 1_000_000
	s := NewReplays((t0 - 1000) * second)
	fill := func(key string) (n int) {
		for s.add(verdictOf(key, fmt.Sprint(n), "", t0, t0+330), t0, 400) == unseen {
			n++
		}
		return n
	}
	if a, b, c := fill("a"), fill("b"), fill("c"); a != 300 || b != 75 || c < 10 {
		t.Error(a, b, c)
	}
	// The table is one: what a guard with a smaller one asks for does not count.
	if got := s.add(verdictOf("d", "n", "", t0, t0+330), t0, 10); got != unseen {
		t.Error(got)
	}
	if s.sweep(t0 + 331); s.Len() != 0 || len(s.of) != 0 {
		t.Error(s.Len(), s.of)
	}
}

// TestSignatureReuse: without a table a signature is good until it ends.
func TestSignatureReuse(t *testing.T) {
	s := newSignedSite(t, func(o *SignatureOptions) { o.Replays = nil })
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	q := outgoing{method: "GET", target: "/", host: "h"}.signed(t, shop, signature.Params{Created: s.at(0)})
	for range 3 {
		if resp, id := s.send(t, q); resp.StatusCode != 200 {
			t.Error(id)
		}
	}
}
