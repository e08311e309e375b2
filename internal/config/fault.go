package config

import (
	"errors"
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

// sort puts the faults in the order of the file; those of the command line
// stay first.
func (f Faults) sort() {
	slices.SortStableFunc(f, func(a, b Fault) int { return a.offset - b.offset })
}
