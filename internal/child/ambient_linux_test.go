package child_test

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"freshet/internal/child"
)

// TestAmbientCapabilities: a server that is not root and was given a capability
// to listen on a low port, as systemd does, does not hand it down.
func TestAmbientCapabilities(t *testing.T) {
	const given = "CHILD_TEST_AMBIENT"
	if os.Getenv(given) == "" {
		u := nobody(t)
		if u == nil {
			t.Skip("only root can give capabilities")
		}
		if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
			t.Skip("here package syscall starts programs")
		}
		cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
		cmd.Env, cmd.Dir = append(os.Environ(), given+"=1", "HOME=/"), "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: u.UID, Gid: u.GID}, AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE},
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	if own, _ := os.ReadFile("/proc/self/status"); strings.Contains(string(own), "CapAmb:\t0000000000000000\n") {
		t.Fatal("nothing was given")
	}
	text, _ := start(t, spawner(t, child.Options{}), "grep -E 'Cap(Eff|Prm|Amb)' /proc/self/status").rest(t)
	if want := strings.NewReplacer("x", "0000000000000000").Replace("CapPrm:\tx\nCapEff:\tx\nCapAmb:\tx\n"); text != want {
		t.Errorf("%q, want %q", text, want)
	}
}
