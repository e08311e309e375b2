package monitor

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/control"
	"freshet/internal/monitor/ui"
	"freshet/internal/why"
)

// purgeWays are how what is to be purged can be named.
var purgeWays = []ui.Option{
	{Value: "url", Text: "address"}, {Value: "tag", Text: "tag"}, {Value: "prefix", Text: "beginning of addresses"},
	{Value: "host", Text: "host"}, {Value: "where", Text: "condition"}, {Value: "everything", Text: "everything"},
}

// purgeAsked is what a form asks for; fault says what is missing.
func purgeAsked(form url.Values) (q *control.Request, fault string) {
	by, what := form.Get("by"), strings.TrimSpace(form.Get("what"))
	if address := strings.TrimSpace(form.Get("url")); address != "" {
		by, what = "url", address
	}
	if what == "" && by != "everything" {
		return nil, "key, url, or by and what"
	}
	q = &control.Request{}
	switch by {
	case "url":
		q.URLs = []string{what}
	case "tag":
		q.Tags = []string{what}
	case "prefix":
		q.Prefixes = []string{what}
	case "host":
		q.Hosts = []string{what}
	case "where":
		q.Where = []string{what}
	case "everything":
		q.All = true
	default:
		return nil, "by is one of url, tag, prefix, host, where and everything"
	}
	return q, ""
}

// purgedBy says what a purge came to.
func purgedBy(a *control.Answer) string {
	r := a.Receipt
	switch {
	case r == nil:
		return "Nothing was stored there."
	case r.Counting:
		return "It holds from now on. How many answers that are is being counted; the receipt is " + ui.Visible(r.ID) + "." + awayIn(r)
	}
	return purged(int(r.Objects), r.Soft) + " The receipt is " + ui.Visible(r.ID) + "." + awayIn(r)
}

// receipts are those of the latest purges: of the fleet at its hub, else of this
// server.
func (m *Monitor) receipts() ([]control.Receipt, error) {
	if m.o.Purger == nil {
		return nil, nil
	}
	a, err := m.o.Purger.Purge(&control.Request{Receipts: true})
	if err != nil {
		return nil, err
	}
	return a.Receipts, nil
}

func purgesTable(m *Monitor, q *query) (*table, error) {
	rows, err := m.receipts()
	if err != nil {
		return nil, err
	}
	at := func(row int) *control.Receipt { return &rows[row] }
	t := &table{name: "purges", caption: "Purges", empty: "Nothing was purged yet.", rows: len(rows), by: "time", desc: true, columns: []column{
		{key: "time", title: "Time", kind: instant, down: true, num: func(row int) float64 { return sinceEpoch(at(row).Time) }, more: func(row int, c *ui.Cell) {
			c.Href = receiptAddress(at(row).ID)
		}},
		{key: "what", title: "What", mono: true, wide: true, text: func(row int) string { return whatPurged(at(row)) }},
		{key: "how", title: "How", badge: true, text: func(row int) string { return howPurged(at(row)) }},
		{key: "objects", title: "Answers", kind: count, down: true, help: "Stored answers that it was about.", num: func(row int) float64 { return float64(at(row).Objects) }},
		{key: "bytes", title: "Freed", kind: octets, down: true, help: "Bodies that are gone.", num: func(row int) float64 { return float64(at(row).Bytes) }},
		{key: "state", title: "State", text: func(row int) string { return stateOf(at(row)) }},
		{key: "done", title: "Swept", kind: instant, help: "When all that is stored had been looked at.", num: func(row int) float64 { return sinceEpoch(at(row).Done) }},
		{key: "id", title: "Receipt", mono: true, text: func(row int) string { return ui.Visible(at(row).ID) }, more: func(row int, c *ui.Cell) {
			c.Href = receiptAddress(at(row).ID)
		}},
		{key: "undo", title: "Undo", plain: true, act: true, text: func(int) string { return "" }, more: func(row int, c *ui.Cell) {
			if at(row).Undoable {
				c.Text, c.Href = "Undo …", "/purges/undo?"+url.Values{"id": {at(row).ID}}.Encode()
			}
		}},
	}}
	if slices.ContainsFunc(rows, func(r control.Receipt) bool { return len(r.Nodes) > 0 }) {
		t.columns = slices.Insert(t.columns, len(t.columns)-1, nodeColumns(at)...)
	}
	t.keep = contains(q.get("q"), t.column("what").text, t.column("id").text)
	return t, nil
}

// sinceEpoch is a time in seconds since 1970, NaN for none.
func sinceEpoch(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.UnixMilli()) / 1e3
}

func whatPurged(r *control.Receipt) string {
	text := ui.Visible(strings.Join(r.What, ", "))
	if r.More > 0 {
		text += " and " + grouped(int64(r.More)) + " more"
	}
	return text
}

func howPurged(r *control.Receipt) string {
	if r.Soft {
		return "soft"
	}
	return "hard"
}

func stateOf(r *control.Receipt) string {
	switch {
	case !r.Undone.IsZero():
		return "undone"
	case r.Counting:
		return "counting"
	case r.Done.IsZero():
		return "sweeping"
	}
	return "done"
}

func purgesView(m *Monitor, q *query) (*ui.View, error) {
	t, err := purgesTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	return &ui.View{
		Title: "Purges", Up: ui.Link{Text: "Cache", Href: "/cache"}, Refresh: 10 * time.Second,
		Intro:    "A purge holds at once. How many answers it was about is counted when all that is stored has been looked at.",
		Sections: []ui.Section{t.html(q, w), &ui.Text{Links: []ui.Link{{Text: "Purge", Href: "/cache/purge"}}}},
	}, nil
}

// undoView asks whether a soft purge is to hold no more.
func undoView(m *Monitor, q *query) (*ui.View, error) {
	id := q.values.Get("id")
	f := &ui.Form{Action: "/purges/undo", Post: true, Submit: "Undo", Cancel: toPurges, Hidden: []ui.Value{{Name: "id", Value: id}}}
	f.Note = "The answers that the soft purge " + ui.Visible(id) + " was about will be used without asking their origins, as far as they are fresh."
	return &ui.View{Title: "Undo a purge", Path: "/purges/undo", Up: toPurges, Sections: []ui.Section{f}}, nil
}

var toPurges = ui.Link{Text: "Purges", Href: "/purges"}

// undoAct does it.
func undoAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if m.o.Purger == nil {
		failAs(w, r, errNoCache)
		return
	}
	a, err := m.o.Purger.Purge(&control.Request{Undo: r.PostForm.Get("id")})
	if err == nil && len(a.Faults) > 0 {
		err = errors.New(strings.Join(a.Faults, "; "))
	}
	if err != nil || a.Receipt == nil {
		if err == nil {
			err = errors.New("there is no such receipt")
		}
		fail(w, r, http.StatusBadRequest, "It was not undone: "+err.Error()+".")
		return
	}
	text := "The purge of " + whatPurged(a.Receipt) + " holds no more. It was about " + why.Count(a.Receipt.Objects, "answer") + "." + awayIn(a.Receipt)
	m.sendDone(w, r, "Undone", text, toPurges)
}
