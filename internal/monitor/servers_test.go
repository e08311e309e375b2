package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/fleet"
)

// fleetOf is a monitor of servers whose texts are hostile, and what they were
// told.
func fleetOf(t *testing.T) (*fixture, *[]string) {
	t.Helper()
	const hostile = "<script>alert(1)</script>\u202e"
	half, few := 0.5, 12.25
	list := []fleet.Server{
		{Name: "hub", Hub: true, State: fleet.StateWorking, Seen: time.Now(), Report: fleet.Report{Version: hostile, Config: "ab12cd34", Started: time.Now(), Processors: 4, Load: &[3]float64{2, 1, 0.5},
			Memory: fleet.Memory{Total: 1000, Available: 250, Ours: 10}, Disk: &fleet.Disk{Total: 100, Free: 99}, Cache: &fleet.Stored{Objects: 3, Bytes: 7, Hits: &half}, Requests: &few,
			Tasks: &fleet.Tasks{State: fleet.StateWorking, Running: 1, Capacity: 2, Labels: map[string]string{hostile: hostile}, Pools: []string{hostile}}}},
		{Name: "far", State: fleet.StateQuarantined, Wrong: []string{hostile}, Report: fleet.Report{Clock: &fleet.Clock{Offset: -90 * time.Second}, Purges: &fleet.Place{Entry: 7}, Tasks: &fleet.Tasks{Why: hostile}}},
		{Name: "cache", State: fleet.StateServing},
		{Name: "away", State: fleet.StateAway, Away: time.Now(), Wanted: "lock"},
	}
	told := new([]string)
	f := newFixture(t, func(o *Options) {
		o.Servers = func(context.Context) ([]fleet.Server, error) { return list, nil }
		o.Want = func(_ context.Context, server, do string) error {
			if server == "cache" {
				return errors.New("cache runs no tasks")
			}
			*told = append(*told, server+" "+do)
			return nil
		}
	})
	return f, told
}

// Pages of servers have all that is said of them, as text; tables have it as
// numbers.
func TestServerPages(t *testing.T) {
	f, _ := fleetOf(t)
	h := f.Local()
	for at, want := range map[string][]string{
		"/servers":                       {"hub", "quarantined", "ab12cd34", "2.00", "75", "data-events="},
		"/servers?sort=load":             {"hub"},
		serverAddress("hub"):             {"the hub of its fleet", "2.00, 1.00, 0.50", "Lock …", "Drain …", "12.2"},
		serverAddress("far"):             {"Something is wrong", "Release …"},
		serverAddress("cache"):           {"serving"},
		serverAddress("away"):            {"Release …", "Away since"},
		serverActAddress("hub", "drain"): {"Take no further tasks", `method="post"`},
	} {
		w := send(h, "GET", at, "", "Accept", "text/html")
		body := w.Body.String()
		if w.Code != 200 || strings.Contains(body, "<script>alert") || strings.Contains(body, "\u202e") {
			t.Errorf("%s: %d, or it has text as markup", at, w.Code)
		}
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: no %q in\n%s", at, text, body)
			}
		}
	}
	if body := send(h, "GET", serverAddress("cache"), "", "Accept", "text/html").Body.String(); strings.Contains(body, "Lock …") {
		t.Error("a server without tasks can be locked")
	}
	var table struct {
		Rows []struct {
			Server, State, Wrong            string
			Load, Memory, Disk, Hits        *float64
			Running, Requests, Offset, Seen *float64
		}
	}
	if err := json.Unmarshal(send(h, "GET", "/servers.json", "").Body.Bytes(), &table); err != nil || len(table.Rows) != 4 {
		t.Fatal(err, table)
	}
	hub, far := &table.Rows[0], &table.Rows[1]
	if *hub.Load != 2 || *hub.Memory != 75 || *hub.Hits != 50 || *hub.Running != 1 || *hub.Requests != 12.25 || hub.Offset != nil || *far.Offset != -90 || far.Load != nil || far.Seen != nil {
		t.Errorf("%+v", table)
	}
	for _, suffix := range []string{".csv", ".prom"} {
		if w := send(h, "GET", "/servers"+suffix, ""); w.Code != 200 || !strings.Contains(w.Body.String(), "hub") {
			t.Errorf("%s: %d", suffix, w.Code)
		}
	}
	for at, status := range map[string]int{serverAddress("none"): 404, serverActAddress("none", "lock"): 404, serverActAddress("hub", "jump"): 400} {
		if w := send(h, "GET", at, "", "Accept", "text/html"); w.Code != status {
			t.Errorf("%s: %d", at, w.Code)
		}
	}
	events, err := serversEvents(f.Monitor, &query{page: "/servers"})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(events(nil, time.Now())); !strings.Contains(text, `"table":"servers"`) || strings.Contains(text, "<script>alert") {
		t.Error(text)
	}
	alone := newFixture(t, nil)
	if _, err := serversEvents(alone.Monitor, &query{}); err == nil {
		t.Error("events of a server that works alone")
	}
	if w := send(alone.Local(), "GET", "/servers", "", "Accept", "text/html"); w.Code != 200 || !strings.Contains(w.Body.String(), "works alone") {
		t.Errorf("%d", w.Code)
	}
}

// A server is told something by a form, which needs no script, by those who may
// write.
func TestServerActs(t *testing.T) {
	f, told := fleetOf(t)
	form := func(name, do string) string { return url.Values{"name": {name}, "do": {do}}.Encode() }
	const kind = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, do string
		status   int
	}{{"hub", "lock", 200}, {"far", "drain", 200}, {"away", "release", 200}, {"cache", "lock", 409}, {"hub", "jump", 400}} {
		if w := send(f.Local(), "POST", "/servers/act", form(tt.name, tt.do), "Content-Type", kind); w.Code != tt.status {
			t.Errorf("%+v: %d %s", tt, w.Code, w.Body)
		}
	}
	if got := strings.Join(*told, ", "); got != "hub lock, far drain, away release" {
		t.Errorf("told: %s", got)
	}
	if w := send(f.Handler(), "POST", "/servers/act", form("hub", "lock"), "Content-Type", kind); w.Code != 401 && w.Code != 403 {
		t.Errorf("without the token: %d", w.Code)
	}
	if len(*told) != 3 {
		t.Errorf("told: %v", *told)
	}
}
