package alert

import (
	"fmt"
	"strings"
)

// A Standing is what the last look said of a rule as a whole. That it has no alert
// is good news only if it is known.
type Standing struct {
	Known bool   // of one subject at least, or that there is none
	Note  string // a sentence: of what nothing is known, and why; "" when all is known
}

// Standing returns how a rule stands. Before the first step nothing is known.
func (m *Machine) Standing() map[string]Standing {
	all := make(map[string]Standing, len(m.rules))
	for i := range m.rules {
		r := &m.rules[i]
		s, looked := m.stands[r.Name]
		if !looked {
			s.Note = "It has not been looked at yet."
		}
		if !r.Off {
			all[r.Name] = s
		}
	}
	return all
}

// standing gathers a Standing.
type standing struct {
	rule    *Rule
	known   bool
	few     *Reading // with too few requests
	unknown []string // the first subjects of which nothing is known
	more    int      // others
}

// namedUnknown is how many subjects a note names.
const namedUnknown = 3

func (s *standing) add(reading *Reading, is condition) {
	switch {
	case is != unknown:
		s.known = true
	case reading.Value == reading.Value:
		s.few = reading
	case reading.Subject == "":
	case len(s.unknown) < namedUnknown:
		s.unknown = append(s.unknown, reading.Subject)
	default:
		s.more++
	}
}

// end returns it; looked says that the figure was there.
func (s *standing) end(looked bool) Standing {
	switch {
	case !looked:
		return Standing{Note: "Not known here now."}
	case len(s.unknown) > 0:
		about := strings.Join(s.unknown, ", ")
		if s.more > 0 {
			about += fmt.Sprintf(" and %d more", s.more)
		}
		return Standing{s.known, "Nothing is known now of " + about + "."}
	case s.known:
		return Standing{Known: true}
	case s.few != nil:
		return Standing{Note: fmt.Sprintf("The figure is of %s requests, and the rule asks for %s.", trimmed(s.few.Of, 0), trimmed(s.rule.Least, 0))}
	}
	return Standing{Note: "Not known here now."}
}
