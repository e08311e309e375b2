//go:build !nonats

package bus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

const fullDirVar = "FRESHET_BUS_FULL_DIR"

// appendUntilFull is a process whose files may not grow beyond half a MiB,
// which is as good as a full disk. It says each number that it was given, and
// how it ended.
func appendUntilFull() {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 512 << 10, Max: 512 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println("no limit:", err)
		return
	}
	s, err := Start(Options{Dir: os.Getenv(fullDirVar)})
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := s.Connect("child")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := c.Log(ctx, "jobs", LogOptions{})
	last := uint64(0)
	for err == nil {
		if last, err = l.Append(ctx, last, killEntry(last+1)); err == nil {
			fmt.Println(last)
		}
	}
	if errors.Is(err, ErrUnclear) && errors.Is(err, ErrBroken) && errors.Is(err, syscall.EFBIG) && ctx.Err() == nil && s.Err() != nil {
		<-s.Broken()
		err = l.PutPage(ctx, "k", []byte("page"))
	}
	if err2 := s.Close(); err2 != nil {
		err = err2
	}
	fmt.Println("ended", errors.Is(err, ErrBroken), err)
}

// TestFullDisk: who waits for an entry that cannot be written is told so at
// once, and what was acknowledged before is there when there is room again.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fullDirVar+"="+dir)
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	var told uint64
	ended := ""
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &told); err != nil {
			ended = lines.Text()
		}
	}
	if told == 0 || !strings.HasPrefix(ended, "ended true") {
		t.Fatalf("after %d entries the child says %q", told, ended)
	}
	l := openLog(t, connect(t, startServer(t, dir), "a"), "jobs")
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
		t.Errorf("entry %d was acknowledged, the last one is %d", told, next-1)
	}
	mustAppend(t, l, next-1, "there is room again")
}
