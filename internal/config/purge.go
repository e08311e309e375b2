package config

import "net/url"

// purgeRows are of freshet purge alone.
var purgeRows = []Flag{
	{Name: "all", Kind: Switch, Group: groupPurge,
		Doc:   "Forget all answers.",
		field: func(s *sections) any { return &s.purge.All }},
	{Name: "soft", Kind: Switch, Group: groupPurge,
		Doc:   "Keep the answers, and ask the origin whether they still hold before they are used again.",
		field: func(s *sections) any { return &s.purge.Soft }},
}

// ParsePurge parses what follows "freshet purge" and the environment. Its
// error is ErrHelp or Faults.
func ParsePurge(args, environ []string) (*Purge, error) {
	c := &Purge{}
	p := newParser("purge")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{purge: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	c.URLs = p.operands
	for _, text := range c.URLs {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			p.fault("%q is no address; give one with its scheme, such as http://example.org/path", text)
		}
	}
	switch {
	case c.All && len(c.URLs) > 0:
		p.fault("--all is for all answers; leave it out, or the addresses")
	case !c.All && len(p.operands) == 0:
		p.fault("say what to forget: freshet purge URL, or freshet purge --all")
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
