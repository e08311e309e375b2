package cookierule

import "strings"

// Names yields the names of the cookies in a line of Cookie, in their order; ""
// for those that have none (RFC 6265bis §5.8.3).
func Names(line string) func(yield func(name string) bool) {
	return func(yield func(string) bool) {
		for pair := range strings.SplitSeq(line, ";") {
			if strings.Trim(pair, " \t") != "" && !yield(nameOf(pair)) {
				return
			}
		}
	}
}

// Without returns a line of Cookie without the cookies that refuse names, and how
// many those are. It is the line itself when there are none, and "" when no
// cookie is left. What is left are the same bytes, but for space at its ends.
// refuse is called once for each cookie, in their order.
func Without(line string, refuse func(name string) bool) (left string, taken int) {
	var kept []string
	cookies := 0
	for pair := range strings.SplitSeq(line, ";") {
		if strings.Trim(pair, " \t") != "" {
			if refuse(nameOf(pair)) {
				taken++
				continue
			}
			cookies++
		}
		kept = append(kept, pair)
	}
	switch {
	case taken == 0:
		return line, 0
	case cookies == 0:
		return "", taken
	}
	return strings.Trim(strings.Join(kept, ";"), " \t"), taken
}
