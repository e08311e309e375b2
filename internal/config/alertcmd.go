package config

import "slices"

// Alert is what the command line of freshet alert says.
type Alert struct {
	Reach
	Verb    string // "list" or "test"
	JSON    bool
	Verbose bool
}

var alertWords = []string{"list", "test"}

// alertCmdRows are of freshet alert alone.
var alertCmdRows = []Flag{
	{Name: "json", Kind: Switch, Group: groupReport, bare: true,
		Doc:   "Print JSON, for programs.",
		field: func(s *sections) any { return &s.alert.JSON }},
	{Name: "verbose", Short: "v", Kind: Switch, Group: groupReport, bare: true,
		Doc:   "With test: print what was said to the mail server, and what it said, without passwords.",
		field: func(s *sections) any { return &s.alert.Verbose }},
}

// alertCommand is the row of freshet alert.
var alertCommand = Command{Name: "alert", Usage: "list | test", Short: "alerts of a running server: how they are, and whether they arrive",
	Long: "list shows the rules of a running server, with their bounds, those first by which an alert is raised, what it is about and since when. " +
		"test has the server send a notice that nothing is wrong by each way that is configured, mail, webhook and program, and says what came of it. " +
		"The exit status of list is 0 when no alert is raised, 3 when one is, and that of test is 0 when the notice was taken by all, else 1.",
	Flags: slices.Concat(alertCmdRows, reachFlags)}

// ParseAlert parses what follows "freshet alert" and the environment. Its error
// is ErrHelp or Faults.
func ParseAlert(args, environ []string) (*Alert, error) {
	c := &Alert{}
	p := newParser("alert")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{alert: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	var rest []string
	if c.Verb, rest = p.word("alert", alertWords); len(rest) > 0 {
		p.fault("%q is one too many for freshet alert %s; leave it out", rest[0], c.Verb)
	}
	if c.Verb != "" {
		p.flagsOf("alert", c.Verb, alertWords, map[string][]string{"verbose": {"test"}})
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
