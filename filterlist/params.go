package filterlist

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// param is what $removeparam takes from a query. The zero value is for all.
type param struct {
	name string
	re   *regexp.Regexp // is compared with "name=value"
	not  bool           // all but those
}

// parseParam reads the value of $removeparam: nothing, a name, a regular
// expression, or either of these with "~" before it.
func parseParam(value string) (p *param, steps int, reason string) {
	p = &param{}
	rest, not := strings.CutPrefix(value, "~")
	p.not = not
	if !strings.HasPrefix(rest, "/") {
		p.name = rest
		if strings.ContainsAny(rest, "&#") {
			return nil, 0, "$removeparam that is no name"
		}
		return p, 0, ""
	}
	end := strings.LastIndexByte(rest, '/')
	expr, opts := rest[1:max(end, 1)], rest[end+1:]
	if end == 0 || expr == "" || strings.Trim(opts, "i") != "" || len(expr) > maxRegexp {
		return nil, 0, "$removeparam that is no regular expression"
	}
	if opts != "" {
		expr = "(?i)" + expr
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, 0, "$removeparam with " + regexpReason(err)
	}
	if p.re, steps, reason = compile(expr, tree); reason != "" {
		return nil, 0, "$removeparam with " + reason
	}
	return p, steps, ""
}

func (p *param) removes(name, pair string) bool {
	if p.re == nil && p.name == "" {
		return true
	}
	if p.re != nil {
		return p.re.MatchString(pair) != p.not
	}
	return (name == p.name) != p.not
}

// apply returns a URL without what it removes; changed is false if there is no
// such thing. What stays keeps its bytes and its order.
func (p *param) apply(url string) (without string, changed bool) {
	head, query, ok := strings.Cut(url, "?")
	if !ok {
		return url, false
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if (pair != "" || p.re == nil && p.name == "") && p.removes(name, pair) {
			changed = true
			continue
		}
		kept = append(kept, pair)
	}
	if !changed {
		return url, false
	}
	if len(kept) == 0 {
		return head, true
	}
	return head + "?" + strings.Join(kept, "&"), true
}

// touches says whether the rule would remove something, if there is time to look.
func (c *query) touches(x *extra, url string) bool {
	return (x.param.re == nil || c.affords(x)) && x.param.touches(url)
}

// touches says whether apply would change something, and allocates nothing.
func (p *param) touches(url string) bool {
	_, query, ok := strings.Cut(url, "?")
	if !ok {
		return false
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if (pair != "" || p.re == nil && p.name == "") && p.removes(name, pair) {
			return true
		}
	}
	return false
}
