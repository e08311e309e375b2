package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/internal/bus"
)

// rollOf is a roll with a clock that stands still.
func rollOf(t *testing.T) (r *roll, now *time.Time) {
	t.Helper()
	w, err := openWants(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	now = new(time.Time)
	*now = time.Unix(1_800_000_000, 0)
	r = newRoll(w)
	r.now = func() time.Time { return *now }
	return r, now
}

// tell reports a server.
func tell(t *testing.T, r *roll, name, report string) (heard, error) {
	t.Helper()
	text, err := r.hear(t.Context(), bus.Request{From: name, Payload: []byte(report)})
	var h heard
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	return h, err
}

// What a report says is brought within bounds, and cannot be about another
// server.
func TestReportsThatLie(t *testing.T) {
	r, now := rollOf(t)
	labels := map[string]string{}
	for i := range 500 {
		labels[fmt.Sprint("label", i)] = "x"
	}
	offers, err := json.Marshal(labels)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("ü", 3000)
	lies := `{"name":"b","version":"` + long + `\n\u001b[31m\u202e","config":"` + long[:200] + `","run":"` + long[:400] + `","processors":-7,
		"load":[-1,1e300,3],"memory":{"total":-1,"available":-5,"ours":-9223372036854775808},"disk":{"total":-2,"free":9},
		"cache":{"objects":-1,"bytes":-1,"hits":77},"requests":-5,"clock":{"offset":-9223372036854775808,"round":-1},
		"tasks":{"state":"hacked","why":"\u001b]0;x\u0007","running":-1,"capacity":-1,"labels":` + string(offers) + `,"pools":["a\nb"]}}`
	if len(lies) > maxReport {
		t.Fatalf("%d bytes", len(lies))
	}
	if _, err := tell(t, r, "a", lies); err != nil {
		t.Fatal(err)
	}
	s := r.server(bus.Node{Name: "a", Conns: 1}, *now)
	list := []Server{s}
	judge(list, *now)
	switch {
	case s.Name != "a" || s.State != StateWorking || utf8.RuneCountInString(s.Version) > maxText || strings.ContainsAny(s.Version, "\n\x1b\u202e"),
		len(s.Config) > 3*16 || len(s.Run) > 3*32 || s.Processors != 0 || s.Load[0] != 0 || s.Load[1] != 1e6 || s.Memory != Memory{} || s.Disk.Total != 0,
		s.Cache.Objects != 0 || *s.Cache.Hits != 1 || *s.Requests != 0 || s.Clock.Round != 0 || s.Tasks.Running != 0,
		len(s.Tasks.Labels) != maxOffers || s.Tasks.Why != "]0;x" || s.Tasks.Pools[0] != "a b":
		t.Errorf("%+v", s)
	}
	for _, bad := range []string{"", "null x", `{"load":"x"}`, `{"version":"` + strings.Repeat("x", maxReport) + `"}`} {
		var coded *bus.Error
		if _, err := tell(t, r, "a", bad); !errors.As(err, &coded) || coded.Code != "bad" {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if _, err := tell(t, r, "a", "null"); err != nil {
		t.Errorf("nothing is said: %v", err)
	}
	for i := range bus.MaxNodes {
		_, err = tell(t, r, fmt.Sprint("n", i), "{}")
	}
	if err == nil || len(r.by) != bus.MaxNodes {
		t.Errorf("%d are known, %v", len(r.by), err)
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"version":"1","load":[1,2,3],"tasks":{"state":"locked","labels":{"gpu":"two"}},"clock":{"offset":5,"round":1}}`))
	f.Add([]byte(`{"cache":{"hits":null},"requests":1e400}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := readReport(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err) // it is told to those who ask
		}
		list := []Server{{Name: "a", Report: *r}, {Name: "b"}}
		judge(list, time.Now())
		for _, wrong := range list[0].Wrong {
			if strings.ContainsAny(wrong, "\n\r\x1b") {
				t.Errorf("%q of %s", wrong, again)
			}
		}
	})
}

// The clocks' difference is found whatever it is, and how long the way takes,
// as long as both ways take as long.
func TestOffset(t *testing.T) {
	for _, off := range []time.Duration{0, 7 * time.Minute, -3 * time.Hour} {
		for _, way := range []time.Duration{0, 40 * time.Millisecond} {
			base := time.Unix(1_800_000_000, 0) // the hub's time
			r := newReporter(nil)
			r.now = func() time.Time { return base.Add(-off) }
			r.ask = func(context.Context, []byte) ([]byte, error) {
				base = base.Add(way)
				h := heard{Received: base, Sent: base.Add(time.Second)}
				base = base.Add(time.Second + way)
				return json.Marshal(&h)
			}
			if err := r.once(t.Context(), false, time.Minute); err != nil {
				t.Fatal(err)
			}
			if want := (Clock{off, 2 * way}); *r.clock != want {
				t.Errorf("%v, on a way of %v: %+v", off, way, *r.clock)
			}
		}
	}
}

// What is wrong with a server is said in words.
func TestJudge(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	same := Report{Version: "1.1", Config: "aaaaaaaa"}
	list := []Server{
		{Name: "hub", Hub: true, Report: Report{Version: "1.2", Config: "bbbbbbbb"}},
		{Name: "a", Report: same}, {Name: "b", Report: same},
		{Name: "c", Report: Report{Version: "1.1", Clock: &Clock{Offset: 192 * time.Second, Round: time.Millisecond}, Disk: &Disk{Total: 1000, Free: 12}}},
		{Name: "d", Report: Report{Clock: &Clock{Offset: -2 * time.Second, Round: 3 * time.Second}}},
		{Name: "e", State: StateAway, Away: now.Add(-90 * time.Second), Report: Report{Version: "0.1"}},
		{Name: "f", State: StateQuarantined, Report: Report{Clock: &Clock{Offset: -2 * time.Hour}, Tasks: &Tasks{Why: "no room"}}},
		{Name: "g", State: StateDrained, Away: now},
	}
	judge(list, now)
	want := []string{
		"hub: runs 1.2; most run 1.1", "hub: its configuration (bbbbbbbb) is not that of most (aaaaaaaa)",
		"c: its clock is 3m12s behind the hub's", "c: 1.2 % of its disk is free",
		"e: away for 1m30s",
		"f: could not start tasks, and takes none for a while: no room", "f: its clock is 2h0m ahead of the hub's",
	}
	var got []string
	for i := range list {
		for _, text := range list[i].Wrong {
			got = append(got, list[i].Name+": "+text)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A server is away when it has not reported for a while, or its connection has
// ended; then its tasks are taken over, once.
func TestAwayAndBack(t *testing.T) {
	r, now := rollOf(t)
	state := func(conns int) string { return r.server(bus.Node{Name: "a", Conns: conns}, *now).State }
	pass := func(d time.Duration, there bool) []string {
		*now = now.Add(d)
		return r.look(map[string]bool{"a": there})
	}
	if got := state(1); got != StateInvited {
		t.Error(got)
	}
	report := func() {
		t.Helper()
		if _, err := tell(t, r, "a", `{"tasks":{"state":"locked"}}`); err != nil {
			t.Fatal(err)
		}
	}
	report()
	if got := state(1); got != StateLocked {
		t.Error(got)
	}
	if got := state(0); got != StateAway {
		t.Errorf("without a connection: %s", got)
	}
	pass(awayAfter, true)
	if got := state(1); got != StateAway {
		t.Errorf("silent: %s", got)
	}
	report()
	if got := state(1); got != StateLocked {
		t.Errorf("back: %s", got)
	}
	if over := pass(time.Second, false); len(over) > 0 {
		t.Errorf("at once: %v", over)
	}
	if over := pass(overAfter-time.Second, false); len(over) > 0 {
		t.Errorf("too early: %v", over)
	}
	if over := pass(time.Second, false); len(over) != 1 {
		t.Errorf("not taken over: %v", over)
	}
	if over := pass(time.Hour, false); len(over) > 0 {
		t.Errorf("twice: %v", over)
	}
	pass(0, true)
	pass(time.Second, false)
	pass(overAfter, true)
	if over := pass(time.Second, false); len(over) > 0 {
		t.Errorf("after it was back: %v", over)
	}
}

// A drain is for the process that it was asked of; what is started later is
// locked.
func TestDrainOnce(t *testing.T) {
	r, now := rollOf(t)
	told := func(run, want string) {
		t.Helper()
		h, err := tell(t, r, "a", `{"run":"`+run+`"}`)
		if err != nil || h.Do != want {
			t.Errorf("process %s is told %q, not %q; %v", run, h.Do, want, err)
		}
	}
	want := func(do string) {
		t.Helper()
		*now = now.Add(time.Second)
		if err := r.want(t.Context(), "a", do); err != nil {
			t.Fatal(err)
		}
	}
	want(doDrain)
	told("one", doDrain)
	told("two", doLock)
	told("one", doDrain)
	told("two", doLock)
	want(doDrain)
	told("two", doDrain)
	want(doRelease)
	told("two", "")
	want(doLock)
	told("three", doLock)
}

// TestTakes: whoever is to take no task, or says that it takes none, is asked to
// end none for another.
func TestTakes(t *testing.T) {
	r, now := rollOf(t)
	says := func(state string) { r.note("a", &Report{Tasks: &Tasks{State: state}}, *now) }
	look := func(when string, want bool) {
		t.Helper()
		if got := r.takes("a"); got != want {
			t.Errorf("%s: %v", when, got)
		}
	}
	look("nothing is known of it", true)
	r.note("a", &Report{}, *now)
	look("it has said nothing of tasks", true)
	for _, state := range []string{StateLocked, StateDraining, StateDrained, StateQuarantined} {
		says(state)
		look(state, false)
	}
	says(StateWorking)
	look(StateWorking, true)
	for _, do := range []string{doLock, doDrain} {
		if err := r.want(t.Context(), "a", do); err != nil {
			t.Fatal(err)
		}
		look("it is to "+do, false)
	}
	if err := r.want(t.Context(), "a", doRelease); err != nil {
		t.Fatal(err)
	}
	look("it was released", true)
}
