package monitor

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"freshet/cache"
	"freshet/internal/monitor/ui"
	"freshet/internal/rule"
)

func objectAddress(key string) string { return "/cache/object?" + url.Values{"key": {key}}.Encode() }

// objectTable are stored keys.
func objectTable(rows []cache.ObjectInfo) *table {
	at := func(row int) *cache.ObjectInfo { return &rows[row] }
	return &table{
		name: "cache", caption: "Stored answers", empty: "Nothing is stored that fits.", rows: len(rows), by: "size", desc: true,
		columns: []column{
			{key: "url", title: "Address", mono: true, wide: true, text: func(row int) string { return at(row).URL },
				more: func(row int, c *ui.Cell) { c.Href, c.Title = objectAddress(at(row).Key), at(row).Key }},
			{key: "size", title: "Size", kind: octets, down: true, help: "Of all variants' bodies.", num: func(row int) float64 { return float64(at(row).Size) }},
			{key: "hits", title: "Hits", kind: count, down: true, help: "Answers from memory since it was stored first.", num: func(row int) float64 { return float64(at(row).Hits) }},
			{key: "age", title: "Age", kind: seconds, down: true, num: func(row int) float64 { return math.Round(at(row).Age.Seconds()) }},
			{key: "ttl", title: "Fresh for", kind: seconds, down: true, help: "Negative: stale for so long.",
				num: func(row int) float64 { return math.Round(at(row).TTL.Seconds()) },
				more: func(row int, c *ui.Cell) {
					if at(row).TTL <= 0 {
						c.Level = ui.Warn
					}
				}},
			{key: "variants", title: "Variants", kind: count, down: true, help: "Stored answers for the key, which Vary tells apart.", num: func(row int) float64 { return float64(at(row).Variants) }},
			{key: "status", title: "Status", kind: count, num: func(row int) float64 { return float64(at(row).Status) },
				more: func(row int, c *ui.Cell) { c.Text = number(at(row).Status) }},
			{key: "type", title: "Type", text: func(row int) string { return at(row).Type }},
			{key: "memory", title: "Memory", kind: octets, down: true, help: "All counted.", num: func(row int) float64 { return float64(at(row).Memory) }},
			{key: "disk", title: "On disk", kind: count, num: func(row int) float64 {
				if at(row).OnDisk {
					return 1
				}
				return 0
			}, more: func(row int, c *ui.Cell) {
				c.Text = ""
				if at(row).OnDisk {
					c.Text = "yes"
				}
			}},
			{key: "key", title: "Key", plain: true, mono: true, text: func(row int) string { return at(row).Key }},
		},
	}
}

// stored returns what the cache holds.
func (m *Monitor) stored() stockView {
	if m.objects == nil {
		return stockView{whole: true}
	}
	return m.stock.look(m.objects, m.o.Now)
}

func cacheTable(m *Monitor, q *query) (*table, error) {
	t := objectTable(m.stored().rows)
	t.turn = &m.sorting
	t.keep = contains(q.get("q"), t.column("url").text, t.column("type").text)
	return t, nil
}

func cacheView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Cache", Refresh: 10 * time.Second}
	if m.objects == nil {
		v.Refresh = 0
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "There is no cache", Text: "This server answers from files, or passes requests on, and keeps no answers."}}
		return v, nil
	}
	totals := m.totals()
	if totals.DiskFault != "" {
		v.Sections = append(v.Sections, &ui.Notice{Level: ui.Bad, Title: "The disk fails", Text: totals.DiskFault})
	}
	v.Sections = append(v.Sections, totalStats(&totals))
	stored := m.stored()
	if !stored.whole {
		v.Sections = append(v.Sections, &ui.Notice{Level: ui.Info, Title: "The list is being made",
			Text: fmt.Sprintf("%s of about %s keys have been listed so far.", grouped(int64(len(stored.rows))), grouped(totals.Entries))})
	}
	if stored.capped {
		v.Sections = append(v.Sections, &ui.Notice{Level: ui.Info, Title: "Not all are listed", Text: "The list ends after " + grouped(maxStock) + " keys."})
	}
	t := objectTable(stored.rows)
	t.turn = &m.sorting
	t.keep = contains(q.get("q"), t.column("url").text, t.column("type").text)
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	t.columns = t.columns[:len(t.columns)-1] // the key is for programs
	search := &ui.Form{Action: "/cache", Submit: "Find", Fields: []ui.Field{{Name: "q", Label: "Find", Kind: ui.SearchField, Value: q.get("q"), Placeholder: "/news/", Wide: true}}}
	if q.get("q") != "" {
		search.Cancel = ui.Link{Text: "Show all", Href: "/cache"}
	}
	misses := m.misses()
	top := missTable(misses[:min(len(misses), 10)])
	missWindow := &window{limit: 10, by: top.by, desc: top.desc}
	topSection := top.html(&query{page: "/cache/misses"}, missWindow)
	topSection.Note = "The most missed addresses, with what a remedy would gain at best."
	v.Sections = append(v.Sections, search, t.html(q, w),
		&ui.Text{Links: []ui.Link{
			{Text: "Most variants", Href: "/cache?order=desc&sort=variants"}, {Text: "Most hits", Href: "/cache?order=desc&sort=hits"},
			{Text: "All misses", Href: "/cache/misses"}, {Text: "Purge", Href: "/cache/purge"}, {Text: "Purges", Href: "/purges"},
		}}, topSection)
	return v, nil
}

// totals are the numbers of the cache.
func (m *Monitor) totals() cache.Totals {
	if m.o.Store == nil {
		return cache.Totals{}
	}
	return m.o.Store.Totals()
}

// totalStats are the numbers of a store.
func totalStats(t *cache.Totals) *ui.Stats {
	s := &ui.Stats{Items: []ui.Stat{
		{Label: "Keys in memory", Value: grouped(t.Entries)},
		{Label: "Memory", Value: octets.format(float64(t.MemoryUsed)), Note: "of " + octets.format(float64(t.MemoryLimit)), Gauge: &ui.Gauge{Value: float64(t.MemoryUsed), Limit: float64(t.MemoryLimit), Warn: -1}},
	}}
	if t.DiskLimit > 0 {
		s.Items = append(s.Items, ui.Stat{Label: "Keys on disk", Value: grouped(t.DiskEntries)},
			ui.Stat{Label: "Disk", Value: octets.format(float64(t.DiskUsed)), Note: "of " + octets.format(float64(t.DiskLimit)), Gauge: &ui.Gauge{Value: float64(t.DiskUsed), Limit: float64(t.DiskLimit), Warn: -1}})
	}
	s.Items = append(s.Items, ui.Stat{Label: "Let go", Value: grouped(t.Evicted), Note: "to make room"},
		ui.Stat{Label: "Asking origins", Value: number(t.Flights), Note: "requests that others may wait for"},
		ui.Stat{Label: "Validating", Value: grouped(t.Background), Note: "in the background"})
	return s
}

func (m *Monitor) misses() []cache.MissInfo {
	if m.o.Store == nil {
		return nil
	}
	return m.o.Store.TopMisses()
}

// missTable are addresses that had to be asked of their origins.
func missTable(rows []cache.MissInfo) *table {
	at := func(row int) *cache.MissInfo { return &rows[row] }
	return &table{name: "misses", caption: "Top misses", empty: "No misses yet.", rows: len(rows), by: "misses", desc: true, columns: []column{
		{key: "url", title: "Address", mono: true, wide: true, text: func(row int) string { return at(row).URL },
			more: func(row int, c *ui.Cell) { c.Href = whyAddress(at(row).URL) }},
		{key: "misses", title: "Misses", kind: count, down: true, num: func(row int) float64 { return float64(at(row).Misses) }},
		{key: "keys", title: "Keys", kind: count, down: true, help: "About how many keys the misses had: many are a query that should be no part of the key.", num: func(row int) float64 { return float64(at(row).Keys) }},
		{key: "reason", title: "Reason of the latest", wide: true, text: func(row int) string { return rule.Of(at(row).Rule).Sentence },
			more: func(row int, c *ui.Cell) { c.Title = rule.Of(at(row).Rule).Explain() }},
		{key: "rule", title: "Rule", mono: true, text: func(row int) string { return at(row).Rule.String() }},
		{key: "gain_hits", title: "Gain: hits", kind: count, down: true, help: "Misses that would have been hits without the reason.", num: func(row int) float64 { return float64(at(row).Gain.Hits) }},
		{key: "gain_bytes", title: "Gain: bytes", kind: octets, down: true, help: "That the origin would not have sent.", num: func(row int) float64 { return float64(at(row).Gain.Bytes) }},
		{key: "gain_wait", title: "Gain: wait", kind: seconds, down: true, help: "For the origin, in all.", num: func(row int) float64 { return at(row).Gain.Wait.Seconds() }},
		{key: "time", title: "Latest", kind: instant, down: true, num: func(row int) float64 { return float64(at(row).Time.UnixMilli()) / 1e3 }},
	}}
}

func missesTable(m *Monitor, q *query) (*table, error) {
	t := missTable(m.misses())
	t.keep = contains(q.get("q"), t.column("url").text, t.column("rule").text)
	return t, nil
}

func missesView(m *Monitor, q *query) (*ui.View, error) {
	t, err := missesTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	return &ui.View{
		Title: "Top misses", Up: ui.Link{Text: "Cache", Href: "/cache"}, Refresh: 10 * time.Second,
		Intro:    "What would be gained if the reason were not there: at best, all misses of an address but one would be hits.",
		Sections: []ui.Section{t.html(q, w)},
	}, nil
}

// variantTable are the stored answers of a key.
func variantTable(d *cache.ObjectDetail) *table {
	at := func(row int) *cache.VariantInfo { return &d.Stored[row] }
	return &table{name: "variants", caption: "Variants", empty: "None is stored.", rows: len(d.Stored), columns: []column{
		{key: "selecting", title: "For requests with", mono: true, wide: true, text: func(row int) string { return selecting(at(row)) }},
		{key: "status", title: "Status", kind: count, num: func(row int) float64 { return float64(at(row).Status) }, more: func(row int, c *ui.Cell) { c.Text = number(at(row).Status) }},
		{key: "coding", title: "Coding", text: func(row int) string { return at(row).Coding }},
		{key: "tag", title: "Entity-tag", mono: true, text: func(row int) string { return at(row).Tag }},
		{key: "modified", title: "Modified", kind: instant, num: func(row int) float64 {
			if at(row).Modified.IsZero() {
				return math.NaN()
			}
			return float64(at(row).Modified.Unix())
		}},
		{key: "size", title: "Size", kind: octets, num: func(row int) float64 {
			if at(row).Size < 0 {
				return math.NaN()
			}
			return float64(at(row).Size)
		}},
		{key: "have", title: "Stored", kind: octets, num: func(row int) float64 { return float64(at(row).Have) }},
		{key: "age", title: "Age", kind: seconds, num: func(row int) float64 { return math.Round(at(row).Age.Seconds()) }},
		{key: "ttl", title: "Fresh for", kind: seconds, num: func(row int) float64 { return math.Round(at(row).TTL.Seconds()) }},
	}}
}

// selecting says which requests a variant is for.
func selecting(v *cache.VariantInfo) string {
	if len(v.Selecting) == 0 {
		return "(any)"
	}
	parts := make([]string, len(v.Selecting))
	for i, f := range v.Selecting {
		parts[i] = f.Name + ": " + f.Value
		if !f.Present {
			parts[i] = "no " + f.Name
		}
	}
	return strings.Join(parts, "; ")
}

// detail returns what is stored under the key of an address.
func (m *Monitor) detail(q *query) (*cache.ObjectDetail, error) {
	key := q.values.Get("key")
	if m.o.Store == nil || key == "" {
		return nil, &missing{"Nothing is stored under that key."}
	}
	d, ok := m.o.Store.Object(key)
	if !ok {
		return nil, &missing{"Nothing is stored under the key " + key + " any more."}
	}
	return &d, nil
}

func variantsTable(m *Monitor, q *query) (*table, error) {
	d, err := m.detail(q)
	if err != nil {
		return nil, err
	}
	return variantTable(d), nil
}
