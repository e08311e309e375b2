package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrHelp is returned when the command line asks for help.
var ErrHelp = errors.New("help was asked for")

// A Fault is one thing that is wrong with a command line or a file.
type Fault struct {
	Text    string   // a sentence; for a file after its name, line and column
	Excerpt []string // for a file, the line and a mark below it

	offset int // in the file
}

// Faults are all that is wrong with a command line or a file.
type Faults []Fault

// Error returns the faults, one a line, without excerpts.
func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i := range f {
		texts[i] = f[i].Text
	}
	return strings.Join(texts, "\n")
}

// Detailed returns the faults with their excerpts, in lines.
func (f Faults) Detailed() string {
	var lines []string
	for i := range f {
		lines = append(append(lines, f[i].Text), f[i].Excerpt...)
	}
	return strings.Join(lines, "\n")
}

// told returns the faults in the order of the file, without those beyond
// maxFaults.
func (s *source) told(faults Faults) Faults {
	shown := slices.DeleteFunc(faults, func(f Fault) bool { return f.Text == "" })
	slices.SortStableFunc(shown, func(a, b Fault) int { return a.offset - b.offset })
	if more := s.faults - maxFaults; more > 0 {
		shown = append(shown, Fault{Text: fmt.Sprintf("%s: there are %d more faults", s.name, more)})
	}
	return shown
}
