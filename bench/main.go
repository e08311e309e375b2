// Command bench measures freshet beside its peers, on one machine, in one run.
//
//	go run -C bench . [-scenario REGEXP] [-rounds N] [-out FILE]
//
// It installs the peers from Debian's packages where it may, builds ours,
// configures each server for one worker on one processor core, loads them in
// turn from the other core, and prints for each scenario the processor time
// per request, requests per second, latency and memory of each, and the ratio
// peer ÷ ours. README.md says what is measured and how it is fair.
//
// It is no test: it fails when a server answers wrongly, not when ours is slow.
// It is for Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"freshet/bench/internal/process"
)

// bench is one run of the benchmark.
type bench struct {
	servers            []*server
	scenarios          *regexp.Regexp
	rounds             int
	duration           time.Duration
	idleConns          int
	quick              bool
	serverCPU, loadCPU int
	binary             string // our program, "" to build it

	repo     string // the product's source
	dir      string // all temporary files
	root     string // the folder that is served
	programs string // what we built
	cert     string
	key      string
	maxFiles int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, w io.Writer) error {
	b := &bench{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	scenario := flags.String("scenario", ".", "run the scenarios whose names match this regular `expression`")
	flags.IntVar(&b.rounds, "rounds", 5, "how often each server is measured")
	flags.DurationVar(&b.duration, "duration", 3*time.Second, "how long, each time")
	ours := flags.String("ours", strings.Join(serverNames(true), ","), "columns of ours")
	peers := flags.String("peers", "nginx,nginx-copy,h2o,lighttpd,fileserver,net/http", "columns of others; there is nginx-1s too")
	flags.IntVar(&b.idleConns, "idle", 10000, "how many idle connections")
	flags.BoolVar(&b.quick, "quick", false, "run each scenario once, for a second, to see that it works; skip peers that are not installed")
	flags.IntVar(&b.serverCPU, "server-cpu", 0, "core for the servers")
	flags.IntVar(&b.loadCPU, "load-cpu", 1, "core for the load generators")
	flags.StringVar(&b.binary, "freshet", "", "measure this `program` instead of building ours")
	out := flags.String("out", "", "write the results to this `file` too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.quick {
		b.rounds, b.duration, b.idleConns = 1, time.Second, min(b.idleConns, 200)
	}
	var err error
	if b.scenarios, err = regexp.Compile(*scenario); err != nil {
		return err
	}
	if b.servers, err = choose(*ours + "," + *peers); err != nil {
		return err
	}
	if b.rounds < 1 || b.duration <= 0 || b.idleConns < 1 {
		return errors.New("-rounds, -duration and -idle must be more than nothing")
	}
	if *out != "" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	return b.run(ctx, w)
}

func (b *bench) run(ctx context.Context, w io.Writer) error {
	clean, err := b.prepare(ctx, w)
	defer clean()
	if err != nil {
		return err
	}
	b.printHeader(ctx, w)
	var verdicts []verdict
	var faults []error
	for i := range scenarios {
		sc := &scenarios[i]
		if !b.scenarios.MatchString(sc.name) || len(b.contestants(sc)) == 0 {
			continue
		}
		measure := b.measure
		if sc.idle {
			measure = b.measureIdle
		}
		columns := measure(ctx, sc)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if sc.idle {
			printIdleTable(w, sc, b.idleConns, columns)
		} else {
			printTable(w, sc, columns)
		}
		for _, c := range columns {
			if c.fault != nil {
				faults = append(faults, fmt.Errorf("%s: %s: %w", sc.name, c.server.name, c.fault))
			}
		}
		verdicts = append(verdicts, judge(sc, columns)...)
	}
	if !b.quick { // one second judges nobody
		printVerdicts(w, verdicts)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d columns went wrong, the first: %w", len(faults), faults[0])
	}
	return nil
}

// prepare makes everything that servers and load generators need. The returned
// function removes it again, and is never nil.
func (b *bench) prepare(ctx context.Context, w io.Writer) (clean func(), err error) {
	clean = func() {}
	if err := b.findTools(ctx, w); err != nil {
		return clean, err
	}
	limit, err := process.RaiseFiles(65536)
	if err != nil {
		return clean, fmt.Errorf("raise the limit on open files: %w", err)
	}
	b.maxFiles = int(limit)
	if room := b.maxFiles - 500; b.idleConns > room {
		fmt.Fprintf(w, "only %d idle connections: the system allows no more than %d open files\n", room, b.maxFiles)
		b.idleConns = room
	}
	module, err := goEnv(ctx, "GOMOD")
	if err != nil {
		return clean, err
	}
	b.repo = filepath.Dir(filepath.Dir(module))
	if b.dir, err = os.MkdirTemp("", "freshet-bench-"); err != nil {
		return clean, err
	}
	clean = func() { os.RemoveAll(b.dir) }
	b.root, b.programs = filepath.Join(b.dir, "site"), filepath.Join(b.dir, "programs")
	b.cert, b.key = filepath.Join(b.dir, "cert.pem"), filepath.Join(b.dir, "key.pem")
	goroot, err := goEnv(ctx, "GOROOT")
	if err != nil {
		return clean, err
	}
	return clean, errors.Join(
		b.build(ctx),
		writeSite(b.root, goroot),
		writeCertificate(b.cert, b.key),
		writeScripts(b.dir),
	)
}

// findTools sees that peers and load generators are there: it installs them
// where it may, and says which peers are left out in a quick run.
func (b *bench) findTools(ctx context.Context, w io.Writer) error {
	need := generators
	var there []*server
	for _, s := range b.servers {
		if lack := missing(s.tools); b.quick && len(lack) > 0 {
			fmt.Fprintf(w, "skipped: %s, because %s is not installed\n", s.name, strings.Join(lack, " "))
			continue
		}
		there = append(there, s)
		need = append(need[:len(need):len(need)], s.tools...)
	}
	b.servers = there
	lack := missing(need)
	switch {
	case len(lack) == 0:
		return nil
	case b.quick || !canInstall():
		return fmt.Errorf("install these packages first: %s", strings.Join(lack, " "))
	}
	return install(ctx, w, lack)
}

// build builds the programs of the columns that take part.
func (b *bench) build(ctx context.Context) error {
	targets := map[string][]string{}
	for _, s := range b.servers {
		switch s.name {
		case "freshet", "freshet-1s":
			targets["freshet"] = []string{"-C", b.repo, "./cmd/freshet"}
		case "fileserver":
			targets["fileserver"] = []string{"-C", filepath.Join(b.repo, "bench"), "./peers/fileserver"}
		case "httpd", "net/http":
			targets["hello"] = []string{"-C", filepath.Join(b.repo, "bench"), "./peers/hello"}
		}
	}
	for name, t := range targets {
		path := filepath.Join(b.programs, name)
		if name == "freshet" && b.binary != "" {
			target, err := filepath.Abs(b.binary)
			if err == nil {
				err = errors.Join(os.MkdirAll(b.programs, 0o755), os.Symlink(target, path))
			}
			if err != nil {
				return err
			}
			continue
		}
		cmd := exec.CommandContext(ctx, "go", "build", t[0], t[1], "-o", path, t[2])
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", name, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("go env %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
