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
	"time"

	"freshet/internal/atrest"
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

const (
	sealDirVar  = "FRESHET_BUS_SEAL_DIR"
	sealKeysVar = "FRESHET_BUS_SEAL_KEYS"
)

// sealUntilKilled is a process that seals what is plain in a folder, and says so
// between pages and objects.
func sealUntilKilled() {
	keys, err := atrest.ParseKeys([]byte(os.Getenv(sealKeysVar)))
	if err != nil {
		fmt.Println("error", err)
		return
	}
	s, err := Start(Options{Dir: os.Getenv(sealDirVar), Seal: atrest.NewRing(func() *atrest.Keys { return keys })})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ctx := context.Background()
	c, err := s.Connect("child")
	var l *Log
	var o *Objects
	if err == nil {
		l, err = c.Log(ctx, "jobs", LogOptions{})
	}
	if err == nil {
		o, err = c.Objects(ctx, "files", ObjectsOptions{})
	}
	fmt.Println("begins")
	if err == nil {
		_, err = l.Reseal(ctx)
	}
	if err == nil {
		err = o.Reseal(ctx)
	}
	if err != nil {
		fmt.Println("error", err)
	}
	fmt.Println("done")
	select {}
}

// TestKillReseal kills a process that seals what is plain, at any moment: all is there,
// and the next one goes on.
func TestKillReseal(t *testing.T) {
	const pages, objects = 150, 20
	dir, keys := t.TempDir(), sealRing(t, "k1")
	s := legacy(t, dir, keys)
	c := connect(t, s, "writer")
	l := openLog(t, c, "jobs")
	mustAppend(t, l, 0, "one")
	for n := range pages {
		if err := l.PutPage(limited(t), fmt.Sprint(n), fmt.Append(nil, "page ", n)); err != nil {
			t.Fatal(err)
		}
	}
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range objects {
		mustPutObject(t, o, fmt.Sprint(n), blob(chunkSize+n, byte(n)))
	}
	closed(t, s)
	done, between := false, 0
	after := time.Duration(0)
	for round := 0; !done; round++ {
		done = killSealing(t, dir, after)
		after += max(5*time.Millisecond, after/10) // a slow machine has not many more rounds than a fast one
		s := startSealed(t, dir, keys)
		c := connect(t, s, "reader")
		l := openLog(t, c, "jobs")
		if got := pagesOf(t, l); len(got) != pages || got["7"] != "page 7" {
			t.Fatalf("round %d: %d pages, %q", round, len(got), got["7"])
		}
		if o, err = c.Objects(limited(t), "files", ObjectsOptions{}); err != nil {
			t.Fatal(err)
		}
		for n := range objects {
			wantObject(t, o, fmt.Sprint(n), blob(chunkSize+n, byte(n)))
		}
		if got := entries(t, l, 0); len(got) != 1 {
			t.Errorf("%q", got)
		}
		found, err := l.gather(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		sealed := 0
		for _, p := range found {
			if atrest.IsSealed(p.content) {
				sealed++
			}
		}
		labels, err := o.allLabels(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range labels {
			if l.by != "" {
				sealed++
			}
		}
		if sealed > 0 && sealed < pages+objects {
			between++
		}
		if done && (sealed != pages+objects || c.record.Streams["page_jobs"] != 1 || c.record.Streams["OBJ_files"] != 1) {
			t.Errorf("at the end %d of %d are sealed: %v", sealed, pages+objects, c.record.Streams)
		}
		closed(t, s)
	}
	t.Logf("%d times killed in the midst", between)
}

// killSealing starts a child that seals, and kills it some time after it has begun, or
// when it is done.
func killSealing(t *testing.T, dir string, after time.Duration) (done bool) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), sealDirVar+"="+dir, sealKeysVar+"=k1 "+strings.Repeat("31", 32))
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Wait() }()
	defer func() { _ = child.Process.Kill() }()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		switch text := lines.Text(); text {
		case "begins":
			late := time.AfterFunc(after, func() { _ = child.Process.Kill() })
			defer late.Stop()
		case "done":
			return true
		default:
			t.Fatalf("the child says %q", text)
		}
	}
	return false
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
