//go:build linux

package faults

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// TestLaws has a disk on which a was written, synced and renamed to b, b written
// again, and c made and not synced, and looks what is left of that, many times:
// what has to be there always is, and everything that may be is at some time.
func TestLaws(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0) }
	a, b, c := nameIn{rootNode, "a"}, nameIn{rootNode, "b"}, nameIn{rootNode, "c"}
	long := make([]byte, 3*sector)
	for i := range long {
		long[i] = 'x'
	}
	d := &disk{nodes: 4, modes: []int{0, -1, 0o600, 0o600}}
	for i, n := range []change{
		{kind: named, node: 2, in: a},
		{kind: written, node: 2, bytes: []byte("first")},
		{kind: synced, node: 2},
		{kind: named, node: 2, out: a, in: b},
		{kind: written, node: 2, offset: 5, bytes: long},
		{kind: named, node: 3, in: c},
		{kind: written, node: 3, bytes: []byte("more")},
		{kind: synced, node: rootNode},
	} {
		n.began, n.end = at(10*i), at(10*i+5)
		d.changes = append(d.changes, n)
	}
	// Of a, b and c how many bytes are there; -1: no such name.
	state := func(l *left) (s [3]int) {
		for i, n := range []nameIn{a, b, c} {
			if s[i] = -1; l.names[n] != 0 {
				s[i] = len(l.files[l.names[n]])
			}
		}
		return s
	}
	const whole = 5 + 3*sector
	for _, tt := range []struct {
		name string
		law  law
		at   int
		must func(s [3]int) bool
		may  [][3]int
	}{
		{"before the sync is over", journal, 24, func(s [3]int) bool { return s[1] == -1 && s[2] == -1 }, [][3]int{{-1, -1, -1}, {0, -1, -1}, {5, -1, -1}}},
		{"after it", journal, 25, func(s [3]int) bool { return s == [3]int{5, -1, -1} }, nil},
		{"after it", loose, 25, func(s [3]int) bool { return s == [3]int{5, -1, -1} }, nil},
		{"while c is written", journal, 62, func(s [3]int) bool { return (s[0] >= 5) != (s[1] >= 5) && (s[2] < 0 || s[1] >= 5) },
			[][3]int{{5, -1, -1}, {-1, 5, 0}, {-1, sector, 4}, {-1, whole, 4}}},
		{"while c is written", loose, 62, func(s [3]int) bool { return (s[0] >= 5) != (s[1] >= 5) },
			[][3]int{{5, -1, -1}, {5, -1, 4}, {-1, whole, -1}}},
		{"after the folder was synced", loose, 75, func(s [3]int) bool { return s[0] == -1 && s[1] >= 5 && s[2] >= 0 }, [][3]int{{-1, 5, 0}, {-1, whole, 4}}},
		{"a disk that lies", oblivious, 75, func([3]int) bool { return true }, [][3]int{{-1, -1, -1}}},
	} {
		random := rand.New(rand.NewPCG(1, 0))
		seen := map[[3]int]bool{}
		for range 5000 {
			l := d.after(at(tt.at), tt.law, random)
			s := state(l)
			if !tt.must(s) {
				t.Fatalf("%s, %s: %v", tt.name, tt.law.name, s)
			}
			seen[s] = true
		}
		for _, s := range tt.may {
			if !seen[s] {
				t.Errorf("%s, %s: never %v", tt.name, tt.law.name, s)
			}
		}
	}
}

// A disk that lies never keeps all, else nothing would be missing after it.
func TestLiarForgets(t *testing.T) {
	d := &disk{nodes: 102, modes: make([]int, 102)}
	for i := range 100 {
		at := time.Unix(int64(i), 0)
		d.changes = append(d.changes, change{kind: named, node: 2 + i, in: nameIn{rootNode, strconv.Itoa(i)}, began: at, end: at, durable: true})
	}
	random := rand.New(rand.NewPCG(1, 0))
	for range 5000 {
		if l := d.after(time.Unix(100, 0), oblivious, random); len(l.names) == 100 {
			t.Fatal("all is kept")
		}
	}
}
