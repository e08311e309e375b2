package monitor

import "freshet/internal/monitor/ui"

// fleetView makes a page that stays empty as long as the server is alone.
func fleetView(title, what string) func(*Monitor, *query) (*ui.View, error) {
	return func(*Monitor, *query) (*ui.View, error) {
		return &ui.View{Title: title, Sections: []ui.Section{
			&ui.Notice{Level: ui.Info, Title: "Nothing to show", Text: what + " This server works alone, so that there are none."},
		}}, nil
	}
}

func fleetTable(name string, columns ...string) func(*Monitor, *query) (*table, error) {
	return func(*Monitor, *query) (*table, error) {
		t := &table{name: name, caption: name}
		for _, key := range columns {
			t.columns = append(t.columns, column{key: key, title: title(key), text: func(int) string { return "" }})
		}
		return t, nil
	}
}
