//go:build linux

package faults

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startWithin bounds the start of a process on a busy machine.
const startWithin = 60 * time.Second

// The programs that are built.
const (
	ours = "freshet/cmd/freshet"
	nats = "github.com/nats-io/nats-server/v2"
)

// long skips a test that takes its time where only short ones are run, and under
// the race detector, which the program that it runs is built without: the same
// would be tried twice.
func long(t *testing.T, takes string) {
	t.Helper()
	if testing.Short() {
		t.Skip(takes)
	}
	if raceEnabled {
		t.Skip("it is tried without the race detector")
	}
}

// programs are built when one is needed first.
var programs = struct {
	mu  sync.Mutex // held while one is built
	dir string
	by  map[string]string
}{by: map[string]string{}}

// A variant is how a program is changed when it is built.
type variant struct {
	name string
	// change makes what it needs in a folder; what go build is told of it.
	change func(dir string) (flags []string, err error)
}

// build builds a program, once for all tests; as it is, or a variant of it.
func build(pkg string, v *variant) (string, error) {
	programs.mu.Lock()
	defer programs.mu.Unlock()
	name := pkg
	if v != nil {
		name += " " + v.name
	}
	if program := programs.by[name]; program != "" {
		return program, nil
	}
	if programs.dir == "" {
		dir, err := os.MkdirTemp("", "faults")
		if err != nil {
			return "", err
		}
		programs.dir = dir
	}
	program := filepath.Join(programs.dir, fmt.Sprint("program-", len(programs.by)))
	words := []string{"build", "-o", program, pkg}
	if v != nil {
		changes, err := os.MkdirTemp(programs.dir, "overlay")
		if err != nil {
			return "", err
		}
		flags, err := v.change(changes)
		if err != nil {
			return "", err
		}
		words = slices.Insert(words, 1, flags...)
	}
	if out, err := exec.Command("go", words...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	programs.by[name] = program
	return program, nil
}

func TestMain(m *testing.M) {
	code := m.Run()
	if programs.dir != "" {
		os.RemoveAll(programs.dir)
	}
	os.Exit(code)
}

// A node is a process of a program that is started, killed, and started again.
type node struct {
	name    string
	pkg     string   // the program's; "": freshet
	variant *variant // of it; nil: it is as it is
	args    []string
	env     []string
	ready   *regexp.Regexp // of what it says once it works
	wrap    wrap

	mu      sync.Mutex // guards all below, and is held while it starts or is killed
	command *exec.Cmd
	said    *tail
	ended   chan error
}

// wrap is how a program is started somewhere else: by another one.
type wrap struct {
	args  []string
	files []*os.File
}

// start starts it and waits until it works; the submatches of what it said.
func (n *node) start() (said []string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	program, err := build(cmp.Or(n.pkg, ours), n.variant)
	if err != nil {
		return nil, err
	}
	n.said = &tail{more: make(chan struct{}, 1)}
	words := slices.Concat(n.wrap.args, []string{program}, n.args)
	n.command = exec.Command(words[0], words[1:]...)
	n.command.ExtraFiles = n.wrap.files
	n.command.Env = append(os.Environ(), n.env...)
	n.command.Stderr = n.said
	if err := n.command.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	n.ended = ended
	go func() { ended <- n.command.Wait() }()
	late := time.After(startWithin)
	for {
		if words := n.ready.FindStringSubmatch(n.said.String()); words != nil {
			return words, nil
		}
		select {
		case <-n.said.more:
		case err := <-ended:
			n.command = nil
			return nil, fmt.Errorf("%s ended: %w: %s", n.name, err, n.said)
		case <-late:
			return nil, fmt.Errorf("%s does not start: %s", n.name, n.said)
		}
	}
}

// end sends a signal, and waits until the process is gone.
func (n *node) end(signal syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.command == nil {
		return nil
	}
	_ = n.command.Process.Signal(signal) // an error: it is gone
	err := <-n.ended
	n.command = nil
	return err
}

// signal sends a signal that does not end the process.
func (n *node) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// again kills it without warning and starts it anew; also once more, as whatever
// keeps services running does, when what it needs is not there at that moment.
func (n *node) again(pause time.Duration) error {
	for late := time.Now().Add(2 * startWithin); ; time.Sleep(200 * time.Millisecond) {
		n.end(syscall.SIGKILL)
		time.Sleep(pause)
		if _, err := n.start(); err == nil || time.Now().After(late) {
			return err
		}
	}
}

// begin starts a node whose test ends it.
func begin(t *testing.T, n *node) (words []string) {
	t.Helper()
	words, err := n.start()
	t.Cleanup(func() {
		n.end(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s: %s", n.name, n.said)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// tail is the end of what a process says.
type tail struct {
	more chan struct{} // has one in it when there is more

	mu   sync.Mutex // guards text
	text []byte
}

func (s *tail) Write(p []byte) (int, error) {
	s.mu.Lock()
	s.text = append(s.text, p...)
	if most := 64 << 10; len(s.text) > most {
		s.text = bytes.Clone(s.text[len(s.text)-most:])
	}
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (s *tail) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.text)
}
