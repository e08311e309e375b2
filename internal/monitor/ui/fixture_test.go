package ui_test

import (
	"math"
	"time"

	"freshet/internal/monitor/ui"
)

// everything is a page with every kind of section.
func everything() *ui.View {
	return &ui.View{
		Title: "Everything", Intro: "One of each.", Path: "/requests/17", Host: "a.example:8001",
		Version: "freshet 1.2.3", Uptime: "3 days", Live: "/events?status=404&q=a+b", Refresh: 5 * time.Second, Still: "/requests/17?reload=off",
		Up: ui.Link{Text: "Requests", Href: "/requests"},
		Sections: []ui.Section{
			&ui.Notice{Level: ui.Warn, Title: "Disk", Text: "Nearly full.", Links: []ui.Link{{Text: "Cache", Href: "/cache"}}},
			&ui.Stats{Head: ui.Head{ID: "now", Title: "Now", Note: "The last second."}, Items: []ui.Stat{
				{Key: "rate", Label: "Requests", Value: "1,234", Unit: "/s", Note: "of all kinds", Href: "/requests"},
				{Key: "disk", Label: "Disk", Value: "9.1", Unit: "GB", Level: ui.Warn, Gauge: &ui.Gauge{Value: 9.1, Limit: 10}},
				{Label: "Sites", Value: "3"},
				{Label: "Unbounded", Value: "3", Gauge: &ui.Gauge{Value: 3}},
			}},
			&ui.Columns{Sections: []ui.Section{
				&ui.Chart{
					Head: ui.Head{ID: "traffic", Title: "Traffic"}, Unit: ui.PerSecond, Times: []int64{1000, 1010, 1020, 1030},
					Series: []ui.Series{{Name: "hits", Values: []float64{1, 2, math.NaN(), 4}}, {Name: "errors", Level: ui.Bad, Values: []float64{0, 1, 0, math.Inf(1)}}},
					Live:   true, Formats: []ui.Link{{Text: "CSV", Href: "/traffic.csv"}},
				},
				&ui.Chart{
					Head: ui.Head{ID: "bytes", Title: "Bytes"}, Unit: ui.Bytes, Times: []int64{0, 86400 * 2}, Stacked: true, Interactive: true, Max: 10,
					Series: []ui.Series{{Name: "in", Values: []float64{1500, 2}}, {Name: "out", Values: []float64{1, 2}}},
				},
			}},
			&ui.Form{Head: ui.Head{ID: "filter"}, Action: "/requests", Submit: "Filter", Cancel: ui.Link{Text: "All", Href: "/requests"}, Fields: []ui.Field{
				{Name: "q", Label: "Path", Kind: ui.SearchField, Value: "/a", Placeholder: "/news/*", Hint: "A path, or the start of one and *.", Wide: true},
				{Name: "status", Label: "Status", Kind: ui.SelectField, Value: "404", Options: []ui.Option{{Text: "any"}, {Value: "404"}, {Value: "5xx", Text: "errors"}}},
				{Name: "slow", Label: "Only slow ones", Kind: ui.CheckField, Value: "1"},
			}},
			&ui.Table{
				Head: ui.Head{ID: "requests", Title: "Latest"}, Caption: "Latest requests", MaxRows: 100, Total: 12345, Offset: 50,
				Prev: "/requests?offset=0", Next: "/requests?offset=52", Formats: []ui.Link{{Text: "JSON", Href: "/requests.json"}, {Text: "CSV", Href: "/requests.csv"}},
				Columns: []ui.Column{
					{Key: "time", Title: "Time", Sort: "/requests?sort=time", Sorted: ui.Descending, Help: "When it was read."},
					{Key: "path", Title: "Path", Mono: true, Wide: true},
					{Key: "verdict", Title: "Verdict", Badge: true},
					{Key: "ms", Title: "Time", Unit: "ms", Numeric: true, Sort: "/requests?sort=ms"},
				},
				Rows: []ui.Row{
					{ID: "r2", Cells: []ui.Cell{{Text: "12:00:01"}, {Text: "/a", Href: "/requests/r2"}, {Text: "hit", Level: ui.Good, Title: "fresh"}, {Text: "1.2"}}},
					{ID: "r1", Level: ui.Bad, Cells: []ui.Cell{{Text: "12:00:00"}, {Text: "/b"}, {Text: "error", Level: ui.Bad}, {Gauge: &ui.Gauge{Value: 1, Limit: 4, Warn: -1}, Links: []ui.Link{{Text: "retry", Href: "/jobs/1/retry"}}}}},
				},
			},
			&ui.Table{Head: ui.Head{Title: "Nothing"}, Columns: []ui.Column{{Title: "A"}, {Title: "Stop", Act: true}}, Empty: "No jobs wait."},
			&ui.List{Head: ui.Head{Title: "Why"}, Items: []ui.Item{
				{Term: "Verdict", Text: "miss", Level: ui.Info, Note: "RFC 9111 §4.2.2"},
				{Term: "Key", Text: "http a.example /b\nsecond line", Mono: true, Href: "/cache?key=1"},
			}},
			&ui.Pre{Head: ui.Head{Title: "File"}, Label: "freshet.toml", Text: "[server]\n\tlisten = \":80\"\n"},
			&ui.Gallery{Head: ui.Head{ID: "pictures", Title: "Pictures"}, Pictures: []ui.Picture{{Src: "/jobs/file?name=0001.png", Name: "0001.png"}}},
			&ui.Text{Head: ui.Head{Title: "About"}, Paragraphs: []string{"One.", "Two."}, Links: []ui.Link{{Text: "More", Href: "https://a.example/"}, {Text: "Less", Href: "/", Current: true}}},
			&ui.Form{Head: ui.Head{ID: "purge", Title: "Purge /a?", Note: "The next request asks the origin."}, Action: "/cache/purge", Post: true, Danger: true, Submit: "Purge",
				Hidden: []ui.Value{{Name: "token", Value: "t0k3n"}}, Errors: []string{"That was no address."}, Cancel: ui.Link{Text: "Back", Href: "/cache"},
				Fields: []ui.Field{
					{Name: "url", Label: "Address", Kind: ui.URLField, Required: true, Invalid: true},
					{Name: "why", Label: "Why", Kind: ui.AreaField, Value: "because\nof that", Hint: "For the log."},
					{Name: "key", Label: "Token", Kind: ui.PasswordField, Value: "secret"},
					{Name: "n", Label: "How many", Kind: ui.NumberField, Value: "3"},
				}},
		},
	}
}
