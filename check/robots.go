package check

import (
	"context"
	"net/url"
	"strings"
)

// robotsName is the name by which robots.txt can speak of this program.
const robotsName = "freshet"

// maxRobots bounds what is read of a robots.txt, by RFC 9309 §2.5.
const maxRobots = 500 << 10

// robots are the rules of a robots.txt that are for this program (RFC 9309).
type robots struct {
	rules []robotsRule
	none  bool // nothing is allowed
}

type robotsRule struct {
	pattern string
	allow   bool
}

// parseRobots reads a robots.txt. The groups that name this program count, or
// else those that name everybody.
func parseRobots(text string) *robots {
	if len(text) > maxRobots {
		text = text[:maxRobots]
	}
	var own, all []robotsRule
	var forUs, forAll, named, rules bool
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		line, _, _ = strings.Cut(line, "#")
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch key {
		case "user-agent":
			if rules { // a new group begins
				forUs, forAll, rules = false, false, false
			}
			name := strings.ToLower(value)
			forAll = forAll || name == "*"
			if name == robotsName {
				forUs, named = true, true
			}
		case "allow", "disallow":
			rules = true
			if value == "" {
				continue
			}
			r := robotsRule{value, key == "allow"}
			if forUs {
				own = append(own, r)
			}
			if forAll {
				all = append(all, r)
			}
		}
	}
	if named {
		return &robots{rules: own}
	}
	return &robots{rules: all}
}

// allows reports whether an address may be fetched: the longest rule that
// matches says so, Allow among equals (RFC 9309 §2.2.2).
func (r *robots) allows(u *url.URL) bool {
	if u.Path == "/robots.txt" {
		return true
	}
	if r.none {
		return false
	}
	path := u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	longest, allowed := -1, true
	for _, rule := range r.rules {
		n := len(rule.pattern)
		if n < longest || n == longest && allowed || !robotsMatch(rule.pattern, path) {
			continue
		}
		longest, allowed = n, rule.allow
	}
	return allowed
}

// robotsMatch matches a path with a pattern, in which "*" is anything and "$"
// at its end is the end of the path. It takes time that grows with the product
// of their lengths at most.
func robotsMatch(pattern, path string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(path, parts[0]) {
		return false
	}
	path = path[len(parts[0]):]
	for i, part := range parts[1:] {
		if whole && i == len(parts)-2 {
			return strings.HasSuffix(path, part)
		}
		at := strings.Index(path, part)
		if at < 0 {
			return false
		}
		path = path[at+len(part):]
	}
	return !whole || path == "" || len(parts) > 1 && parts[len(parts)-1] == ""
}

// robots asks for the rules of an origin. Without a robots.txt everything is
// allowed, and nothing while the server fails (RFC 9309 §2.3.1).
func (c *Checker) robots(ctx context.Context, u *url.URL) (*robots, error) {
	at := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}
	for range 5 {
		http2, err := c.client.speaksHTTP2(ctx, at)
		if err != nil {
			return nil, err
		}
		r, err := c.client.do(ctx, probe{url: at, http2: http2})
		if err != nil {
			return nil, err
		}
		if to, err := at.Parse(r.get("Location")); r.Status/100 == 3 && r.get("Location") != "" && err == nil && (to.Scheme == "http" || to.Scheme == "https") {
			at = normalised(to)
			continue
		}
		switch {
		case r.Status >= 500:
			return &robots{none: true}, nil
		case r.Status != 200:
			return &robots{}, nil
		}
		text, ok := r.decoded()
		if !ok && r.get("Content-Encoding") == "" {
			text = r.Body
		}
		return parseRobots(string(text)), nil
	}
	return &robots{}, nil
}
