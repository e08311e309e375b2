package monitor

import (
	"errors"
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
		return nil, errNoCache
	}
	key, address := q.values.Get("key"), q.get("url")
	soft := ui.Field{Name: "soft", Label: "Softly: keep it, and ask the origin whether it still holds before it is used again", Kind: ui.CheckField}
	f := &ui.Form{Action: "/cache/purge", Post: true, Danger: true, Submit: "Purge", Cancel: ui.Link{Text: "Back", Href: "/cache"}}
	switch {
	case key != "":
		f.Hidden = []ui.Value{{Name: "key", Value: key}}
		f.Note = "All variants that are stored under the key " + key + " will be forgotten."
		if m.o.Servers != nil {
			f.Note += " At this server alone: for all of the fleet, purge the address."
		}
		f.Cancel.Href = objectAddress(key)
	case address != "":
		f.Hidden = []ui.Value{{Name: "url", Value: address}}
		f.Note = "What is stored for " + address + " will be forgotten."
	default:
		f.Fields = []ui.Field{
			{Name: "by", Label: "By", Kind: ui.SelectField, Value: q.get("by"), Options: purgeWays},
			{Name: "what", Label: "What", Wide: true, Placeholder: "http://example.org/path", Value: q.get("what")},
		}
		f.Note = "Nothing is to be named for everything."
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

// purgeAct does it.
func purgeAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if m.o.Store == nil {
		failAs(w, r, errNoCache)
		return
	}
	key, soft := r.PostForm.Get("key"), r.PostForm.Get("soft") != ""
	text := ""
	ask, fault := purgeAsked(r.PostForm)
	switch {
	case key != "":
		text = purged(m.o.Store.PurgeKey(key, soft), soft)
	case fault != "" || m.o.Purger == nil:
		fail(w, r, http.StatusBadRequest, "Say what to purge: "+fault+".")
		return
	default:
		ask.Soft = soft
		a, err := m.o.Purger.Purge(ask)
		if err == nil && len(a.Faults) > 0 {
			err = errors.New(strings.Join(a.Faults, "; "))
		}
		if err != nil {
			fail(w, r, http.StatusBadRequest, err.Error())
			return
		}
		text = purgedBy(a)
	}
	m.sendDone(w, r, "Purged", text, ui.Link{Text: "Cache", Href: "/cache"}, toPurges)
}
