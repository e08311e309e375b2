package config

import "slices"

// Servers is what the command line of freshet servers says.
type Servers struct {
	Reach
	Verb  string   // "list", "lock", "drain" or "release"
	Names []string // of the servers that it is about

	Watch bool
	JSON  bool
}

var serversWords = []string{"list", "lock", "drain", "release"}

// serversRows are of freshet servers alone.
var serversRows = []Flag{
	{Name: "watch", Kind: Switch, Group: groupReport, bare: true,
		Doc:   "Show the list again every two seconds, until Ctrl-C.",
		field: func(s *sections) any { return &s.servers.Watch }},
	{Name: "json", Kind: Switch, Group: groupReport, bare: true,
		Doc:   "Print JSON, for programs, with all that servers say of themselves.",
		field: func(s *sections) any { return &s.servers.JSON }},
}

var serversFlags = slices.Concat(serversRows, reachFlags)

// serversCommand is the row of freshet servers.
var serversCommand = Command{Name: "servers", Usage: "[list] | lock NAME... | drain NAME... | release NAME...", Short: "show the servers of a fleet, and tell them what to do",
	Long: "list shows this server and those that have joined it: what they do, their load, how much of their memory is in use, the tasks that run and that may, the share of hits, how far their clocks are off, and when they were heard of last; then what is wrong with them. " +
		"lock has servers take no further tasks; drain has a worker also end when those that run are over, while a server goes on to serve; release has them take tasks again, also after faults of their own. " +
		"They are told with their next report, within five seconds, and again after each start.",
	Flags: serversFlags}

// ParseServers parses what follows "freshet servers" and the environment. Its
// error is ErrHelp or Faults.
func ParseServers(args, environ []string) (*Servers, error) {
	c := &Servers{Verb: "list"}
	p := newParser("servers")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{servers: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	if len(p.operands) > 0 {
		c.Verb, c.Names = p.word("servers", serversWords)
	}
	switch {
	case c.Verb == "":
	case c.Verb != "list" && len(c.Names) == 0:
		p.fault("say which server: freshet servers %s NAME", c.Verb)
	case c.Verb == "list" && len(c.Names) > 0:
		p.fault("freshet servers list takes no %q; leave it out", c.Names[0])
	}
	if c.Verb != "" {
		p.flagsOf("servers", c.Verb, []string{"list"}, nil)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// ofMachine are parameters that may differ between servers that answer alike:
// where they listen, what they keep and how much, and what they have to do with
// jobs.
var ofMachine = slices.Concat(addressFlags, filterAddresses, logFlags, jobServerRows)

var sizes = []string{"data", "memory", "disk", "max-connections", "max-connections-per-client", "config", "join", "join-file"}

// OfMachine reports whether a parameter may differ between servers that answer
// alike.
func OfMachine(key string) bool {
	return slices.Contains(sizes, key) || slices.ContainsFunc(ofMachine, func(f Flag) bool { return f.key() == key })
}
