package child

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const line = "42 (a) b (c) S 7 41 40 0 -1 4194304 194 0 0 0 150 50 0 0 20 0 1 0 3495581 2560000 353 18446744073709551615 0 0\n"
	s, err := parseStat([]byte(line))
	if err != nil || s.state != 'S' || s.parent != 7 || s.group != 41 || s.session != 40 || s.started != 3495581 || s.cpu != 2*time.Second || s.rss <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "42", "42 (a) S 1 2 3", "42 (a"} {
		if _, err := parseStat([]byte(bad)); !errors.Is(err, errGone) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (a) b (c) S 7 41 40 0 -1 4194304 194 0 0 0 150 50 0 0 20 0 1 0 3495581 2560000 353 0 0\n"))
	f.Add([]byte(") Z"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStat(text)
		if err == nil && s.state == 0 {
			t.Errorf("%q: %+v", text, s)
		}
	})
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string][]int{"": nil, "1 23 456 ": {1, 23, 456}, "7\n8\n": {7, 8}} {
		if got := numbers([]byte(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestFindCgroup(t *testing.T) {
	const mounts = `25 30 0:22 / /sys rw shared:7 - sysfs sysfs rw
31 25 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
32 25 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
40 25 0:27 /a\040b /mnt/part rw - cgroup2 cgroup2 rw
`
	part := strings.Join(strings.SplitAfter(mounts, "\n")[3:], "")
	for _, c := range []struct{ mounts, path, want string }{
		{mounts, "/", "/sys/fs/cgroup/unified"},
		{mounts, "/system.slice/x", "/sys/fs/cgroup/unified/system.slice/x"},
		{part, "/a b/c", "/mnt/part/c"},
		{part, "/a b", "/mnt/part"},
		{part, "/other", ""},
		{"", "/", ""},
	} {
		if got := findCgroup(c.mounts, c.path); got != c.want {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
}

// TestDirectories: what the keeper makes of what it was told, the last line
// cut off when the server died.
func TestDirectories(t *testing.T) {
	got := slices.Sorted(maps.Keys(directories([]byte("+/a\n+/b\n-/a\n+/c\n-/x\n\n+/d"))))
	if !slices.Equal(got, []string{"/b", "/c"}) {
		t.Error(got)
	}
}

// TestPlaces of spawners in the table do not overlap, and are used again.
func TestPlaces(t *testing.T) {
	var g guardian
	take := func(n int) int {
		at := g.place(n)
		for len(g.used) < at+n {
			g.used = append(g.used, false)
		}
		for i := range n {
			if g.used[at+i] {
				t.Fatalf("slot %d is used twice", at+i)
			}
			g.used[at+i] = true
		}
		return at
	}
	a, b, c := take(4), take(8), take(4)
	if a != 0 || b != 4 || c != 12 {
		t.Errorf("places: %d, %d, %d", a, b, c)
	}
	clear(g.used[4:12])
	if at := take(3); at != 4 {
		t.Errorf("in the gap: %d", at)
	}
	if at := take(6); at != 16 {
		t.Errorf("behind: %d", at)
	}
}

// TestRecent: what a child's session and its strays' were is known for a
// while, and no longer.
func TestRecent(t *testing.T) {
	f := family{live: map[int]*kinship{}, session: 1}
	k := &kinship{pid: 10, over: time.Now()}
	k.note(20)
	f.recent[0], f.next = k, 1
	for _, c := range []struct {
		pid, session int
		want         bool
	}{
		{11, 10, true},  // in the child's session
		{10, 10, false}, // another process with its number
		{20, 20, true},  // a stray that made a session
		{21, 20, true},
		{30, 30, false},
		{11, 1, false}, // in ours
		{11, 0, false},
	} {
		if got := f.bySession(c.pid, stat{session: c.session}) != nil; got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	k.over = time.Now().Add(-recentFor - time.Second)
	if f.bySession(11, stat{session: 10}) != nil {
		t.Error("a child is known for too long")
	}
}
