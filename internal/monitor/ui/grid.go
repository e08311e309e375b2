package ui

import "strings"

// grid is what the template draws of a table.
type grid struct {
	*Table
	Heads []headCell
	Lines []gridRow
}

type headCell struct {
	Column
	Class string
}

type gridRow struct {
	ID    string
	Level Level
	Cells []gridCell
}

type gridCell struct {
	Cell
	Class string
}

// newGrid gives each cell the classes of its column and its own.
func newGrid(t *Table) grid {
	g := grid{Table: t, Heads: make([]headCell, len(t.Columns)), Lines: make([]gridRow, len(t.Rows))}
	for i, c := range t.Columns {
		g.Heads[i] = headCell{c, c.class()}
	}
	cells := make([]gridCell, 0, len(t.Rows)*len(t.Columns))
	for i, r := range t.Rows {
		first := len(cells)
		for j, c := range r.Cells {
			class := ""
			if j < len(g.Heads) {
				class = g.Heads[j].Class
			}
			if c.Level != Plain {
				class = strings.TrimPrefix(class+" "+string(c.Level), " ")
			}
			cells = append(cells, gridCell{c, class})
		}
		g.Lines[i] = gridRow{r.ID, r.Level, cells[first:len(cells):len(cells)]}
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
	}{{c.Numeric, "num"}, {c.Mono, "mono"}, {c.Badge, "badge"}, {c.Wide, "wide"}} {
		if n.set {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}
