package monitor

import (
	"math"
	"net/url"
	"time"

	"freshet/forward"
	"freshet/internal/cookierule"
	"freshet/internal/monitor/ui"
	"freshet/internal/why"
)

var toCookies = ui.Link{Text: "Cookies", Href: "/cookies"}

// chooseAddress is the page on which something is chosen for a site.
func chooseAddress(site string) string { return address("/cookies/choose", url.Values{"site": {site}}) }

// cookieSites are the sites whose cookies are known, or the one that is asked
// for.
func (m *Monitor) cookieSites(q *query) []forward.CookieSite {
	if m.o.Filter == nil {
		return nil
	}
	all := m.o.Filter.CookieSites()
	site := q.get("site")
	if site == "" {
		return all
	}
	for _, s := range all {
		if s.Site == cookierule.Site(site) {
			return []forward.CookieSite{s}
		}
	}
	return nil
}

// cookieSitesTable are sites, and what becomes of their cookies.
func cookieSitesTable(m *Monitor, q *query) (*table, error) { return siteTable(m.cookieSites(q)), nil }

func siteTable(all []forward.CookieSite) *table {
	sum := func(of func(*forward.SeenCookie) int64) func(row int) float64 {
		return func(row int) (n float64) {
			for i := range all[row].Cookies {
				n += float64(of(&all[row].Cookies[i]))
			}
			return n
		}
	}
	return &table{name: "cookie_sites", caption: "Sites", empty: "No cookie was seen.", rows: len(all), columns: []column{
		{key: "site", title: "Site", wide: true, text: func(row int) string { return ui.Visible(all[row].Site) },
			more: func(row int, c *ui.Cell) { c.Href = address("/cookies", url.Values{"site": {all[row].Site}}) }},
		{key: "chosen", title: "Chosen", badge: true, text: func(row int) string { return all[row].Chosen }},
		{key: "rule", title: "Decides", mono: true, help: "What decides on its cookies: what was chosen, a rule, or the policy for all.", text: func(row int) string { return ui.Visible(all[row].Rule) }},
		{key: "choose", title: "Choose", plain: true, act: true, text: func(int) string { return "" },
			more: func(row int, c *ui.Cell) { c.Text, c.Href = "Choose …", chooseAddress(all[row].Site) }},
		{key: "names", title: "Names", kind: count, down: true, num: func(row int) float64 { return float64(len(all[row].Cookies)) }},
		{key: "set", title: "Set", kind: count, down: true, help: "How often it set a cookie, or tried to.", num: sum(func(c *forward.SeenCookie) int64 { return c.Set })},
		{key: "sent", title: "Sent", kind: count, down: true, help: "How often clients sent it one, or tried to.", num: sum(func(c *forward.SeenCookie) int64 { return c.Sent })},
		{key: "refused", title: "Refused", kind: count, down: true, help: "Of both.", num: sum(func(c *forward.SeenCookie) int64 { return c.Refused })},
		{key: "third", title: "As a third party", kind: count, down: true, help: "Of set and sent: for pages of other sites.", num: sum(func(c *forward.SeenCookie) int64 { return c.Third })},
		{key: "others", title: "Further names", kind: count, down: true, help: "How often there were cookies of names beyond those that are remembered.", num: func(row int) float64 { return float64(all[row].Others) }},
		{key: "last", title: "Last", kind: instant, down: true, num: func(row int) float64 { return cookieTime(all[row].Last) }},
	}}
}

func cookieTime(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.UnixMilli()) / 1e3
}

// cookiesTable are the names of cookies. What is in them is not known here.
func cookiesTable(m *Monitor, q *query) (*table, error) { return nameTable(m.cookieSites(q)), nil }

func nameTable(sites []forward.CookieSite) *table {
	type cookieOf struct {
		site string
		*forward.SeenCookie
	}
	var all []cookieOf
	for i := range sites {
		for j := range sites[i].Cookies {
			all = append(all, cookieOf{sites[i].Site, &sites[i].Cookies[j]})
		}
	}
	return &table{name: "cookies", caption: "Cookies", empty: "No cookie was seen.", rows: len(all), columns: []column{
		{key: "name", title: "Name", mono: true, wide: true, text: func(row int) string {
			if all[row].Name == "" {
				return "(none)"
			}
			return ui.Visible(all[row].Name)
		}},
		{key: "site", title: "Site", text: func(row int) string { return ui.Visible(all[row].site) },
			more: func(row int, c *ui.Cell) { c.Href = chooseAddress(all[row].site) }},
		{key: "host", title: "Host", text: func(row int) string { return ui.Visible(all[row].Host) }},
		{key: "party", title: "Party", help: "Whether it came with pages of its own site (first), of others (third), or both.", text: func(row int) string {
			switch c := all[row]; {
			case c.Third == 0:
				return "first"
			case c.First == 0:
				return "third"
			}
			return "both"
		}},
		{key: "done", title: "What was done last", wide: true, text: func(row int) string { return all[row].Done },
			more: func(row int, c *ui.Cell) {
				c.Title = ui.Visible(all[row].Rule)
				if all[row].Instead != "" {
					c.Title += "; else it would be " + all[row].Instead
				}
			}},
		{key: "instead", title: "Else", help: "What would be done without what decided; while learning, by no-third-party.", text: func(row int) string { return all[row].Instead }},
		{key: "set", title: "Set", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Set) }},
		{key: "sent", title: "Sent", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Sent) }},
		{key: "refused", title: "Refused", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Refused) }},
		{key: "shortened", title: "Shortened", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Changed) }},
		{key: "life", title: "Life asked for", kind: seconds, down: true, help: "– for the session, and for what was never set here.", num: func(row int) float64 {
			if all[row].Life <= 0 {
				return math.NaN()
			}
			return all[row].Life.Seconds()
		}},
		{key: "apart", title: "Kept apart", help: "Browsers keep it apart for each site whose pages it is for (Partitioned).", text: func(row int) string {
			if all[row].Partitioned {
				return "yes"
			}
			return ""
		}},
		{key: "page", title: "With a page of", text: func(row int) string { return ui.Visible(all[row].Page) }},
		{key: "last", title: "Last", kind: instant, down: true, num: func(row int) float64 { return cookieTime(all[row].Last) }},
	}}
}

// maxCookieSites is how many sites stand above the names.
const maxCookieSites = 100

// cookiesView shows both.
func cookiesView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Cookies", Path: "/cookies", Up: toFilter, Intro: "Which cookies pass the proxy, by their names; their values are never kept."}
	if m.o.Filter == nil {
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "This server filters nothing", Text: "Start a forward proxy with freshet filter."}}
		return v, nil
	}
	all := m.cookieSites(q)
	names := nameTable(all)
	w, err := q.window(names)
	if err != nil {
		return nil, err
	}
	of := siteTable(all).html(&query{page: "/cookies/sites"}, &window{limit: maxCookieSites})
	for i := range of.Columns {
		of.Columns[i].Sort = "" // the page is sorted by the columns of the other table
	}
	of.Prev, of.Next = "", ""
	v.Sections = []ui.Section{cookieStats(all), of, names.html(q, w)}
	if site := q.get("site"); site != "" {
		v.Title, v.Up = "Cookies of "+ui.Visible(cookierule.Site(site)), toCookies
	}
	return v, nil
}

// cookieStats are the numbers above the tables.
func cookieStats(all []forward.CookieSite) *ui.Stats {
	var names, refused, shortened int64
	chosen := 0
	for i := range all {
		names += int64(len(all[i].Cookies))
		if all[i].Chosen != "" {
			chosen++
		}
		for j := range all[i].Cookies {
			refused += all[i].Cookies[j].Refused
			shortened += all[i].Cookies[j].Changed
		}
	}
	return &ui.Stats{Items: []ui.Stat{
		{Label: "Sites", Value: grouped(int64(len(all)))},
		{Label: "Names", Value: grouped(names)},
		{Label: "Refused", Value: grouped(refused), Note: "set or sent"},
		{Label: "Shortened", Value: grouped(shortened)},
		{Label: "Chosen for", Value: why.Count(int64(chosen), "site")},
	}}
}
