package monitor

import (
	"math"
	"time"

	"freshet/internal/monitor/ui"
)

// A Certificate is one that handshakes may get, or are to get.
type Certificate struct {
	Names  string // "shop.example.org, www.example.org"
	From   string // "ACME", or the file
	Issuer string // who has signed it; "" while there is none
	Until  time.Time
	Due    time.Time // when it is renewed; zero for files, which others renew
	Error  string    // what went wrong last; "" after a success
	Failed time.Time
	Next   time.Time // when it is tried again
}

// endsSoon is when people are told that a certificate ends that is not renewed
// here.
const endsSoon = 14 * 24 * time.Hour

// State is how it is, in a word, and what that means.
func (c *Certificate) State(now time.Time) (word string, level ui.Level) {
	switch {
	case c.Until.IsZero() && c.Error != "":
		return "failing", ui.Bad
	case c.Until.IsZero():
		return "missing", ui.Warn
	case !now.Before(c.Until):
		return "over", ui.Bad
	case c.Error != "":
		return "failing", ui.Warn
	case c.Due.IsZero() && c.Until.Sub(now) < endsSoon:
		return "ends soon", ui.Warn
	case !c.Due.IsZero() && !now.Before(c.Due):
		return "due", ui.Info
	}
	return "valid", ui.Good
}

// certificates returns those that there are.
func (m *Monitor) certificates() []Certificate {
	if m.o.Certificates == nil {
		return nil
	}
	return m.o.Certificates()
}

func certificatesTable(m *Monitor, _ *query) (*table, error) {
	all, now := m.certificates(), m.o.Now()
	at := func(of func(*Certificate) time.Time) func(int) float64 {
		return func(row int) float64 {
			if t := of(&all[row]); !t.IsZero() {
				return float64(t.UnixMilli()) / 1e3
			}
			return math.NaN()
		}
	}
	return &table{name: "certificates", caption: "Certificates", empty: "There are no certificates.", rows: len(all), columns: []column{
		{key: "names", title: "Names", text: func(row int) string { return ui.Visible(all[row].Names) }},
		{key: "state", title: "State", badge: true, help: "missing: there is none so far; failing: it could not be had when that was tried last; due: it is being renewed; over: clients take it no more.",
			text: func(row int) string { word, _ := all[row].State(now); return word },
			more: func(row int, c *ui.Cell) { _, c.Level = all[row].State(now) }},
		{key: "from", title: "From", mono: true, help: "ACME, or the file that it is in, which somebody else renews.", text: func(row int) string { return ui.Visible(all[row].From) }},
		{key: "issuer", title: "Issuer", text: func(row int) string { return ui.Visible(all[row].Issuer) }},
		{key: "until", title: "Valid until", kind: instant, num: at(func(c *Certificate) time.Time { return c.Until })},
		{key: "left", title: "Left", kind: seconds, help: "Until it ends.", num: func(row int) float64 {
			if all[row].Until.IsZero() {
				return math.NaN()
			}
			return max(all[row].Until.Sub(now).Seconds(), 0)
		}},
		{key: "due", title: "Renewed", kind: instant, help: "When the next one is asked for.", num: at(func(c *Certificate) time.Time { return c.Due })},
		{key: "error", title: "Last failure", wide: true, text: func(row int) string { return ui.Visible(all[row].Error) }},
		{key: "failed", title: "Failed", kind: instant, num: at(func(c *Certificate) time.Time { return c.Failed })},
		{key: "next", title: "Next try", kind: instant, num: at(func(c *Certificate) time.Time { return c.Next })},
	}}, nil
}

func certificatesView(m *Monitor, q *query) (*ui.View, error) {
	t, err := certificatesTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	return &ui.View{Title: "Certificates", Refresh: 10 * time.Second, Sections: []ui.Section{t.html(q, w)}}, nil
}
