//go:build linux

package faults

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// network is a bridge with machines at it, each in a network namespace of its
// own; machine 0 is the bridge's.
type network struct {
	machines []*os.File // the namespaces
}

// address is that of a machine.
func address(i int) string { return fmt.Sprint("10.77.0.", 1+i) }

// newNetwork connects machines, 0 included.
func newNetwork(t *testing.T, machines int) *network {
	t.Helper()
	w := &network{}
	for range machines {
		f, err := namespace()
		if err != nil {
			t.Skip("no network can be made here: ", err)
		}
		t.Cleanup(func() { f.Close() })
		w.machines = append(w.machines, f)
	}
	if out, err := w.run(0, "ip link set lo up"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := w.run(0, "ip link add name bridge type bridge"); err != nil {
		t.Skipf("no bridge can be made here: %v: %s", err, out)
	}
	w.must(t, 0, "ip addr add %s/24 dev bridge", address(0))
	w.must(t, 0, "ip link set bridge up")
	for i := 1; i < machines; i++ {
		if out, err := w.run(0, fmt.Sprintf("ip link add name port%d type veth peer name wire netns /proc/self/fd/%d", i, 3+i)); err != nil {
			t.Skipf("no wire can be made here: %v: %s", err, out)
		}
		w.must(t, 0, "ip link set port%d master bridge up", i)
		w.must(t, i, "ip link set lo up")
		w.must(t, i, "ip addr add %s/24 dev wire", address(i))
		w.must(t, i, "ip link set wire up")
	}
	return w
}

// namespace makes a network namespace, which is there as long as the file is open
// or a process is in it.
func namespace() (f *os.File, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends
		if err = syscall.Unshare(syscall.CLONE_NEWNET); err == nil {
			f, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", syscall.Gettid()))
		}
	}()
	<-done
	return f, err
}

// at is where a program runs that is started on a machine.
func (w *network) at(i int) wrap {
	return wrap{[]string{"nsenter", fmt.Sprintf("--net=/proc/self/fd/%d", 3+i), "--"}, w.machines}
}

func (w *network) run(i int, line string) ([]byte, error) {
	where := w.at(i)
	words := append(where.args, strings.Fields(line)...)
	c := exec.Command(words[0], words[1:]...)
	c.ExtraFiles = where.files
	return c.CombinedOutput()
}

func (w *network) must(t *testing.T, i int, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	if out, err := w.run(i, line); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// cut cuts a machine off: nothing is heard of it any more, or, one way, what it
// says still arrives, and it hears nothing.
func (w *network) cut(t *testing.T, i int, oneWay bool) {
	t.Helper()
	if oneWay {
		w.must(t, 0, "ip link set port%d nomaster", i)
	} else {
		w.must(t, 0, "ip link set port%d down", i)
	}
}

// heal connects it again.
func (w *network) heal(t *testing.T, i int) {
	t.Helper()
	w.must(t, 0, "ip link set port%d master bridge up", i)
}
