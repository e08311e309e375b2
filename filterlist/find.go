package filterlist

import "strings"

// Found is a line of a list that has a text in it.
type Found struct {
	Rule Rule
	// Kind is "block", "allow", "modify", "badfilter", "hide", "unhide", "hosts",
	// "comment" or, with the reason in Why, "unsupported".
	Kind string
	Why  string
}

// Find returns lines that have a text in them, in small or capital letters, the
// first limit of them, in the order of the lists.
func (s *Set) Find(text string, limit int) []Found {
	if s == nil || text == "" {
		return nil
	}
	text = lowerASCII(text)
	var out []Found
	for i := range s.sources {
		source := &s.sources[i]
		lines(source.Text, func(number, _ int, line string) bool {
			if len(out) >= limit {
				return false
			}
			if strings.Contains(lowerASCII(line), text) {
				f := Found{Rule: Rule{source.Name, number, line}}
				f.Kind, f.Why = classify(line, s.lists[i].header)
				out = append(out, f)
			}
			return true
		})
	}
	return out
}

// classify says what a line does.
func classify(line string, header bool) (kind, why string) {
	if len(line) > maxLine {
		return "unsupported", "a line longer than 32 KiB"
	}
	switch kindOf(line, header) {
	case lineComment, lineDirective:
		return "comment", ""
	case lineDomain:
		return "hosts", ""
	case lineHosts:
		if _, reason := hostsNames(line); reason != "" {
			return "unsupported", reason
		}
		return "hosts", ""
	}
	if h, ok := splitHiding(line); ok {
		if _, _, reason := parseHiding(h); reason != "" {
			return "unsupported", reason
		}
		if h.separator.not {
			return "unhide", ""
		}
		return "hide", ""
	}
	p, reason := parseNetwork(line)
	switch {
	case reason != "":
		return "unsupported", reason
	case p.badfilter:
		return "badfilter", ""
	case p.flags&flagException != 0:
		return "allow", ""
	case p.mod != modNone && p.mod != modRedirect:
		return "modify", ""
	}
	return "block", ""
}

// Diff returns what an edition of a list has that the one before has not, and
// the other way round: its lines without comments, in their order.
func Diff(before, after string) (added, removed []string) {
	return linesWithout(after, before), linesWithout(before, after)
}

// linesWithout returns the lines of a text that another does not have.
func linesWithout(text, other string) (rest []string) {
	has := map[string]bool{}
	lines(other, func(_, _ int, line string) bool {
		has[line] = true
		return true
	})
	lines(text, func(_, _ int, line string) bool {
		if !has[line] && kindOf(line, true) != lineComment {
			rest = append(rest, line)
		}
		return true
	})
	return rest
}
