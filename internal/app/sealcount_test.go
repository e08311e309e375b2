package app

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"freshet/fleet"
	"freshet/internal/atrest"
	"freshet/internal/worker"
	"freshet/jobs"
)

// ringIn is of keys by their names, the first of which seals.
func ringIn(t *testing.T, names ...string) *atrest.Ring {
	t.Helper()
	var file []byte
	for _, name := range names {
		file = append(file, name+" "+string(bytes.Repeat([]byte{'0', name[1]}, 32))+"\n"...)
	}
	keys, err := atrest.ParseKeys(file)
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// A part that another key seals is found behind those of the first one, so that the
// other can be taken out when all is said to be as it is to be; the lock of a ledger
// that was sealed from its beginning is no plain file.
func TestSealLooksAtAllParts(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "jobs")
	for i, names := range [][]string{{"k1"}, {"k2", "k1"}, {"k1", "k2"}} {
		l, err := fleet.OpenLogs(filepath.Join(dir, "logs"), ringIn(t, names...), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Append(t.Context(), jobs.Lease{Job: "000000001", Task: 1, Attempt: 1 + i}, []worker.Line{{Text: []byte("line")}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log", "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := sealing{change: &atrest.Change{Ring: ringIn(t, "k1", "k2")}}
	part := s.jobs("jobs/files", dir)
	if now, needs, err := part.look(); err != nil || !needs || now != "2 sealed by k1, 1 sealed by k2" {
		t.Errorf("%q, %v, %v", now, needs, err)
	}
	if err := part.do(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if now, needs, err := part.look(); err != nil || needs || now != "sealed by k1" {
		t.Errorf("rewritten: %q, %v, %v", now, needs, err)
	}
	l, err := fleet.OpenLogs(filepath.Join(dir, "logs"), ringIn(t, "k1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := l.Read("000000001", 1, 0, 1000); err != nil || string(got) != "line\n-- run 2\nline\n-- run 3\nline\n" {
		t.Errorf("without the other key: %q, %v", got, err)
	}
}

// Heads are found wherever they are, once for each key.
func TestCountParts(t *testing.T) {
	name := filepath.Join(t.TempDir(), "parts")
	one, two := ringIn(t, "k1").Seal(nil, []byte("one"), ""), ringIn(t, "k2").Seal(nil, []byte("two"), "")
	for _, size := range []int{0, 100, 256<<10 - 300, 256<<10 - 20, 256<<10 - 3, 256 << 10, 600 << 10} {
		text := append(append(bytes.Clone(one), make([]byte, size)...), two...)
		if err := os.WriteFile(name, append(text, one[:12]...), 0o600); err != nil {
			t.Fatal(err)
		}
		by := sealedBy{}
		if err := by.countParts(name); err != nil || !maps.Equal(by, sealedBy{"k1": 1, "k2": 1}) {
			t.Errorf("%d bytes between: %v, %v", size, by, err)
		}
	}
}
