package check

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Error   *junitFault   `xml:"error,omitempty"`
	Failure *junitFault   `xml:"failure,omitempty"`
	Output  *junitComment `xml:"system-out,omitempty"`
}

type junitFault struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type junitComment struct {
	Text string `xml:",chardata"`
}

// writeJUnit writes a test case for each address. It fails with the findings
// that are failures; the rest is its output.
func (r *Report) writeJUnit(w io.Writer) error {
	suite := junitSuite{Name: "freshet check " + r.Title, Tests: len(r.Results)}
	for _, x := range r.Results {
		c := junitCase{Class: "freshet.check", Name: x.name()}
		var bad, rest []string
		for _, f := range x.Findings {
			line := plain(&f)
			if r.failure(f) {
				bad = append(bad, line)
				continue
			}
			rest = append(rest, line)
		}
		if x.Err != nil {
			suite.Errors++
			c.Error = &junitFault{Message: x.Err.Error(), Type: "no-answer"}
		}
		if len(bad) > 0 {
			suite.Failures++
			c.Failure = &junitFault{Message: x.Findings[0].Note.Sentence, Type: x.Findings[0].Note.ID, Text: strings.Join(bad, "\n")}
		}
		if len(rest) > 0 {
			c.Output = &junitComment{strings.Join(rest, "\n")}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suites: []junitSuite{suite}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// plain is a finding in one line.
func plain(f *Finding) string {
	line := fmt.Sprintf("%s %s: %s", f.Note.Severity, f.Note.ID, f.Note.Sentence)
	if f.Where != "" || f.Detail != "" {
		line += " [" + strings.Trim(f.Where+": "+f.Detail, ": ") + "]"
	}
	if f.Note.Clause != "" {
		line += " (" + f.Note.Clause + ")"
	}
	if f.Note.Remedy != "" {
		line += "; fix: " + f.Note.Remedy
	}
	return printable(line)
}
