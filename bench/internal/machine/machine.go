// Package machine says where figures come from: what everybody needs to judge
// them or to make them again stands above them. It is for Linux.
package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Commit names the commit that was built, and says when files differ from it; those
// of results do, one of which is being written.
func Commit(ctx context.Context, repo string) string {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", repo}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	id, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "unknown"
	}
	if changes, err := git("status", "--porcelain", "--untracked-files=no", "--", ":(top)", ":(top,exclude)docs/results"); err != nil || changes != "" {
		id += " with local changes"
	}
	return id
}

// Describe names the processor, the number of cores and the kernel.
func Describe() string {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d cores, Linux %s", cpuModel(), runtime.NumCPU(), strings.TrimSpace(string(kernel)))
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if model := cpuinfoModel(string(b)); model != "" {
		return model
	}
	return runtime.GOARCH
}

// cpuinfoModel returns the first "model name" of /proc/cpuinfo.
func cpuinfoModel(text string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Version runs a command that prints a version and returns its first line.
func Version(ctx context.Context, command ...string) string {
	// wrk prints its version and fails; nginx prints it to standard error.
	out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if line == "" {
		return fmt.Sprintf("unknown (%v)", err)
	}
	return strings.TrimSpace(line)
}

// Quoted is a command line of these arguments, quoted where a shell would read
// them differently.
func Quoted(args []string) string {
	q := make([]string, len(args))
	for i, a := range args {
		if q[i] = a; strings.ContainsAny(a, " \t\n'\"\\|&;<>()$`*?[]{}#~^!") || a == "" {
			q[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(q, " ")
}
