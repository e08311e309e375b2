package child_test

import (
	"os"
	"testing"

	"freshet/internal/child"
)

// TestManyDescriptors: what a program is given takes the numbers that the rules
// and the namespace have here.
func TestManyDescriptors(t *testing.T) {
	if child.LandlockABI() < 1 {
		t.Skip("this kernel has no Landlock")
	}
	rules := &child.Landlock{}
	for _, d := range []string{"/bin", "/lib", "/lib64", "/usr", "/etc"} {
		if _, err := os.Stat(d); err == nil {
			rules.Read = append(rules.Read, d)
		}
	}
	s := spawner(t, child.Options{AllowRoot: true, Landlock: rules, NoNetwork: true})
	files := make([]*os.File, 100)
	p, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "! cat /proc/version"}, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if r := p.Wait(); r.Exit != 0 {
		t.Errorf("%v: the rules do not hold", r)
	}
}
