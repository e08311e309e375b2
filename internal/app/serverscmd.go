package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"freshet/fleet"
	"freshet/internal/config"
)

// servers shows the servers of a fleet, or tells them what to do.
func (e *Env) servers(args []string) int {
	c, err := config.ParseServers(args, e.Environ)
	if err != nil {
		return e.misused("servers", err)
	}
	server, err := reach(e, &c.Reach)
	if err != nil {
		return e.fault(err)
	}
	ctx, stop := e.untilSignal()
	defer stop()
	q := &fleet.Client{Send: server.Send, Refused: server.Refused}
	if c.Verb == "list" {
		return e.result(e.listServers(ctx, q, c))
	}
	status := exitOK
	for _, name := range c.Names {
		if err := q.Want(ctx, name, c.Verb); err != nil {
			status = e.fault(err)
		}
	}
	return status
}

// watchServers is how often a list that is watched is shown.
const watchServers = 2 * time.Second

// listServers shows them, once or again and again.
func (e *Env) listServers(ctx context.Context, q *fleet.Client, c *config.Servers) error {
	for {
		list, err := q.Servers(ctx)
		if err == nil {
			err = e.showServers(list, c)
		}
		if err != nil && ctx.Err() != nil {
			return nil
		}
		if err != nil || !c.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchServers):
		}
	}
}

func (e *Env) showServers(list []fleet.Server, c *config.Servers) error {
	if c.JSON {
		b, err := json.MarshalIndent(list, "", "  ")
		if err == nil {
			_, err = e.Stdout.Write(append(b, '\n'))
		}
		return err
	}
	if c.Watch {
		if _, _, full := e.screen()(); full {
			io.WriteString(e.Stdout, "\x1b[H\x1b[2J")
		}
	}
	return writeServers(e.Stdout, list, time.Now())
}

// How wide names and lines are at most.
const (
	serverColumn = 16
	serverWidth  = 80
)

// writeServers writes a row for each server, and below what is wrong with them.
func writeServers(to io.Writer, list []fleet.Server, now time.Time) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tSTATE\tLOAD\tMEM\tTASKS\tHIT\tOFFSET\tSEEN")
	wide := 0
	for i := range list {
		s := &list[i]
		fmt.Fprintln(w, strings.Join(serverRow(s, now), "\t"))
		if len(s.Wrong) > 0 {
			wide = max(wide, len([]rune(cell(s.Name, serverColumn))))
		}
	}
	if err := w.Flush(); err != nil || wide == 0 {
		return err
	}
	fmt.Fprintln(to)
	for i := range list {
		for j, text := range list[i].Wrong {
			name := ""
			if j == 0 {
				name = cell(list[i].Name, serverColumn)
			}
			for _, line := range wrapped(strings.Map(harmless, text), serverWidth-wide-2) {
				fmt.Fprintf(to, "%s %s\n", pad(name, wide+1), cell(line, serverWidth-wide-2))
				name = ""
			}
		}
	}
	return nil
}

// serverRow is what is shown of a server in a line.
func serverRow(s *fleet.Server, now time.Time) []string {
	const unknown = "-"
	load, memory, tasks, hits, offset, seen := unknown, unknown, unknown, unknown, unknown, unknown
	if s.Load != nil {
		load = fmt.Sprintf("%.2f", s.Load[0])
		if s.Load[0] >= 100 {
			load = fmt.Sprintf("%.0f", s.Load[0])
		}
	}
	if total := float64(s.Memory.Total); total > 0 {
		memory = share(1 - float64(s.Memory.Available)/total)
	}
	if t := s.Tasks; t != nil {
		tasks = fmt.Sprintf("%d/%d", min(t.Running, 99999), min(t.Capacity, 99999))
	}
	if s.Cache != nil && s.Cache.Hits != nil {
		hits = share(*s.Cache.Hits)
	}
	if s.Clock != nil {
		offset = shortOffset(s.Clock.Offset)
	}
	if !s.Seen.IsZero() {
		seen = shortSpan(now.Sub(s.Seen))
	}
	return []string{cell(s.Name, serverColumn), cell(s.State, 11), load, memory, tasks, hits, offset, seen}
}

// share is a part of all, in percent.
func share(part float64) string { return fmt.Sprintf("%.0f%%", 100*min(max(part, 0), 1)) }

// shortOffset is a difference of clocks in its largest unit, with its sign.
func shortOffset(d time.Duration) string {
	sign := "+"
	if d < 0 {
		sign = "-"
	}
	switch d = d.Abs(); {
	case d < time.Second:
		return fmt.Sprintf("%s%dms", sign, d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%s%.1fs", sign, d.Seconds())
	}
	return sign + shortSpan(d)
}
