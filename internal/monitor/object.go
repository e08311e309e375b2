package monitor

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/cache"
	"freshet/internal/monitor/ui"
	"freshet/internal/rule"
)

// objectView is the page of one key.
func objectView(m *Monitor, q *query) (*ui.View, error) {
	d, err := m.detail(q)
	if err != nil {
		return nil, err
	}
	about := &ui.List{Items: []ui.Item{
		{Term: "Address", Text: d.URL, Href: whyAddress(d.URL), Mono: true, Note: "Follow it to see how a request for it would be answered now."},
		{Term: "Key", Text: d.Key, Mono: true},
		{Term: "Size", Text: octets.format(float64(d.Size))},
		{Term: "Memory", Text: octets.format(float64(d.Memory))},
		{Term: "Hits", Text: grouped(int64(d.Hits))},
		{Term: "Variants", Text: fmt.Sprintf("%d stored now", d.Variants), Note: fmt.Sprintf("An answer was stored %s times for a request that none of them matched.", grouped(int64(d.VariantsSeen)))},
	}}
	if len(d.Groups) > 0 {
		about.Items = append(about.Items, ui.Item{Term: "Groups", Text: strings.Join(d.Groups, ", ")})
	}
	if n := d.NotStored; n != nil {
		about.Items = append(about.Items, ui.Item{Term: "The last answer was not stored", Text: rule.Of(n.Rule).Explain(), Note: n.Evidence, Level: ui.Warn})
	}
	t := variantTable(d)
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	v := &ui.View{Title: "Stored answer", Path: "/cache/object", Up: ui.Link{Text: "Cache", Href: "/cache"}, Sections: []ui.Section{about, t.html(q, w)}}
	for i := range d.Stored {
		if i == maxVariantsShown {
			break
		}
		v.Sections = append(v.Sections, m.variant(i, &d.Stored[i])...)
	}
	v.Sections = append(v.Sections, purgeForm(url.Values{"key": {d.Key}}))
	return v, nil
}

// maxVariantsShown bounds how many variants a page shows in full.
const maxVariantsShown = 16

// variant is one stored answer: the arithmetic of its freshness, and its
// fields.
func (m *Monitor) variant(i int, v *cache.VariantInfo) []ui.Section {
	list := &ui.List{Items: freshnessItems(v, m.o.Now())}
	list.Title = fmt.Sprintf("Variant %d: %s", i+1, selecting(v))
	if v.Unusable != 0 {
		list.Items = append(list.Items, ui.Item{Term: "Not used", Text: v.Unusable.Explain(), Level: ui.Bad})
	}
	fields := &ui.Pre{Label: fmt.Sprintf("Fields of variant %d", i+1)}
	names := make([]string, 0, len(v.Fields))
	for name := range v.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		for _, value := range v.Fields[name] {
			b.WriteString(name + ": " + value + "\n")
		}
	}
	fields.Text = b.String()
	return []ui.Section{list, fields}
}

// freshnessItems show how it is found out whether an answer is fresh
// (RFC 9111 §4.2).
func freshnessItems(v *cache.VariantInfo, now time.Time) []ui.Item {
	secs := func(ns int64) string { return fmt.Sprintf("%.0f s", float64(ns)/1e9) }
	t := &v.Terms
	resident := now.UnixNano() - t.Received
	lifetime := ui.Item{Term: "Lifetime", Text: secs(t.Lifetime), Note: t.From.Explain()}
	if t.Heuristic {
		lifetime.Note += ". It is a guess from Last-Modified."
	}
	left := ui.Item{Term: "Lifetime - age", Text: fmt.Sprintf("%s - %s = %s", secs(t.Lifetime), secs(int64(v.Age)), secs(int64(v.TTL))), Level: ui.Good, Note: "Fresh."}
	if v.TTL <= 0 {
		left.Level, left.Note = ui.Warn, "Stale."
	}
	items := []ui.Item{
		lifetime,
		{Term: "Age", Text: fmt.Sprintf("%s when it came + %s here = %s", secs(t.InitialAge), secs(resident), secs(int64(v.Age))), Note: "RFC 9111 §4.2.3"},
		left,
		{Term: "Received", Text: time.Unix(0, t.Received).UTC().Format("2006-01-02 15:04:05 MST")},
	}
	for _, flag := range []struct {
		is   bool
		text string
	}{
		{t.NoCache, "It is validated before each use (no-cache)."},
		{t.MustRevalidate, "It is never used stale (must-revalidate)."},
		{t.Immutable, "It does not change while it is fresh (immutable)."},
	} {
		if flag.is {
			items = append(items, ui.Item{Term: "Besides", Text: flag.text})
		}
	}
	if t.WhileRevalidate >= 0 {
		items = append(items, ui.Item{Term: "stale-while-revalidate", Text: secs(t.WhileRevalidate)})
	}
	if t.IfError >= 0 {
		items = append(items, ui.Item{Term: "stale-if-error", Text: secs(t.IfError)})
	}
	validator := "none: it cannot be validated, only fetched anew"
	switch {
	case v.Tag != "":
		validator = "ETag: " + v.Tag
	case !v.Modified.IsZero():
		validator = "Last-Modified: " + v.Modified.UTC().Format(time.RFC1123)
	}
	return append(items, ui.Item{Term: "Validator", Text: validator, Mono: true})
}
