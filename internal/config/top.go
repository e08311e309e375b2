package config

import "time"

// Top is what the command line of freshet top says.
type Top struct {
	Reach
	Times int64 // how often it is shown; 0: until it is stopped
	Every time.Duration
}

// topRows are of freshet top alone.
var topRows = []Flag{
	{Name: "times", Short: "n", Kind: Number, Value: "N", Min: 1, Unit: "times", Group: groupRequests, Example: "10",
		Doc:   "How often the figures are shown. Unset: until q and Enter, or Ctrl-C.",
		field: func(s *sections) any { return &s.top.Times }},
	{Name: "every", Kind: Duration, Value: "TIME", Default: "1s", Min: second / 10, Max: day, Group: groupRequests,
		Doc:   "How long between two times.",
		field: func(s *sections) any { return &s.top.Every }},
}

// ParseTop parses what follows "freshet top" and the environment. Its error is
// ErrHelp or Faults.
func ParseTop(args, environ []string) (*Top, error) {
	c := &Top{}
	p := newParser("top")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{top: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	if len(p.operands) > 0 {
		p.fault("%q: top takes no operand; name the server with --monitor ADDR", p.operands[0])
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
