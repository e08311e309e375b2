package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSealCommand goes with all that a server stores from plain to sealed, to
// another key, and back; a server starts with what was said last, and with nothing else.
func TestSealCommand(t *testing.T) {
	home, site := t.TempDir(), t.TempDir()
	data, authority, keys := filepath.Join(home, "data"), filepath.Join(home, "freshet", "authority"), filepath.Join(home, "disk.keys")
	sealKeys(t, keys, "k1")
	const secret = "s3cr3tw0rd"
	serving := []string{"serve", site, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-local", "--monitor", "off", "--access-log", "off", "--data", data, "--jobs", "1", "--alert-program", "/bin/true"}
	inHome := func(e *Env) { e.Environ = append(e.Environ, "XDG_DATA_HOME="+home) }
	serves := func(args ...string) {
		t.Helper()
		p := startWith(t, inHome, append(serving, args...)...)
		p.url()
		if status, _, stderr := command(t, home, "job", "submit", "--data", data, "--wait", "--", "/bin/echo", secret); status != exitOK {
			t.Errorf("a job: %s", stderr)
		}
		p.stop()
	}
	refuses := func(want string, args ...string) {
		t.Helper()
		p := startWith(t, inHome, append(serving, args...)...)
		if status := p.wait(); status != exitFault {
			t.Errorf("status %d", status)
		}
		contains(t, p.stderr.String(), want)
	}
	seal := func(want int, args ...string) string {
		t.Helper()
		status, stdout, stderr := command(t, home, append([]string{"seal", "--data", data, "--authority", authority, "--encrypt", keys}, args...)...)
		if status != want {
			t.Fatalf("status %d: %s%s", status, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if len(line) > 81 && !strings.Contains(line, home) {
				t.Errorf("a line of %d: %s", len(line), line)
			}
		}
		return stdout + stderr
	}
	serves()
	if findSecret(t, home, secret) == nil || findSecret(t, home, "PRIVATE KEY") == nil {
		t.Error("what is plain is not found: this test finds nothing")
	}
	refuses("it is not sealed", "--encrypt", keys)
	contains(t, seal(exitOK, "--dry-run"), "jobs/bus       plain; would be sealed by k1")
	refuses("it is not sealed", "--encrypt", keys)

	p := startWith(t, inHome, serving...)
	p.url()
	contains(t, seal(exitFault), "stop it first")
	p.stop()

	said := seal(exitOK)
	contains(t, said, "authority      was plain; is sealed by k1")
	contains(t, said, "jobs/bus       was plain; is sealed by k1")
	contains(t, seal(exitOK), "jobs/bus       sealed by k1, as it is to be")
	for _, word := range []string{secret, "PRIVATE KEY"} {
		if found := findSecret(t, home, word); found != nil {
			t.Errorf("%s is in %v", word, found)
		}
	}
	refuses("it is sealed, and no key was given")
	serves("--encrypt", keys)

	old, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	sealKeys(t, keys, "k2")
	only, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	refuses("the key that it was sealed by is not in the file of keys: key k1", "--encrypt", keys)
	contains(t, seal(exitFault), "key k1")
	if err := os.WriteFile(keys, append(only, old...), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, seal(exitOK), "authority      was sealed by k1; is sealed by k2")
	if err := os.WriteFile(keys, only, 0o600); err != nil {
		t.Fatal(err)
	}
	serves("--encrypt", keys)
	contains(t, seal(exitOK, "--plain"), "jobs/bus       was sealed by k2; is plain")
	serves()

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--data", data}, "there is no key; name the file of keys with --encrypt FILE"},
		{[]string{"--encrypt", keys}, "there is nothing to rewrite; name a folder"},
		{[]string{"--encrypt", keys, "--data", data, "x"}, `"x": freshet seal takes no operand`},
	} {
		contains(t, fails(t, exitUsage, append([]string{"seal"}, c.args...)...), c.want)
	}
	contains(t, fails(t, exitFault, "seal", "--encrypt", keys, "--data", filepath.Join(home, "none")), "none")
	if status, _, stderr := command(t, home, "seal", "--encrypt", keys, "--authority", site); status != exitFault || !strings.Contains(stderr, "there is no authority") {
		t.Errorf("%d: %s", status, stderr)
	}
}
