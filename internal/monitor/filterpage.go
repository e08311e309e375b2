package monitor

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/filterlist"
	"freshet/forward"
	"freshet/internal/monitor/ui"
	"freshet/internal/rule"
)

// filterView shows what lists do in a forward proxy: what was cut, by what, and
// what may pass all the same.
func filterView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Filter", Path: "/filter", Intro: "What lists block, replace and hide in what passes the proxy."}
	f := m.o.Filter
	if f == nil {
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "This server filters nothing", Text: "Start a forward proxy with freshet filter --list FILE."}}
		return v, nil
	}
	ask, err := askSections(f, q)
	if err != nil {
		return nil, err
	}
	v.Sections = append([]ui.Section{filterStats(f)}, ask...)
	live := q.get("url") == ""
	if live {
		v.Refresh, v.Live = 10*time.Second, liveAddress("filter", nil)
	}
	for _, one := range []struct {
		page string
		of   func(*Monitor, *query) (*table, error)
		most int
	}{{"/filter", cutsTable, maxFilterRows}, {"/filter/sites", cutSitesTable, maxFilterRows}, {"/filter/allowed", allowedTable, 100}, {"/filter/pinned", pinnedTable, 100}, {"/filter/lists", listsTable, 100}, {"/filter/unsupported", unsupportedTable, 50}} {
		t, err := one.of(m, q)
		if err != nil {
			return nil, err
		}
		own := &query{page: one.page}
		section := t.html(own, &window{limit: one.most, by: t.by, desc: t.desc})
		for i := range section.Columns {
			section.Columns[i].Sort = "" // there are several tables, and one address
		}
		section.Prev, section.Next = "", ""
		if ids := filterLive[t.name]; live && ids != "" {
			section.MaxRows = one.most
			for i := range section.Rows {
				section.Rows[i].ID = t.column(ids).shown(i)
			}
		}
		v.Sections = append(v.Sections, section)
	}
	return v, nil
}

// maxFilterRows is how many rows of a table the page shows that changes by
// itself.
const maxFilterRows = 50

// filterLive are the tables that change by themselves, and the column that tells
// their rows from others.
var filterLive = map[string]string{"filter_latest": "number", "filter_sites": "site"}

// filterEvents brings what was cut, and the numbers above it.
func filterEvents(m *Monitor, q *query) (func(dst []byte, now time.Time) []byte, error) {
	if m.o.Filter == nil {
		return nil, errNoFilter
	}
	return func(dst []byte, _ time.Time) []byte {
		stats := ui.StatsEvent{}
		for _, s := range filterStats(m.o.Filter).Items {
			stats[s.Key] = ui.LiveStat{Text: s.Value, Note: s.Note, Level: s.Level}
		}
		dst = appendEvent(dst, ui.EventStats, 0, stats)
		for _, of := range []func(*Monitor, *query) (*table, error){cutsTable, cutSitesTable} {
			t, err := of(m, q)
			if err != nil {
				continue
			}
			event := ui.RowsEvent{Table: t.name, Whole: true, Empty: t.empty, Total: t.rows}
			for row := range min(t.rows, maxFilterRows) {
				r := ui.Row{ID: t.column(filterLive[t.name]).shown(row)}
				for i := range t.columns {
					r.Cells = append(r.Cells, t.columns[i].cell(row))
				}
				event.Rows = append(event.Rows, r)
			}
			dst = appendEvent(dst, ui.EventRows, 0, event)
		}
		return dst
	}, nil
}

// filterStats are the numbers above the tables.
func filterStats(f *forward.Handler) *ui.Stats {
	var cut, saved int64
	for _, s := range f.CutSites() {
		cut, saved = cut+s.Count, saved+s.Saved
	}
	rules, failing := 0, 0
	for _, l := range f.Lists() {
		rules += l.Info.Counts.Rules()
		if l.Error != "" {
			failing++
		}
	}
	return &ui.Stats{Items: []ui.Stat{
		{Key: "filter_cut", Label: "Not loaded", Value: grouped(cut), Note: "requests since the start"},
		{Key: "filter_saved", Label: "Spared, about", Value: octets.format(float64(saved)), Note: "estimated by kind, not measured"},
		{Key: "filter_rules", Label: "Rules in force", Value: grouped(int64(rules)), Href: "/filter/lists.json"},
		{Key: "filter_failing", Label: "Lists that fail", Value: grouped(int64(failing)), Level: levelIf(failing > 0, ui.Warn)},
		{Key: "filter_allowances", Label: "Allowed for now", Value: grouped(int64(len(f.Allowances())))},
	}}
}

// askSections are the form that asks about a request, and the answer.
func askSections(f *forward.Handler, q *query) ([]ui.Section, error) {
	kind := q.get("type")
	if kind == "" {
		kind = filterlist.Document.String()
	}
	form := &ui.Form{Action: "/filter", Submit: "Ask", Fields: []ui.Field{
		{Name: "url", Label: "Address", Kind: ui.URLField, Value: q.get("url"), Required: true, Wide: true, Placeholder: "https://ads.example/banner.js"},
		{Name: "page", Label: "On the page", Kind: ui.URLField, Value: q.get("page"), Wide: true, Placeholder: "https://news.example/"},
		{Name: "type", Label: "As", Kind: ui.SelectField, Value: kind},
	}}
	form.Title = "What would happen to"
	for t := filterlist.Other; t <= filterlist.Ping; t++ {
		form.Fields[2].Options = append(form.Fields[2].Options, ui.Option{Value: t.String()})
	}
	if q.get("url") == "" {
		return []ui.Section{form}, nil
	}
	typ, ok := filterlist.ParseType(kind)
	u, err := url.Parse(q.get("url"))
	if !ok || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		form.Errors, form.Fields[0].Invalid = []string{"Give an http or https address, and one of the types."}, true
		return []ui.Section{form}, nil
	}
	return []ui.Section{form, judgement(f, filterlist.Request{URL: u.String(), Page: q.get("page"), Type: typ})}, nil
}

// judgement says what becomes of a request.
func judgement(f *forward.Handler, q filterlist.Request) ui.Section {
	j := f.Judge(q)
	l := &ui.List{}
	l.ID = "judgement"
	add := func(term, text, note string, level ui.Level) {
		if text != "" {
			l.Items = append(l.Items, ui.Item{Term: term, Text: ui.Visible(text), Note: note, Mono: true, Level: level})
		}
	}
	switch {
	case j.Rule != 0:
		row := rule.Of(j.Rule)
		add("Verdict", j.Rule.String(), row.Sentence+".", ui.Bad)
	case len(j.Notes) > 0:
		for _, id := range j.Notes {
			add("Verdict", id.String(), rule.Of(id).Sentence+".", ui.Info)
		}
	default:
		add("Verdict", "pass", "No rule is about it.", ui.Good)
	}
	add("Rule", ruleText(j.Verdict.Rule), place(j.Verdict.Rule), ui.Plain)
	add("Overrode", ruleText(j.Overrode), place(j.Overrode), ui.Plain)
	if j.Redirect != "" {
		add("Stand-in", j.Redirect, ruleText(j.RedirectRule)+", "+place(j.RedirectRule), ui.Plain)
	}
	if j.URL != "" {
		add("Sent on as", j.URL, "", ui.Plain)
	}
	for _, p := range append(append([]filterlist.Policy(nil), j.CSP...), j.Permissions...) {
		add("Policy added", p.Value, ruleText(p.Rule)+", "+place(p.Rule), ui.Plain)
	}
	if n := len(j.Hide.Rules); q.Type == filterlist.Document && (n > 0 || j.Hide.Generic != "") {
		add("Hidden", number(n)+" rules for this page, "+octets.format(float64(len(j.Hide.Generic)))+" of style for all pages", "", ui.Plain)
	}
	add("Otherwise", j.Without, "", ui.Plain)
	if j.Rule != 0 {
		l.Items = append(l.Items, ui.Item{Term: "Allow", Text: "Let it pass for an hour …", Href: allowAddress(siteOf(q.Page, q.URL), j.Verdict.Rule.Text)})
	}
	return l
}

func ruleText(r filterlist.Rule) string { return r.Text }

func place(r filterlist.Rule) string {
	if r.Line == 0 {
		return ""
	}
	return r.List + ", line " + strconv.Itoa(r.Line)
}

// siteOf is the host of a page, or else of a request.
func siteOf(page, address string) string {
	if page == "" {
		page = address
	}
	if !strings.Contains(page, "://") {
		return page
	}
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// cutsTable are the latest requests that were not made.
func cutsTable(m *Monitor, _ *query) (*table, error) {
	var all []forward.Cut
	if m.o.Filter != nil {
		all = m.o.Filter.LatestCuts()
	}
	at := func(row int) *forward.Cut { return &all[row] }
	return &table{name: "filter_latest", caption: "The latest that were not loaded", empty: "Nothing yet.", rows: len(all), columns: []column{
		{key: "time", title: "Time", kind: instant, down: true, num: func(row int) float64 { return float64(at(row).Time.UnixMilli()) / 1e3 }},
		{key: "url", title: "Address", mono: true, wide: true, text: func(row int) string { return ui.Visible(at(row).URL) },
			more: func(row int, c *ui.Cell) { c.Href = askAddress(at(row)) }},
		{key: "type", title: "As", text: func(row int) string { return at(row).Kind.String() }},
		{key: "site", title: "On", text: func(row int) string { return ui.Visible(at(row).Site) }},
		{key: "answer", title: "Answer", text: func(row int) string { return at(row).By.String() }},
		{key: "rule", title: "Rule", mono: true, wide: true, text: func(row int) string { return ui.Visible(at(row).Rule.Text) },
			more: func(row int, c *ui.Cell) { c.Title = place(at(row).Rule) }},
		{key: "list", title: "List", text: func(row int) string { return ui.Visible(place(at(row).Rule)) }},
		{key: "number", title: "Number", kind: count, down: true, num: func(row int) float64 { return float64(at(row).Number) }},
		{key: "allow", title: "Allow", plain: true, act: true, text: func(int) string { return "" }, more: func(row int, c *ui.Cell) {
			c.Text, c.Href = "For an hour …", allowAddress(at(row).Site, at(row).Rule.Text)
		}},
	}}, nil
}

// askAddress is the page that says why something was cut.
func askAddress(c *forward.Cut) string {
	v := url.Values{"url": {c.URL}, "type": {c.Kind.String()}}
	if c.Kind != filterlist.Document && c.Site != "" {
		v.Set("page", "https://"+c.Site+"/")
	}
	return "/filter?" + v.Encode()
}

// cutSitesTable is what was cut, by site.
func cutSitesTable(m *Monitor, _ *query) (*table, error) {
	var all []forward.CutSite
	if m.o.Filter != nil {
		all = m.o.Filter.CutSites()
	}
	return &table{name: "filter_sites", caption: "Sites", empty: "Nothing yet.", rows: len(all), columns: []column{
		{key: "site", title: "Site", wide: true, text: func(row int) string {
			if all[row].Site == "" {
				return "all others"
			}
			return ui.Visible(all[row].Site)
		}},
		{key: "cut", title: "Not loaded", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Count) }},
		{key: "saved", title: "Spared, about", kind: octets, down: true, help: "An estimate: for each request what such an answer has at the median of the web, by its kind.",
			num: func(row int) float64 { return float64(all[row].Saved) }},
		{key: "allow", title: "Allow", plain: true, act: true, text: func(int) string { return "" }, more: func(row int, c *ui.Cell) {
			if all[row].Site != "" {
				c.Text, c.Href = "All for an hour …", allowAddress(all[row].Site, "")
			}
		}},
	}}, nil
}

// listsTable are the lists.
func listsTable(m *Monitor, _ *query) (*table, error) {
	var all []forward.ListState
	if m.o.Filter != nil {
		all = m.o.Filter.Lists()
	}
	rules := func(of func(*filterlist.Counts) int) func(int) float64 {
		return func(row int) float64 { return float64(of(&all[row].Info.Counts)) }
	}
	moment := func(of func(*forward.ListState) time.Time) func(int) float64 {
		return func(row int) float64 {
			t := of(&all[row])
			if t.IsZero() {
				return math.NaN()
			}
			return float64(t.UnixMilli()) / 1e3
		}
	}
	return &table{name: "filter_lists", caption: "Lists", empty: "There are no lists.", rows: len(all), columns: []column{
		{key: "list", title: "List", wide: true, text: func(row int) string { return ui.Visible(all[row].Name) }, more: func(row int, c *ui.Cell) { c.Title = ui.Visible(all[row].Info.Title) }},
		{key: "from", title: "From", mono: true, wide: true, text: func(row int) string { return ui.Visible(all[row].From) }},
		{key: "state", title: "State", badge: true, text: func(row int) string {
			switch {
			case !all[row].Loaded:
				return "left out"
			case all[row].Error != "":
				return "old"
			}
			return "in force"
		}, more: func(row int, c *ui.Cell) {
			c.Level = map[string]ui.Level{"in force": ui.Good, "old": ui.Warn, "left out": ui.Bad}[c.Text]
		}},
		{key: "block", title: "Block", kind: count, down: true, num: rules(func(c *filterlist.Counts) int { return c.Block })},
		{key: "hosts", title: "Hosts", kind: count, down: true, num: rules(func(c *filterlist.Counts) int { return c.Hosts })},
		{key: "exceptions", title: "Exceptions", kind: count, down: true, num: rules(func(c *filterlist.Counts) int { return c.Allow + c.Unhide })},
		{key: "hide", title: "Hide", kind: count, down: true, num: rules(func(c *filterlist.Counts) int { return c.Hide })},
		{key: "modify", title: "Change", kind: count, down: true, help: "Stand-ins, parameters, policies.", num: rules(func(c *filterlist.Counts) int { return c.Modify })},
		{key: "unsupported", title: "Left out", kind: count, down: true, help: "Lines that are not understood, or mean nothing to a proxy.", num: func(row int) float64 {
			n := 0
			for _, u := range all[row].Info.Unsupported {
				n += u.Count
			}
			return float64(n)
		}},
		{key: "added", title: "New", kind: count, down: true, help: "Lines that this edition has and the one before had not.", num: func(row int) float64 { return float64(all[row].Added) }},
		{key: "removed", title: "Gone", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Removed) }},
		{key: "size", title: "Size", kind: octets, down: true, num: func(row int) float64 { return float64(all[row].Bytes) }},
		{key: "read", title: "Edition of", kind: instant, down: true, help: "When it came.", num: moment(func(s *forward.ListState) time.Time { return s.Read })},
		{key: "looked", title: "Newest at", kind: instant, down: true, help: "When it was last found to be the newest.", num: moment(func(s *forward.ListState) time.Time { return s.Looked })},
		{key: "next", title: "Asked again", kind: instant, num: moment(func(s *forward.ListState) time.Time { return s.Next })},
		{key: "error", title: "Fault", wide: true, text: func(row int) string { return ui.Visible(all[row].Error) }},
	}}, nil
}

// unsupportedTable is what of the lists is not applied, and why.
func unsupportedTable(m *Monitor, _ *query) (*table, error) {
	type one struct {
		list string
		filterlist.Unsupported
	}
	var all []one
	if m.o.Filter != nil {
		for _, l := range m.o.Filter.Lists() {
			for _, u := range l.Info.Unsupported {
				all = append(all, one{l.Name, u})
			}
		}
	}
	return &table{name: "filter_unsupported", caption: "Lines that are left out", empty: "All lines are understood.", rows: len(all), by: "lines", desc: true, columns: []column{
		{key: "reason", title: "Reason", wide: true, text: func(row int) string { return all[row].Reason }},
		{key: "list", title: "List", text: func(row int) string { return ui.Visible(all[row].list) }},
		{key: "lines", title: "Lines", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Count) }},
		{key: "first", title: "The first", mono: true, wide: true, text: func(row int) string {
			if len(all[row].First) == 0 {
				return ""
			}
			return ui.Visible(strconv.Itoa(all[row].First[0].Line) + ": " + all[row].First[0].Text)
		}},
	}}, nil
}
