package guard

import (
	"net/netip"
	"testing"
	"time"

	"freshet/internal/rule"
)

// A name of one file is nothing to the same name of another: neither makes guesses
// for it free, nor known who guesses.
func TestTriesOfFiles(t *testing.T) {
	now := time.Unix(1e9, 0)
	tries := NewTries()
	client := netip.MustParseAddr("192.0.2.1")
	own, other := Attempt{client, "a", "admin"}, Attempt{client, "b", "admin"}
	for range MaxForClient {
		if wait := tries.Wait(other, now); wait > 0 {
			t.Fatalf("wait %v", wait)
		}
		tries.Failed(other, now)
		tries.Passed(own, now)
	}
	if tries.Wait(other, now) == 0 {
		t.Error("who logs in at one site guesses at another as often as he likes")
	}

	tries = NewTries()
	tries.Passed(own, now)
	for i := range MaxForName {
		tries.Failed(Attempt{netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), "b", "admin"}, now)
	}
	if tries.Wait(other, now) == 0 || tries.Wait(own, now) > 0 {
		t.Error("the bound of a name does not hold, or holds for the name of another file")
	}
}

// Clients without an address have no bound as one client; the names they guess for
// have theirs, and nothing makes them known.
func TestTriesWithoutAddress(t *testing.T) {
	now := time.Unix(1e9, 0)
	tries := NewTries()
	ann, eve := Attempt{File: "a", Name: "ann"}, Attempt{File: "a", Name: "eve"}
	tries.Passed(ann, now)
	for i := range MaxForName {
		if wait := tries.Wait(eve, now); wait > 0 {
			t.Fatalf("after %d: %v", i, wait)
		}
		tries.Failed(eve, now)
		tries.Passed(eve, now) // somebody else, maybe
	}
	if tries.Wait(eve, now) == 0 || tries.Wait(ann, now) > 0 {
		t.Errorf("eve waits %v, ann %v", tries.Wait(eve, now), tries.Wait(ann, now))
	}
	if elsewhere := (Attempt{netip.MustParseAddr("192.0.2.1"), "a", "bob"}); tries.Wait(elsewhere, now) > 0 {
		t.Error("clients with addresses wait")
	}
}

// However many clients guess, who is known goes on: and is bounded by himself.
func TestTriesOfMany(t *testing.T) {
	now := time.Unix(1e9, 0)
	tries := NewTries()
	ann := Attempt{netip.MustParseAddr("192.0.2.1"), "a", "ann"}
	tries.Passed(ann, now)
	for i := range maxTried + MaxForClient + 1 {
		tries.Failed(Attempt{netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 6: byte(i >> 8), 7: byte(i)}), "a", "ann"}, now)
	}
	if tries.Wait(Attempt{netip.MustParseAddr("192.0.2.2"), "a", "bob"}, now) == 0 {
		t.Fatal("the table is not full")
	}
	if wait := tries.Wait(ann, now); wait > 0 {
		t.Errorf("who is known waits %v", wait)
	}
	if bob := (Attempt{ann.Client, "a", "bob"}); tries.Wait(bob, now) == 0 {
		t.Error("who is known by one name guesses for another")
	}
	for i := range MaxForClient {
		if wait := tries.Wait(ann, now); wait > 0 {
			t.Fatalf("after %d: %v", i, wait)
		}
		tries.Failed(ann, now)
	}
	if tries.Wait(ann, now) == 0 {
		t.Error("who is known guesses as often as he likes")
	}
	if wait := tries.Wait(ann, now.Add(TriesTime+time.Second)); wait > 0 {
		t.Errorf("after a while: %v", wait)
	}
}

// Guards of two files that share a table tell it which file a name is of.
func TestTriesOfTwoGuards(t *testing.T) {
	own, other := newDoors(t, "", lineFor(t, "admin", "mine")), newDoors(t, "", lineFor(t, "admin", "theirs"))
	other.o.Tries = own.o.Tries
	for range MaxForClient {
		if _, refused, _ := other.login(ann, "admin", "guess"); refused != rule.LoginWrong {
			t.Fatal(refused)
		}
		if _, refused, _ := own.login(ann, "admin", "mine"); refused != 0 && refused != rule.TriesTooMany {
			t.Fatal(refused)
		}
	}
	if _, refused, _ := other.login(ann, "admin", "theirs"); refused != rule.TriesTooMany {
		t.Errorf("%v", refused)
	}
}

// Clients of a Unix socket do not shut out each other.
func TestTriesOfUnixSocket(t *testing.T) {
	d := newDoors(t, "", lineFor(t, "ann", "secret"))
	for range MaxForClient + 1 {
		if _, refused, _ := d.login("@", "eve", "guess"); refused != rule.LoginWrong {
			t.Fatal(refused)
		}
	}
	if _, refused, _ := d.login("@", "ann", "secret"); refused != 0 {
		t.Errorf("%v", refused)
	}
}
