package child

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
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
	fd     int             // of the memory
	memory []byte          // the mapping
	used   []bool          // by slot, as long as the highest that was used
	told   map[string]bool // cgroups that it is to remember
	pid    int             // of the keeper; 0: there is to be none
	pipe   *os.File        // nil: there is none yet
	ended  chan struct{}   // closed when that keeper is reaped
	hired  time.Time

	works atomic.Bool // there is to be a keeper; changed under mu
}

// slotsOf sees a mapping as slots of 8 bytes: a group each, or 0.
func slotsOf(memory []byte) []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(&memory[0])), len(memory)/8)
}

// join returns n slots of the table; the first one makes it.
func (g *guardian) join(n int) ([]uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users == 0 {
		if err := g.open(); err != nil {
			return nil, fmt.Errorf("make the table of programs: %w", err)
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

// work starts the keeper unless that was done: there is something to end now.
// A server that is ready to start programs, and starts none, has none.
func (g *guardian) work() error {
	if g.works.Load() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.works.Load() {
		return nil
	}
	if err := g.hire(); err != nil {
		return fmt.Errorf("start the keeper: %w", err)
	}
	g.works.Store(true)
	return nil
}

// remember has the keeper remove a cgroup when we cannot. If there is none at
// the moment, the next one hears of it.
func (g *guardian) remember(dir string) error {
	if err := g.work(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told[dir] = true
	_, _ = g.pipe.WriteString("+" + dir + "\n")
	return nil
}

// forget has it leave one alone that was removed.
func (g *guardian) forget(dir string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.told, dir)
	_, _ = g.pipe.WriteString("-" + dir + "\n")
}

func (g *guardian) open() (err error) {
	if g.fd, err = unix.MemfdCreate("freshet-children", unix.MFD_CLOEXEC); err != nil {
		return err
	}
	if err = unix.Ftruncate(g.fd, tableSlots*8); err == nil {
		g.memory, err = unix.Mmap(g.fd, 0, tableSlots*8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		_ = unix.Close(g.fd)
		return err
	}
	g.told = map[string]bool{}
	return nil
}

// hire starts a keeper and tells it what it should know.
func (g *guardian) hire() error {
	pid, pipe, err := startKeeper(g.fd)
	if err != nil {
		return err
	}
	g.pid, g.pipe, g.ended, g.hired = pid, pipe, make(chan struct{}), time.Now()
	kin.hired(pid)
	for dir := range g.told {
		_, _ = pipe.WriteString("+" + dir + "\n")
	}
	go g.watch(pid, watchEnd(pid), g.ended)
	return nil
}

// rehireAfter is the least time between two keepers.
const rehireAfter = time.Second

// watch waits for the end of a keeper. Unless it was sent away it is replaced.
func (g *guardian) watch(pid int, end endWatch, ended chan struct{}) {
	end.await()
	_, _ = wait4(pid, nil, 0, nil)
	kin.stillborn(pid)
	close(ended)
	for {
		g.mu.Lock()
		if g.pid != pid {
			g.mu.Unlock()
			return
		}
		pause := rehireAfter - time.Since(g.hired)
		if pause <= 0 {
			_ = g.pipe.Close()
			g.hired = time.Now()
			if g.hire() == nil {
				g.mu.Unlock()
				return
			}
			pause = rehireAfter
		}
		g.mu.Unlock()
		time.Sleep(pause)
	}
}

// shut ends the keeper, if there is one: it finds an empty table.
func (g *guardian) shut() {
	if g.works.Load() {
		g.pid = 0
		_ = g.pipe.Close()
		<-g.ended
		g.works.Store(false)
	}
	_ = unix.Munmap(g.memory)
	_ = unix.Close(g.fd)
	g.memory, g.used = nil, nil
}
