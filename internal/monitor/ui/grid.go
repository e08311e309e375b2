package ui

import (
	"strconv"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// grid is what the template draws of a table.
type grid struct {
	*Table
	Heads []headCell
}

type headCell struct {
	Column
	Class string
}

func newGrid(t *Table) grid {
	g := grid{Table: t, Heads: make([]headCell, len(t.Columns))}
	for i, c := range t.Columns {
		g.Heads[i] = headCell{c, c.class()}
	}
	return g
}

// class is what the style sheet calls the column. The script copies it from
// the heading to the cells of new rows.
func (c *Column) class() string {
	var names []string
	for _, n := range []struct {
		set  bool
		name string
	}{{c.Numeric, "num"}, {c.Mono, "mono"}, {c.Badge, "badge"}, {c.Wide, "wide"}, {c.Act, "act"}} {
		if n.set {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

// html is the rows. They are appended by hand, not made by the template, which
// takes six milliseconds for a hundred of them and ten times the memory; all that
// comes from cells goes through appendText and linkTo. The script makes the same
// of the rows of an event (src/rows.js).
func (g grid) html() template.HTML {
	b := make([]byte, 0, 256+len(g.Rows)*(40+60*len(g.Heads)))
	for i := range g.Rows {
		b = g.appendRow(b, &g.Rows[i])
	}
	if len(g.Rows) == 0 {
		b = append(b, "\n<tr class=\"empty\"><td colspan=\""...)
		b = strconv.AppendInt(b, int64(max(1, len(g.Heads))), 10)
		b = append(b, "\">"...)
		empty := g.Empty
		if empty == "" {
			empty = "Nothing yet."
		}
		b = append(appendText(b, visible(empty)), "</td></tr>"...)
	}
	return template.HTML(b)
}

func (g grid) appendRow(b []byte, r *Row) []byte {
	b = append(b, "\n<tr"...)
	b = appendAttribute(b, "class", string(r.Level))
	b = appendAttribute(b, "data-id", r.ID)
	b = append(b, '>')
	for i := range r.Cells {
		class := ""
		if i < len(g.Heads) {
			class = g.Heads[i].Class
		}
		b = appendCell(b, &r.Cells[i], class)
	}
	return append(b, "\n</tr>"...)
}

// appendCell appends a cell; class is that of its column.
func appendCell(b []byte, c *Cell, class string) []byte {
	b = append(b, "\n<td"...)
	switch {
	case c.Level == Plain:
	case class == "":
		class = string(c.Level)
	default:
		class += " " + string(c.Level)
	}
	b = appendAttribute(b, "class", class)
	b = appendAttribute(b, "title", visible(c.Title))
	b = append(b, '>')
	switch {
	case c.Href != "":
		b = appendLink(b, "", c.Href, c.Text)
	case c.Text != "":
		b = append(appendMarked(append(b, "<span>"...), visible(c.Text), c.Mark), "</span>"...)
	}
	if c.Pick != "" {
		b = appendPick(b, c.Pick)
	}
	if c.Gauge != nil && c.Gauge.Limit > 0 {
		b = c.Gauge.append(append(b, ' '))
	}
	for _, l := range c.Links {
		b = appendLink(append(b, ' '), "more", l.Href, l.Text)
	}
	return append(b, "</td>"...)
}

func appendLink(b []byte, class, href, text string) []byte {
	b = append(b, "<a"...)
	b = appendAttribute(b, "class", class)
	b = appendAttribute(b, "href", linkTo(href))
	return append(appendText(append(b, '>'), visible(text)), "</a>"...)
}

// appendAttribute appends an attribute; one that is "" is left out.
func appendAttribute(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ' '), name...), `="`...)
	return append(appendText(b, value), '"')
}

// appendText appends a text as it may stand between tags, and between double
// quotes in one.
func appendText(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var escaped string
		switch s[i] {
		case '&':
			escaped = "&amp;"
		case '<':
			escaped = "&lt;"
		case '>':
			escaped = "&gt;"
		case '"':
			escaped = "&#34;"
		case '\'':
			escaped = "&#39;"
		case 0:
			escaped = "\uFFFD"
		default:
			continue
		}
		b = append(append(b, s[from:i]...), escaped...)
		from = i + 1
	}
	return append(b, s[from:]...)
}

// linkTo returns an address to link to: itself if it is relative, or of http
// or https; else one that leads nowhere, as html/template makes of it. What
// may not stand in an address is percent-encoded (RFC 3986 §2).
func linkTo(href string) string {
	scheme, _, found := strings.Cut(href, ":")
	if found && !strings.ContainsAny(scheme, "/?#") && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "#ZgotmplZ"
	}
	if !strings.ContainsFunc(href, foreign) {
		return href
	}
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(href)+16)
	for i := range len(href) {
		if c := href[i]; foreign(rune(c)) {
			b = append(b, '%', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// foreign tells what cannot be part of an address. A byte above 0x7f is such,
// by itself as in a rune.
func foreign(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune("\"'<>`\\^{|}", c)
}

// append appends the gauge as an element.
func (g *Gauge) append(b []byte) []byte {
	number := func(name string, v float64) {
		b = append(append(append(b, ' '), name...), `="`...)
		b = append(strconv.AppendFloat(b, v, 'g', 6, 64), '"')
	}
	b = append(b, `<meter min="0"`...)
	number("max", g.Limit)
	number("high", g.High())
	number("value", g.Shown())
	label := g.Label
	if label == "" {
		label = "used"
	}
	b = appendAttribute(b, "aria-label", visible(label))
	b = strconv.AppendInt(append(b, '>'), int64(g.Percent()), 10)
	return append(b, " %</meter>"...)
}

// html is the gauge as an element.
func (g *Gauge) html() template.HTML { return template.HTML(g.append(nil)) }
