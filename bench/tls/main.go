// Command tls measures what TLS 1.3 costs a server, beside nginx: processor time
// for a full handshake, for a resumed one, and for an answer of 100 KB on a
// connection that is kept.
//
//	go run -C bench ./tls -out ../docs/results/tls.txt
//
// Both servers have one worker on one core, the same ECDSA P-256 certificate,
// TLS_AES_128_GCM_SHA256 and X25519; the client has another core. Each handshake
// is looked at: whether it was resumed, and what was agreed upon. Rounds are
// interleaved and ratios taken within a round. It is for Linux, and needs nginx.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/machine"
	"freshet/bench/internal/process"
)

// The cores: of the servers, and of the client.
const (
	serverCPU = 0
	clientCPU = 1
)

// options are the flags.
type options struct {
	rounds, conns      int
	handshakes, bodies int // in a round, of each server
	scenarios          *regexp.Regexp
	binary, out        string
	quick              bool
}

func main() { command.Main("tls", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	var o options
	flags := flag.NewFlagSet("tls", flag.ContinueOnError)
	only := flags.String("scenario", ".", "measure what has a name that matches this regular `expression`")
	flags.IntVar(&o.rounds, "rounds", 15, "how many `rounds` are counted")
	flags.IntVar(&o.handshakes, "handshakes", 1500, "how `many` connections are made in a round")
	flags.IntVar(&o.bodies, "bodies", 4000, "how `many` answers of 100 KB are asked for in a round")
	flags.IntVar(&o.conns, "conns", 16, "how `many` connections there are at once")
	flags.StringVar(&o.binary, "freshet", "", "run this `program` instead of building ours")
	flags.StringVar(&o.out, "out", "", "write the result to this `file`, too")
	flags.BoolVar(&o.quick, "quick", false, "one short round, to see that it works; without nginx, ours alone")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.scenarios, err = regexp.Compile(*only); err != nil {
		return err
	}
	if o.quick {
		o.rounds, o.handshakes, o.bodies = 1, 100, 100
	}
	if o.rounds < 1 || o.conns < 1 || min(o.handshakes, o.bodies) < o.conns {
		return errors.New("at least one round and one connection, and as many handshakes and bodies as connections")
	}
	if o.out != "" {
		f, err := os.Create(o.out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	return o.run(ctx, args, w)
}

// bench is one run: the servers, and whom the client trusts.
type bench struct {
	*options
	site    *site
	columns []*column
}

func (o *options) run(ctx context.Context, args []string, w io.Writer) error {
	// Where Debian has servers, though not on everybody's path.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin"); err != nil {
		return err
	}
	repo, err := build.Repo(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "freshet-tls-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary, err = build.Freshet(ctx, o.binary, dir); err != nil {
		return err
	}
	b := &bench{options: o}
	if b.site, err = newSite(filepath.Join(dir, "site")); err != nil {
		return err
	}
	for _, s := range servers {
		if _, err := exec.LookPath(s.program); s.program != "" && err != nil {
			if !o.quick {
				return fmt.Errorf("install %s first", s.program)
			}
			fmt.Fprintf(w, "skipped: %s is not installed\n", s.name)
			continue
		}
		c, err := b.start(ctx, s, filepath.Join(dir, "of-"+s.name))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		defer c.process.Stop(5 * time.Second)
		b.columns = append(b.columns, c)
	}
	if out, err := exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", strconv.Itoa(clientCPU), strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
		return fmt.Errorf("pin the client: %w: %s", err, out)
	}
	o.header(ctx, w, repo, args)
	for i := range scenarios {
		if !o.scenarios.MatchString(scenarios[i].name) {
			continue
		}
		if err := b.measure(ctx, &scenarios[i]); err != nil {
			return fmt.Errorf("%s: %w", scenarios[i].name, err)
		}
		b.print(w, &scenarios[i])
	}
	fmt.Fprintf(w, "\nload average at the end: %s\n", load())
	return nil
}

// header says when, what, where and how.
func (o *options) header(ctx context.Context, w io.Writer, repo string, args []string) {
	field := func(name, value string) { fmt.Fprintf(w, "%-9s %s\n", name+":", value) }
	field("date", time.Now().UTC().Format("2006-01-02 15:04 MST"))
	field("commit", machine.Commit(ctx, repo))
	field("command", strings.TrimSpace("go run -C bench ./tls "+machine.Quoted(args)))
	field("machine", machine.Describe())
	field("load", load()+" (averages of 1, 5 and 15 minutes: what else runs here)")
	field("pinned", fmt.Sprintf("each server with one worker to core %d, the client to core %d", serverCPU, clientCPU))
	field("go", runtime.Version())
	field("freshet", machine.Version(ctx, o.binary, "version"))
	field("nginx", machine.Version(ctx, "nginx", "-v"))
	field("openssl", openssl(ctx))
	field("tls", "1.3, TLS_AES_128_GCM_SHA256, X25519 (the client offers no other), ECDSA P-256, one certificate in the chain, session tickets")
	field("rounds", fmt.Sprintf("%d, of %d connections or %d answers for each server, %d at once, interleaved; one before them is not counted", o.rounds, o.handshakes, o.bodies, o.conns))
}

// openssl names the library that nginx runs with, which need not be the one that
// it was built with.
func openssl(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "nginx", "-V").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "built with ") {
			return line
		}
	}
	return "unknown"
}

// load returns the averages of the machine's load.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(text)); err == nil && len(f) >= 3 {
		return strings.Join(f[:3], " ")
	}
	return "unknown"
}

// cpu returns the processor time of all processes of a server, to the
// nanosecond, with threads that ended.
func (c *column) cpu() (sum time.Duration, err error) {
	for _, pid := range process.Tree(c.process.PID()) {
		t, err := process.Clock(pid)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}
