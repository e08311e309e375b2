package follow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/follow"
)

// readList reads a file of file names, and those.
func readList(path string) (*string, []string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	all, names := "", strings.Fields(string(data))
	for _, name := range names {
		text, err := readText(name)
		if err != nil {
			return nil, names, err
		}
		all += *text
	}
	return &all, names, nil
}

// A change of what a file names counts as one of the file itself.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	list, a, b := filepath.Join(dir, "list"), filepath.Join(dir, "a"), filepath.Join(dir, "b")
	put(t, a, "1")
	put(t, list, a+" "+b)
	if _, err := follow.OpenFiles(list, readList, nil); err == nil {
		t.Fatal("a file that is not there was read")
	}
	put(t, b, "2")
	faults := 0
	f, err := follow.OpenFiles(list, readList, func(error) { faults++ })
	if err != nil {
		t.Fatal(err)
	}
	now := int64(10 * time.Second)
	expect := func(when, want string, told int) {
		t.Helper()
		now += int64(time.Second)
		if got := *f.Current(now); got != want || faults != told {
			t.Errorf("%s: %q, want %q; %d faults, want %d", when, got, want, faults, told)
		}
	}
	expect("at first", "12", 0)
	put(t, b, "22")
	expect("the second one is another", "122", 0)
	put(t, b, "bad")
	expect("it is bad", "122", 1)
	expect("it still is", "122", 1)
	put(t, a, "one")
	expect("another one changes", "122", 2)
	put(t, b, "two")
	expect("all are well", "onetwo", 2)
	c := filepath.Join(dir, "c")
	put(t, list, a+" "+c)
	expect("one that is not there", "onetwo", 3)
	expect("and still is not", "onetwo", 3)
	put(t, c, "3")
	expect("and now is", "one3", 3)
	put(t, b, "none's")
	expect("one that counts no longer", "one3", 3)
}
