package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// groupPrefix begins the names of our cgroups: freshet-PID-N.
const groupPrefix = "freshet-"

// groups are the cgroups of a spawner: base, and below it one a slot, made
// when the slot is first used and kept for the next child.
type groups struct {
	base        string
	controllers []string // enabled below base
	limits      Limits

	mu    sync.Mutex // guards what follows; a leaf
	slots []*group   // nil: to be made
	made  int
}

// group is the cgroup of one slot.
type group struct {
	dir    string
	fd     int      // of dir: children are born into it
	events *os.File // cgroup.events
}

// groupsMade numbers the bases that this process made.
var groupsMade atomic.Int64

// newGroups makes the base where Options.Cgroup says; nil: none is wanted or,
// with "auto", none can be had.
func newGroups(o *Options) (*groups, error) {
	auto := o.Cgroup == "auto"
	if o.Cgroup == "" || o.Cgroup == "off" {
		return nil, nil
	}
	parent := o.Cgroup
	if auto {
		if parent = ownCgroup(); parent == "" {
			return nil, nil
		}
	}
	g, err := makeGroups(parent, o)
	if auto && err != nil {
		return nil, nil
	}
	return g, err
}

// makeGroups makes a base, and tries that a child can be born below it.
func makeGroups(parent string, o *Options) (*groups, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(parent, &fs); err != nil {
		return nil, fmt.Errorf("cgroup %s: %w", parent, err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return nil, fmt.Errorf("cgroup %s: not a cgroup v2", parent)
	}
	removeLeftovers(parent)
	g := &groups{
		base:   filepath.Join(parent, fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), groupsMade.Add(1))),
		limits: o.Limits,
		slots:  make([]*group, o.Slots),
	}
	if err := os.Mkdir(g.base, 0o755); err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	if err := guard.remember(g.base); err != nil {
		_ = os.Remove(g.base)
		return nil, err
	}
	for _, c := range []string{"memory", "pids"} {
		if enable(parent, c) && enable(g.base, c) {
			g.controllers = append(g.controllers, c)
		}
	}
	fd, err := g.enter(0)
	if err == nil {
		err = tryCgroup(fd)
	}
	if err != nil {
		_ = g.close()
		return nil, fmt.Errorf("cgroup %s: start a program in it: %w", parent, err)
	}
	return g, nil
}

// enable has a controller work in the cgroups below dir; the kernel refuses
// where processes are in dir itself.
func enable(dir, controller string) bool {
	enabled := func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
		return err == nil && slices.Contains(strings.Fields(string(text)), controller)
	}
	return enabled() || writeTo(filepath.Join(dir, "cgroup.subtree_control"), "+"+controller) == nil && enabled()
}

// controls says whether a controller limits the children of g, which may be
// nil.
func (g *groups) controls(controller string) bool {
	return g != nil && slices.Contains(g.controllers, controller)
}

// enter returns the descriptor of a slot's cgroup, into which the next child
// is born.
func (g *groups) enter(slot int) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.slots[slot] == nil {
		made, err := g.make(slot)
		if err != nil {
			return -1, fmt.Errorf("cgroup: %w", err)
		}
		g.slots[slot] = made
	}
	return g.slots[slot].fd, nil
}

func (g *groups) make(slot int) (_ *group, err error) {
	g.made++
	made := &group{dir: filepath.Join(g.base, fmt.Sprintf("%d.%d", slot, g.made)), fd: -1}
	if err := os.Mkdir(made.dir, 0o755); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			made.close()
		}
	}()
	if made.fd, err = unix.Open(made.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if made.events, err = os.Open(filepath.Join(made.dir, "cgroup.events")); err != nil {
		return nil, err
	}
	if g.limits.Memory > 0 && g.controls("memory") {
		if err := writeTo(filepath.Join(made.dir, "memory.max"), strconv.FormatInt(g.limits.Memory, 10)); err != nil {
			return nil, err
		}
		// Without swap the limit is one; not every kernel has the file.
		_ = writeTo(filepath.Join(made.dir, "memory.swap.max"), "0")
	}
	if g.limits.Processes > 0 && g.controls("pids") {
		if err := writeTo(filepath.Join(made.dir, "pids.max"), strconv.Itoa(g.limits.Processes)); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// empty ends what is left in a slot's cgroup, and returns how many that were.
// A cgroup in which something was killed is not used again: some kernels
// (seen with Linux 6.18) then kill whatever is born into it.
func (g *groups) empty(slot int) (killed int, err error) {
	g.mu.Lock()
	at := g.slots[slot]
	g.mu.Unlock()
	if !at.populated() {
		return 0, nil
	}
	pause := 50 * time.Microsecond
	for late := time.Now().Add(patience); at.populated(); {
		if time.Now().After(late) {
			err = errors.New("it is still populated")
			break
		}
		if killed == 0 {
			killed = len(processesOf(at.dir))
		}
		_ = killCgroup(at.dir)
		time.Sleep(pause)
		pause = min(2*pause, 10*time.Millisecond)
	}
	at.close()
	_ = removeTree(at.dir) // or it goes with the base
	g.mu.Lock()
	g.slots[slot] = nil
	g.mu.Unlock()
	return killed, err
}

// populated says whether there are processes, zombies apart.
func (g *group) populated() bool {
	var buffer [256]byte
	n, _ := g.events.ReadAt(buffer[:], 0)
	return bytes.Contains(buffer[:n], []byte("populated 1"))
}

func (g *group) close() {
	if g.fd >= 0 {
		_ = unix.Close(g.fd)
	}
	if g.events != nil {
		_ = g.events.Close()
	}
}

// close removes the cgroups; no child is left.
func (g *groups) close() error {
	for _, slot := range g.slots {
		if slot != nil {
			slot.close()
		}
	}
	err := removeTree(g.base)
	if err != nil {
		return fmt.Errorf("cgroup: %w", err)
	}
	guard.forget(g.base)
	return nil
}

// killCgroup sends KILL to all in a cgroup and those below.
func killCgroup(dir string) error {
	err := writeTo(filepath.Join(dir, "cgroup.kill"), "1")
	if err == nil {
		return nil
	}
	// Linux before 5.14: one by one; who calls asks again until none is left.
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			_ = killCgroup(filepath.Join(dir, e.Name()))
		}
	}
	for _, pid := range processesOf(dir) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	return err
}

// processesOf lists the processes in a cgroup, without those below.
func processesOf(dir string) []int {
	text, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	return numbers(text)
}

// removeTree removes a cgroup and those below.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return unix.Rmdir(dir)
}

// removeLeftovers ends and removes what processes that are no more left below
// parent.
func removeLeftovers(parent string) {
	entries, _ := os.ReadDir(parent)
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), groupPrefix)
		owner, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(owner)
		if !ours || err != nil || pid <= 0 || unix.Kill(pid, 0) != unix.ESRCH {
			continue
		}
		killTree(filepath.Join(parent, e.Name()))
	}
}

// writeTo writes a control file; it is not made.
func writeTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
