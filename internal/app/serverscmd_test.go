package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/fleet"
	"freshet/internal/monitor"
)

// The list of servers fits a terminal, whatever they say of themselves.
func TestServersFit(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	long := strings.Repeat("n", 64)
	most, some := 0.999, 0.25
	list := []fleet.Server{
		{Name: "hub", Hub: true, State: fleet.StateWorking, Seen: now, Report: fleet.Report{Load: &[3]float64{0.5, 0, 0}, Memory: fleet.Memory{Total: 100, Available: 38}, Tasks: &fleet.Tasks{Running: 1, Capacity: 2},
			Cache: &fleet.Stored{Hits: &some}}},
		{Name: long, State: fleet.StateQuarantined, Seen: now.Add(-1e6 * time.Hour), Wrong: []string{"could not start tasks: " + long + long + " and\x1b]0;x\a more", "its clock is far ahead of the hub's, and a text follows that does not fit a line"},
			Report: fleet.Report{Load: &[3]float64{1e6, 0, 0}, Memory: fleet.Memory{Total: 1}, Tasks: &fleet.Tasks{Running: 1 << 40, Capacity: 1 << 40}, Cache: &fleet.Stored{Hits: &most}, Clock: &fleet.Clock{Offset: -1e5 * time.Hour}}},
		{Name: "b", State: fleet.StateInvited},
		{Name: "c", State: fleet.StateServing, Seen: now.Add(-3 * time.Second), Wrong: []string{"runs 1.1; most run 1.2"}, Report: fleet.Report{Clock: &fleet.Clock{Offset: 12 * time.Millisecond}}},
	}
	var b bytes.Buffer
	if err := writeServers(&b, list, now); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > serverWidth || strings.ContainsAny(line, "\x1b\a") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	lines := strings.Split(text, "\n")
	for i, want := range []string{
		"NAME STATE LOAD MEM TASKS HIT OFFSET SEEN", "hub working 0.50 62% 1/2 25% - 0s",
		"nnnnnnnnnnnnnnn… quarantined 1000000 100% 99999/99999 100% -4166d 41666d", "b invited - - - - - -", "c serving - - - - +12ms 3s", "",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("line %d is %q, want %q", i, got, want)
		}
	}
	contains(t, text, "\nc                 runs 1.1; most run 1.2\n", "\nnnnnnnnnnnnnnnn…  could not start tasks:\n                  nnn")

	b.Reset()
	if err := writeServers(&b, list[:1], now); err != nil || strings.Count(b.String(), "\n") != 2 {
		t.Errorf("%q %v", b.String(), err)
	}
}

// Servers are shown and told what to do by commands.
func TestServersCommand(t *testing.T) {
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--fleet", "127.0.0.1:0", folder(t, "a.txt", "hello"))
	token := p.stderr.wait(t, `freshet worker --join (\S+)`)
	do := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := command(t, home, append([]string{"servers"}, args...)...)
		if status != want {
			t.Fatalf("%q: status %d, %s", args, status, stderr)
		}
		return stdout, stderr
	}
	listed := func() (list []fleet.Server) {
		t.Helper()
		stdout, _ := do(exitOK, "--json")
		if err := json.Unmarshal([]byte(stdout), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := listed(); len(list) != 2 || !list[0].Hub || list[0].State != fleet.StateWorking || list[0].Version == "" || len(list[0].Config) != 8 || list[1].Name != "worker-1" || list[1].State != fleet.StateInvited {
		t.Errorf("%+v", list)
	}
	stdout, _ := do(exitOK)
	contains(t, stdout, "NAME", "worker-1", "invited")
	do(exitOK, "drain", "worker-1")
	w := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home, "FRESHET_JOIN=" + token} }, "worker")
	if status := w.wait(); status != exitOK {
		t.Errorf("a worker that is drained ends with %d: %s", status, w.stderr)
	}
	contains(t, w.stderr.String(), "this worker is drained")
	if list := listed(); list[1].State != fleet.StateDrained || list[1].Wanted != "drain" || list[1].Version == "" || list[1].Started.IsZero() {
		t.Errorf("%+v", list[1])
	}
	hub := listed()[0].Name
	do(exitOK, "lock", hub, "worker-1")
	if list := listed(); list[0].State != fleet.StateLocked || list[1].Wanted != "lock" {
		t.Errorf("%+v", list)
	}
	do(exitOK, "release", hub)
	_, stderr := do(exitFault, "lock", "nobody")
	contains(t, stderr, `there is no server called "nobody"`)
	do(exitUsage, "lock")
	do(exitUsage, "list", "x")
	do(exitUsage, "lock", "--json", "x")
}

// A configuration has one name, whatever the machine's own part of it is.
func TestConfigName(t *testing.T) {
	at := func(key, value string) monitor.Setting {
		return monitor.Setting{Group: "server", Key: key, Value: value}
	}
	one := nameOf([]monitor.Setting{at("listen", ":1"), at("data", "/a"), at("profile", "safe")})
	other := nameOf([]monitor.Setting{at("listen", ":2"), at("fleet", "x:1"), at("memory", "3g"), at("profile", "safe")})
	differs := nameOf([]monitor.Setting{at("profile", "standard")})
	if one != other || one == differs || len(one) != 8 {
		t.Errorf("%s %s %s", one, other, differs)
	}
}
