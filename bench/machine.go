package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"freshet/bench/internal/machine"
)

// printHeader says when, what, where and how: everything that somebody needs
// to judge the figures below it or to make them again.
func (b *bench) printHeader(ctx context.Context, w io.Writer) {
	field := func(name, value string) { fmt.Fprintf(w, "%-10s %s\n", name+":", value) }
	field("date", time.Now().UTC().Format("2006-01-02 15:04 MST"))
	field("commit", machine.Commit(ctx, b.repo))
	field("command", "go run -C bench . "+machine.Quoted(os.Args[1:]))
	field("machine", machine.Describe())
	field("pinned", fmt.Sprintf("servers to core %d, load to core %d", b.serverCPU, b.loadCPU))
	field("open files", fmt.Sprint(b.maxFiles))
	field("go", runtime.Version())
	seen := map[string]bool{}
	for _, s := range b.servers {
		if len(s.version) > 0 && !seen[s.version[0]] {
			seen[s.version[0]] = true
			field(s.version[0], machine.Version(ctx, s.version...))
		}
	}
	field("wrk", machine.Version(ctx, "wrk", "-v"))
	field("h2load", machine.Version(ctx, "h2load", "--version"))
	field("rounds", fmt.Sprintf("%d of %v for each server, interleaved", b.rounds, b.duration))
}
