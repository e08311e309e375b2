package monitor

import (
	"math"
	"strings"
	"sync"

	"freshet/internal/monitor/ui"
)

// A table is rows that are shown as HTML, JSON, CSV and Prometheus text. It
// holds no text of its own: cells are made for the rows of the window alone,
// so that a table of a million rows costs what its sort keys cost.
type table struct {
	name    string // of its metrics, and in JSON
	caption string
	empty   string // what is said when there are no rows
	columns []column
	rows    int

	past bool // as that of its page

	// keep tells which rows are in it; nil keeps all.
	keep func(row int) bool

	// by is the key of the column that rows are sorted by at first; "" leaves
	// them as they come.
	by   string
	desc bool

	// turn, when not nil, is held while rows are sorted, so that however many
	// ask for a large table, memory for one order is enough.
	turn *sync.Mutex
}

// A column has num or text.
type column struct {
	key   string // in addresses, JSON, CSV; and part of a metric's name
	title string
	help  string
	kind  kind

	text func(row int) string
	num  func(row int) float64 // NaN: unknown
	// more adds links and colour to the cell; nil for none.
	more func(row int, c *ui.Cell)

	mono, badge, wide bool
	// down says that the first click on the heading sorts with the largest at
	// the top.
	down bool
	// plain columns are not sorted by.
	plain bool
	// act columns have the links that do something with a row.
	act bool
}

// kind is what a column's numbers are.
type kind uint8

const (
	words   kind = iota // no numbers
	count               // a whole number
	rate                // per second
	octets              // bytes
	seconds             // a length of time
	percent             // 0 to 100
	instant             // seconds since 1970
)

func (c *column) numeric() bool { return c.num != nil }

// shown is the text of a cell for people.
func (c *column) shown(row int) string {
	if c.num == nil {
		return c.text(row)
	}
	return c.kind.format(c.num(row))
}

// cell is a cell for people.
func (c *column) cell(row int) ui.Cell {
	cell := ui.Cell{Text: c.shown(row)}
	if c.more != nil {
		c.more(row, &cell)
	}
	return cell
}

// format writes a number for people.
func (k kind) format(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	switch k {
	case count:
		return grouped(int64(v))
	case rate:
		return ui.PerSecond.Format(v)
	case octets:
		return ui.Bytes.Format(v)
	case seconds:
		return span(v)
	case percent:
		return ui.Percent.Format(v)
	case instant:
		return clock(v)
	}
	return ""
}

// column returns the column of a key, or nil.
func (t *table) column(key string) *column {
	for i := range t.columns {
		if t.columns[i].key == key {
			return &t.columns[i]
		}
	}
	return nil
}

// html returns the part of the table that a window shows, as a section of the
// page at path. The window is put right first.
func (t *table) html(q *query, w *window) *ui.Table {
	rows, total := t.rowsOf(w)
	u := &ui.Table{Caption: t.caption, Empty: t.empty, Total: total, Offset: w.offset, Rows: make([]ui.Row, len(rows))}
	u.ID = t.name
	for i := range t.columns {
		c := &t.columns[i]
		head := ui.Column{Key: c.key, Title: c.title, Help: c.help, Numeric: c.numeric() && c.kind != instant, Mono: c.mono, Badge: c.badge, Wide: c.wide, Act: c.act}
		if !c.plain {
			head.Sort = q.with("sort", c.key, "order", w.next(c), "offset", "")
			if w.by == c.key {
				head.Sorted = ui.Ascending
				if w.desc {
					head.Sorted = ui.Descending
				}
			}
		}
		u.Columns = append(u.Columns, head)
	}
	for i, row := range rows {
		cells := make([]ui.Cell, len(t.columns))
		for j := range t.columns {
			cells[j] = t.columns[j].cell(row)
		}
		u.Rows[i].Cells = cells
	}
	if w.offset > 0 {
		u.Prev = q.with("offset", number(max(0, w.offset-w.limit)))
	}
	if w.offset+len(rows) < total {
		u.Next = q.with("offset", number(w.offset+w.limit))
	}
	for _, f := range []struct{ text, suffix string }{{"JSON", ".json"}, {"CSV", ".csv"}, {"Prometheus", ".prom"}} {
		if t.past && f.suffix == ".prom" {
			continue
		}
		u.Formats = append(u.Formats, ui.Link{Text: f.text, Href: q.as(f.suffix)})
	}
	return u
}

// contains is a keep for rows of which one of the texts has a part, in any
// case.
func contains(part string, texts ...func(row int) string) func(int) bool {
	part = strings.ToLower(part)
	if part == "" {
		return nil
	}
	return func(row int) bool {
		for _, text := range texts {
			if containsFold(text(row), part) {
				return true
			}
		}
		return false
	}
}

// containsFold is strings.Contains for a part in lower case, for ASCII.
func containsFold(s, part string) bool {
	first, upper := part[0], part[0]
	if 'a' <= first && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i] != first && s[i] != upper {
			continue
		}
		if strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
