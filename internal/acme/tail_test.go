//go:build unix

package acme

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTail: of a program that says much only the end is kept, whoever copies it.
func TestTail(t *testing.T) {
	cmd := exec.Command("sh", "-c", "head -c 5000000 /dev/zero; echo the end")
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); len(got) != hookSaid || !strings.HasSuffix(got, "the end\n") || said.b.Cap() > 16<<10 {
		t.Errorf("%d bytes of at most %d are kept, in %d: %q", len(got), hookSaid, said.b.Cap(), got[max(len(got)-20, 0):])
	}
}
