package cache

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/diskstore"
)

// sealedVar has the tests of this package that have a folder use a sealed one.
const sealedVar = "CACHE_TEST_SEALED"

// newStore is NewStore, sealed when all tests are.
func newStore(o StoreOptions) (*Store, error) {
	if os.Getenv(sealedVar) != "" && o.Seal == nil && o.Dir != "" {
		o.Seal = testRing("k1")
	}
	return NewStore(o)
}

// testRing returns a ring of keys, the first of which seals; the secret of each
// follows from its name.
func testRing(names ...string) *atrest.Ring {
	keys := testKeys(names...)
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

func testKeys(names ...string) *atrest.Keys {
	text := ""
	for _, name := range names {
		text += name + " " + hex.EncodeToString(append(make([]byte, atrest.SecretSize-len(name)), name...)) + "\n"
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		panic(err)
	}
	return keys
}

// TestAllSealed runs the tests that use folders with sealed ones.
func TestAllSealed(t *testing.T) {
	if os.Getenv(sealedVar) != "" {
		t.Skip("this is that run")
	}
	if testing.CoverMode() != "" {
		t.Skip("a second process writes no coverage")
	}
	args := []string{"-test.timeout=10m", "-test.run=Disk|Kill|PurgeFile|PurgeCutOff|Shared|Sparse|History|OpenFiles"}
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "test.short" {
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	all := exec.Command(os.Args[0], args...)
	all.Env = append(os.Environ(), sealedVar+"=1")
	out, err := all.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// onDiskAnywhere returns the files that have one of the words, in their content or their name.
func onDiskAnywhere(t *testing.T, dir string, words ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, w := range words {
			if strings.Contains(path, w) || bytes.Contains(content, []byte(w)) {
				found = append(found, path+": "+w)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestSealedPurges has a file of purges sealed, which holds in the next life,
// with the key after as well; a line in another place is not believed.
func TestSealedPurges(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	o := StoreOptions{Dir: dir, Seal: testRing("k1"), ErrorLog: slog.New(slog.NewTextHandler(&log, nil))}
	s, err := NewStore(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := s.PurgeBy(Purge{What: []Selector{mustSelect(t, fmt.Sprintf("tag secret-%d", i))}}); err != nil {
			t.Fatal(err)
		}
	}
	was := s.generation.Load()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if found := onDiskAnywhere(t, dir, "secret", "http", "epoch"); found != nil {
		t.Errorf("on the disk: %v", found)
	}
	o.Seal = testRing("k2", "k1")
	for range 2 {
		if s, err = NewStore(o); err != nil {
			t.Fatal(err)
		}
		if now := s.generation.Load(); now != was {
			t.Errorf("generation %d, was %d", now, was)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		o.Seal = testRing("k2") // all was sealed anew
	}
	if log.Len() > 0 {
		t.Errorf("%s", &log)
	}

	name := filepath.Join(dir, "purges.log")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) < 3 {
		t.Fatalf("%d lines", len(lines))
	}
	swapped := bytes.Join([][]byte{lines[1], lines[0]}, nil)
	if err := os.WriteFile(name, swapped, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = NewStore(o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !strings.Contains(log.String(), "not what was written") {
		t.Errorf("lines that changed places were believed: %s", &log)
	}
}

// TestResealOthers has the key change while a store is used: Reseal seals what is
// beside the objects, too, and says so.
func TestResealOthers(t *testing.T) {
	dir := t.TempDir()
	var sealed atomic.Pointer[atrest.Keys]
	sealed.Store(testKeys("k1"))
	o := StoreOptions{Dir: dir, Seal: atrest.NewRing(sealed.Load)}
	s, err := NewStore(o)
	if err != nil {
		t.Fatal(err)
	}
	purge := func() {
		t.Helper()
		if _, err := s.PurgeBy(Purge{What: []Selector{mustSelect(t, "tag one")}}); err != nil {
			t.Fatal(err)
		}
	}
	want := func(r diskstore.Scrubbed, err error, others map[string]int64) {
		t.Helper()
		if err != nil || !maps.Equal(r.Others, others) {
			t.Errorf("%v, %v; want %v", r.Others, err, others)
		}
	}
	purge()
	r, err := s.Scrub(t.Context(), 0, nil)
	want(r, err, map[string]int64{"k1": 2})
	sealed.Store(testKeys("k2", "k1"))
	purge()
	r, err = s.Scrub(t.Context(), 0, nil)
	want(r, err, map[string]int64{"k1": 2, "k2": 1}) // of purges.log some lines by each
	r, err = s.Reseal(t.Context(), 0, nil)
	want(r, err, map[string]int64{"k2": 2})
	sealed.Store(testKeys("k2"))
	was := s.generation.Load()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = NewStore(o); err != nil {
		t.Fatal(err)
	}
	if now := s.generation.Load(); now != was {
		t.Errorf("generation %d, was %d", now, was)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
