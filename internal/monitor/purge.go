package monitor

import (
	"net/http"
	"net/url"
	"strings"

	"freshet/internal/monitor/ui"
	"freshet/internal/why"
)

// purgeForm asks whether something is to be forgotten. It leads to a page that
// says what will happen.
func purgeForm(what url.Values) *ui.Form {
	f := &ui.Form{Action: "/cache/purge", Submit: "Purge …"}
	f.Title = "Purge"
	for name, v := range what {
		f.Hidden = append(f.Hidden, ui.Value{Name: name, Value: v[0]})
	}
	return f
}

// purgeView asks for confirmation, or for an address.
func purgeView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Purge", Path: "/cache/purge", Up: ui.Link{Text: "Cache", Href: "/cache"}}
	if m.o.Store == nil {
		return nil, &missing{"There is no cache."}
	}
	key, address := q.values.Get("key"), q.get("url")
	soft := ui.Field{Name: "soft", Label: "Softly: keep it, and ask the origin whether it still holds before it is used again", Kind: ui.CheckField}
	f := &ui.Form{Action: "/cache/purge", Post: true, Danger: true, Submit: "Purge", Cancel: ui.Link{Text: "Back", Href: "/cache"}}
	switch {
	case key != "":
		f.Hidden = []ui.Value{{Name: "key", Value: key}}
		f.Note = "All variants that are stored under the key " + key + " will be forgotten."
		f.Cancel.Href = objectAddress(key)
	case address != "":
		f.Hidden = []ui.Value{{Name: "url", Value: address}}
		f.Note = "What is stored for " + address + " will be forgotten."
	default:
		f.Fields = []ui.Field{{Name: "url", Label: "Address", Kind: ui.URLField, Required: true, Wide: true, Placeholder: "http://example.org/path"}}
	}
	f.Fields = append(f.Fields, soft)
	v.Sections = []ui.Section{f}
	return v, nil
}

// purged says what a purge came to.
func purged(n int, soft bool) string {
	text := why.Count(int64(n), "answer")
	switch {
	case n == 0:
		return "Nothing was stored there."
	case soft && n == 1:
		return text + " will be validated before it is used again."
	case soft:
		return text + " will be validated before they are used again."
	case n == 1:
		return text + " was forgotten."
	}
	return text + " were forgotten."
}

// purgeAct does it. The gate has seen the token.
func purgeAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if !readForm(w, r) {
		return
	}
	if m.o.Store == nil {
		fail(w, r, http.StatusNotFound, "There is no cache.")
		return
	}
	key, address, soft := r.PostForm.Get("key"), strings.TrimSpace(r.PostForm.Get("url")), r.PostForm.Get("soft") != ""
	n := 0
	switch {
	case key != "":
		n = m.o.Store.PurgeKey(key, soft)
	case address != "" && m.o.Purger != nil:
		var err error
		if n, err = m.o.Purger.Purge(address, soft); err != nil {
			fail(w, r, http.StatusBadRequest, err.Error())
			return
		}
	default:
		fail(w, r, http.StatusBadRequest, "Say what to purge: key or url.")
		return
	}
	text := purged(n, soft)
	sendView(w, r, http.StatusOK, &ui.View{Title: "Purged", Path: "/cache/purge", Up: ui.Link{Text: "Cache", Href: "/cache"},
		Sections: []ui.Section{&ui.Notice{Level: ui.Good, Title: "Purged", Text: text, Links: []ui.Link{{Text: "Cache", Href: "/cache"}}}}})
}
