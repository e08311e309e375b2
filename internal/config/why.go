package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// Reach says how a command gets to a running server.
type Reach struct {
	Monitor      string // an address, or unix: and a path; "": look for it
	Token        string // of the monitor
	MonitorToken Secret // the same
	Data         string // the server's folder; "" for the user's own
}

// Why is what the command line of freshet why says.
type Why struct {
	Reach
	URL    string // absolute, or a path; "" with ID
	ID     string // of a request that was answered; "" with URL
	Method string
	Fields []string // "Name: value"
	Client string   // an address, or unix:; "": this machine
	JSON   bool
}

// reachFlags are of commands that speak to a running server.
var reachFlags = []Flag{
	{Name: "monitor", Kind: Text, Value: "ADDR", Group: groupReach, Example: "127.0.0.1:8001",
		Doc:   "Which server: the address of its monitor, the first address that it listens on, or unix: and the path of its socket. Unset: the one that listens where the URL is, else the one with a monitor at 127.0.0.1:8001, else the only one that runs.",
		field: func(s *sections) any { return &s.reach.Monitor }},
	{Name: "token", Kind: Text, Value: "TOKEN", Group: groupReach, Example: "secret",
		Doc:   "Token of a monitor that is asked over the network.",
		field: func(s *sections) any { return &s.reach.Token }},
	{Name: "monitor-token", Kind: SecretFile, Value: "FILE", Group: groupReach, Example: "monitor.token",
		Doc:   "File whose first line is that token, as the server has it. The variable of the environment has the token itself.",
		field: func(s *sections) any { return &s.reach.MonitorToken }},
	{Name: "data", Kind: FilePath, Value: "DIR", Group: groupReach, Example: "/var/lib/freshet",
		Doc:   "The folder that the server was given with --data. Unset: $XDG_STATE_HOME/freshet, else ~/.local/state/freshet, where servers without one have their socket.",
		field: func(s *sections) any { return &s.reach.Data }},
}

// whyRows are of freshet why alone.
var whyRows = []Flag{
	{Name: "header", Short: "H", Kind: Text, Value: "'NAME: VALUE'", Repeat: true, Group: groupRequests, Example: "Accept-Language: de",
		Doc:   "A field of the request.",
		field: func(s *sections) any { return &s.why.Fields }},
	{Name: "method", Kind: Text, Value: "NAME", Default: "GET", Group: groupRequests,
		Doc:   "The method of the request.",
		field: func(s *sections) any { return &s.why.Method }},
	{Name: "client", Kind: Text, Value: "ADDR", Group: groupRequests, Example: "192.0.2.7",
		Doc:   "The address that the connection would come from, or unix: for a Unix socket. Unset: 127.0.0.1.",
		field: func(s *sections) any { return &s.why.Client }},
	{Name: "json", Kind: Switch, Group: groupRequests,
		Doc:   "Print JSON, for programs.",
		field: func(s *sections) any { return &s.why.JSON }},
}

// ParseWhy parses what follows "freshet why" and the environment. Its error is
// ErrHelp or Faults.
func ParseWhy(args, environ []string) (*Why, error) {
	c := &Why{}
	p := newParser("why")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{why: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	switch len(p.operands) {
	case 0:
		p.fault("say what to explain: freshet why URL, or freshet why ID")
	case 1:
		p.what(c, p.operands[0])
	default:
		p.fault("%q: one request is explained at a time", p.operands[1])
	}
	for _, line := range c.Fields {
		if name, _, ok := strings.Cut(line, ":"); !ok || !isToken(name) {
			p.fault("bad value %q for --header: give a name, a colon and a value, such as 'Accept-Language: de'", line)
		}
	}
	if _, err := netip.ParseAddr(c.Client); err != nil && c.Client != "" && c.Client != "unix:" {
		p.fault("bad value %q for --client: give an address, such as 192.0.2.7, or unix:", c.Client)
	}
	if !isToken(c.Method) {
		p.fault("bad value %q for --method: give a method, such as GET", c.Method)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// requestNameLen is the length of the name of a request.
const requestNameLen = 13

// what tells a URL from the name of a request.
func (p *parser) what(c *Why, text string) {
	if len(text) == requestNameLen && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		c.ID = strings.ToLower(text)
		return
	}
	u, err := url.Parse(text)
	switch {
	case err == nil && strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//"):
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
	default:
		p.fault("%q is neither an address nor the name of a request; give http://host/path, /path, or the 13 characters of a name", text)
		return
	}
	c.URL = text
}

// checkReach looks at what single rows cannot tell.
func (s *settings) checkReach(c *Reach) {
	if c.Token != "" && c.MonitorToken.File != "" {
		s.faultAbout("token", "--token and --monitor-token exclude each other; give one")
	}
	if c.Monitor == "off" || isHandedOver(c.Monitor) { // as the variable of the environment is for a server
		c.Monitor = ""
	}
	if c.Monitor == "" || strings.HasPrefix(c.Monitor, "unix:") || strings.Contains(c.Monitor, "/") {
		return
	}
	addr, err := parseAddress(c.Monitor)
	if err != nil {
		s.faultAbout("monitor", "bad value %q for --monitor: %v", c.Monitor, err)
	}
	c.Monitor = addr
}
