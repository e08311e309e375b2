package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"
	"unicode"

	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/field"
	"freshet/internal/monitor/ui"
)

// top shows the figures of a running server, again and again.
func (e *Env) top(args []string) int {
	c, err := config.ParseTop(args, e.Environ)
	if err != nil {
		return e.misused("top", err)
	}
	return e.result(showTop(e, c))
}

// A figure is one of /overview.json.
type figure struct {
	Name, Label, Unit string
	Value, Limit      *float64
}

// A snapshot is what is shown at one time.
type snapshot struct {
	figures []figure
	latest  []latestRequest
}

// latestRequest is a row of /requests.json.
type latestRequest struct {
	Time                                  time.Time
	Status                                int
	Verdict, Method, Host, Target, Client string
	Duration                              float64
	Bytes                                 float64
}

func showTop(e *Env, c *config.Top) error {
	client, err := reach(e, &c.Reach)
	if err != nil {
		return err
	}
	quit := e.quits()
	screen := e.screen()
	if _, _, ok := screen(); ok {
		io.WriteString(e.Stdout, "\x1b[?1049h\x1b[?25l") // a screen of its own, without a cursor
		defer io.WriteString(e.Stdout, "\x1b[?25h\x1b[?1049l")
	}
	ticks := time.NewTicker(c.Every)
	defer ticks.Stop()
	for n := int64(1); ; n++ {
		if err := showOnce(e, client, screen); err != nil {
			return err
		}
		if n == c.Times {
			return nil
		}
		select {
		case <-ticks.C:
		case <-quit:
			return nil
		case <-e.Signals:
			return nil
		}
	}
}

// showOnce asks and shows: the whole screen, or a line where there is none.
func showOnce(e *Env, client *control.Client, screen screenSize) error {
	columns, rows, full := screen()
	s, err := takeSnapshot(client, full, rows)
	if err != nil {
		return err
	}
	text := s.line() + "\n"
	if full {
		text = s.screen(client.Name(), columns, rows)
	}
	_, err = io.WriteString(e.Stdout, text)
	return err
}

// takeSnapshot asks the monitor.
func takeSnapshot(client *control.Client, requests bool, rows int) (*snapshot, error) {
	var s snapshot
	var overview struct{ Rows []figure }
	if err := getJSON(client, "/overview.json", &overview); err != nil {
		return nil, err
	}
	s.figures = overview.Rows
	if requests {
		var latest struct{ Rows []latestRequest }
		if err := getJSON(client, fmt.Sprintf("/requests.json?limit=%d", max(rows, 1)), &latest); err != nil {
			return nil, err
		}
		s.latest = latest.Rows
	}
	return &s, nil
}

func getJSON(client *control.Client, target string, to any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	text, err := client.Get(ctx, target, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("read the answer of the server %s: %w", client.Name(), err)
	}
	return nil
}

// inLine are the figures of the line, by what they are called there.
var inLine = []struct{ name, label string }{
	{"request_rate", "requests"}, {"byte_rate", "bytes/s"}, {"hit_ratio", "hits"}, {"error_ratio", "errors"},
	{"latency_p50", "median"}, {"latency_p99", "99 %"}, {"connections", "connections"}, {"programs_running", "programs"}, {"programs_waiting", "waiting"}, {"memory", "memory"},
}

// line is the snapshot in one line.
func (s *snapshot) line() string {
	var parts []string
	for _, f := range inLine {
		for i := range s.figures {
			if s.figures[i].Name == f.name {
				parts = append(parts, f.label+" "+s.figures[i].shown())
			}
		}
	}
	return strings.Join(parts, "  ")
}

// shown is the value of a figure for people.
func (f *figure) shown() string {
	if f.Value == nil || math.IsNaN(*f.Value) {
		return "-"
	}
	unit := map[string]ui.Unit{"per second": ui.PerSecond, "bytes": ui.Bytes, "seconds": ui.Seconds, "percent": ui.Percent}[f.Unit]
	text := unit.Format(*f.Value)
	if f.Unit == "seconds since 1970" {
		return time.Unix(int64(*f.Value), 0).Format("2006-01-02 15:04")
	}
	if f.Unit == "seconds" && *f.Value >= 60 {
		text = (time.Duration(*f.Value) * time.Second).String()
	}
	if f.Limit != nil {
		text += " of " + unit.Format(*f.Limit)
	}
	return strings.ReplaceAll(text, "\u00a0", " ")
}

// screen is the snapshot on a terminal of so many columns and rows. Each line
// replaces the one that was there, so that nothing flickers.
func (s *snapshot) screen(name string, columns, rows int) string {
	const figureWidth = 38
	across := max(1, columns/figureWidth)
	lines := []string{"freshet " + name, ""}
	for i := 0; i < len(s.figures); i += across {
		line := ""
		for _, f := range s.figures[i:min(i+across, len(s.figures))] {
			line += pad(fmt.Sprintf("%-20s %s", f.Label, f.shown()), figureWidth)
		}
		lines = append(lines, line)
	}
	lines = append(lines, "", "time      status verdict          took  request")
	for _, r := range s.latest {
		took := (&figure{Unit: "seconds", Value: &r.Duration}).shown()
		lines = append(lines, fmt.Sprintf("%s  %4d  %-12s %9s  %s %s%s", r.Time.Local().Format("15:04:05"), r.Status, r.Verdict, took, r.Method, r.Host, r.Target))
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range lines {
		if i == rows-1 {
			break
		}
		b.WriteString(clip(plain(line), columns) + "\x1b[K\r\n")
	}
	b.WriteString(clip("q and Enter end it", columns) + "\x1b[J")
	return b.String()
}

// pad makes a text so many columns wide.
func pad(s string, width int) string {
	if n := len([]rune(s)); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return clip(s, width-1) + " "
}

// clip cuts a text to so many columns.
func clip(s string, columns int) string {
	r := []rune(s)
	return string(r[:min(len(r), max(columns, 0))])
}

// plain is a text without what a terminal would obey: what clients send is
// shown in it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if field.Obeyed(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// screenSize returns the size of the terminal that standard output is; it is
// not ok when that is none.
type screenSize func() (columns, rows int, ok bool)

// screen returns how to learn the size, which may change at any time.
func (e *Env) screen() screenSize {
	if e.Screen != nil {
		return e.Screen
	}
	f, isFile := e.Stdout.(*os.File)
	if !isFile || !isTerminal(f) {
		return func() (int, int, bool) { return 0, 0, false }
	}
	return func() (int, int, bool) {
		columns, rows := windowSize(f)
		return columns, rows, true
	}
}

// quits is closed once a line that begins with q is typed. Reading cannot be
// ended, so that its goroutine lives as long as the process, which is about to
// end.
func (e *Env) quits() <-chan struct{} {
	quit := make(chan struct{})
	if e.Stdin == nil {
		return quit
	}
	go func() {
		var line [256]byte
		for {
			n, err := e.Stdin.Read(line[:])
			if n > 0 && (line[0] == 'q' || line[0] == 'Q') {
				close(quit)
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return quit
}
