//go:build linux && amd64

package faults

import (
	"os/exec"
	"strings"
)

// A program with a clock of its own asks the system for the time by a function of
// ours, which adds to the time of day what the page says. The runtime calls it
// where it would call the kernel's, so that all of the program has that clock, NATS
// too, and none of it has to be compiled anew: only the package main is another.
// The monotonic clock is as it was, and so are the times that the kernel gives to
// files.

// clocked has a node be such a program.
func (s *shaken) clocked(n *node) *node {
	n.variant = &variant{"with a clock of its own", clocked}
	n.env = append(n.env, shakenVar+"="+s.name)
	return n
}

func clocked(dir string) (flags []string, err error) {
	folder, err := exec.Command("go", "list", "-f", "{{.Dir}}", ours).Output()
	if err != nil {
		return nil, err
	}
	flag, err := overlay(dir, strings.TrimSpace(string(folder)), clockHook)
	return []string{flag, "-ldflags=-checklinkname=0"}, err
}

// offset sets how far the clock is off, in seconds.
func (s *shaken) offset(seconds int64) { s.set(clockOff, seconds) }

var clockHook = map[string]string{
	"shaken.go": `package main

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// What the runtime calls for the time; 0: the system offers nothing but calls.
//
//go:linkname vdsoClockgettimeSym runtime.vdsoClockgettimeSym
var vdsoClockgettimeSym uintptr

// Of clockGettime, in assembly.
var (
	clockPage   *int64  // what is added to the time of day
	clockBefore uintptr // what is called for the time
)

func clockGettime() uintptr

func init() {
	name, ok := syscall.Getenv("` + shakenVar + `")
	if !ok {
		return
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY, 0)
	if err != nil {
		panic("open the page of a shaken program: " + err.Error())
	}
	page, err := syscall.Mmap(fd, 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("map the page of a shaken program: " + err.Error())
	}
	syscall.Close(fd)
	if vdsoClockgettimeSym == 0 {
		panic("the kernel shows no function that tells the time")
	}
	clockPage, clockBefore = (*int64)(unsafe.Pointer(&page[0])), vdsoClockgettimeSym
	atomic.StoreUintptr(&vdsoClockgettimeSym, clockGettime())
}
`,
	"shaken_amd64.s": `#include "textflag.h"

// func clockGettime() uintptr
// It returns where the function is that takes the kernel's place.
TEXT ·clockGettime(SB), NOSPLIT, $0-8
	LEAQ	offClock<>(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// It is called as functions of C are: DI has which clock, SI where its seconds and
// nanoseconds go.
TEXT offClock<>(SB), NOSPLIT|NOFRAME, $0
	PUSHQ	DI
	PUSHQ	SI
	SUBQ	$8, SP
	MOVQ	·clockBefore(SB), AX
	CALL	AX
	ADDQ	$8, SP
	POPQ	SI
	POPQ	DI
	CMPL	DI, $0
	JNE	done
	MOVQ	·clockPage(SB), CX
	MOVQ	(CX), CX
	ADDQ	CX, (SI)
done:
	RET
`,
}
