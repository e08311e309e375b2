package ui_test

import (
	"io"
	"strconv"
	"testing"

	"freshet/internal/monitor/ui"
)

// BenchmarkPage draws a page of each part, and one with a table of 100 rows
// such as many people keep open.
func BenchmarkPage(b *testing.B) {
	t := &ui.Table{Columns: make([]ui.Column, 10)}
	for i := range 100 {
		row := ui.Row{ID: strconv.Itoa(i)}
		for j := range 10 {
			row.Cells = append(row.Cells, ui.Cell{Text: "/news/" + strconv.Itoa(i*j)})
		}
		row.Cells[0].Href = "/requests/" + row.ID
		row.Cells[5].Level = ui.Good
		t.Rows = append(t.Rows, row)
	}
	for name, v := range map[string]*ui.View{
		"everything": everything(),
		"rows":       {Path: "/requests", Sections: []ui.Section{t}},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := ui.Page(io.Discard, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
