package app

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"freshet/internal/control"
)

// What a fleet needs of a server's cache besides purges: to hold it while nobody
// knows what was purged elsewhere, and a bookmark of how far that is known.

func (p *purger) Hold()                     { p.store.Hold() }
func (p *purger) Release()                  { p.store.Release() }
func (p *purger) Mark() string              { return p.store.Mark() }
func (p *purger) SetMark(mark string) error { return p.store.SetMark(mark) }

const (
	nodeColumns = 80
	nodeIndent  = 2
	maxNodeName = 32 // of the column; a longer name has a line of its own
)

// tellNodes writes a line for each node of a receipt, those first at which the
// purge is missing; with missing only those.
func tellNodes(w io.Writer, r *control.Receipt, missing bool) {
	nodes := slices.Clone(r.Nodes)
	if missing {
		nodes = r.Missing()
	}
	slices.SortStableFunc(nodes, func(a, b control.NodeReceipt) int {
		return cmp.Or(cmp.Compare(nodeRank(&a), nodeRank(&b)), cmp.Compare(a.Node, b.Node))
	})
	width := 0
	for _, n := range nodes {
		if c := utf8.RuneCountInString(visible(n.Node)); c <= maxNodeName {
			width = max(width, c)
		}
	}
	for i := range nodes {
		name := visible(nodes[i].Node)
		lead := strings.Repeat(" ", nodeIndent) + name
		if c := utf8.RuneCountInString(name); c > width {
			fmt.Fprintf(w, "%s\n", lead)
			lead = strings.Repeat(" ", nodeIndent+width)
		} else {
			lead += strings.Repeat(" ", width-c)
		}
		for _, line := range wrapped(visible(nodeState(&nodes[i], r.Time)), nodeColumns-nodeIndent-width-2) {
			fmt.Fprintf(w, "%s  %s\n", lead, line)
			lead = strings.Repeat(" ", nodeIndent+width)
		}
	}
}

// nodeRank is where a node stands in the list: what is missing comes first.
func nodeRank(n *control.NodeReceipt) int {
	switch {
	case n.State == control.NodeAway:
		return 0
	case n.State != control.NodeDone:
		return 1
	case n.Fault != "":
		return 2
	}
	return 3
}

// nodeState says what has come of a purge at a node, in words. day is that of the
// purge: times of that day go without it.
func nodeState(n *control.NodeReceipt, day time.Time) string {
	var text string
	switch n.State {
	case control.NodeDone:
		text = answers(int(n.Objects))
		if n.Counting {
			text += " so far, counting"
		}
		if n.Bytes > 0 {
			text += fmt.Sprintf(", %d bytes of bodies", n.Bytes)
		}
	case control.NodeAway:
		text = "away"
		if !n.Since.IsZero() {
			text += " since " + shortTime(n.Since, day)
		}
		text += "; it does not serve what was purged, and applies it when it is back"
	case control.NodeUnasked:
		text = "not asked: a dry run looks at the hub's cache alone"
	default:
		text = "waiting: it has not said yet that it has applied it"
	}
	if n.Fault != "" {
		text += "; " + n.Fault
	}
	return text
}

// shortTime is a time in UTC, without its day when that is the one that is known.
func shortTime(t, day time.Time) string {
	t = t.UTC()
	if t.Format(time.DateOnly) == day.UTC().Format(time.DateOnly) {
		return t.Format("15:04:05Z")
	}
	return t.Format(time.RFC3339)
}

// wrapped breaks a text between words into lines of so many characters; a longer
// word has a line of its own.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
