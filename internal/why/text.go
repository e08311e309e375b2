package why

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"freshet/internal/record"
)

const (
	minWidth = 40 // columns; a narrower terminal breaks the lines itself
	maxLabel = 24 // columns of what was looked at
)

// AppendText appends the explanation as text for people, in lines of at most
// width columns as far as words allow; 0 means 80. It has no control
// characters but line feeds, whatever was in the request.
func (e *Explanation) AppendText(dst []byte, width int) []byte {
	if width == 0 {
		width = 80
	}
	p := printer{dst: dst, width: max(width, minWidth)}
	p.hang("", e.Sentence)
	p.lines("", e.subject())
	if e.Rule != 0 {
		row := e.Rule.String()
		if c := rowOf(e).Clause; c != "" {
			row += ", " + c
		}
		p.lines("Because", []labelled{{"rule", row}, {"", rowOf(e).Sentence}})
	}
	compared := make([]labelled, len(e.Compared))
	title := "Compared"
	for i, c := range e.Compared {
		compared[i] = c.line()
		if c.Fails {
			title = "Compared (! is why it is no hit)"
			if !e.Caching() {
				title = "Compared (! is what decided)"
			}
		}
	}
	p.lines(title, compared)
	settings := make([]labelled, len(e.Settings))
	for i, s := range e.Settings {
		settings[i] = labelled{s.Key, s.Value + " (" + s.Place + ")"}
	}
	p.lines("Configuration", settings)
	p.list("Also", e.Also)
	fixes := make([]string, len(e.Fixes))
	for i, f := range e.Fixes {
		fixes[i] = f.String()
	}
	remedy := "To make it a hit"
	if !e.Caching() {
		remedy = "To change that"
	}
	p.list(remedy, fixes)
	p.list("In general", e.advice())
	return p.dst
}

// Caching reports whether hits are what the explanation is about, and what its
// fixes make: folders, refusals and failures have none.
func (e *Explanation) Caching() bool {
	if slices.ContainsFunc(e.Fixes, func(f Fix) bool { return f.Who == Configuration && f.Name == "cache" }) {
		return true
	}
	return record.Hit <= e.Verdict && e.Verdict <= record.Bypass && e.Status < 500
}

// subject is what the explanation is about.
func (e *Explanation) subject() []labelled {
	lines := []labelled{{"request", strings.TrimSpace(e.Method + " " + e.URL)}}
	answer := e.Verdict.String()
	if e.Status != 0 {
		answer = strconv.Itoa(e.Status) + ", " + answer
	}
	if e.ID == "" {
		return append(lines, labelled{"would be", answer})
	}
	lines = append(lines, labelled{"was", answer})
	if !e.Time.IsZero() {
		lines = append(lines, labelled{"at", e.Time.UTC().Format(time.RFC3339)})
	}
	return append(lines, labelled{"id", e.ID})
}

// advice is the explanation's own, or else, when nothing better is known, that
// of the rule.
func (e *Explanation) advice() []string {
	switch {
	case e.Advice != "":
		return []string{e.Advice}
	case len(e.Fixes) == 0 && rowOf(e).Remedy != "":
		return []string{rowOf(e).Remedy}
	}
	return nil
}

// A labelled line; one without a label goes on with the line before.
type labelled struct{ label, text string }

func (c *Comparison) line() labelled {
	text := c.Value
	switch {
	case c.Note != "" && c.Rule != "":
		text += "  (" + c.Note + ": " + c.Rule + ")"
	case c.Note != "" || c.Rule != "":
		text += "  (" + c.Note + c.Rule + ")"
	}
	label := c.What
	if c.Fails {
		label = "! " + label
	}
	return labelled{label, text}
}

type printer struct {
	dst   []byte
	width int
}

// head begins a part.
func (p *printer) head(title string) {
	p.dst = append(p.dst, '\n')
	if title != "" {
		p.dst = append(p.dst, title+":\n"...)
	}
}

// lines appends a part of labelled lines, the texts below each other.
func (p *printer) lines(title string, all []labelled) {
	if len(all) == 0 {
		return
	}
	p.head(title)
	column, marked := 0, false
	for _, l := range all {
		column = max(column, min(utf8.RuneCountInString(l.label), maxLabel))
		marked = marked || strings.HasPrefix(l.label, "! ")
	}
	for _, l := range all {
		label := clean(l.label)
		if marked && !strings.HasPrefix(label, "! ") {
			label = "  " + label
		}
		margin := column
		if marked {
			margin = column + 2
		}
		pad := max(margin-utf8.RuneCountInString(label), 0)
		p.hangAt("  "+label+strings.Repeat(" ", pad)+"  ", margin+4, l.text)
	}
}

// list appends a part of sentences.
func (p *printer) list(title string, all []string) {
	if len(all) == 0 {
		return
	}
	p.head(title)
	for _, text := range all {
		p.hang("  ", text)
	}
}

// hang appends a text behind what begins its first line, its other lines as
// far from the edge.
func (p *printer) hang(begin, text string) { p.hangAt(begin, len(begin), text) }

func (p *printer) hangAt(begin string, margin int, text string) {
	p.dst = append(p.dst, begin...)
	column := utf8.RuneCountInString(begin)
	if column > margin {
		p.newLine(margin)
		column = margin
	}
	first := true
	for word := range strings.FieldsSeq(clean(text)) {
		n := utf8.RuneCountInString(word)
		switch {
		case first:
		case column+1+n > p.width:
			p.newLine(margin)
			column = margin
		default:
			p.dst = append(p.dst, ' ')
			column++
		}
		p.dst = append(p.dst, word...)
		column += n
		first = false
	}
	p.dst = append(trimRight(p.dst), '\n')
}

func (p *printer) newLine(margin int) {
	p.dst = append(trimRight(p.dst), '\n')
	for range margin {
		p.dst = append(p.dst, ' ')
	}
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// clean replaces what would not show, or would be obeyed by a terminal, by an
// escape that shows.
func clean(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n <= 1 || !unicode.IsPrint(r) {
			quoted := strconv.Quote(s[:n])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
