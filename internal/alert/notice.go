package alert

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"freshet/internal/field"
)

// Kind is what a notice says of an alert.
type Kind string

// The kinds.
const (
	RaisedNotice Kind = "raised"
	Reminder     Kind = "reminder"
	OverNotice   Kind = "over"
	Test         Kind = "test"
)

// A Notice is what somebody is told. It is the JSON that webhooks and programs
// get.
type Notice struct {
	ID       string    `json:"id"`    // the same when it is sent again
	Alert    string    `json:"alert"` // the same in all notices of an alert
	Kind     Kind      `json:"kind"`
	Server   string    `json:"server"`
	Rule     string    `json:"rule"`
	Subject  string    `json:"subject,omitempty"`
	Severity Severity  `json:"severity"`
	Time     time.Time `json:"time"`
	Since    time.Time `json:"since,omitzero"` // the figure is, or was, beyond its bound

	Figure    string   `json:"figure,omitempty"`
	Condition string   `json:"condition,omitempty"` // in words
	Value     *float64 `json:"value,omitempty"`     // the last that is known
	Shown     string   `json:"shown,omitempty"`     // with its unit
	Bound     float64  `json:"bound"`
	Unit      Unit     `json:"unit,omitempty"`

	What    string `json:"what,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Because string `json:"because,omitempty"` // why it is over, if its figure is not why
	Why     string `json:"why,omitempty"`
	Do      string `json:"do,omitempty"`
	Link    string `json:"link,omitempty"` // to the monitor
}

// How long texts of others may be, in characters.
const (
	maxSubject = 200
	maxDetail  = 500
)

func (m *Machine) notice(r *Rule, a *Alert, kind Kind, now time.Time, because string) Notice {
	a.Notices++
	n := Notice{
		ID: fmt.Sprintf("%s-%d", a.ID, a.Notices), Alert: a.ID, Kind: kind, Server: m.server, Rule: r.Name, Subject: a.Subject, Severity: r.Severity,
		Time: now, Since: a.Since, Figure: r.Figure, Bound: a.Bound, Unit: r.Unit, What: r.What, Detail: a.Detail, Because: because, Why: r.Why, Do: r.Do,
	}
	if r.Figure != "" {
		shown := *r
		shown.Bound = a.Bound
		n.Condition = shown.Condition()
	}
	if v := a.Value; !math.IsNaN(v) && !math.IsInf(v, 0) {
		n.Value, n.Shown = &v, r.Unit.Format(v)
	}
	return n
}

// TestNotice is a notice that says that notices arrive.
func TestNotice(server string, now time.Time) Notice {
	return Notice{ID: fmt.Sprintf("test-%d", now.UnixNano()), Alert: "test", Kind: Test, Server: clean(server, maxSubject), Rule: "test", Severity: Warning, Time: now.Round(0).UTC(),
		What: "This is a test: nothing is wrong. Somebody has called freshet alert test."}
}

// Title says it in one line.
func (n *Notice) Title() string {
	about := n.Rule
	if n.Subject != "" {
		about += " (" + n.Subject + ")"
	}
	switch n.Kind {
	case Test:
		return "test from " + n.Server
	case OverNotice:
		return "over: " + about + " at " + n.Server
	case Reminder:
		return "still " + string(n.Severity) + ": " + about + " at " + n.Server
	}
	return string(n.Severity) + ": " + about + " at " + n.Server
}

// columns is how wide texts are.
const columns = 72

// Text is the notice for people: lines of 72 columns at most, but for what
// cannot be parted.
func (n *Notice) Text() string {
	var b strings.Builder
	write := func(label, text string) {
		if text == "" {
			return
		}
		const indent = 10
		for i, line := range fold(text, columns-indent) {
			if i > 0 {
				label = ""
			}
			fmt.Fprintf(&b, "%-*s%s\n", indent, label, line)
		}
	}
	for _, line := range fold(n.Title(), columns) {
		b.WriteString(line + "\n")
	}
	b.WriteByte('\n')
	what := n.What
	if what == "" && n.Figure != "" {
		what = "the figure " + n.Figure
	}
	write("What", what)
	write("Where", n.Subject)
	if n.Figure != "" {
		value := n.Shown
		if value == "" {
			value = "not known"
		}
		write("Value", value+"; the rule is "+n.Condition)
	}
	write("Fault", n.Detail)
	write("Since", stamp(n.Since))
	if n.Kind == OverNotice {
		write("Over", stamp(n.Time))
		write("", n.Because)
	} else {
		if n.Kind == Reminder {
			write("Now", stamp(n.Time))
		}
		write("Why", n.Why)
		write("Do", n.Do)
	}
	write("Server", n.Server)
	write("Page", n.Link)
	write("Alert", n.ID)
	return b.String()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// fold breaks a text between words.
func fold(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// clean cuts a text of others to a length, in characters, and takes out what
// ends a line or is obeyed by a terminal.
func clean(s string, most int) string {
	if len(s) > 8*most {
		s = s[:8*most]
	}
	s = strings.Map(func(r rune) rune {
		if field.Obeyed(r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	r := []rune(s)
	return string(r[:most-1]) + "…"
}

// Clean is that, for what callers tell in another place.
func Clean(s string) string { return clean(s, maxDetail) }
