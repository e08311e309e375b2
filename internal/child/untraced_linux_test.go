package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"freshet/internal/child"
)

// startWithoutPtrace is a process in which ptrace is refused, as some
// containers do: nothing needs it.
func startWithoutPtrace() {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_PTRACE},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); errno != 0 {
		fmt.Println("skip", errno)
		os.Exit(0)
	}
	s, err := child.New(child.Options{AllowRoot: true, Limits: child.Limits{Files: 64}})
	if err != nil {
		fmt.Println("limits:", err)
		os.Exit(1)
	}
	p, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "exit $(ulimit -n)"}})
	if err != nil {
		fmt.Println("limits:", err)
		os.Exit(1)
	}
	fmt.Println("limits:", p.Wait(), s.Close())
	os.Exit(0)
}

func TestPtraceIsRefused(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), serverVariable+"=untraced")
	out, err := cmd.CombinedOutput()
	if strings.HasPrefix(string(out), "skip") {
		t.Skip(string(out))
	}
	text := string(out)
	if err != nil || !strings.Contains(text, "limits: exit status 64 <nil>\n") {
		t.Errorf("%v: %s", err, text)
	}
}
