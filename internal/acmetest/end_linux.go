package acmetest

import (
	"os/exec"
	"syscall"
)

// endsWithUs has the kernel kill a program when the thread ends that starts it,
// at the latest with this process, however that ends.
func endsWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
