package monitor

import (
	"hash/fnv"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"freshet/internal/gateway"
	"freshet/internal/monitor/ui"
	"freshet/internal/wire"
)

// Programs are what a route runs: programs by CGI, or requests that a FastCGI
// backend works on.
type Programs struct {
	Route string // for people, and once in the list
	Kind  string // "cgi" or "fastcgi"
	About string // who programs run as, or where the backend is

	Board *gateway.Board
	Load  func() (running, waiting int)
	Most  int // how many may run at once; 0 with a Pool, which says so
	// Pool is how connections to a backend are; nil for programs by CGI.
	Pool *Pool
}

// A Pool is how the connections to a FastCGI backend, and its workers, are.
type Pool struct {
	Open, Idle, Most int // connections
	Workers          int
	Restarts         int64
	Error            string // what failed last
	ErrorTime        time.Time
}

// programs returns those of the configuration.
func (m *Monitor) programs() []Programs {
	if m.o.Programs == nil {
		return nil
	}
	return m.o.Programs()
}

// runOf is a run and whose it is.
type runOf struct {
	route string
	*gateway.Run
	cpu    float64 // seconds; NaN when it is not known
	memory float64
}

// runs are all that run, route by route, the oldest first.
func (m *Monitor) runs() []runOf {
	var all []runOf
	for _, p := range m.programs() {
		for _, r := range p.Board.Runs() {
			one := runOf{route: p.Route, Run: r, cpu: math.NaN(), memory: math.NaN()}
			if r.Usage != nil {
				cpu, memory := r.Usage()
				one.cpu, one.memory = cpu.Seconds(), float64(memory)
			}
			all = append(all, one)
		}
	}
	return all
}

// name tells the run from all others of the server's life: a board may be
// another one after a change of the configuration.
func (r *runOf) name() url.Values {
	h := fnv.New64a()
	h.Write([]byte(r.route))
	return url.Values{"route": {strconv.FormatUint(h.Sum64(), 36)}, "run": {strconv.FormatUint(r.ID(), 10)}, "started": {strconv.FormatInt(r.Started.UnixNano(), 36)}}
}

// isNamed reports whether a form names the run.
func (r *runOf) isNamed(values url.Values) bool {
	for name, value := range r.name() {
		if values.Get(name) != value[0] {
			return false
		}
	}
	return true
}

// runTable are programs that run, and requests at backends.
func runTable(rows []runOf, now time.Time) *table {
	at := func(row int) *runOf { return &rows[row] }
	return &table{name: "programs", caption: "Running now", empty: noRuns, rows: len(rows), columns: []column{
		{key: "script", title: "Program", mono: true, wide: true, text: func(row int) string { return at(row).Script }},
		{key: "method", title: "Method", text: func(row int) string { return at(row).Method }},
		{key: "url", title: "Address", mono: true, wide: true, text: func(row int) string { return at(row).URL }},
		{key: "client", title: "Client", text: func(row int) string { return wire.WithoutPort(at(row).Client) }},
		{key: "age", title: "Runs for", kind: seconds, down: true, num: func(row int) float64 { return age(now, at(row).Started) }},
		{key: "sent", title: "Sent", kind: octets, down: true, help: "Bytes of the answer's body so far.", num: func(row int) float64 { return float64(at(row).Sent.Load()) }},
		{key: "cpu", title: "CPU", kind: seconds, down: true, help: "Processor time of the program so far.", num: func(row int) float64 { return at(row).cpu }},
		{key: "memory", title: "Memory", kind: octets, down: true, num: func(row int) float64 { return at(row).memory }},
		{key: "said", title: "Said last", wide: true, help: "The last line of its standard error.", text: func(row int) string { return ui.Visible(at(row).Said()) }},
		{key: "request", title: "Request", mono: true, help: "Its name in the access log; it is explained once it is answered.", text: func(row int) string { return at(row).Request },
			more: func(row int, c *ui.Cell) {
				if c.Text != "" {
					c.Href = "/why/" + url.PathEscape(c.Text)
				}
			}},
		{key: "kind", title: "Kind", text: func(row int) string { return at(row).Kind }},
		{key: "pid", title: "Process", kind: count, num: func(row int) float64 {
			if at(row).PID == 0 {
				return math.NaN()
			}
			return float64(at(row).PID)
		}, more: func(row int, c *ui.Cell) {
			if at(row).PID != 0 {
				c.Text = number(at(row).PID)
			}
		}},
		{key: "route", title: "Route", text: func(row int) string { return at(row).route }},
		{key: "stop", title: "Stop", plain: true, act: true, text: func(row int) string {
			if at(row).Stopped() {
				return "stopped"
			}
			return ""
		}, more: func(row int, c *ui.Cell) {
			if c.Text == "" {
				c.Text, c.Href, c.Title = "Stop …", address("/programs/stop", at(row).name()), "End the program, and all that it started"
			}
		}},
	}}
}

const noRuns = "No program runs."

// age is how long ago a moment was, in seconds.
func age(now, then time.Time) float64 { return max(0, math.Round(now.Sub(then).Seconds()*10)/10) }

func programsTable(m *Monitor, _ *query) (*table, error) { return runTable(m.runs(), m.o.Now()), nil }

// poolsTable are the routes that run programs.
func poolsTable(m *Monitor, _ *query) (*table, error) {
	all := m.programs()
	type load struct{ running, waiting int }
	loads := make([]load, len(all))
	for i := range all {
		loads[i].running, loads[i].waiting = all[i].Load()
	}
	pool := func(of func(*Pool) float64) func(row int) float64 {
		return func(row int) float64 {
			if all[row].Pool == nil {
				return math.NaN()
			}
			return of(all[row].Pool)
		}
	}
	return &table{name: "pools", caption: "Routes with programs", empty: "No route runs programs.", rows: len(all), columns: []column{
		{key: "route", title: "Route", text: func(row int) string { return all[row].Route }},
		{key: "kind", title: "Kind", text: func(row int) string { return all[row].Kind }},
		{key: "running", title: "Running", kind: count, down: true, num: func(row int) float64 { return float64(loads[row].running) }},
		{key: "waiting", title: "Waiting", kind: count, down: true, help: "Requests that wait for their turn.", num: func(row int) float64 { return float64(loads[row].waiting) },
			more: func(row int, c *ui.Cell) { c.Level = levelIf(loads[row].waiting > 0, ui.Warn) }},
		{key: "open", title: "Connections", kind: count, down: true, help: "To the backend.", num: pool(func(p *Pool) float64 { return float64(p.Open) })},
		{key: "idle", title: "Idle", kind: count, down: true, help: "Of them.", num: pool(func(p *Pool) float64 { return float64(p.Idle) })},
		{key: "most", title: "At most", kind: count, help: "That may run, or connections that there may be.", num: func(row int) float64 {
			if p := all[row].Pool; p != nil {
				return float64(p.Most)
			}
			return float64(all[row].Most)
		}},
		{key: "workers", title: "Workers", kind: count, down: true, help: "That freshet started.", num: pool(func(p *Pool) float64 { return float64(p.Workers) })},
		{key: "restarts", title: "Restarts", kind: count, down: true, help: "Of workers that ended by themselves.", num: pool(func(p *Pool) float64 { return float64(p.Restarts) })},
		{key: "error", title: "Last failure", wide: true, text: func(row int) string {
			if all[row].Pool == nil {
				return ""
			}
			return all[row].Pool.Error
		}},
		{key: "error_time", title: "Failed", kind: instant, down: true, num: pool(func(p *Pool) float64 {
			if p.ErrorTime.IsZero() {
				return math.NaN()
			}
			return float64(p.ErrorTime.UnixMilli()) / 1e3
		})},
		{key: "about", title: "How", wide: true, text: func(row int) string { return all[row].About }},
	}}, nil
}

// maxRuns is how many runs a page shows that changes by itself.
const maxRuns = 200

func programsView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Programs", Refresh: 5 * time.Second}
	if len(m.programs()) == 0 {
		v.Refresh = 0
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "There are no programs", Text: "No route of this server runs programs, by CGI or FastCGI."}}
		return v, nil
	}
	all := m.runs()
	runs := runTable(all, m.o.Now())
	w, err := q.window(runs)
	if err != nil {
		return nil, err
	}
	if q.get("limit") == "" {
		w.limit = maxRuns
	}
	section := runs.html(q, w)
	if w.offset == 0 && w.by == "" {
		for i := range section.Rows {
			section.Rows[i].ID = all[i].rowID()
		}
		section.MaxRows = w.limit
		v.Live = liveAddress("programs", nil)
	}
	pools, err := poolsTable(m, q)
	if err != nil {
		return nil, err
	}
	of := pools.html(&query{page: "/pools"}, &window{limit: maxPageRows})
	for i := range of.Columns {
		of.Columns[i].Sort = "" // the page is sorted by the columns of the other table
	}
	v.Sections = []ui.Section{m.programStats(), section, of}
	return v, nil
}

// rowID is what tells a row of a run from others.
func (r *runOf) rowID() string { return r.name().Encode() }

// programStats are the numbers above the tables.
func (m *Monitor) programStats() *ui.Stats {
	running, waiting := m.programLoad()
	return &ui.Stats{Items: []ui.Stat{
		{Key: "programs_running", Label: "Running", Value: grouped(int64(running))},
		{Key: "programs_waiting", Label: "Waiting", Value: grouped(int64(waiting)), Note: "requests", Level: levelIf(waiting > 0, ui.Warn)},
	}}
}

func (m *Monitor) programLoad() (running, waiting int) {
	for _, p := range m.programs() {
		r, w := p.Load()
		running, waiting = running+r, waiting+w
	}
	return running, waiting
}

// programEvents brings all that runs, and the numbers above it.
func programEvents(m *Monitor, _ *query) (func(dst []byte, now time.Time) []byte, error) {
	return func(dst []byte, now time.Time) []byte {
		stats := ui.StatsEvent{}
		for _, s := range m.programStats().Items {
			stats[s.Key] = ui.LiveStat{Text: s.Value, Note: s.Note, Level: s.Level}
		}
		dst = appendEvent(dst, ui.EventStats, 0, stats)
		all := m.runs()
		t := runTable(all, now)
		event := ui.RowsEvent{Table: t.name, Whole: true, Empty: t.empty, Total: t.rows}
		for row := range min(t.rows, maxRuns) {
			r := ui.Row{ID: all[row].rowID()}
			for j := range t.columns {
				r.Cells = append(r.Cells, t.columns[j].cell(row))
			}
			event.Rows = append(event.Rows, r)
		}
		return appendEvent(dst, ui.EventRows, 0, event)
	}, nil
}

// running returns the run that a form names.
func (m *Monitor) running(values url.Values) (*runOf, *gateway.Board) {
	for _, p := range m.programs() {
		for _, r := range p.Board.Runs() {
			if one := (&runOf{route: p.Route, Run: r}); one.isNamed(values) {
				return one, p.Board
			}
		}
	}
	return nil, nil
}

// stopView asks whether a program is to be stopped.
func stopView(m *Monitor, q *query) (*ui.View, error) {
	r, _ := m.running(q.values)
	if r == nil {
		return nil, &missing{"That program does not run any more."}
	}
	f := &ui.Form{Action: "/programs/stop", Post: true, Danger: true, Submit: "Stop", Cancel: ui.Link{Text: "Back", Href: "/programs"}}
	f.Note = r.Script + " will be ended, with all that it started, and the answer to " + r.Method + " " + r.URL + " cut."
	if r.Kind != "cgi" {
		f.Note = "The connection to " + r.Script + " will be closed, and the answer to " + r.Method + " " + r.URL + " cut."
	}
	for name, value := range r.name() {
		f.Hidden = append(f.Hidden, ui.Value{Name: name, Value: value[0]})
	}
	return &ui.View{Title: "Stop a program", Up: ui.Link{Text: "Programs", Href: "/programs"}, Sections: []ui.Section{f}}, nil
}

// stopAct does it.
func stopAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	run, board := m.running(r.PostForm)
	if run == nil || !board.Stop(run.ID()) {
		fail(w, r, http.StatusNotFound, "That program does not run any more.")
		return
	}
	m.sendDone(w, r, "Stopped", run.Script+" was told to end.", ui.Link{Text: "Programs", Href: "/programs"})
}

// nav is the navigation: with programs and certificates where there are some, and
// the filter where there is one.
func (m *Monitor) nav() []ui.Link {
	all := ui.DefaultNav()
	var own []ui.Link
	if m.o.Filter != nil {
		own = append(own, toFilter, toCookies)
	}
	if len(m.programs()) > 0 {
		own = append(own, ui.Link{Text: "Programs", Href: "/programs"})
	}
	if len(m.certificates()) > 0 {
		own = append(own, ui.Link{Text: "Certificates", Href: "/certificates"})
	}
	for i, l := range all {
		if l.Href == "/cache" {
			return append(all[:i+1], append(own, all[i+1:]...)...)
		}
	}
	return all
}
