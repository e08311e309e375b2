package monitor

import (
	"math"
	"strings"
	"time"

	"freshet/internal/alert"
	"freshet/internal/monitor/ui"
	"freshet/internal/notify"
)

// Alerts are what is known of alerts: the rules, those that are not well, the
// latest notices, and the ways by which they go.
type Alerts struct {
	Rules   []alert.Rule
	Stands  map[string]alert.Standing // of rules that are not off, by their names
	Alerts  []alert.Alert             // the raised ones first
	History []alert.Notice
	Ways    []notify.State
}

// alerts returns what is known; nothing without alerts.
func (m *Monitor) alerts() Alerts {
	if m.o.Alerts == nil {
		return Alerts{}
	}
	return m.o.Alerts()
}

// An alertRow is a rule, with an alert of it if there is one.
type alertRow struct {
	rule   alert.Rule
	stands alert.Standing
	alert  *alert.Alert
}

func (r *alertRow) state() string {
	switch {
	case r.alert != nil:
		return string(r.alert.State)
	case r.rule.Off:
		return "off"
	case !r.stands.Known:
		return "unknown"
	}
	return "ok"
}

// detail is the fault, and of what nothing is known.
func (r *alertRow) detail() string {
	switch {
	case r.alert == nil:
		return r.stands.Note
	case r.alert.State == alert.Raised && !r.stands.Known:
		return strings.TrimSpace(r.alert.Detail + " " + r.stands.Note)
	}
	return r.alert.Detail
}

// level is the colour of a state.
func (r *alertRow) level() ui.Level {
	switch r.state() {
	case "raised":
		if r.rule.Severity == alert.Critical {
			return ui.Bad
		}
		return ui.Warn
	case "pending":
		return ui.Warn
	case "off", "unknown":
		return ui.Dim
	}
	return ui.Good
}

// alertRows are the alerts, the raised ones first, and then the rules that have
// none.
func alertRows(a *Alerts) []alertRow {
	var rows []alertRow
	busy := map[string]bool{}
	for i := range a.Alerts {
		one := &a.Alerts[i]
		rule := alert.Rule{Name: one.Rule, Severity: alert.Warning}
		for _, r := range a.Rules {
			if r.Name == one.Rule {
				rule = r
			}
		}
		rows, busy[one.Rule] = append(rows, alertRow{rule, a.Stands[one.Rule], one}), true
	}
	for _, r := range a.Rules {
		if !busy[r.Name] {
			rows = append(rows, alertRow{rule: r, stands: a.Stands[r.Name]})
		}
	}
	return rows
}

// alertsTable has the rules, with their alerts.
func alertsTable(m *Monitor, q *query) (*table, error) {
	a := m.alerts()
	rows := alertRows(&a)
	at := func(row int) *alertRow { return &rows[row] }
	since := func(row int) float64 {
		if x := at(row).alert; x != nil {
			return sinceEpoch(x.Since)
		}
		return math.NaN()
	}
	t := &table{name: "alerts", caption: "Rules", empty: "There are no rules.", rows: len(rows), columns: []column{
		{key: "state", title: "State", badge: true, text: func(row int) string { return at(row).state() }, more: func(row int, c *ui.Cell) { c.Level = at(row).level() }},
		{key: "rule", title: "Rule", mono: true, text: func(row int) string { return at(row).rule.Name }},
		{key: "subject", title: "About", wide: true, text: func(row int) string {
			if x := at(row).alert; x != nil {
				return ui.Visible(x.Subject)
			}
			return ""
		}},
		{key: "value", title: "Value", text: func(row int) string {
			if x := at(row).alert; x != nil {
				return at(row).rule.Unit.Format(x.Value)
			}
			return ""
		}},
		{key: "condition", title: "Raised when", mono: true, text: func(row int) string { return at(row).rule.Condition() }},
		{key: "severity", title: "Severity", text: func(row int) string { return string(at(row).rule.Severity) }},
		{key: "since", title: "Since", kind: instant, down: true, num: since},
		{key: "told", title: "Told", kind: instant, down: true, help: "When somebody was told of it last.", num: func(row int) float64 {
			if x := at(row).alert; x != nil {
				return sinceEpoch(x.Told)
			}
			return math.NaN()
		}},
		{key: "detail", title: "Fault", wide: true, text: func(row int) string { return ui.Visible(at(row).detail()) }},
	}}
	t.keep = contains(q.get("q"), t.column("rule").text, t.column("subject").text, t.column("state").text)
	return t, nil
}

// noticesTable has the latest notices.
func noticesTable(m *Monitor, q *query) (*table, error) {
	all := m.alerts().History
	at := func(row int) *alert.Notice { return &all[row] }
	t := &table{name: "notices", caption: "Latest notices", empty: "Nobody had to be told anything yet.", rows: len(all), by: "time", desc: true, columns: []column{
		{key: "time", title: "Time", kind: instant, down: true, num: func(row int) float64 { return sinceEpoch(at(row).Time) }},
		{key: "kind", title: "Notice", badge: true, text: func(row int) string { return string(at(row).Kind) }, more: func(row int, c *ui.Cell) { c.Level = noticeLevel(at(row)) }},
		{key: "rule", title: "Rule", mono: true, text: func(row int) string { return at(row).Rule }},
		{key: "subject", title: "About", wide: true, text: func(row int) string { return ui.Visible(at(row).Subject) }},
		{key: "value", title: "Value", text: func(row int) string { return at(row).Shown }},
		{key: "condition", title: "Raised when", mono: true, text: func(row int) string { return at(row).Condition }},
		{key: "detail", title: "Fault", wide: true, text: func(row int) string {
			return ui.Visible(strings.TrimSpace(at(row).Detail + " " + at(row).Because))
		}},
		{key: "id", title: "Id", mono: true, text: func(row int) string { return at(row).ID }},
	}}
	t.keep = contains(q.get("q"), t.column("rule").text, t.column("subject").text, t.column("kind").text)
	return t, nil
}

func noticeLevel(n *alert.Notice) ui.Level {
	switch {
	case n.Kind == alert.OverNotice:
		return ui.Good
	case n.Severity == alert.Critical:
		return ui.Bad
	}
	return ui.Warn
}

// waysTable has the ways by which notices go.
func waysTable(m *Monitor, q *query) (*table, error) {
	all := m.alerts().Ways
	at := func(row int) *notify.State { return &all[row] }
	return &table{name: "ways", caption: "Who is told", empty: "Nobody: no mail, webhook or program is configured.", rows: len(all), columns: []column{
		{key: "way", title: "Way", wide: true, text: func(row int) string { return ui.Visible(at(row).Way) }},
		{key: "sent", title: "Sent", kind: count, num: func(row int) float64 { return float64(at(row).Sent) }},
		{key: "waiting", title: "Waiting", kind: count, num: func(row int) float64 { return float64(at(row).Waiting) }},
		{key: "dropped", title: "Dropped", kind: count, num: func(row int) float64 { return float64(at(row).Dropped) }},
		{key: "failed", title: "Failed tries", kind: count, num: func(row int) float64 { return float64(at(row).Failed) }},
		{key: "next", title: "Next try", kind: instant, num: func(row int) float64 { return sinceEpoch(at(row).Next) }},
		{key: "error", title: "Last fault", wide: true, text: func(row int) string { return ui.Visible(at(row).Error) }},
	}}, nil
}

// shownNotices is how many are on the page.
const shownNotices = 50

func alertsView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Alerts", Path: "/alerts", Refresh: 10 * time.Second}
	if m.o.Alerts == nil {
		v.Intro = "This server has no alerts."
		return v, nil
	}
	v.Intro = "What is wrong now, what is looked at, and what was told. Rules are changed in the configuration: [alerts] and [[alert]], or --alert-rule."
	for _, one := range []struct {
		page string
		of   func(*Monitor, *query) (*table, error)
	}{{"/alerts", alertsTable}, {"/alerts/notices", noticesTable}, {"/alerts/ways", waysTable}} {
		own := &query{page: one.page, values: q.values}
		t, err := one.of(m, own)
		if err != nil {
			return nil, err
		}
		w := &window{limit: 500, by: t.by, desc: t.desc}
		if t.name == "notices" {
			w.limit = shownNotices
		}
		for i := range t.columns {
			t.columns[i].plain = true
		}
		section := t.html(own, w)
		section.ID = t.name
		v.Sections = append(v.Sections, section)
	}
	return v, nil
}

// alertFigure is the chip of the overview.
func (m *Monitor) alertFigure() (figure, bool) {
	if m.o.Alerts == nil {
		return figure{}, false
	}
	f := figure{key: "alerts", label: "Alerts", kind: count, href: "/alerts"}
	a := m.alerts()
	for _, r := range alertRows(&a) {
		if r.state() == "raised" {
			f.value++
			if r.level() == ui.Bad || f.level == ui.Plain {
				f.level = r.level()
			}
		}
	}
	return f, true
}
