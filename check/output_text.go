package check

import (
	"bufio"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"freshet/internal/field"
)

// columns is the width of text output; findingIndent is where that of a
// finding begins, behind its severity.
const (
	columns       = 80
	findingIndent = 6
	mostExamples  = 3
)

// writeText writes the report for people, 80 columns wide: one address in
// full, more than one with what they have in common told once.
func (r *Report) writeText(out io.Writer) error {
	w := bufio.NewWriter(out)
	switch {
	case len(r.Results) == 0:
		fmt.Fprintf(w, "%s: nothing to check\n", printable(r.Title))
	case r.alone():
		r.textOfOne(w)
	default:
		r.textOfMany(w)
	}
	return w.Flush()
}

// alone reports whether the report is about one address: its redirects do not
// count.
func (r *Report) alone() bool {
	for _, x := range r.Results[:len(r.Results)-1] {
		if x.Exchange == nil || x.Exchange.Status/100 != 3 {
			return false
		}
	}
	return r.Title == r.Results[0].URL
}

func (r *Report) textOfOne(w *bufio.Writer) {
	for i, x := range r.Results {
		if i > 0 {
			w.WriteByte('\n')
		}
		fmt.Fprintf(w, "%s\n", printable(x.name()))
		if x.Err != nil {
			paragraph(w, "  ", x.Err.Error())
			continue
		}
		paragraph(w, "  ", describe(x.Exchange))
		for _, line := range oneVerdict(verdictLines(x.Exchange)) {
			paragraph(w, "  ", line)
		}
		for _, f := range x.Findings {
			writeFinding(w, &f)
		}
	}
	fmt.Fprintf(w, "\n%s\n", r.summary())
}

func (r *Report) textOfMany(w *bufio.Writer) {
	fmt.Fprintf(w, "%s: %s\n", printable(r.Title), count(len(r.Results), "address", "addresses"))
	failed := r.Failed()
	for i, x := range failed {
		if i == 0 {
			w.WriteByte('\n')
		}
		paragraph(w, "", fmt.Sprintf("no answer: %s: %v", x.name(), x.Err))
	}
	groups := r.Groups()
	name := r.naming()
	for i := range groups {
		g := &groups[i]
		names := make([]string, 0, mostExamples)
		for _, x := range g.Results[:min(len(g.Results), mostExamples)] {
			names = append(names, name(x))
		}
		if more := len(g.Results) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		writeFinding(w, &g.Finding, "on "+count(len(g.Results), "address: ", "addresses: ")+strings.Join(names, ", "))
	}
	fmt.Fprintf(w, "\n%s\n", r.summary())
}

// oneVerdict makes one line of two that say the same.
func oneVerdict(lines []string) []string {
	if len(lines) == 2 {
		browser, what, _ := strings.Cut(lines[0], ": ")
		shared, same, _ := strings.Cut(lines[1], ": ")
		if what == same {
			return []string{browser + " and " + shared + ": " + what}
		}
	}
	return lines
}

// naming returns how results are called: without their origin when they share
// one.
func (r *Report) naming() func(*Result) string {
	one := ""
	for _, x := range r.Results {
		u, err := url.Parse(x.URL)
		if err != nil || one != "" && originOf(u) != one || x.Name != "" {
			return (*Result).name
		}
		one = originOf(u)
	}
	return func(x *Result) string {
		u, err := url.Parse(x.URL)
		if err != nil {
			return x.URL
		}
		return u.RequestURI()
	}
}

// describe says in one line what an answer is.
func describe(x *Exchange) string {
	parts := []string{fmt.Sprintf("%s %d", x.Proto, x.Status)}
	if v := x.Header["Content-Type"]; len(v) > 0 {
		parts = append(parts, v[0])
	}
	switch {
	case x.BodySize < 0 && len(x.Body) == 0:
		parts = append(parts, "a body of unknown length")
	case x.BodySize < 0:
		parts = append(parts, "more than "+count(len(x.Body), "byte", "bytes"))
	case x.BodySize > 0:
		parts = append(parts, count(int(x.BodySize), "byte", "bytes"))
	}
	if v := x.Header["Content-Encoding"]; len(v) > 0 && x.BodySize != 0 {
		parts[len(parts)-1] += " of " + strings.Join(v, ", ")
	}
	if v := x.Header["Location"]; len(v) > 0 && x.Status/100 == 3 {
		parts = append(parts, "to "+v[0])
	}
	return strings.Join(parts, ", ")
}

// writeFinding writes what is the matter, where, what mends it, and by which
// clause.
func writeFinding(w *bufio.Writer, f *Finding, more ...string) {
	indent := strings.Repeat(" ", findingIndent)
	first := fmt.Sprintf("\n%-*s", findingIndent, f.Note.Severity)
	for _, line := range wrap(f.Note.Sentence, columns-findingIndent) {
		w.WriteString(first + line + "\n")
		first = indent
	}
	paragraph(w, indent, joined(": ", f.Where, f.Detail))
	if f.Note.Remedy != "" {
		paragraph(w, indent, "fix: "+f.Note.Remedy)
	}
	for _, text := range more {
		paragraph(w, indent, text)
	}
	paragraph(w, indent, joined(", ", f.Note.ID, f.Note.Clause))
}

// joined joins what is not empty.
func joined(between string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), between)
}

// summary counts, in one line.
func (r *Report) summary() string {
	n := r.counts()
	parts := []string{fmt.Sprintf("%d bad", n[Bad]), count(n[Warn], "warning", "warnings"), fmt.Sprintf("%d for information", n[Info])}
	if failed := len(r.Failed()); failed > 0 {
		parts = append(parts, fmt.Sprintf("%d without an answer", failed))
	}
	return strings.Join(parts, ", ")
}

// count is a number, with commas, and a word in the right form.
func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return field.Thousands(int64(n)) + " " + more
}

func paragraph(w *bufio.Writer, indent, text string) {
	for _, line := range wrap(text, columns-len(indent)) {
		w.WriteString(indent + line + "\n")
	}
}

// wrap breaks text into lines, without the control characters that a server
// could put into its fields. Longer words are cut.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(printable(text)) {
		for {
			room := width - utf8.RuneCountInString(line)
			if line != "" {
				room--
			}
			n := utf8.RuneCountInString(word)
			switch {
			case n <= room && line == "":
				line = word
			case n <= room:
				line += " " + word
			case line != "":
				lines = append(lines, line)
				line = ""
				continue
			default:
				at := len(string([]rune(word)[:width]))
				lines = append(lines, word[:at])
				word = word[at:]
				continue
			}
			break
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// printable replaces what a terminal would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, r < ' ', r >= 0x7f && r < 0xa0, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '?'
		}
		return r
	}, s)
}
