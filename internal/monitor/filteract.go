package monitor

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"freshet/forward"
	"freshet/internal/monitor/ui"
)

// allowedFor is how long something is let pass from the page.
const allowedFor = time.Hour

// allowAddress is the page that asks whether something is to be let pass.
func allowAddress(site, rule string) string {
	return "/filter/allow?" + url.Values{"site": {site}, "rule": {rule}}.Encode()
}

// allowedTable is what is let pass.
func allowedTable(m *Monitor, _ *query) (*table, error) {
	var all []forward.Allowance
	if m.o.Filter != nil {
		all = m.o.Filter.Allowances()
	}
	return &table{name: "filter_allowed", caption: "Let pass for a time", empty: "Nothing.", rows: len(all), columns: []column{
		{key: "site", title: "Site", text: func(row int) string { return ui.Visible(all[row].Site) }},
		{key: "rule", title: "Rule", mono: true, wide: true, text: func(row int) string { return ui.Visible(all[row].Rule) }},
		{key: "until", title: "Until", kind: instant, num: func(row int) float64 { return float64(all[row].Until.UnixMilli()) / 1e3 }},
		{key: "end", title: "End", plain: true, act: true, text: func(int) string { return "" }, more: func(row int, c *ui.Cell) {
			c.Text, c.Href = "End …", "/filter/forbid?"+url.Values{"site": {all[row].Site}, "rule": {all[row].Rule}}.Encode()
		}},
	}}, nil
}

var toFilter = ui.Link{Text: "Filter", Href: "/filter"}

// allowView asks what is to be let pass: a site, or a rule.
func allowView(m *Monitor, q *query) (*ui.View, error) {
	site, rule := q.get("site"), q.values.Get("rule")
	if m.o.Filter == nil {
		return nil, errNoFilter
	}
	v := &ui.View{Title: "Allow for an hour", Path: "/filter/allow", Up: toFilter}
	if site != "" {
		f := &ui.Form{Action: "/filter/allow", Post: true, Submit: "Allow all on this site for an hour", Cancel: ui.Link{Text: "Back", Href: "/filter"}, Hidden: []ui.Value{{Name: "site", Value: site}}}
		f.Note = "Pages of " + ui.Visible(site) + ", and of hosts below it, will load all that they want, and nothing in them will be hidden."
		v.Sections = append(v.Sections, f)
	}
	if rule != "" {
		f := &ui.Form{Action: "/filter/allow", Post: true, Submit: "Pass over this rule for an hour", Cancel: ui.Link{Text: "Back", Href: "/filter"}, Hidden: []ui.Value{{Name: "rule", Value: rule}}}
		f.Note = "The rule " + ui.Visible(rule) + " will block nothing, on any site."
		v.Sections = append(v.Sections, f)
	}
	if len(v.Sections) == 0 {
		f := &ui.Form{Action: "/filter/allow", Post: true, Submit: "Allow all on this site for an hour", Cancel: ui.Link{Text: "Back", Href: "/filter"},
			Fields: []ui.Field{{Name: "site", Label: "Host", Required: true, Placeholder: "news.example"}}}
		v.Sections = append(v.Sections, f)
	}
	return v, nil
}

// allowAct does it.
func allowAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if m.o.Filter == nil {
		failAs(w, r, errNoFilter)
		return
	}
	a := forward.Allowance{Site: strings.TrimSpace(r.PostForm.Get("site")), Rule: r.PostForm.Get("rule"), Until: m.o.Now().Add(allowedFor)}
	if err := m.o.Filter.Allow(a); err != nil {
		fail(w, r, http.StatusBadRequest, "It is not allowed: "+err.Error()+".")
		return
	}
	m.sendDone(w, r, "Allowed", ui.Visible(a.Site+a.Rule)+" may pass until "+a.Until.UTC().Format("15:04 MST")+". Load the page anew.", toFilter)
}

// forbidView asks whether an allowance is to end.
func forbidView(m *Monitor, q *query) (*ui.View, error) {
	site, rule := q.get("site"), q.values.Get("rule")
	if m.o.Filter == nil || site == "" && rule == "" {
		return nil, &missing{"There is no such allowance."}
	}
	f := &ui.Form{Action: "/filter/forbid", Post: true, Submit: "End", Cancel: ui.Link{Text: "Back", Href: "/filter"}, Hidden: []ui.Value{{Name: "site", Value: site}, {Name: "rule", Value: rule}}}
	f.Note = "What was allowed for " + ui.Visible(site+rule) + " will be blocked again."
	return &ui.View{Title: "End an allowance", Path: "/filter/forbid", Up: toFilter, Sections: []ui.Section{f}}, nil
}

// forbidAct does it.
func forbidAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if m.o.Filter == nil {
		failAs(w, r, errNoFilter)
		return
	}
	there, err := m.o.Filter.Forbid(forward.Allowance{Site: r.PostForm.Get("site"), Rule: r.PostForm.Get("rule")})
	switch {
	case err != nil:
		fail(w, r, http.StatusInternalServerError, "It ends, but may come back at the next start: "+err.Error()+".")
	case !there:
		fail(w, r, http.StatusNotFound, "There is no such allowance.")
	default:
		m.sendDone(w, r, "Ended", "It is blocked again.", toFilter)
	}
}
