//go:build linux

package child

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Root without CAP_SYS_RESOURCE, as in a container by default, may not set the
// limits of another user's process: prlimit(2) compares real user ids. A child
// may lower its own. What else there is would be worse, so this stays: to have
// a program in between costs each request one more execution; to lower our own
// limits for a moment lowers them for all threads; and a thread of ours with the
// user's real id could be sent signals by that user's programs.

// mayInject says that this architecture has inject.
const mayInject = true

// injected is what a held child executes in place of its first instructions,
// which are put back: prlimit64(0, …) for each row of a table, then a
// breakpoint.
//
//	rbx: the next row, of 24 bytes: resource, soft, hard
//	rbp: how many rows are left
//	rax: 0, or why the kernel refused
var injected = [40]byte{
	0x31, 0xff, // next: xor edi, edi
	0x48, 0x8b, 0x33, // mov rsi, [rbx]
	0x48, 0x8d, 0x53, 0x08, // lea rdx, [rbx+8]
	0x45, 0x31, 0xd2, // xor r10d, r10d
	0xb8, 0x2e, 0x01, 0x00, 0x00, // mov eax, 302
	0x0f, 0x05, // syscall
	0x48, 0x85, 0xc0, // test rax, rax
	0x75, 0x08, // jnz done
	0x48, 0x83, 0xc3, 0x18, // add rbx, 24
	0xff, 0xcd, // dec ebp
	0x75, 0xe0, // jnz next
	0xcc, // done: int3
	0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
}

// redZone is what a program may use below its stack pointer.
const redZone = 128

// inject has a held child set its own limits.
func inject(pid int, list []limit) error {
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		return fmt.Errorf("read registers: %w", err)
	}
	if regs.Cs != 0x33 {
		return errors.New("of a 32-bit program they can only be set with CAP_SYS_RESOURCE")
	}
	table := make([]byte, 0, 8*24)
	for i := range list {
		table = binary.LittleEndian.AppendUint64(table, uint64(list[i].resource))
		table = binary.LittleEndian.AppendUint64(table, list[i].value.Cur)
		table = binary.LittleEndian.AppendUint64(table, list[i].value.Max)
	}
	at := uintptr(regs.Rip)
	where := (uintptr(regs.Rsp) - redZone - uintptr(len(table))) &^ 15
	var saved [len(injected)]byte
	if err := copyFrom(pid, saved[:], at); err != nil {
		return fmt.Errorf("read code: %w", err)
	}
	if err := copyTo(pid, table, where); err != nil {
		return fmt.Errorf("write limits: %w", err)
	}
	if _, err := unix.PtracePokeText(pid, at, injected[:]); err != nil {
		return fmt.Errorf("write code: %w", err)
	}
	changed := regs
	changed.Rbx, changed.Rbp = uint64(where), uint64(len(list))
	changed.Orig_rax = ^uint64(0) // no system call is to be restarted
	if err := unix.PtraceSetRegs(pid, &changed); err != nil {
		return fmt.Errorf("write registers: %w", err)
	}
	if err := runToBreakpoint(pid); err != nil {
		return err
	}
	if err := unix.PtraceGetRegs(pid, &changed); err != nil {
		return fmt.Errorf("read registers: %w", err)
	}
	if changed.Rax != 0 {
		row := min((uintptr(changed.Rbx)-where)/24, uintptr(len(list)-1))
		return fmt.Errorf("%s: %w", list[row].name, unix.Errno(-int64(changed.Rax)))
	}
	if _, err := unix.PtracePokeText(pid, at, saved[:]); err != nil {
		return fmt.Errorf("put code back: %w", err)
	}
	if err := unix.PtraceSetRegs(pid, &regs); err != nil {
		return fmt.Errorf("put registers back: %w", err)
	}
	return nil
}

// runToBreakpoint lets the child go on until the code is done. A signal that
// came meanwhile is dropped: the program has not begun yet.
func runToBreakpoint(pid int) error {
	for {
		if err := unix.PtraceCont(pid, 0); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		var status unix.WaitStatus
		if err := waitHeld(pid, &status); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		switch {
		case !status.Stopped():
			return errEnded
		case status.StopSignal() == unix.SIGTRAP:
			return nil
		}
	}
}

// copyFrom reads the child's memory: at once, which for another user's process
// needs CAP_SYS_PTRACE, or word by word.
func copyFrom(pid int, to []byte, at uintptr) error {
	local := []unix.Iovec{{Base: &to[0], Len: uint64(len(to))}}
	n, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: at, Len: len(to)}}, 0)
	if err != nil || n != len(to) {
		_, err = unix.PtracePeekText(pid, at, to)
	}
	return err
}

// copyTo writes the child's memory, likewise.
func copyTo(pid int, from []byte, at uintptr) error {
	local := []unix.Iovec{{Base: &from[0], Len: uint64(len(from))}}
	n, err := unix.ProcessVMWritev(pid, local, []unix.RemoteIovec{{Base: at, Len: len(from)}}, 0)
	if err != nil || n != len(from) {
		_, err = unix.PtracePokeData(pid, at, from)
	}
	return err
}
