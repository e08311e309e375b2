//go:build !nonats

package bus

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const killDirVar = "FRESHET_BUS_KILL_DIR"

// appendUntilKilled is a process that says each number that it was given.
func appendUntilKilled() {
	s, err := Start(Options{Dir: os.Getenv(killDirVar)})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	c, err := s.Connect("child")
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ctx := context.Background()
	l, err := c.Log(ctx, "jobs", LogOptions{})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	last, err := l.Last(ctx)
	for err == nil {
		if last, err = l.Append(ctx, last, killEntry(last+1)); err == nil {
			if last%7 == 0 {
				err = l.PutPage(ctx, fmt.Sprint("page", last%49), killEntry(last))
			}
			fmt.Println(last)
		}
	}
	fmt.Println("error", err)
}

func killEntry(n uint64) []byte {
	return []byte(strings.Repeat(fmt.Sprint(n, " "), 1+int(n*7919%300)))
}

// TestKill kills a process that appends, again and again in one folder: each
// entry that it was told the number of is there, whole, and the numbers have
// no hole.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var told uint64
	for round := range 3 {
		told = killOne(t, dir, told+uint64(50+37*round))
		s := startServer(t, dir)
		l := openLog(t, connect(t, s, "a"), "jobs")
		next := uint64(1)
		if err := l.Read(limited(t), 0, func(n uint64, entry []byte) error {
			if n != next || string(entry) != string(killEntry(n)) {
				return fmt.Errorf("entry %d, want %d: %.40q", n, next, entry)
			}
			next++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if next-1 < told {
			t.Errorf("round %d: entry %d was acknowledged, the last one is %d", round, told, next-1)
		}
		for key, page := range pagesOf(t, l) {
			var n uint64
			_, _ = fmt.Sscan(page, &n)
			if page != string(killEntry(n)) || fmt.Sprint("page", n%49) != key || n+49 <= told-told%7 {
				t.Errorf("round %d, told %d: page %s holds %.40q", round, told, key, page)
			}
		}
		told = next - 1
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killOne starts a child, waits until it has said a number of at least until,
// kills it, and returns the last number that it said.
func killOne(t *testing.T, dir string, until uint64) uint64 {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killDirVar+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	defer func() { _ = child.Process.Kill() }()
	var said uint64
	killed := false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if said >= until && !killed {
			killed = true
			_ = child.Process.Kill() // what it has said until then counts, too
		}
	}
	if said < until {
		t.Fatalf("the child ended after %d", said)
	}
	return said
}
