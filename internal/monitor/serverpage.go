package monitor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"freshet/fleet"
	"freshet/internal/monitor/ui"
)

// server finds a server by its name.
func (m *Monitor) server(name string) (*fleet.Server, error) {
	list, err := m.servers()
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Name == name {
			return &list[i], nil
		}
	}
	return nil, &missing{"There is no such server."}
}

// serverActs are what a server can be told.
var serverActs = []struct {
	name, verb, does, done string
	danger                 bool
	can                    func(*fleet.Server) bool
}{
	{"lock", "Lock", "Take no further tasks; those that run go on.", "It takes no further tasks, from its next report on.", false,
		func(s *fleet.Server) bool { return s.Tasks != nil && s.Wanted != "lock" }},
	{"drain", "Drain", "Take no further tasks. A worker ends when those that run are over; a server goes on to serve.", "It takes no further tasks, from its next report on.", true,
		func(s *fleet.Server) bool { return s.Tasks != nil && s.Wanted != "drain" }},
	{"release", "Release", "Take tasks again, also after faults of its own.", "It takes tasks again, from its next report on.", false,
		func(s *fleet.Server) bool { return s.Wanted != "" || s.State == fleet.StateQuarantined }},
}

func serverActAddress(name, act string) string {
	return address("/servers/act", url.Values{"name": {name}, "do": {act}})
}

// serverView is all that is known of a server, and what it can be told.
func serverView(m *Monitor, q *query) (*ui.View, error) {
	s, err := m.server(q.get("name"))
	if err != nil {
		return nil, err
	}
	v := &ui.View{Title: "Server " + ui.Visible(s.Name), Up: toServers, Refresh: 5 * time.Second}
	if len(s.Wrong) > 0 {
		v.Sections = append(v.Sections, &ui.Notice{Level: ui.Warn, Title: "Something is wrong", Text: ui.Visible(strings.Join(s.Wrong, "; ")) + "."})
	}
	v.Sections = append(v.Sections, serverFacts(s, m.o.Now()))
	return v, nil
}

// serverFacts are what a server has said, in words.
func serverFacts(s *fleet.Server, now time.Time) *ui.List {
	l := &ui.List{}
	add := func(term, text string) {
		if text != "" {
			l.Items = append(l.Items, ui.Item{Term: term, Text: ui.Visible(text)})
		}
	}
	when := func(term string, t time.Time) {
		if !t.IsZero() {
			add(term, clock(instantOf(t))+", "+span(age(now, t))+" ago")
		}
	}
	l.Items = append(l.Items, ui.Item{Term: "State", Text: s.State, Level: levelOfServer(s.State)})
	if s.Hub {
		add("Part", "the hub of its fleet")
	}
	if s.Sealing != nil && s.Sealing.All {
		add("Kept on NATS", "all of it sealed")
	}
	when("Heard of", s.Seen)
	when("Away since", s.Away)
	when("Started", s.Started)
	add("Address", s.Address)
	add("Version", s.Version)
	add("Configuration", s.Config)
	if s.Load != nil {
		add("Load", fmt.Sprintf("%.2f, %.2f, %.2f in 1, 5 and 15 minutes, with %d processors", s.Load[0], s.Load[1], s.Load[2], s.Processors))
	}
	if s.Memory.Total > 0 {
		add("Memory", fmt.Sprintf("%s of %s are available; the process has %s", octets.format(float64(s.Memory.Available)), octets.format(float64(s.Memory.Total)), octets.format(float64(s.Memory.Ours))))
	}
	if s.Disk != nil {
		add("Disk", fmt.Sprintf("%s of %s are free", octets.format(float64(s.Disk.Free)), octets.format(float64(s.Disk.Total))))
	}
	if s.Requests != nil {
		add("Requests", rate.format(*s.Requests))
	}
	if c := s.Cache; c != nil {
		text := fmt.Sprintf("%s answers, %s", grouped(c.Objects), octets.format(float64(c.Bytes)))
		if c.Hits != nil {
			text += fmt.Sprintf("; %s of the requests of the last minute were hits", percent.format(100**c.Hits))
		}
		add("Cache", text)
	}
	if p := s.Purges; p != nil {
		add("Purges", fmt.Sprintf("up to number %d", p.Entry))
	}
	if t := s.Tasks; t != nil {
		add("Tasks", fmt.Sprintf("%d run, of %d at most; %s have finished, %s were lost", t.Running, t.Capacity, grouped(s.Ended), grouped(s.Lost)))
		add("Labels", labels(t.Labels))
		add("Pools", strings.Join(t.Pools, " "))
		add("Fault", t.Why)
	}
	if c := s.Clock; c != nil {
		add("Clock", fmt.Sprintf("the hub's is %s ahead, with an error of %s at most", span(c.Offset.Seconds()), span(c.Round.Seconds()/2)))
	}
	for _, a := range serverActs {
		if a.can(s) {
			l.Items = append(l.Items, ui.Item{Term: a.verb, Text: a.verb + " …", Href: serverActAddress(s.Name, a.name), Note: a.does})
		}
	}
	return l
}

// serverActView asks whether a server is to be told something.
func serverActView(m *Monitor, q *query) (*ui.View, error) {
	s, err := m.server(q.get("name"))
	if err != nil {
		return nil, err
	}
	for _, a := range serverActs {
		if a.name != q.get("do") {
			continue
		}
		f := &ui.Form{Action: "/servers/act", Post: true, Danger: a.danger, Submit: a.verb, Cancel: ui.Link{Text: "Back", Href: serverAddress(s.Name)},
			Hidden: []ui.Value{{Name: "name", Value: s.Name}, {Name: "do", Value: a.name}}}
		f.Note = "Server " + ui.Visible(s.Name) + ": " + a.does
		return &ui.View{Title: a.verb, Path: "/servers/act", Up: toServers, Sections: []ui.Section{f}}, nil
	}
	return nil, &badQuery{noServerAct}
}

const noServerAct = "do: give lock, drain or release"

// serverAct tells it.
func serverAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	if m.o.Want == nil {
		fail(w, r, http.StatusNotFound, "This server works alone.")
		return
	}
	name := r.PostForm.Get("name")
	for _, a := range serverActs {
		if a.name != r.PostForm.Get("do") {
			continue
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if err := m.o.Want(ctx, name, a.name); err != nil {
			fail(w, r, http.StatusConflict, "It cannot be done: "+err.Error()+".")
			return
		}
		m.sendDone(w, r, "Done", a.done, ui.Link{Text: "Server " + ui.Visible(name), Href: serverAddress(name)}, toServers)
		return
	}
	fail(w, r, http.StatusBadRequest, noServerAct+".")
}
