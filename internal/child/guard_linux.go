package child

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tableSlots bounds the children of all spawners of this process; pages of
// the table that no spawner uses take no memory.
const tableSlots = 1 << 16

// guard is the server's side of the keeper: a table of live groups in memory
// that both share, and the pipe whose end the keeper waits for.
var guard guardian

type guardian struct {
	mu     sync.Mutex // guards all; a leaf but for kin.mu
	users  int
	memory []byte // the mapping
	used   []bool // by slot, as long as the highest that was used
	pid    int    // of the keeper
	pipe   *os.File
}

// slotsOf sees a mapping as slots of 8 bytes: a group each, or 0.
func slotsOf(memory []byte) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(&memory[0])), len(memory)/8)
}

// join returns n slots of the table; the first one starts the keeper.
func (g *guardian) join(n int) ([]uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users == 0 {
		if err := g.open(); err != nil {
			return nil, fmt.Errorf("start the keeper: %w", err)
		}
	}
	at := g.place(n)
	if at+n > tableSlots {
		if g.users == 0 {
			g.shut()
		}
		return nil, errors.New("slots: all spawners together have too many")
	}
	for len(g.used) < at+n {
		g.used = append(g.used, false)
	}
	for i := range n {
		g.used[at+i] = true
	}
	g.users++
	return slotsOf(g.memory)[at : at+n : at+n], nil
}

// place finds the first n slots in a row that nobody uses.
func (g *guardian) place(n int) int {
	run := 0
	for i, used := range g.used {
		if run++; used {
			run = 0
		}
		if run == n {
			return i + 1 - n
		}
	}
	return len(g.used) - run
}

// leave gives slots back; the last one ends the keeper.
func (g *guardian) leave(slots []uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := int((uintptr(unsafe.Pointer(&slots[0])) - uintptr(unsafe.Pointer(&g.memory[0]))) / 8)
	for i := range slots {
		atomic.StoreUint64(&slots[i], 0)
		g.used[at+i] = false
	}
	if g.users--; g.users == 0 {
		g.shut()
	}
}

// tell has the keeper remember ("+") or forget ("-") a cgroup.
func (g *guardian) tell(sign, dir string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, err := g.pipe.WriteString(sign + dir + "\n")
	return err
}

func (g *guardian) open() error {
	fd, err := unix.MemfdCreate("freshet-children", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.Ftruncate(fd, tableSlots*8); err != nil {
		_ = unix.Close(fd)
		return err
	}
	memory, err := unix.Mmap(fd, 0, tableSlots*8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		_ = unix.Close(fd)
		return err
	}
	pid, pipe, err := startKeeper(fd)
	_ = unix.Close(fd)
	if err != nil {
		_ = unix.Munmap(memory)
		return err
	}
	g.memory, g.pid, g.pipe = memory, pid, pipe
	kin.born(pid, "")
	return nil
}

// shut ends the keeper: it finds an empty table.
func (g *guardian) shut() {
	_ = g.pipe.Close()
	_, _ = wait4(g.pid, nil, 0, nil)
	kin.stillborn(g.pid)
	_ = unix.Munmap(g.memory)
	g.memory, g.pipe, g.pid, g.used = nil, nil, 0, nil
}
