package control

import (
	"os"
	"os/exec"
	"testing"
)

func TestAllowed(t *testing.T) {
	if !allowed(1000, 1000) || !allowed(0, 1000) || allowed(1001, 1000) || allowed(1000, 0) {
		t.Error("other users")
	}
}

// TestDescends: programs that the server starts, and what these start, are not
// its user's commands.
func TestDescends(t *testing.T) {
	c := exec.Command("sh", "-c", "echo; cat; true") // cat is a child of sh
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Skip(err)
	}
	out.Read(make([]byte, 1))
	if !descends(c.Process.Pid) {
		t.Error("a child is none")
	}
	if descends(os.Getppid()) {
		t.Error("our parent is a child")
	}
	if own := confined(os.Getpid()); confined(c.Process.Pid) != own {
		t.Errorf("we are confined: %v, and a child is not the same", own)
	}
	in.Close()
	c.Wait()
	if !descends(c.Process.Pid) || !confined(c.Process.Pid) {
		t.Error("a process that is gone may ask")
	}
}
