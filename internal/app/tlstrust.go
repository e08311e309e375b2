package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"freshet/internal/authority"
)

// trusting has this machine trust an authority.
type trusting struct {
	env  *Env
	ctx  context.Context
	of   *authority.Authority
	root string // of the system
	done int    // stores that trust it
}

// applyTrust does what "freshet tls trust" prints, where this machine needs it.
func (e *Env) applyTrust(a *authority.Authority) error {
	if runtime.GOOS != "linux" {
		return errors.New("--apply knows the stores of Linux only; do what \"freshet tls trust\" prints for this system")
	}
	ctx, stop := e.untilSignal()
	defer stop()
	t := &trusting{env: e, ctx: ctx, of: a, root: e.TrustRoot}
	if t.root == "" {
		t.root = "/"
	}
	cert := a.Certificate()
	fmt.Fprintf(e.Stdout, "Authority    %s\nSHA-256      %s\n", cert.Subject.CommonName, authority.Fingerprint(cert))
	for _, s := range t.stores() {
		if err := t.apply(&s); err != nil {
			return err
		}
	}
	if t.done == 0 {
		return errors.New("there is nothing on this machine that --apply knows: no update-ca-certificates, update-ca-trust or trust, and no database of a browser below HOME; see \"freshet tls trust\"")
	}
	fmt.Fprintf(e.Stdout, "\nPrograms that run already learn of it when they are started anew.\n")
	return nil
}

// stores are those of this machine: the system's, if it is a kind that is known,
// and those of the user's browsers.
func (t *trusting) stores() []authority.Store {
	var all []authority.Store
	for _, s := range t.of.SystemStores(t.root) {
		if _, err := t.find(s.Program()); err == nil {
			all = append(all, s)
			break
		}
	}
	if home := t.env.variable("HOME"); filepath.IsAbs(home) {
		all = append(all, t.of.DatabaseStores(home)...)
	}
	return all
}

// find returns where a program is: in a folder of PATH, or one of root's, which
// other users' PATH does not have on Debian.
func (t *trusting) find(program string) (string, error) {
	folders := append(filepath.SplitList(t.env.variable("PATH")), filepath.Join(t.root, "usr/sbin"), filepath.Join(t.root, "sbin"))
	for _, dir := range folders {
		if !filepath.IsAbs(dir) {
			continue
		}
		if file, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s is in no folder of PATH", program)
}

// apply has one store trust the authority, unless it does so already.
func (t *trusting) apply(s *authority.Store) error {
	fmt.Fprintf(t.env.Stdout, "\n%s:\n", s.Where)
	if t.trusts(s) {
		fmt.Fprintf(t.env.Stdout, "    trusts it already\n")
		t.done++
		return nil
	}
	for _, command := range s.Do {
		if command[0] == "cp" && t.of.Kept(s) {
			continue
		}
		if s.Super && os.Geteuid() != 0 {
			command = append([]string{"sudo"}, command...)
		}
		fmt.Fprintf(t.env.Stdout, "    %s\n", authority.Command(command))
		if err := t.run(command); err != nil {
			return fmt.Errorf("%s: %s: %w", s.Where, authority.Command(command), t.advice(command[0], err))
		}
	}
	if !t.trusts(s) {
		return fmt.Errorf("%s: it was told, and does not trust the authority; see \"freshet tls trust\" for what to do by hand", s.Where)
	}
	t.done++
	return nil
}

// advice says what to do when a command did not end well.
func (t *trusting) advice(program string, err error) error {
	var ended *exec.ExitError
	switch {
	case t.ctx.Err() != nil:
		return errors.New("ended by a signal")
	case errors.As(err, &ended):
		return fmt.Errorf("%w; nothing after it was done. Put in order what it says, and run this again", err)
	case program == "certutil":
		return fmt.Errorf("%w; install libnss3-tools (Debian) or nss-tools (Fedora), and run this again", err)
	case program == "sudo":
		return fmt.Errorf("%w; have root run it, with --dir %s", err, filepath.Dir(t.of.File()))
	}
	return err
}

// trusts reports whether a store trusts the authority.
func (t *trusting) trusts(s *authority.Store) bool {
	if s.Database == "" {
		return t.of.Bundled(s)
	}
	list := func(more ...string) []byte {
		text, err := t.output(append([]string{"certutil", "-d", "sql:" + s.Database, "-L"}, more...))
		if err != nil {
			return nil
		}
		return text
	}
	return t.of.Listed(list(), list("-n", t.of.Certificate().Subject.CommonName, "-a"))
}

func (t *trusting) command(args []string) (*exec.Cmd, error) {
	program, err := t.find(args[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(t.ctx, program, args[1:]...)
	cmd.Args[0], cmd.Env = args[0], t.env.Environ
	if terminal, ok := t.env.Stdin.(*os.File); ok {
		cmd.Stdin = terminal // for the password of a database
	}
	return cmd, nil
}

// run runs a command whose words are for the user.
func (t *trusting) run(args []string) error {
	cmd, err := t.command(args)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = t.env.Stdout, t.env.Stderr
	return cmd.Run()
}

func (t *trusting) output(args []string) ([]byte, error) {
	cmd, err := t.command(args)
	if err != nil {
		return nil, err
	}
	return cmd.Output()
}
