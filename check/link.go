package check

import "strings"

// A link is an element of Link (RFC 8288 §3).
type link struct {
	raw    string
	target string
	params []fieldParam
	broken bool // it does not begin with a target in angle brackets
}

// parseLinks reads the lines of Link. Commas and semicolons within quotes and
// within a target divide nothing.
func parseLinks(lines []string) []link {
	var all []link
	for _, line := range lines {
		for line = strings.TrimLeft(line, " \t,"); line != ""; line = strings.TrimLeft(line, " \t,") {
			end := linkEnd(line)
			all = append(all, parseLink(trimSpace(line[:end])))
			line = line[end:]
		}
	}
	return all
}

// linkEnd returns where the first link of a line ends.
func linkEnd(line string) int {
	quoted, inTarget := false, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !inTarget:
			quoted = !quoted
		case quoted:
		case c == '<':
			inTarget = true
		case c == '>':
			inTarget = false
		case c == ',' && !inTarget:
			return i
		}
	}
	return len(line)
}

func parseLink(s string) link {
	l := link{raw: s}
	target, rest, ok := strings.Cut(strings.TrimPrefix(s, "<"), ">")
	rest = trimSpace(rest)
	if !ok || !strings.HasPrefix(s, "<") || rest != "" && rest[0] != ';' {
		l.broken = true
		return l
	}
	l.target = target
	l.params = paramsOf(rest)
	return l
}

// param returns the first parameter of a name.
func (l *link) param(name string) (value string, ok bool) {
	for _, p := range l.params {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// is reports whether the link has a relation; case does not matter.
func (l *link) is(rel string) bool {
	rels, _ := l.param("rel")
	return anyFold(strings.Fields(rels), rel)
}

// loads reports whether browsers fetch the target of the link for the page.
func (l *link) loads() bool {
	for _, rel := range []string{"preload", "modulepreload", "stylesheet", "icon", "manifest"} {
		if l.is(rel) {
			return true
		}
	}
	return false
}

// perLink makes a finder of a judgement on one link of the answer.
func perLink(judge func(x *subject, l *link) (detail string, bad bool)) func(*subject, func(where, detail string)) {
	return func(x *subject, report func(where, detail string)) {
		for _, l := range parseLinks(x.lines("Link")) {
			if l.broken {
				continue
			}
			if detail, bad := judge(x, &l); bad {
				if detail == "" {
					detail = l.raw
				}
				report(of("Link"), detail)
			}
		}
	}
}
