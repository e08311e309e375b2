// Package app is the program freshet without its main function: it picks the
// command, wires flags, logs, files, engine and listeners together, and obeys
// signals.
//
// A configuration file can change while it is served. Every request is answered
// by the configuration that held when it came; one with a fault never holds,
// not even in part; and what a change is not about goes on as it is.
//
// It decides nothing about HTTP, and it is the only place, with config, that
// knows all packages. Everything that it takes from the process it takes from
// an [Env], so that tests run the whole program in theirs.
//
// What a person is told: standard output has the access log, or the text that
// a command was asked for, and nothing else; standard error has the rest. A
// fault is one line, "freshet: ", what is wrong and what to do, in lower case.
// The exit status is 0 after success and a graceful stop, 1 after a fault or a
// stop that cut somebody off, 2 when the command line is wrong.
package app

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"time"

	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/field"
	"freshet/internal/follow"
)

// The exit statuses.
const (
	exitOK    = 0
	exitFault = 1
	exitUsage = 2
)

// Env is what the program gets from its process.
type Env struct {
	Args    []string // without the program's name
	Environ []string
	Stdout  io.Writer
	Stderr  io.Writer
	Signals <-chan os.Signal

	// Stdin, when not nil, is where a person ends a command that goes on and on.
	Stdin io.Reader

	// Screen returns the size of the terminal that Stdout is; it is not ok when
	// that is none. nil asks the system.
	Screen func() (columns, rows int, ok bool)

	// Columns returns the width of the terminal that Stderr is; it is not ok when
	// that is none. nil asks the system.
	Columns func() (columns int, ok bool)

	// Terminal says that the program was started in a terminal: then SIGHUP
	// means that the terminal is gone, unless there is a log file to reopen.
	Terminal bool

	// Looks says when to look whether the configuration file has changed. nil
	// means every two seconds.
	Looks <-chan time.Time

	// AlertLooks says when to look at figures for alerts, and what time it is then.
	// nil means every five seconds, by the system's clock. AlertLooked, when not
	// nil, is called after each look.
	AlertLooks  <-chan time.Time
	AlertLooked func()

	// CertificatesEvery is how often certificates by ACME are looked at. 0 means
	// every ten minutes, and more often in a short life.
	CertificatesEvery time.Duration

	// TrustRoot is below what "freshet tls trust --apply" looks for the stores of the
	// system. "" means "/".
	TrustRoot string

	// Now is the clock of caches and origins' pauses, in nanoseconds since
	// 1970. nil is the system's.
	Now func() int64

	// Sink gets each record, too. It may be nil.
	Sink httpd.Sink

	// LAN returns the address by which other machines reach this one. nil asks
	// the system.
	LAN func() (netip.Addr, bool)
}

// Main runs the program in the process and returns its exit status.
func Main() int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, handledSignals...)
	return Run(&Env{
		Args:     os.Args[1:],
		Environ:  os.Environ(),
		Stdin:    os.Stdin,
		Stdout:   os.Stdout,
		Stderr:   os.Stderr,
		Signals:  signals,
		Terminal: isTerminal(os.Stdin) && isTerminal(os.Stderr),
	})
}

// Run runs the command that the arguments name, until it is done, and returns
// the exit status.
func Run(e *Env) int {
	if len(e.Args) == 0 {
		io.WriteString(e.Stderr, config.Overview())
		return exitUsage
	}
	name, args := e.Args[0], e.Args[1:]
	switch name {
	case "serve":
		return e.serve(args)
	case "proxy":
		return e.proxy(args)
	case "filter":
		return e.filter(args)
	case "run":
		return e.run(args)
	case "config":
		return e.config(args)
	case "purge":
		return e.purge(args)
	case "top":
		return e.top(args)
	case "why":
		return e.why(args)
	case "check":
		return e.check(args)
	case "tls":
		return e.tls(args)
	case "smime":
		return e.smime(args)
	case "get":
		return e.get(args)
	case "sign":
		return e.sign(args)
	case "seal":
		return e.seal(args)
	case "user":
		return e.user(args)
	case "job":
		return e.job(args)
	case "worker":
		return e.worker(args)
	case "servers":
		return e.servers(args)
	case "alert":
		return e.alert(args)
	case "help", "-h", "-help", "--help":
		return e.help(args)
	case "version", "-version", "--version":
		if len(args) > 0 {
			return e.usage(fmt.Sprintf("freshet version takes no %q; leave it out", args[0]))
		}
		fmt.Fprintln(e.Stdout, version())
		return exitOK
	}
	return e.usage(config.UnknownCommand(name))
}

// help explains the program, or one command.
func (e *Env) help(args []string) int {
	switch len(args) {
	case 0:
		io.WriteString(e.Stdout, config.Overview())
		return exitOK
	case 1:
		c := config.CommandNamed(args[0])
		if c == nil {
			return e.usage(config.UnknownCommand(args[0]))
		}
		io.WriteString(e.Stdout, c.Help())
		return exitOK
	}
	return e.usage("freshet help takes one command; there are more")
}

func (e *Env) serve(args []string) int {
	c, err := config.ParseServe(args, e.Environ)
	if err != nil {
		return e.misused("serve", err)
	}
	return e.result(serve(e, &c.Server, accessed(openFolder(c), &c.Guards, c.Trust)))
}

func (e *Env) proxy(args []string) int {
	c, err := config.ParseProxy(args, e.Environ)
	if err != nil {
		return e.misused("proxy", err)
	}
	return e.result(serve(e, &c.Server, accessed(openOrigins(c), &c.Guards, c.Trust)))
}

func (e *Env) run(args []string) int {
	r, err := config.ParseRun(args, e.Environ)
	if err != nil {
		return e.misused("run", err)
	}
	f, seen, data, err := openFile(r)
	if err != nil {
		return e.faulty(err)
	}
	return e.result(serve(e, &f.Server, openLive(r, f, seen, data)))
}

// openFile reads the configuration file.
func openFile(r *config.Run) (*config.File, follow.Stamp, []byte, error) {
	seen := follow.StampOf(r.File)
	data, err := readConfig(r.File)
	if err != nil {
		return nil, seen, nil, err
	}
	f, err := r.Parse(data)
	return f, seen, data, err
}

// faulty tells what is wrong with a file.
func (e *Env) faulty(err error) int {
	var faults config.Faults
	if errors.As(err, &faults) {
		e.tellFaults(faults)
		return exitFault
	}
	return e.fault(err)
}

// misused tells what is wrong with the command line of a command, or explains
// the command when that was asked for.
func (e *Env) misused(command string, err error) int {
	if err == config.ErrHelp {
		return e.help([]string{command})
	}
	var faults config.Faults
	if errors.As(err, &faults) {
		e.tellFaults(faults)
		return exitUsage
	}
	return e.fault(err)
}

func (e *Env) result(err error) int {
	if err != nil {
		return e.fault(err)
	}
	return exitOK
}

// tellFaults tells each fault and, of one in a file, shows the line.
func (e *Env) tellFaults(faults config.Faults) {
	for _, f := range faults {
		e.tell("freshet: %s", f.Text)
		for _, line := range f.Excerpt {
			e.tell("%s", line)
		}
	}
}

func (e *Env) usage(faults ...string) int {
	for _, f := range faults {
		e.tell("freshet: %s", f)
	}
	return exitUsage
}

func (e *Env) fault(err error) int {
	e.tell("freshet: %v", err)
	return exitFault
}

// tell writes one line to standard error, in one write, whatever is in it: what
// servers and files say may be quoted there.
func (e *Env) tell(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	line = strings.Map(func(r rune) rune {
		if r != '\t' && field.Obeyed(r) {
			return ' '
		}
		return r
	}, line)
	io.WriteString(e.Stderr, line+"\n")
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
