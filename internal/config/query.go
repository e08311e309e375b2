package config

import (
	"net/url"
	"strings"
)

// Query is what the command line of freshet config asks.
type Query struct {
	Verb string // "check", "explain" or "example"
	Run  *Run
	URL  *url.URL // to explain; nil: the whole file
}

var verbs = []string{"check", "explain", "example"}

// ParseConfig parses what follows "freshet config" and the environment. Its
// error is ErrHelp or Faults.
func ParseConfig(args, environ []string) (*Query, error) {
	p := newParser("config")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	q := &Query{Run: &Run{parser: newParser("run")}}
	p.store(&sections{run: q.Run})
	words := append(p.operands, "", "")
	q.Verb, _ = p.word("config", verbs)
	switch {
	case q.Verb == "":
	case len(p.operands) > 2:
		p.fault("%q is one too many; freshet config %s takes one operand at most", p.operands[2], q.Verb)
	case words[1] == "":
	case q.Verb == "check":
		q.Run.File = words[1]
	case q.Verb == "example":
		p.fault("freshet config example takes no %q; leave it out", words[1])
	default:
		u, err := url.Parse(words[1])
		if err == nil && u.Host == "" && !strings.Contains(words[1], "://") {
			u, err = url.Parse("http://" + words[1])
		}
		if err != nil || u.Host == "" {
			p.fault("%q is no address; give one such as http://example.org/path", words[1])
		}
		q.URL = u
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return q, nil
}
