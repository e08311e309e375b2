//go:build linux

package faults

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const repository = "../.."

// TestReadme types what the README says about a fleet, to the letter, in a
// network of its own: from nothing to tasks that ran on a second node.
func TestReadme(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a network in which the README's ports are free")
	}
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Jobs, and a fleet\n")
	block := regexp.MustCompile("(?s)```\n(.*?)```").FindStringSubmatch(section)
	if block == nil {
		t.Fatal("the README has no such section")
	}
	lines := strings.Split(strings.TrimSpace(block[1]), "\n")
	if len(lines) != 3 {
		t.Fatalf("%q are not a server, a worker and a job", lines)
	}
	home := t.TempDir()
	for path := home; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil { // for whom programs run as
			t.Fatal(err)
		}
	}
	env := append(os.Environ(), "HOME="+home, "XDG_DATA_HOME=", "XDG_STATE_HOME=", "XDG_RUNTIME_DIR=")
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	// The three terminals are one script: it holds the network.
	script := `set -eu
ip link set lo up
( exec ` + uncommented(lines[0]) + ` ) > "$HOME/server" 2>&1 & server=$!
trap 'trap "" TERM; kill -TERM 0; wait' EXIT
until TOKEN=$(sed -n 's/.*--join \(freshet-[^ ]*\).*/\1/p' "$HOME/server") && [ -n "$TOKEN" ]; do kill -0 $server; sleep 0.1; done
( exec ` + strings.Replace(uncommented(lines[1]), "TOKEN", `"$TOKEN"`, 1) + ` ) > "$HOME/worker" 2>&1 & worker=$!
until grep -q '^worker ' "$HOME/worker"; do kill -0 $worker; sleep 0.1; done
# On a busy machine the server may have done all before the worker has asked.
for try in 1 2 3 4 5 6 7 8 9; do
	ID=$(` + uncommented(lines[2]) + `)
	go run ./cmd/freshet job show "$ID" > "$HOME/job"
	if grep -q worker-1 "$HOME/job"; then break; fi
done
cat "$HOME/job"
`
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "unshare", "--net", "sh", "-c", script)
	command.Dir, command.Env = repository, env
	// All are one group, of which nothing is left when the script ends, or is
	// ended: go run does not pass signals on.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = time.Minute
	began := time.Now()
	out, err := command.CombinedOutput()
	for _, name := range []string{"server", "worker"} {
		said, _ := os.ReadFile(filepath.Join(home, name))
		out = append(append(out, '\n'), said...)
	}
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%.1f s with what go run does:\n%s", time.Since(began).Seconds(), out)
	if job, _, _ := strings.Cut(string(out), "serving "); !strings.Contains(job, "succeeded") || !strings.Contains(job, "worker-1") {
		t.Errorf("not all tasks have succeeded, some of them on the second node:\n%s", out)
	}
}

// uncommented is a line of a shell without the remark at its end.
func uncommented(line string) string {
	command, _, _ := strings.Cut(line, " # ")
	return strings.TrimSpace(command)
}
