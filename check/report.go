package check

import (
	"fmt"
	"io"
	"slices"
)

// A Report is what was found at some addresses.
type Report struct {
	Title   string // what was checked: an address, a folder
	Results []*Result

	// FailOn names the severity from which on a finding is a failure: info,
	// warn, bad, or never. "" means bad. An address without an answer is one,
	// unless it is never.
	FailOn string
}

// Formats are the names of the forms that a report can be written in.
var Formats = []string{"text", "json", "sarif", "junit"}

// Write writes the report in one of Formats.
func (r *Report) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return r.writeText(w)
	case "json":
		return r.writeJSON(w)
	case "sarif":
		return r.writeSARIF(w)
	case "junit":
		return r.writeJUnit(w)
	}
	return fmt.Errorf("%q is no format of a report", format)
}

// Fails reports whether there is a failure.
func (r *Report) Fails() bool {
	return slices.ContainsFunc(r.Results, func(x *Result) bool {
		return r.FailOn != "never" && x.Err != nil || slices.ContainsFunc(x.Findings, r.failure)
	})
}

// failure reports whether a finding is one.
func (r *Report) failure(f Finding) bool {
	from, ok := ParseSeverity(r.FailOn)
	if r.FailOn == "" {
		from, ok = Bad, true
	}
	return ok && f.Note.Severity >= from
}

// Failed returns the results without an answer.
func (r *Report) Failed() []*Result {
	var all []*Result
	for _, x := range r.Results {
		if x.Err != nil {
			all = append(all, x)
		}
	}
	return all
}

// A Group is a note that applies in the same place of one or more answers.
type Group struct {
	Finding // the first
	Results []*Result
}

// Groups returns the findings of all results, those of one note and place
// together: the worst first, and of one severity those of most addresses.
func (r *Report) Groups() []Group {
	type key struct {
		note  *Note
		where string
	}
	var all []Group
	index := map[key]int{}
	for _, x := range r.Results {
		for _, f := range x.Findings {
			k := key{f.Note, f.Where}
			i, known := index[k]
			if !known {
				i = len(all)
				index[k] = i
				all = append(all, Group{Finding: f})
			}
			if g := &all[i]; len(g.Results) == 0 || g.Results[len(g.Results)-1] != x {
				g.Results = append(g.Results, x)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Group) int {
		if a.Note.Severity != b.Note.Severity {
			return int(b.Note.Severity) - int(a.Note.Severity)
		}
		return len(b.Results) - len(a.Results)
	})
	return all
}

// counts returns how many findings there are of each severity.
func (r *Report) counts() (n [Bad + 1]int) {
	for _, x := range r.Results {
		for _, f := range x.Findings {
			n[f.Note.Severity]++
		}
	}
	return n
}

// ParseSeverity reads the name of a severity.
func ParseSeverity(name string) (Severity, bool) {
	i := slices.Index(severityNames[:], name)
	return Severity(max(i, 0)), i >= 0
}
