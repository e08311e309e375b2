package monitor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"freshet/internal/journal"
	"freshet/internal/monitor/ui"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// whyAddress is the page that explains what a URL would get.
func whyAddress(to string) string { return "/why?" + url.Values{"url": {to}}.Encode() }

// entry returns the request that an address names.
func (m *Monitor) entry(q *query) (*journal.Entry, error) {
	id, ok := record.ParseID(q.name)
	if !ok {
		return nil, &badQuery{fmt.Sprintf("%q is no name of a request: that has 13 letters and digits, as in the access log", q.name)}
	}
	if m.o.Journal != nil {
		if e, ok := m.o.Journal.Find(id); ok {
			return &e, nil
		}
	}
	return nil, &missing{"The request " + q.name + " is not known: too many came after it, or it was another server's."}
}

// awaitEntry waits for the record of a request that is answered already.
func (m *Monitor) awaitEntry(ctx context.Context, q *query) {
	if id, ok := record.ParseID(q.name); ok && m.o.Journal != nil {
		m.o.Journal.Await(ctx, id)
	}
}

// explainEntry explains a request that was answered.
func (m *Monitor) explainEntry(e *journal.Entry) *why.Explanation {
	if m.o.WhyEntry != nil {
		if x := m.o.WhyEntry(e); x != nil {
			return x
		}
	}
	row := rule.Of(e.Rule)
	x := &why.Explanation{ID: e.ID.String(), Time: time.Unix(0, e.Start), Method: e.Method, URL: e.URL(),
		Status: e.Status, Verdict: e.Verdict, Rule: e.Rule, Sentence: row.Sentence + "."}
	if row.Sentence == "" {
		x.Sentence = fmt.Sprintf("It was answered with %d.", e.Status)
	}
	return x
}

// whyView is the form, and below it the explanation of what was asked.
func whyView(m *Monitor, q *query) (*ui.View, error) {
	method := q.get("method")
	if method == "" {
		method = http.MethodGet
	}
	f := &ui.Form{Action: "/why", Submit: "Explain", Fields: []ui.Field{
		{Name: "url", Label: "Address", Kind: ui.URLField, Value: q.get("url"), Required: true, Wide: true, Placeholder: "http://example.org/path"},
		{Name: "method", Label: "Method", Kind: ui.SelectField, Value: method, Options: []ui.Option{{Value: "GET"}, {Value: "HEAD"}, {Value: "POST"}}},
		{Name: "field", Label: "Fields", Kind: ui.AreaField, Value: strings.Join(q.values["field"], "\n"), Wide: true, Placeholder: "Accept-Language: de", Hint: "One a line, as in a request."},
	}}
	v := &ui.View{Title: "Why", Path: "/why", Up: ui.Link{Text: "Requests", Href: "/requests"},
		Intro: "How a request would be answered now. Nothing is sent, counted or changed.", Sections: []ui.Section{f}}
	if q.get("url") == "" {
		return v, nil
	}
	if m.o.Why == nil {
		return nil, &missing{"This server explains nothing."}
	}
	x, err := m.o.Why(q.get("url"), method, q.fields())
	if err != nil {
		f.Errors, f.Fields[0].Invalid = []string{err.Error()}, true
		return v, nil
	}
	v.Sections = append(v.Sections, explanation(x)...)
	v.Sections = append(v.Sections, &ui.Text{Links: []ui.Link{{Text: "JSON", Href: q.as(".json")}}})
	return v, nil
}

// fields are those of the request that is asked about, one a line.
func (q *query) fields() []string {
	var all []string
	for _, text := range q.values["field"] {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

// whyEntryView is the page of one answered request.
func whyEntryView(m *Monitor, q *query) (*ui.View, error) {
	e, err := m.entry(q)
	if err != nil {
		return nil, err
	}
	v := &ui.View{Title: "Request " + e.ID.String(), Path: "/requests/" + e.ID.String(), Up: ui.Link{Text: "Requests", Href: "/requests"}}
	v.Sections = append(explanation(m.explainEntry(e)), recorded(e))
	if e.Detail != nil {
		v.Sections = append(v.Sections, detailed(e.Detail))
	}
	links := &ui.Text{Links: []ui.Link{{Text: "JSON", Href: q.as(".json")}}}
	if e.Host != "" && strings.HasPrefix(e.Target, "/") {
		links.Links = append(links.Links, ui.Link{Text: "What would happen now", Href: whyAddress(e.URL())},
			ui.Link{Text: "Requests of this client", Href: "/requests?" + url.Values{"client": {client(&e.Record)}}.Encode()})
	}
	v.Sections = append(v.Sections, links)
	return v, nil
}

// explanation shows an explanation.
func explanation(x *why.Explanation) []ui.Section {
	row := rule.Of(x.Rule)
	said := &ui.List{Items: []ui.Item{{Term: "Request", Text: strings.TrimSpace(x.Method + " " + x.URL), Mono: true}}}
	if x.Status != 0 {
		said.Items = append(said.Items, ui.Item{Term: "Status", Text: number(x.Status), Level: statusLevel(x.Status)})
	}
	said.Items = append(said.Items, ui.Item{Term: "Verdict", Text: x.Verdict.String(), Level: verdictLevel(x.Verdict)})
	if row.Name != "" {
		said.Items = append(said.Items, ui.Item{Term: "Rule", Text: row.Name, Note: strings.TrimSpace(row.Sentence + ". " + row.Clause), Mono: true})
	}
	level := verdictLevel(x.Verdict)
	if level == ui.Plain {
		level = ui.Info
	}
	sections := []ui.Section{&ui.Notice{Level: level, Title: strings.ToUpper(x.Verdict.String()[:1]) + x.Verdict.String()[1:], Text: x.Sentence}, said}
	if len(x.Fixes) > 0 || x.Advice != "" {
		fix := &ui.List{}
		fix.Title = "The smallest change that makes it a hit"
		for _, f := range x.Fixes {
			fix.Items = append(fix.Items, ui.Item{Term: string(f.Who), Text: f.String(), Level: ui.Good})
		}
		if x.Advice != "" {
			fix.Items = append(fix.Items, ui.Item{Term: "Advice", Text: x.Advice})
		}
		sections = append(sections, fix)
	}
	if len(x.Compared) > 0 {
		t := &ui.Table{Caption: "What was compared", Columns: []ui.Column{{Key: "what", Title: "What"}, {Key: "value", Title: "Value", Mono: true, Wide: true}, {Key: "note", Title: "Meaning", Wide: true}, {Key: "rule", Title: "Rule", Mono: true}}}
		t.ID = "compared"
		for _, c := range x.Compared {
			r := ui.Row{Cells: []ui.Cell{{Text: c.What}, {Text: c.Value}, {Text: c.Note}, {Text: c.Rule}}}
			if c.Fails {
				r.Level = ui.Bad
				r.Cells[0].Text += " (decided)"
			}
			t.Rows = append(t.Rows, r)
		}
		sections = append(sections, t)
	}
	if len(x.Settings) > 0 {
		t := &ui.Table{Caption: "Configuration that took part", Columns: []ui.Column{{Key: "key", Title: "Parameter", Mono: true}, {Key: "value", Title: "Value", Mono: true, Wide: true}, {Key: "from", Title: "From", Mono: true}}}
		t.ID = "settings"
		for _, s := range x.Settings {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: s.Key}, {Text: s.Value}, {Text: s.Place}}})
		}
		sections = append(sections, t)
	}
	if len(x.Also) > 0 {
		also := &ui.Text{Paragraphs: x.Also}
		also.Title = "What the stored answer would answer, too"
		sections = append(sections, also)
	}
	return sections
}

// recorded is what the record of a request says.
func recorded(e *journal.Entry) *ui.List {
	l := &ui.List{Items: []ui.Item{
		{Term: "Answered", Text: time.Unix(0, e.Start).UTC().Format("2006-01-02 15:04:05.000 MST")},
		{Term: "Took", Text: span(float64(e.Duration) / 1e9), Note: "until the answer began: " + span(float64(e.Waited)/1e9)},
		{Term: "Size", Text: grouped(e.Bytes) + " bytes"},
		{Term: "Client", Text: client(&e.Record)},
		{Term: "Protocol", Text: e.Proto},
		{Term: "User agent", Text: e.Agent},
	}}
	l.Title = "What was recorded"
	if e.Hot {
		l.Items = append(l.Items, ui.Item{Term: "Prepared", Text: "The answer was prepared beforehand."})
	}
	return l
}

// detailed is what handlers told about a request.
func detailed(d *record.Detail) *ui.List {
	l := &ui.List{}
	l.Title = "Details"
	add := func(term, text, note string) {
		if text != "" {
			l.Items = append(l.Items, ui.Item{Term: term, Text: text, Note: note, Mono: true})
		}
	}
	add("Key", d.Key, "")
	add("The origin was asked because", d.Forward, d.Reason.Explain())
	if d.Storing != 0 {
		add("Storing", d.Storing.String(), d.Storing.Explain())
	}
	add("What decided", d.Evidence, "")
	if d.Age != 0 || d.Lifetime != 0 {
		add("Age, lifetime", span(float64(d.Age)/1e9)+", "+span(float64(d.Lifetime)/1e9), "")
	}
	if d.Origin != "" {
		add("Origin", d.Origin, fmt.Sprintf("asked %d times; it answered %d; connecting took %s, waiting %s", d.Tries, d.OriginStatus, span(float64(d.Connect)/1e9), span(float64(d.Wait)/1e9)))
	}
	if d.Program != "" {
		note := "how it ended is not known"
		if d.Exit != "" {
			note = fmt.Sprintf("%s; it had the processor for %s, and %s in memory", d.Exit, span(float64(d.CPU)/1e9), why.Count(d.Memory>>10, "kibibyte"))
		}
		add("Program", d.Program, note)
	}
	add("List", d.Listed, "")
	add("Overrode", d.Overrode, "")
	add("Changed", d.Changed, "")
	for _, id := range d.Noted {
		if id != 0 {
			add("Also", id.String(), rule.Of(id).Sentence+".")
		}
	}
	if d.Collapsed {
		add("Waited", "for the answer to another request", "")
	}
	add("Error", d.Error, "")
	return l
}
