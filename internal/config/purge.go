package config

import (
	"net/url"
	"slices"
)

// purgeRows are of freshet purge alone.
var purgeRows = []Flag{
	{Name: "tag", Kind: Text, Value: "NAME", Repeat: true, Group: groupPurge, bare: true, Example: "product-17",
		Doc:   "Forget answers with this tag, which their origin has given them in Surrogate-Key or Cache-Tag.",
		field: func(s *sections) any { return &s.purge.Tags }},
	{Name: "prefix", Kind: Text, Value: "URL", Repeat: true, Group: groupPurge, bare: true, Example: "http://example.org/news/",
		Doc:   "Forget answers whose URL begins so, anywhere: /a is the beginning of /ab.",
		field: func(s *sections) any { return &s.purge.Prefixes }},
	{Name: "host", Kind: Text, Value: "HOST", Repeat: true, Group: groupPurge, bare: true, Example: "example.org",
		Doc:   "Forget answers of a host, by http and https; with a port those of that port alone.",
		field: func(s *sections) any { return &s.purge.Hosts }},
	{Name: "where", Kind: Text, Value: "CONDITION", Repeat: true, Group: groupPurge, bare: true, Example: "type=text/html age>1h",
		Doc:   "Forget answers of which all terms hold, with spaces between them: type=, status=, age>, age<, size>, size<, path~, host=, tag=, stored-before TIME.",
		field: func(s *sections) any { return &s.purge.Where }},
	{Name: "everything", Kind: Switch, Group: groupPurge, bare: true,
		Doc:   "Forget all answers.",
		field: func(s *sections) any { return &s.purge.Everything }},
	{Name: "all", Kind: Switch, Group: groupPurge,
		Doc:   "The same as --everything.",
		field: func(s *sections) any { return &s.purge.All }},
	{Name: "soft", Kind: Switch, Group: groupPurge,
		Doc:   "Keep the answers, and ask the origin whether they still hold before they are used again.",
		field: func(s *sections) any { return &s.purge.Soft }},
	{Name: "dry-run", Kind: Switch, Group: groupPurge, bare: true,
		Doc:   "Only count what would be forgotten.",
		field: func(s *sections) any { return &s.purge.DryRun }},
	{Name: "here", Kind: Switch, Group: groupPurge, bare: true,
		Doc:   "Purge only the server that is asked, and not its fleet; so for --undo, --receipt and --receipts.",
		field: func(s *sections) any { return &s.purge.Here }},
	{Name: "id", Kind: Text, Value: "ID", Group: groupPurge, bare: true, Example: "deploy-17",
		Doc:   "Name of the receipt. A purge with the name of one that was done is not done again. Unset: one is made.",
		field: func(s *sections) any { return &s.purge.ID }},
	{Name: "undo", Kind: Text, Value: "ID", Group: groupPurge, bare: true, Example: "deploy-17",
		Doc:   "Have the answers of a soft purge used as before, but for those that were asked for meanwhile.",
		field: func(s *sections) any { return &s.purge.Undo }},
	{Name: "receipt", Kind: Text, Value: "ID", Group: groupPurge, bare: true, Example: "deploy-17",
		Doc:   "Say what has come of a purge.",
		field: func(s *sections) any { return &s.purge.Receipt }},
	{Name: "receipts", Kind: Switch, Group: groupPurge, bare: true,
		Doc:   "Say what has come of the latest purges, 1,000 at most.",
		field: func(s *sections) any { return &s.purge.Receipts }},
	{Name: "json", Kind: Switch, Group: groupPurge,
		Doc:   "Print JSON, for programs.",
		field: func(s *sections) any { return &s.purge.JSON }},
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
	for _, text := range slices.Concat(c.URLs, c.Prefixes) {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			p.fault("%q is no address; give one with its scheme, such as http://example.org/path", text)
		}
	}
	everything := c.All || c.Everything
	named := len(c.URLs)+len(c.Tags)+len(c.Prefixes)+len(c.Hosts)+len(c.Where) > 0
	other := c.Undo != "" || c.Receipt != "" || c.Receipts
	switch {
	case everything && named:
		p.fault("--everything is for all answers; leave it out, or what is named besides")
	case other && (everything || named || c.Soft || c.DryRun || c.ID != ""):
		p.fault("--undo, --receipt and --receipts purge nothing; leave out what is to be purged, and how")
	case c.Undo != "" && c.Receipt != "", c.Receipts && (c.Undo != "" || c.Receipt != ""):
		p.fault("give one of --undo, --receipt and --receipts")
	case !everything && !named && !other:
		p.fault("say what to forget: freshet purge URL, --tag NAME, --prefix URL, --host HOST, --where CONDITION or --everything")
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
