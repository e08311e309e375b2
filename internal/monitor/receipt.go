package monitor

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/control"
	"freshet/internal/monitor/ui"
)

// receiptAddress is the page of a purge.
func receiptAddress(id string) string {
	return address("/purges/receipt", url.Values{"id": {id}})
}

// maxNamed is how many nodes are named in a line of text.
const maxNamed = 8

// names says which nodes there are: the first of them, and how many more.
func names(nodes []control.NodeReceipt) string {
	var b strings.Builder
	for i, n := range nodes[:min(len(nodes), maxNamed)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(ui.Visible(n.Node))
	}
	if more := len(nodes) - maxNamed; more > 0 {
		b.WriteString(" and " + grouped(int64(more)) + " more")
	}
	return b.String()
}

// awayIn says at which nodes a purge is missing, with a space before it; "" for
// none.
func awayIn(r *control.Receipt) (text string) {
	var away, waiting []control.NodeReceipt
	for _, n := range r.Missing() {
		if n.State == control.NodeAway {
			away = append(away, n)
		} else {
			waiting = append(waiting, n)
		}
	}
	if len(away) > 0 {
		text = " Away: " + names(away) + "; what was purged is not served there, and the purge is applied when they are back."
	}
	if len(waiting) > 0 {
		text += " Not applied yet at " + names(waiting) + "."
	}
	return text
}

// nodeColumns say at how many nodes purges hold, and where they are missing.
func nodeColumns(at func(row int) *control.Receipt) []column {
	return []column{
		{key: "nodes", title: "Servers", kind: count, down: true, help: "Of the fleet, for which the purge is.", num: func(row int) float64 {
			if n := len(at(row).Nodes); n > 0 {
				return float64(n)
			}
			return math.NaN()
		}},
		{key: "missing", title: "Missing at", help: "Servers that are away, which do not serve what was purged, and those that have not said yet that they have applied it.",
			text: func(row int) string { return names(at(row).Missing()) }, more: func(row int, c *ui.Cell) {
				if c.Text != "" {
					c.Level = ui.Warn
				}
			}},
	}
}

// receipt asks for the receipt that a page is about.
func (m *Monitor) receipt(q *query) (*control.Receipt, error) {
	id := q.get("id")
	if m.o.Purger == nil || id == "" {
		return nil, &missing{"There is no such receipt."}
	}
	a, err := m.o.Purger.Purge(&control.Request{Receipt: id})
	if err != nil || a.Receipt == nil {
		return nil, &missing{"There is no such receipt. The latest 1,000 are kept."}
	}
	return a.Receipt, nil
}

func receiptTable(m *Monitor, q *query) (*table, error) {
	r, err := m.receipt(q)
	if err != nil {
		return nil, err
	}
	return nodesTable(r), nil
}

// nodesTable are the servers of a fleet for which a purge is, those first at which
// it is missing.
func nodesTable(r *control.Receipt) *table {
	list := slices.Clone(r.Nodes)
	slices.SortStableFunc(list, func(a, b control.NodeReceipt) int {
		return cmp.Or(cmp.Compare(missingRank(&a), missingRank(&b)), cmp.Compare(a.Node, b.Node))
	})
	at := func(row int) *control.NodeReceipt { return &list[row] }
	// Of a server that has not applied it nothing is known.
	counted := func(of func(*control.NodeReceipt) int64) func(int) float64 {
		return func(row int) float64 {
			if at(row).State != control.NodeDone {
				return math.NaN()
			}
			return float64(of(at(row)))
		}
	}
	return &table{name: "purge_nodes", caption: "Servers", empty: "The purge was for this server alone.", rows: len(list), columns: []column{
		{key: "node", title: "Server", text: func(row int) string { return ui.Visible(at(row).Node) }},
		{key: "state", title: "State", badge: true, text: func(row int) string { return ui.Visible(at(row).State) }, more: func(row int, c *ui.Cell) {
			switch at(row).State {
			case control.NodeDone:
				c.Level = ui.Good
			case control.NodeAway:
				c.Level = ui.Bad
			default:
				c.Level = ui.Warn
			}
		}},
		{key: "since", title: "Away since", kind: instant, num: func(row int) float64 { return sinceEpoch(at(row).Since) }},
		{key: "objects", title: "Answers", kind: count, down: true, help: "Stored answers that it was about, as far as they are counted.", num: counted(func(n *control.NodeReceipt) int64 { return n.Objects })},
		{key: "bytes", title: "Freed", kind: octets, down: true, help: "Bodies that are gone.", num: counted(func(n *control.NodeReceipt) int64 { return n.Bytes })},
		{key: "counting", title: "Counting", text: func(row int) string {
			if at(row).Counting {
				return "yes"
			}
			return ""
		}},
		{key: "done", title: "Applied", kind: instant, num: func(row int) float64 { return sinceEpoch(at(row).Done) }},
		{key: "fault", title: "Fault", wide: true, text: func(row int) string { return ui.Visible(at(row).Fault) }},
	}}
}

func missingRank(n *control.NodeReceipt) int {
	switch n.State {
	case control.NodeAway:
		return 0
	case control.NodeDone:
		return 2
	}
	return 1
}

// receiptView is what is known of a purge.
func receiptView(m *Monitor, q *query) (*ui.View, error) {
	r, err := m.receipt(q)
	if err != nil {
		return nil, err
	}
	t := nodesTable(r)
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	v := &ui.View{Title: "Purge " + ui.Visible(r.ID), Path: "/purges/receipt", Up: toPurges, Refresh: 5 * time.Second}
	if away := awayIn(r); away != "" {
		v.Sections = append(v.Sections, &ui.Notice{Level: ui.Warn, Title: "Not applied everywhere", Text: strings.TrimSpace(away)})
	}
	v.Sections = append(v.Sections, receiptFacts(r))
	if len(r.Nodes) > 0 {
		v.Sections = append(v.Sections, t.html(q, w))
	}
	return v, nil
}

// receiptFacts are what a receipt says, in words.
func receiptFacts(r *control.Receipt) *ui.List {
	l := &ui.List{Items: []ui.Item{
		{Term: "What", Text: whatPurged(r)}, {Term: "How", Text: howPurged(r)},
		{Term: "Time", Text: clock(instantOf(r.Time))}, {Term: "State", Text: stateOf(r)},
		{Term: "Answers", Text: grouped(r.Objects)}, {Term: "Freed", Text: octets.format(float64(r.Bytes))},
	}}
	if !r.Done.IsZero() {
		l.Items = append(l.Items, ui.Item{Term: "Swept", Text: clock(instantOf(r.Done))})
	}
	if !r.Undone.IsZero() {
		l.Items = append(l.Items, ui.Item{Term: "Undone", Text: clock(instantOf(r.Undone))})
	}
	if r.Undoable {
		l.Items = append(l.Items, ui.Item{Term: "Undo", Text: "Undo …", Href: "/purges/undo?" + url.Values{"id": {r.ID}}.Encode()})
	}
	return l
}
