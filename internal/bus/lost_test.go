//go:build !nonats

package bus

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestReadLost: a message that the consumer has sent, and that did not come, is
// read by another consumer.
func TestReadLost(t *testing.T) {
	l := openLog(t, connect(t, startServer(t, t.TempDir()), "a"), "jobs")
	for n := range uint64(5) {
		mustAppend(t, l, n, fmt.Sprint("e", n+1))
	}
	var got []uint64
	lose := true
	r := &reader{next: 1, last: 5, f: func(n uint64, _ jetstream.Msg) error {
		if n == 3 && lose {
			lose = false
			return errLost // as take says when the consumer's count has a hole
		}
		got = append(got, n)
		return nil
	}}
	if err := r.read(limited(t), l.entries); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	if err := r.read(limited(t), l.entries); err != nil {
		t.Fatal(err)
	}
	if want := []uint64{1, 2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if err := each(limited(t), l.entries, 1, 5, func(uint64, jetstream.Msg) error { return errLost }); !errors.Is(err, errLost) {
		t.Errorf("it is always lost: %v", err)
	}
}

// TestMissing: an entry in the middle that is not there is no silence.
func TestMissing(t *testing.T) {
	l := openLog(t, connect(t, startServer(t, t.TempDir()), "a"), "jobs")
	for n := range uint64(5) {
		mustAppend(t, l, n, "x")
	}
	if err := l.entries.DeleteMsg(limited(t), 3); err != nil {
		t.Fatal(err)
	}
	nothing := func(uint64, []byte) error { return nil }
	if err := l.Read(limited(t), 0, nothing); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
	if err := l.Read(limited(t), 3, nothing); err != nil {
		t.Error(err)
	}
	if err := l.entries.DeleteMsg(limited(t), 5); err != nil {
		t.Fatal(err)
	}
	if err := l.Read(limited(t), 3, nothing); !errors.Is(err, ErrDamaged) {
		t.Errorf("the last one: %v", err)
	}
}

// TestReadBehind: what the consumer's server does not have yet, and the leader
// has, is waited for.
func TestReadBehind(t *testing.T) {
	l := openLog(t, connect(t, startServer(t, t.TempDir()), "a"), "jobs")
	for n := range uint64(3) {
		mustAppend(t, l, n, "x")
	}
	for _, r := range []*reader{{next: 2, last: 3}, {next: 2, last: 100, subject: prefixLog + "jobs"}} {
		if err := r.ended(limited(t), l.entries); !errors.Is(err, errLost) {
			t.Errorf("there is more: %v", err)
		}
	}
	for _, r := range []*reader{{next: 4, last: 3}, {next: 4, last: 100}, {next: 1, last: 100, subject: "other"}} {
		if err := r.ended(limited(t), l.entries); err != nil {
			t.Error(err)
		}
	}
	if err := l.entries.DeleteMsg(limited(t), 2); err != nil {
		t.Fatal(err)
	}
	if err := (&reader{next: 2, last: 2}).ended(limited(t), l.entries); err != nil {
		t.Error("the next one is behind the last that is wanted:", err)
	}
}
