package config

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Check is what the command line of freshet check says.
type Check struct {
	Files                // how a folder is served that is checked
	Targets  []string    // addresses, folders, sitemaps
	Header   http.Header // of requests
	NoActive bool
	Insecure bool
	Timeout  time.Duration

	Crawl       bool
	MaxPages    int64
	Concurrency int64
	Delay       time.Duration

	Format string
	Output string // a file; "-" for standard output
	FailOn string // the name of a severity, or "never"

	header []string // as given
}

// probeFlags are of freshet check.
var probeFlags = []Flag{
	{Name: "header", Short: "H", Kind: Text, Value: "'NAME: VALUE'", Repeat: true, Group: groupRequests, Example: "Accept-Language: de",
		Doc:   "Send this field with each request, in place of the usual one of that name.",
		field: func(s *sections) any { return &s.check.header }},
	{Name: "no-active", Kind: Switch, Group: groupRequests,
		Doc:   "Send one GET for each address, and no further requests that find out more.",
		field: func(s *sections) any { return &s.check.NoActive }},
	{Name: "insecure", Kind: Switch, Group: groupRequests,
		Doc:   "Take certificates that cannot be verified. Who answers is then not known.",
		field: func(s *sections) any { return &s.check.Insecure }},
	{Name: "timeout", Kind: Duration, Value: "TIME", Default: "30s", Min: second / 10, Max: day, Group: groupRequests,
		Doc:   "Time for one request and its answer. Then the address has no answer.",
		field: func(s *sections) any { return &s.check.Timeout }},
}

var crawlFlags = []Flag{
	{Name: "crawl", Kind: Switch, Group: groupPages,
		Doc:   "Check what the pages of the same scheme, host and port link to and load, too, as far as robots.txt allows it to freshet.",
		field: func(s *sections) any { return &s.check.Crawl }},
	{Name: "max-pages", Kind: Number, Value: "N", Default: "500", Min: 1, Max: 1e6, Unit: "addresses", Group: groupPages,
		Doc:   "Addresses of one site, folder or sitemap. The rest is left out, and that is said.",
		field: func(s *sections) any { return &s.check.MaxPages }},
	{Name: "concurrency", Kind: Number, Value: "N", Default: "1", Min: 1, Max: 64, Unit: "addresses", Group: groupPages,
		Doc:   "Addresses that are checked at the same time.",
		field: func(s *sections) any { return &s.check.Concurrency }},
	{Name: "delay", Kind: Duration, Value: "TIME", Default: "0", Max: day, Group: groupPages,
		Doc:   "Least time between the beginnings of the checks of two addresses.",
		field: func(s *sections) any { return &s.check.Delay }},
}

var reportFlags = []Flag{
	{Name: "format", Kind: Choice, Value: "FORMAT", Default: "text", Choices: []string{"text", "json", "sarif", "junit"}, Group: groupReport,
		Doc:   "Form of the report: text, json, sarif (2.1.0) or junit.",
		field: func(s *sections) any { return &s.check.Format }},
	{Name: "output", Kind: FilePath, Value: "FILE|-", Default: "-", Group: groupReport,
		Doc:   "Where the report goes; - is standard output.",
		field: func(s *sections) any { return &s.check.Output }},
	{Name: "fail-on", Kind: Choice, Value: "SEVERITY", Default: "bad", Choices: []string{"info", "warn", "bad", "never"}, Group: groupReport,
		Doc:   "Exit with 1 when there is a finding of this severity, or a worse one: info, warn or bad; never: whatever is found. An address without an answer counts as bad.",
		field: func(s *sections) any { return &s.check.FailOn }},
}

// checkingFlags are those, and how a folder is served.
var checkingFlags = slices.Concat(probeFlags, crawlFlags, reportFlags, folderFlags, contentFlags)

// ParseCheck parses what follows "freshet check" and the environment. Its
// error is ErrHelp or Faults.
func ParseCheck(args, environ []string) (*Check, error) {
	c := &Check{Header: http.Header{}}
	p := newParser("check")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{check: c, files: &c.Files})
	c.Targets = p.operands
	if len(c.Targets) == 0 {
		p.fault("say what to check: freshet check URL, or a folder, or a sitemap")
	}
	for _, text := range c.Targets {
		if text == "" {
			p.fault("an operand is empty; give an address, a folder or a sitemap")
		}
	}
	for _, line := range c.header {
		p.addHeader(c.Header, line)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// notForCheck are the fields that how requests are sent decides about.
var notForCheck = append([]string{"Host"}, engineFields...)

func (p *parser) addHeader(h http.Header, line string) {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	switch canonical := http.CanonicalHeaderKey(name); {
	case !ok || name == "" || !isToken(name):
		p.fault("bad value %q for --header: give a name, a colon and a value, such as 'Accept-Language: de'", line)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		p.fault("bad value %q for --header: it has a control character", line)
	case slices.Contains(notForCheck, canonical):
		p.fault("bad value %q for --header: %s is not sent as it is given; leave it out", line, canonical)
	default:
		h[canonical] = append(h[canonical], value)
	}
}
