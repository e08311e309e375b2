package monitor

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/fleet"
	"freshet/internal/monitor/ui"
)

var toServers = ui.Link{Text: "Servers", Href: "/servers"}

// maxServers is up to how many servers their page changes by itself.
const maxServers = 200

// servers asks for the servers of the fleet.
func (m *Monitor) servers() ([]fleet.Server, error) {
	if m.o.Servers == nil {
		return nil, &missing{"This server works alone; one that is started with --jobs N or --fleet ADDR knows servers."}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return m.o.Servers(ctx)
}

func serversTable(m *Monitor, _ *query) (*table, error) {
	if m.o.Servers == nil {
		return serverTable(nil, m.o.Now()), nil
	}
	list, err := m.servers()
	if err != nil {
		return nil, err
	}
	return serverTable(list, m.o.Now()), nil
}

// serverTable are servers, in the order in which the hub gave them.
func serverTable(list []fleet.Server, now time.Time) *table {
	at := func(row int) *fleet.Server { return &list[row] }
	number := func(of func(*fleet.Server) (float64, bool)) func(int) float64 {
		return func(row int) float64 {
			if v, known := of(at(row)); known {
				return v
			}
			return math.NaN()
		}
	}
	return &table{name: "servers", caption: "Servers", empty: "There are no servers.", rows: len(list), columns: []column{
		{key: "server", title: "Server", text: func(row int) string { return ui.Visible(at(row).Name) },
			more: func(row int, c *ui.Cell) { c.Href = serverAddress(at(row).Name) }},
		{key: "state", title: "State", badge: true, text: func(row int) string { return at(row).State },
			more: func(row int, c *ui.Cell) { c.Level = levelOfServer(at(row).State) }},
		{key: "load", title: "Load", kind: count, help: "Processes that ran or waited in the last minute; the bar is full when there are as many as processors.", down: true,
			num: number(func(s *fleet.Server) (float64, bool) { return loadOf(s), s.Load != nil }),
			more: func(row int, c *ui.Cell) {
				if s := at(row); s.Load != nil {
					c.Text = fmt.Sprintf("%.2f", s.Load[0])
					c.Gauge = &ui.Gauge{Value: s.Load[0], Limit: float64(s.Processors), Label: "load"}
				}
			}},
		{key: "memory", title: "Memory", kind: percent, help: "Of the machine, in use.", down: true,
			num: number(memoryOf), more: func(row int, c *ui.Cell) { gaugeOf(c, at(row), memoryOf) }},
		{key: "disk", title: "Disk", kind: percent, help: "Of the disk of its folder, in use.", down: true,
			num: number(diskOf), more: func(row int, c *ui.Cell) { gaugeOf(c, at(row), diskOf) }},
		{key: "running", title: "Tasks", kind: count, down: true, num: number(func(s *fleet.Server) (float64, bool) {
			if s.Tasks == nil {
				return 0, false
			}
			return float64(s.Tasks.Running), true
		}), more: func(row int, c *ui.Cell) {
			if t := at(row).Tasks; t != nil && t.Capacity > 0 {
				c.Gauge = &ui.Gauge{Value: float64(t.Running), Limit: float64(t.Capacity), Warn: -1, Label: "busy"}
			}
		}},
		{key: "capacity", title: "At most", kind: count, down: true, num: number(func(s *fleet.Server) (float64, bool) {
			if s.Tasks == nil {
				return 0, false
			}
			return float64(s.Tasks.Capacity), true
		})},
		{key: "finished", title: "Finished", kind: count, down: true, help: "Tasks, since the queue was started.", num: func(row int) float64 { return float64(at(row).Ended) }},
		{key: "lost", title: "Lost", kind: count, down: true, help: "Tasks that it gave back, or that were taken from it.", num: func(row int) float64 { return float64(at(row).Lost) },
			more: func(row int, c *ui.Cell) { c.Level = levelIf(at(row).Lost > 0, ui.Warn) }},
		{key: "hits", title: "Hits", kind: percent, down: true, help: "Of the requests of the last minute, those that its cache answered.", num: number(func(s *fleet.Server) (float64, bool) {
			if s.Cache == nil || s.Cache.Hits == nil {
				return 0, false
			}
			return 100 * *s.Cache.Hits, true
		})},
		{key: "requests", title: "Requests", kind: rate, down: true, help: "In the last minute.", num: number(func(s *fleet.Server) (float64, bool) {
			if s.Requests == nil {
				return 0, false
			}
			return *s.Requests, true
		})},
		{key: "objects", title: "Stored", kind: count, down: true, help: "Answers in its cache.", num: number(func(s *fleet.Server) (float64, bool) {
			if s.Cache == nil {
				return 0, false
			}
			return float64(s.Cache.Objects), true
		})},
		{key: "stored", title: "Size", kind: octets, down: true, help: "Of what its cache has.", num: number(func(s *fleet.Server) (float64, bool) {
			if s.Cache == nil {
				return 0, false
			}
			return float64(s.Cache.Bytes), true
		})},
		{key: "ours", title: "Process", kind: octets, down: true, help: "Memory of the process.", num: number(func(s *fleet.Server) (float64, bool) { return float64(s.Memory.Ours), s.Memory.Ours > 0 })},
		{key: "offset", title: "Clock", kind: seconds, help: "How far the hub's clock is ahead of its own.", num: number(func(s *fleet.Server) (float64, bool) {
			if s.Clock == nil {
				return 0, false
			}
			return s.Clock.Offset.Seconds(), true
		})},
		{key: "seen", title: "Heard of", kind: seconds, help: "How long ago.", num: number(func(s *fleet.Server) (float64, bool) { return age(now, s.Seen), !s.Seen.IsZero() })},
		{key: "version", title: "Version", text: func(row int) string { return ui.Visible(at(row).Version) }},
		{key: "config", title: "Configuration", mono: true, help: "A name for what decides about its answers: servers with the same are alike.", text: func(row int) string { return ui.Visible(at(row).Config) }},
		{key: "labels", title: "Labels", wide: true, text: func(row int) string {
			if at(row).Tasks == nil {
				return ""
			}
			return ui.Visible(labels(at(row).Tasks.Labels))
		}},
		{key: "wrong", title: "Wrong", wide: true, text: func(row int) string { return ui.Visible(strings.Join(at(row).Wrong, "; ")) }},
	}}
}

// loadOf is the load of the last minute.
func loadOf(s *fleet.Server) float64 {
	if s.Load == nil {
		return 0
	}
	return s.Load[0]
}

// memoryOf is how many percent of the machine's memory are in use.
func memoryOf(s *fleet.Server) (float64, bool) {
	if s.Memory.Total <= 0 {
		return 0, false
	}
	return 100 * (1 - float64(s.Memory.Available)/float64(s.Memory.Total)), true
}

// diskOf is how many percent of the disk are in use.
func diskOf(s *fleet.Server) (float64, bool) {
	if s.Disk == nil || s.Disk.Total <= 0 {
		return 0, false
	}
	return 100 * (1 - float64(s.Disk.Free)/float64(s.Disk.Total)), true
}

func gaugeOf(c *ui.Cell, s *fleet.Server, of func(*fleet.Server) (float64, bool)) {
	if v, known := of(s); known {
		c.Gauge = &ui.Gauge{Value: v, Limit: 100, Warn: 0.95}
	}
}

// levelOfServer is the colour of a state.
func levelOfServer(state string) ui.Level {
	switch state {
	case fleet.StateWorking, fleet.StateServing:
		return ui.Good
	case fleet.StateLocked, fleet.StateDraining:
		return ui.Info
	case fleet.StateQuarantined, fleet.StateAway:
		return ui.Bad
	}
	return ui.Dim
}

// labels are labels in order.
func labels(m map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if value := m[name]; value != "" {
			name = fmt.Sprintf("%s=%s", name, value)
		}
		parts = append(parts, name)
	}
	return strings.Join(parts, " ")
}

// serverAddress is the page of a server.
func serverAddress(name string) string {
	return address("/servers/server", url.Values{"name": {name}})
}

func serversView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Servers", Refresh: 5 * time.Second}
	if m.o.Servers == nil {
		v.Refresh = 0
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "There are no servers", Text: "This server works alone. One that is started with --jobs N runs jobs, and with --fleet ADDR lets others join."}}
		return v, nil
	}
	t, err := serversTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	section := t.html(q, w)
	if q.none("offset", "limit", "sort") && t.rows <= min(maxServers, w.limit) {
		v.Live = liveAddress("servers", nil)
		rowsByKey(t, "server", section.Rows)
		section.MaxRows = maxServers
	}
	v.Sections = []ui.Section{section}
	return v, nil
}

// serversEvents brings the servers.
func serversEvents(m *Monitor, q *query) (func(dst []byte, now time.Time) []byte, error) {
	if m.o.Servers == nil {
		_, err := m.servers()
		return nil, err
	}
	return func(dst []byte, _ time.Time) []byte {
		t, err := serversTable(m, q)
		if err != nil || t.rows > maxServers {
			return dst
		}
		return appendEvent(dst, ui.EventRows, 0, wholeTable(t, "server"))
	}, nil
}
