package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/field"
)

// exitRaised is the status of freshet alert list when an alert is raised.
const exitRaised = 3

// alert shows the alerts of a running server, or tries whether they arrive.
func (e *Env) alert(args []string) int {
	c, err := config.ParseAlert(args, e.Environ)
	if err != nil {
		return e.misused("alert", err)
	}
	server, err := reach(e, &c.Reach)
	if err != nil {
		return e.fault(err)
	}
	if c.Verb == "list" {
		raised, err := e.listAlerts(server, c)
		if err != nil {
			return e.fault(err)
		}
		if raised {
			return exitRaised
		}
		return exitOK
	}
	arrived, err := e.testAlerts(server, c)
	if err != nil {
		return e.fault(err)
	}
	if !arrived {
		return exitFault
	}
	return exitOK
}

// An alertLine is a row of /alerts.json.
type alertLine struct {
	State, Rule, Subject, Value, Condition, Severity, Detail string
	Since                                                    *time.Time
}

// listAlerts shows the rules, and reports whether an alert is raised.
func (e *Env) listAlerts(server *control.Client, c *config.Alert) (raised bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	text, err := server.Get(ctx, "/alerts.json?limit=1000", nil)
	if err != nil {
		return false, err
	}
	var list struct{ Rows []alertLine }
	if err := json.Unmarshal(text, &list); err != nil {
		return false, fmt.Errorf("read the answer of the server %s: %w", server.Name(), err)
	}
	for _, l := range list.Rows {
		raised = raised || l.State == "raised"
	}
	if c.JSON {
		_, err = e.Stdout.Write(append(field.EscapeJSON(text), '\n'))
		return raised, err
	}
	return raised, writeAlerts(e.Stdout, list.Rows, time.Now())
}

// alertWidth is how wide lines are at most.
const alertWidth = 80

// writeAlerts writes a row for each rule, and below what alerts are about.
func writeAlerts(to io.Writer, list []alertLine, now time.Time) error {
	rows := [][]string{{"STATE", "RULE", "VALUE", "SINCE", "RAISED WHEN"}}
	for i := range list {
		l := &list[i]
		since, value := "-", "-"
		if l.Since != nil {
			since = shortSpan(now.Sub(*l.Since))
		}
		if l.Value != "" {
			value = l.Value
		}
		rows = append(rows, []string{cell(l.State, 7), cell(l.Rule, 19), cell(value, 9), cell(since, 5), l.Condition})
	}
	if err := writeFolded(to, rows); err != nil {
		return err
	}
	for i := range list {
		l := &list[i]
		if l.State != "raised" && l.State != "pending" || l.Subject+l.Detail == "" {
			continue
		}
		text := l.Rule
		for _, more := range []string{l.Subject, l.Detail} {
			if more != "" {
				text += ": " + strings.Map(harmless, more)
			}
		}
		fmt.Fprintln(to)
		for _, line := range wrapped(text, alertWidth) {
			fmt.Fprintln(to, cell(line, alertWidth))
		}
	}
	return nil
}

// spokenIndent stands before what a mail server and we said.
const spokenIndent = "  "

// writeFolded writes rows whose last column is folded between words, so that no
// line is wider than alertWidth and nothing of it is cut off.
func writeFolded(to io.Writer, rows [][]string) error {
	last := len(rows[0]) - 1
	room := alertWidth
	for column := range last {
		wide := 0
		for _, row := range rows {
			wide = max(wide, utf8.RuneCountInString(row[column]))
		}
		room -= wide + 2
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, line := range wrapped(strings.Map(harmless, row[last]), room) {
			if i == 0 {
				fmt.Fprint(w, strings.Join(row[:last], "\t"))
			} else {
				fmt.Fprint(w, strings.Repeat("\t", last-1))
			}
			fmt.Fprintf(w, "\t%s\n", cell(line, room))
		}
	}
	return w.Flush()
}

// testAlerts has the server send a notice, and reports whether all have taken it.
func (e *Env) testAlerts(server *control.Client, c *config.Alert) (arrived bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), alertTestLimit+10*time.Second)
	defer cancel()
	status, text, err := server.Send(ctx, http.MethodPost, "/alert/test", nil, nil)
	if err != nil {
		return false, err
	}
	if status != http.StatusOK {
		return false, server.Refused(status, text)
	}
	var tried []alertTried
	if err := json.Unmarshal(text, &tried); err != nil {
		return false, fmt.Errorf("read the answer of the server %s: %w", server.Name(), err)
	}
	if len(tried) == 0 {
		return false, errors.New("the server tells nobody of alerts; give it --alert-mail, --alert-webhook or --alert-program")
	}
	arrived = true
	for i := range tried {
		arrived = arrived && tried[i].Error == ""
	}
	if c.JSON {
		_, err = e.Stdout.Write(append(field.EscapeJSON(text), '\n'))
		return arrived, err
	}
	for i := range tried {
		t := &tried[i]
		came := "taken"
		if t.Error != "" {
			came = "failed: " + t.Error
		}
		for j, line := range wrapped(strings.Map(harmless, t.Way+": "+came), alertWidth-2) {
			if j > 0 {
				line = "  " + line
			}
			fmt.Fprintln(e.Stdout, line)
		}
		if c.Verbose {
			for _, said := range t.Said {
				for j, line := range wrapped(strings.Map(harmless, said), alertWidth-len(spokenIndent)-2) {
					if j > 0 {
						line = "  " + line
					}
					fmt.Fprintln(e.Stdout, spokenIndent+line)
				}
			}
		}
	}
	return arrived, nil
}
