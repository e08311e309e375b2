//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"freshet/internal/atrest"
)

const (
	sealFullVar  = "FRESHET_BUS_SEAL_FULL"
	sealPlainVar = "FRESHET_BUS_SEAL_FULL_PLAIN"
)

// TestSealFullChild is the child of TestSealFull: a process whose files may not grow
// beyond a quarter of a MiB, which is as good as a full disk.
func TestSealFullChild(t *testing.T) {
	dir := os.Getenv(sealFullVar)
	if dir == "" {
		t.Skip("it is TestSealFull that starts it")
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 256 << 10, Max: 256 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	change := &atrest.Change{Ring: sealRing(t, "k1"), Plain: os.Getenv(sealPlainVar) != ""}
	err := SealFolder(context.Background(), dir, change, nil)
	fmt.Printf("told %v %v\n", errors.Is(err, syscall.EFBIG), err)
}

// TestSealFull: where there is no room for a copy, "freshet seal" says so, and all is as
// it was.
func TestSealFull(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	s := startServer(t, dir)
	fill(t, s)
	l := openLog(t, connect(t, s, "a"), "large")
	for n := range uint64(20) {
		mustAppend(t, l, n, string(blob(32<<10, byte(n))))
	}
	before := told(t, s)
	closed(t, s)
	for _, plain := range []string{"", "yes"} {
		child := exec.Command(os.Args[0], "-test.run=^TestSealFullChild$", "-test.v")
		child.Env = append(os.Environ(), sealFullVar+"="+dir, sealPlainVar+"="+plain)
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "told true") {
			t.Errorf("it says %v, %.2000q", err, out)
		}
		opened := ring
		if plain == "" {
			opened = nil
		}
		if s, err = Start(Options{Dir: dir, Seal: opened}); err != nil {
			t.Fatalf("it is not as it was: %v", err)
		}
		if is := told(t, s); is != before {
			t.Errorf("it was %d bytes, and is %d", len(before), len(is))
		}
		closed(t, s)
		// There is room again.
		if err := SealFolder(limited(t), dir, &atrest.Change{Ring: ring, Plain: plain != ""}, nil); err != nil {
			t.Fatal(err)
		}
	}
}
