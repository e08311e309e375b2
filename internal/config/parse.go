package config

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

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
	p.store(&sections{server: &s.Server, files: &s.Files, serve: s, programs: &s.Programs, guards: &s.Guards})
	s.Given = p.list()
	p.checkServer(&s.Server)
	p.checkCertificate(&s.Server)
	p.checkEncrypt(&s.Server, s.Data, false)
	p.checkClients(&s.Guards, &s.Server)
	p.checkForward(&s.Guards.Access.Forward)
	p.checkTokens(&s.Guards.Access)
	p.checkServed(s)
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
	p.store(&sections{server: &c.Server, origins: &c.Origins, caching: &c.Caching, store: &c.Store, guards: &c.Guards})
	c.Given = p.list()
	p.checkServer(&c.Server)
	p.checkCertificate(&c.Server)
	if !p.has("to") && len(p.faults) == 0 {
		p.fault("there is no origin; name one with --to URL, such as --to http://127.0.0.1:8080")
	}
	p.checkClients(&c.Guards, &c.Server)
	p.checkForward(&c.Guards.Access.Forward)
	p.checkTokens(&c.Guards.Access)
	p.checkOrigins(&c.Origins)
	p.checkCaching(&c.Caching)
	p.checkStore(&c.Store)
	p.checkEncrypt(&c.Server, c.Data, false)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

type parser struct {
	settings
	help      string // the command that shows the flags
	operands  []string
	helpAsked bool

	include func(name string) ([]byte, error) // reads files of further arguments
	nested  int                               // of those that are being read, how many
}

func newParser(command string) *parser {
	return &parser{settings: *newSettings(CommandNamed(command).Flags, nil), help: "freshet help " + command}
}

// read reads the environment and the command line.
func (p *parser) read(args, environ []string) error {
	p.environ(environ)
	return p.args(args)
}

func (s *settings) fault(format string, args ...any) {
	s.faults = append(s.faults, Fault{Text: fmt.Sprintf(format, args...)})
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
			p.given[i] = given{env: true}
			if !f.Repeat {
				p.given[i].values = values(value)
				continue
			}
			p.given[i].values = values(strings.Split(value, ",")...)
		}
	}
}

func values(texts ...string) []value {
	all := make([]value, len(texts))
	for i, t := range texts {
		all[i].text = t
	}
	return all
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
			elsewhere := p.unknown(arg, name)
			// What follows may be its value or an operand; it is
			// no operand that is worth a second fault.
			if !has && (len(args) > 1 || elsewhere && len(args) > 0) && !strings.HasPrefix(args[0], "-") {
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
func (p *parser) add(i int, text string) {
	g := &p.given[i]
	if g.env {
		*g = given{}
	}
	if len(g.values) > 0 && !p.flags[i].Repeat {
		p.fault("--%s is given twice; give it once", p.flags[i].Name)
	}
	g.values = append(g.values, value{text: text})
}

// unknown notes a flag that there is not. It is true when it is known what
// other programs mean by it, which takes a value.
func (p *parser) unknown(arg, name string) bool {
	names := make([]string, len(p.flags))
	for i := range p.flags {
		names[i] = p.flags[i].Name
	}
	shown, _, _ := strings.Cut(arg, "=")
	if elsewhere := otherNames[name]; p.index(elsewhere) >= 0 {
		p.fault("unknown flag %s; here it is --%s", shown, elsewhere)
		return true
	}
	if near := Nearest(name, names); near != "" {
		p.fault("unknown flag %s; did you mean --%s?", shown, near)
		return false
	}
	p.fault("unknown flag %s; run \"%s\" for the list", shown, p.help)
	return false
}

// otherNames are what other programs call a flag, and no typing error away.
var otherNames = map[string]string{
	"addr": "listen", "address": "listen", "b": "listen", "bind": "listen", "l": "listen", "p": "listen", "port": "listen",
	"backend": "to", "origin": "to", "proxy": "to", "proxy-pass": "to", "target": "to", "upstream": "to",
	"cacert": "origin-ca", "cert": "tls-cert", "key": "tls-key", "storage": "data",
}

// checkServer looks at what single rows cannot tell.
func (s *settings) checkServer(c *Server) {
	if c.TLSLocal && !s.has("listen") && len(c.TLSListen) == 0 {
		c.TLSListen = []string{localListen}
	}
	if !s.has("listen") && len(c.TLSListen) > 0 {
		c.Listen = nil
	}
	s.checkAuto(c)
	s.checkAlerts(&c.Alerts)
	cert, key, listen := s.label("tls-cert"), s.label("tls-key"), s.label("tls-listen")
	switch {
	case c.TLSCert == "" && c.TLSKey != "":
		s.faultAbout("tls-key", "%s and %s belong together; give both", cert, key)
	case c.TLSCert != "" && c.TLSKey == "":
		s.faultAbout("tls-cert", "%s and %s belong together; give both", cert, key)
	case c.TLSCert != "" && len(c.TLSListen) == 0:
		s.faultAbout("tls-cert", "%s is used by %s only; give %s ADDR too", cert, listen, listen)
	case c.TLSLocal && len(c.TLSListen) == 0:
		s.faultAbout("tls-local", "%s is used by %s only; give %s ADDR too", s.label("tls-local"), listen, listen)
	}
	c.MonitorAsked = s.has("monitor")
	if c.Monitor != "" && c.Monitor != "off" && c.MonitorToken == (Secret{}) && !isLocal(c.Monitor) {
		token := s.label("monitor-token")
		s.faultAbout("monitor", "%s %s can be reached from other machines; give %s FILE, whose first line is a token, or listen on 127.0.0.1", s.label("monitor"), c.Monitor, token)
	}
	fleet, join, file := s.label("fleet"), s.label("join"), s.label("join-file")
	switch {
	case c.Jobs.Fleet != "" && c.Jobs.Join != (Secret{}):
		s.faultAbout("fleet", "%s and %s exclude each other: a server has a fleet, or joins one", fleet, join)
	case c.Jobs.Join.Text != "" && c.Jobs.Join.File != "":
		s.faultAbout("join", "%s and %s exclude each other; give one", join, file)
	}
	nats := s.label("nats")
	s.checkPeer(&c.Jobs)
	switch n := &c.Jobs.NATS; {
	case n.URL != "" && c.Jobs.Fleet == "":
		s.faultAbout("nats", "%s is for a server with a fleet; give %s ADDR, where the others find it while it leads", nats, fleet)
	case n.URL == "" && n.Creds != "":
		s.faultAbout("nats-creds", "%s is used with %s URL only", s.label("nats-creds"), nats)
	case n.URL == "" && n.CA != "":
		s.faultAbout("nats-ca", "%s is used with %s URL only", s.label("nats-ca"), nats)
	case n.Replicas == 2:
		s.faultAbout("nats-replicas", "%s is 1 or 3: of two servers neither can go on without the other", s.label("nats-replicas"))
	}
	if i := strings.IndexFunc(c.Jobs.Name, notOfName); i >= 0 || len(c.Jobs.Name) > 40 {
		s.faultAbout("node-name", "%s: %q is no name; letters, digits, - and _, 40 at most", s.label("node-name"), c.Jobs.Name)
	}
	if c.ErrorLog == "off" {
		s.faultAbout("error-log", "%s cannot be off; give a file, or - for standard error", s.label("error-log"))
	}
}

// notOfName reports whether a character cannot be in the name of a node.
func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// isLocal reports whether an address is for this machine's own programs.
func isLocal(addr string) bool {
	if strings.HasPrefix(addr, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// checkOrigins looks at what single rows of origins cannot tell.
func (s *settings) checkOrigins(c *Origins) {
	if (c.OriginCert == "") == (c.OriginKey == "") {
		return
	}
	given := "origin-cert"
	if c.OriginCert == "" {
		given = "origin-key"
	}
	s.faultAbout(given, "%s and %s belong together; give both", s.label("origin-cert"), s.label("origin-key"))
}

// checkCaching looks at what single rows of a cache cannot tell.
func (s *settings) checkCaching(c *Caching) {
	if len(c.KeyDrop) > 0 && len(c.KeyKeep) > 0 {
		s.faultAbout("key-keep", "%s and %s exclude each other; give the shorter list", s.label("key-drop"), s.label("key-keep"))
	}
}

func (s *settings) checkStore(c *Store) {
	i := s.index("disk")
	if given := s.given[i].values; len(given) > 0 && given[0].text != s.flags[i].Default && c.Data == "" {
		data := s.label("data")
		s.faultAbout("disk", "%s is the size of the folder that %s names; give %s too", s.label("disk"), data, data)
	}
}

// checkEncrypt wants something that can be sealed: a folder that is named, jobs, or
// keys that are made here, of which others are some that a command has beside.
func (s *settings) checkEncrypt(c *Server, data string, others bool) {
	made := others || s.autoSites || c.TLSLocal || len(c.Auto.Names) > 0 || c.Auto.Ask != ""
	if c.Encrypt != "" && data == "" && !made && c.Jobs.Tasks < 0 && c.Jobs.Fleet == "" {
		label := s.label("data")
		s.faultAbout("encrypt", "%s seals what is in the folder that %s names; give %s too", s.label("encrypt"), label, label)
	}
}

// localListen is where a server listens that has certificates of its own
// authority, and no address.
const localListen = ":8443"

// checkCertificate wants a certificate for TLS.
func (s *settings) checkCertificate(c *Server) {
	if c.TLSCert == "" && c.TLSKey == "" && !c.TLSLocal && len(c.Auto.Names) == 0 && c.Auto.Ask == "" && len(c.TLSListen) > 0 {
		cert, key, listen := s.label("tls-cert"), s.label("tls-key"), s.label("tls-listen")
		s.faultAbout("tls-listen", "%s needs a certificate: give %s FILE and %s FILE, or %s NAME, or %s", listen, cert, key, s.label("tls-auto"), s.label("tls-local"))
	}
}

const envPrefix = "FRESHET_"

func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
