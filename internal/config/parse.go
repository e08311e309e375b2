package config

import (
	"errors"
	"fmt"
	"strings"
)

// ErrHelp is returned when the command line asks for help.
var ErrHelp = errors.New("help was asked for")

// Faults are all that is wrong with a command line, one sentence each.
type Faults []string

// Error returns the faults, one a line.
func (f Faults) Error() string { return strings.Join(f, "\n") }

// ParseServe parses what follows "freshet serve" and the environment, in the
// form of os.Environ. Its error is ErrHelp or Faults.
func ParseServe(args, environ []string) (*Serve, error) {
	s := &Serve{Dir: "."}
	p := newParser("serve")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	switch len(p.operands) {
	case 0:
	case 1:
		s.Dir = p.operands[0]
		if s.Dir == "" {
			p.fault("the folder's name is empty; name a folder, or none for the current one")
		}
	default:
		p.fault("%q: one folder is served at a time; quote a name that has spaces", p.operands[1])
	}
	p.store(&sections{server: &s.Server, files: &s.Files, serve: s})
	p.checkServer(&s.Server)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return s, nil
}

// ParseProxy parses what follows "freshet proxy" and the environment. Its
// error is ErrHelp or Faults.
func ParseProxy(args, environ []string) (*Proxy, error) {
	c := &Proxy{}
	p := newParser("proxy")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	if len(p.operands) > 0 {
		p.fault("%q: the proxy takes no operand; name an origin with --to URL", p.operands[0])
	}
	p.store(&sections{server: &c.Server, origins: &c.Origins, store: &c.Store})
	p.checkServer(&c.Server)
	if !p.has("to") && len(p.faults) == 0 {
		p.fault("there is no origin; name one with --to URL, such as --to http://127.0.0.1:8080")
	}
	if len(c.KeyDrop) > 0 && len(c.KeyKeep) > 0 {
		p.fault("--key-drop and --key-keep exclude each other; give the shorter list")
	}
	if p.has("disk") && c.Data == "" {
		p.fault("--disk is the size of the folder that --data names; give --data DIR too")
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// given is what was said about one flag.
type given struct {
	values []string
	env    bool // by the environment
}

type parser struct {
	flags    []Flag
	help     string // the command that shows the flags
	given    []given
	operands []string
	faults   Faults
}

func newParser(command string) *parser {
	flags := CommandNamed(command).Flags
	return &parser{flags: flags, help: "freshet help " + command, given: make([]given, len(flags))}
}

// read reads the environment and the command line.
func (p *parser) read(args, environ []string) error {
	p.environ(environ)
	return p.args(args)
}

// has reports whether a flag was given.
func (p *parser) has(name string) bool { return len(p.given[p.index(name)].values) > 0 }

func (p *parser) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// environ reads the variables of the table. An empty one counts as not set,
// and a repeatable flag's variable holds its values with commas between.
func (p *parser) environ(environ []string) {
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		if value == "" || !strings.HasPrefix(name, envPrefix) {
			continue
		}
		for i := range p.flags {
			f := &p.flags[i]
			if f.Env() != name {
				continue
			}
			values := []string{value}
			if f.Repeat {
				values = strings.Split(value, ",")
			}
			p.given[i] = given{values, true}
		}
	}
}

func (p *parser) args(args []string) error {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			p.operands = append(p.operands, args...)
			return nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			p.operands = append(p.operands, arg)
			continue
		}
		name, value, has := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		if name == "help" || name == "h" {
			return ErrHelp
		}
		i := p.index(name)
		if i < 0 {
			p.unknown(arg, name)
			// What follows may be its value or an operand; it is
			// no operand that is worth a second fault.
			if !has && len(args) > 1 && !strings.HasPrefix(args[0], "-") {
				args = args[1:]
			}
			continue
		}
		f := &p.flags[i]
		switch {
		case has:
		case f.Kind == Switch:
			value = "on"
		case len(args) == 0 || p.isFlag(args[0]):
			p.fault("--%s needs a value: --%s %s", f.Name, f.Name, f.Value)
			continue
		default:
			value, args = args[0], args[1:]
		}
		p.add(i, value)
	}
	return nil
}

// isFlag reports whether an argument in the place of a value is another flag.
// A value that begins with two dashes is given with "=".
func (p *parser) isFlag(arg string) bool {
	if strings.HasPrefix(arg, "--") {
		return true
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
	return strings.HasPrefix(arg, "-") && p.index(name) >= 0
}

// add notes a value from the command line, which overrides the environment.
func (p *parser) add(i int, value string) {
	g := &p.given[i]
	if g.env {
		*g = given{}
	}
	if len(g.values) > 0 && !p.flags[i].Repeat {
		p.fault("--%s is given twice; give it once", p.flags[i].Name)
	}
	g.values = append(g.values, value)
}

func (p *parser) index(name string) int {
	for i := range p.flags {
		if p.flags[i].Name == name {
			return i
		}
	}
	return -1
}

func (p *parser) unknown(arg, name string) {
	names := make([]string, len(p.flags))
	for i := range p.flags {
		names[i] = p.flags[i].Name
	}
	shown, _, _ := strings.Cut(arg, "=")
	if near := Nearest(name, names); near != "" {
		p.fault("unknown flag %s; did you mean --%s?", shown, near)
		return
	}
	p.fault("unknown flag %s; run \"%s\" for the list", shown, p.help)
}

// store puts values, or else defaults, where they belong.
func (p *parser) store(s *sections) {
	for i := range p.flags {
		f, g := &p.flags[i], p.given[i]
		values := g.values
		if len(values) == 0 && f.Default != "" {
			values = []string{f.Default}
		}
		for _, v := range values {
			if err := f.put(s, v); err != nil {
				name := "--" + f.Name
				if g.env {
					name = f.Env()
				}
				p.fault("bad value %q for %s: %v", v, name, err)
			}
		}
	}
}

// checkServer looks at what single flags cannot tell.
func (p *parser) checkServer(s *Server) {
	if !p.has("listen") && len(s.TLSListen) > 0 {
		s.Listen = nil
	}
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		p.fault("--tls-cert and --tls-key belong together; give both")
	case s.TLSCert == "" && len(s.TLSListen) > 0:
		p.fault("--tls-listen needs a certificate: give --tls-cert FILE and --tls-key FILE")
	case s.TLSCert != "" && len(s.TLSListen) == 0:
		p.fault("--tls-cert is used by --tls-listen only; give --tls-listen ADDR too")
	}
	if s.ErrorLog == "off" {
		p.fault("--error-log cannot be off; give a file, or - for standard error")
	}
}

const envPrefix = "FRESHET_"

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
