package follow_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"freshet/internal/alloctest"
	"freshet/internal/follow"
)

func readText(path string) (*string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	text := string(data)
	if text == "bad" || text == "worse" {
		return nil, errors.New(text)
	}
	return &text, nil
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if _, err := follow.OpenFile(path, readText, nil); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a file that is not there: %v", err)
	}
	put(t, path, "one")
	var faults []string
	f, err := follow.OpenFile(path, readText, func(err error) { faults = append(faults, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	second := int64(time.Second)
	now := 10 * second
	expect := func(when, want string) {
		t.Helper()
		if got := *f.Current(now); got != want {
			t.Fatalf("%s: %q, want %q", when, got, want)
		}
	}
	expect("at first", "one")
	put(t, path, "second")
	now += second - 1
	expect("within a second", "one")
	now++
	expect("after a second", "second")
	put(t, path, "bad")
	now += second
	expect("with a fault", "second")
	now += second
	expect("with the same fault", "second")
	if err := f.Err(); err == nil || err.Error() != "bad" {
		t.Errorf("the fault is %v", err)
	}
	put(t, path, "worse")
	now += second
	expect("with another fault", "second")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	now += second
	expect("without a file", "second")
	if len(faults) != 3 || faults[0] != "bad" || faults[1] != "worse" {
		t.Fatalf("told %q", faults)
	}
	put(t, path, "mended")
	now -= 100 * second
	expect("when the clock was put back", "mended")
	if err := f.Err(); err != nil {
		t.Errorf("of what is mended the fault is %v", err)
	}
	if n := alloctest.PerRun(100, func() { f.Current(now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whoever asks while the file is read gets what was there, or what is new.
func TestFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	put(t, path, "a")
	f, err := follow.OpenFile(path, readText, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, "bb")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 100 {
				if got := *f.Current(int64(i*100+n) * int64(time.Second)); got != "a" && got != "bb" {
					t.Errorf("%q", got)
				}
			}
		})
	}
	all.Wait()
	if got := *f.Current(int64(time.Hour)); got != "bb" {
		t.Errorf("%q in the end", got)
	}
}
