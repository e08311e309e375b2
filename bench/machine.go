package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// printHeader says when, what, where and how: everything that somebody needs
// to judge the figures below it or to make them again.
func (b *bench) printHeader(ctx context.Context, w io.Writer) {
	field := func(name, value string) { fmt.Fprintf(w, "%-10s %s\n", name+":", value) }
	field("date", time.Now().UTC().Format("2006-01-02 15:04 MST"))
	field("commit", commit(ctx, b.repo))
	field("command", "go run -C bench . "+strings.Join(quoted(os.Args[1:]), " "))
	field("machine", fmt.Sprintf("%s, %d cores, %s", cpuModel(), runtime.NumCPU(), kernel()))
	field("pinned", fmt.Sprintf("servers to core %d, load to core %d", b.serverCPU, b.loadCPU))
	field("open files", fmt.Sprint(b.maxFiles))
	field("go", runtime.Version())
	seen := map[string]bool{}
	for _, s := range b.servers {
		if len(s.version) > 0 && !seen[s.version[0]] {
			seen[s.version[0]] = true
			field(s.version[0], firstLine(ctx, s.version...))
		}
	}
	field("wrk", firstLine(ctx, "wrk", "-v"))
	field("h2load", firstLine(ctx, "h2load", "--version"))
	field("rounds", fmt.Sprintf("%d of %v for each server, interleaved", b.rounds, b.duration))
}

// commit names the commit that was built, and says when files differ from it.
func commit(ctx context.Context, repo string) string {
	git := func(args ...string) (string, error) {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", repo}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	id, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "unknown"
	}
	if changes, err := git("status", "--porcelain", "--untracked-files=no"); err != nil || changes != "" {
		id += " with local changes"
	}
	return id
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

func kernel() string {
	b, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + strings.TrimSpace(string(b))
}

// quoted quotes the arguments that a shell would read differently.
func quoted(args []string) []string {
	q := make([]string, len(args))
	for i, a := range args {
		if q[i] = a; strings.ContainsAny(a, " \t\n'\"\\|&;<>()$`*?[]{}#~^!") || a == "" {
			q[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return q
}
