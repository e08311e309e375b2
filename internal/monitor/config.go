package monitor

import (
	"freshet/internal/monitor/ui"
)

// settingsTable are the parameters in force.
func settingsTable(m *Monitor, q *query) (*table, error) {
	var all []Setting
	if m.o.Settings != nil {
		all = m.o.Settings()
	}
	t := &table{name: "config", caption: "Configuration in force", empty: "No parameters.", rows: len(all), columns: []column{
		{key: "group", title: "Of", text: func(row int) string { return all[row].Group }},
		{key: "key", title: "Parameter", mono: true, text: func(row int) string { return all[row].Key },
			more: func(row int, c *ui.Cell) { c.Title = all[row].Help }},
		{key: "value", title: "Value", mono: true, wide: true, text: func(row int) string { return all[row].Value }},
		{key: "from", title: "From", mono: true, text: func(row int) string { return all[row].From },
			more: func(row int, c *ui.Cell) { c.Level = levelIf(c.Text == "default", ui.Dim) }},
	}}
	t.keep = contains(q.get("q"), t.columns[1].text, t.columns[2].text, t.columns[3].text, t.columns[0].text)
	return t, nil
}

func settingsView(m *Monitor, q *query) (*ui.View, error) {
	t, err := settingsTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	if q.get("limit") == "" {
		w.limit = maxPageRows
	}
	search := &ui.Form{Action: "/config", Submit: "Find", Fields: []ui.Field{{Name: "q", Label: "Find", Kind: ui.SearchField, Value: q.get("q"), Wide: true}}}
	return &ui.View{
		Title: "Configuration", Intro: "What is in force, and where it comes from. Read " + about(m.o.Now().Sub(m.o.ConfigTime())) + " ago.",
		Sections: []ui.Section{search, t.html(q, w)},
	}, nil
}
