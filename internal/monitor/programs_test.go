package monitor

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/internal/monitor/ui"
)

// A program that runs is shown, and goes when it has ended; the one that is
// named is stopped, and no other.
func TestPrograms(t *testing.T) {
	f := newFixture(t, nil)
	h := f.Handler()
	second := f.run("/cgi-bin/b?x=1")
	second.Sent.Add(4711)
	var got struct {
		Rows []struct {
			URL, Client, Said, Request string
			Sent, CPU, Memory, PID     float64
		}
	}
	if err := json.Unmarshal(send(h, "GET", "/programs.json", "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 2 || got.Rows[1].URL != "/cgi-bin/b?x=1" || got.Rows[1].Sent != 4711 || got.Rows[1].CPU != 1.5 || got.Rows[1].Memory != 5<<20 || got.Rows[1].PID != 77 || got.Rows[1].Said != ui.Visible(hostile) {
		t.Errorf("%+v", got)
	}
	page := send(h, "GET", "/programs", "", "Accept", "text/html").Body.String()
	for _, want := range []string{"Programs</a></li>", "4.71", "/cgi-bin/b?x=1", "Stop …", `data-events="/events?page=programs"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	name := (&runOf{route: hostile, Run: second}).name()
	for wrong, value := range map[string]string{"run": "99", "route": "other", "started": "1"} {
		values := url.Values{}
		for n, v := range name {
			values[n] = v
		}
		values.Set(wrong, value)
		if w := send(f.Local(), "POST", "/programs/stop", values.Encode()); w.Code != 404 || len(f.stopped) > 0 {
			t.Errorf("another %s: %d, %d stopped", wrong, w.Code, len(f.stopped))
		}
	}
	if w := send(f.Local(), "POST", "/programs/stop", name.Encode()); w.Code != 200 || !strings.Contains(w.Body.String(), "was told to end") || <-f.stopped != second.ID() || !second.Stopped() {
		t.Errorf("stop: %d %s", w.Code, w.Body)
	}
	if page = send(h, "GET", "/programs", "", "Accept", "text/html").Body.String(); !strings.Contains(page, "<span>stopped</span>") {
		t.Error("the page does not say that it was stopped")
	}
	f.board.Remove(second)
	if w := send(f.Local(), "POST", "/programs/stop", name.Encode()); w.Code != 404 {
		t.Errorf("one that has ended: %d", w.Code)
	}
}

// The events of the page have all that runs, in order.
func TestProgramEvents(t *testing.T) {
	f := newFixture(t, nil)
	server := serve(t, f.Handler())
	s := watch(t, server, "/events?page=programs")
	f.run("/b")
	var e struct {
		rowsEvent
		Whole bool
		Empty string
	}
	f.live.tick(time.Now())
	s.next("rows", &e)
	if !e.Whole || len(e.Rows) != 2 || e.Rows[1].Cells[2].Text != "/b" || e.Rows[0].ID == e.Rows[1].ID {
		t.Errorf("%+v", e)
	}
	for _, r := range f.board.Runs() {
		f.board.Remove(r)
	}
	f.live.tick(time.Now())
	stats := map[string]struct{ Text string }{}
	s.next("stats", &stats)
	if stats["programs_running"].Text != "0" || stats["programs_waiting"].Text != "2" {
		t.Errorf("%+v", stats)
	}
	e.Rows = nil
	s.next("rows", &e)
	if len(e.Rows) != 0 || e.Empty != noRuns {
		t.Errorf("%+v", e)
	}
}

// Without programs there is nothing of them but the page that says so.
func TestNoPrograms(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Programs = nil })
	h := f.Handler()
	if page := send(h, "GET", "/", "", "Accept", "text/html").Body.String(); strings.Contains(page, `href="/programs"`) {
		t.Error("the navigation has them")
	}
	if w := send(h, "GET", "/programs", "", "Accept", "text/html"); w.Code != 200 || !strings.Contains(w.Body.String(), "There are no programs") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What a program says does not command the terminal of who fetches a table.
func TestSaidIsShown(t *testing.T) {
	f := newFixture(t, nil)
	r := f.run("/cgi-bin/a")
	r.Say("\x1b]0;title\a\x1b[2J\u009b31m\u202efdp.exe")
	for _, path := range []string{"/programs.csv", "/programs.json", "/programs"} {
		if said := send(f.Handler(), "GET", path, "").Body.String(); !strings.Contains(said, "\uFFFD]0;title\uFFFD\uFFFD[2J\uFFFD31m\uFFFDfdp.exe") {
			t.Errorf("%s: %q", path, said)
		}
	}
}

// How many may run at once is shown for programs and for connections.
func TestAtMost(t *testing.T) {
	f := newFixture(t, func(o *Options) {
		pools := o.Programs()
		o.Programs = func() []Programs {
			cgi := pools[0]
			cgi.Pool, cgi.Most = nil, 32
			return append(pools, cgi)
		}
	})
	var got struct{ Rows []struct{ Most float64 } }
	if err := json.Unmarshal(send(f.Handler(), "GET", "/pools.json", "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 2 || got.Rows[0].Most != 4 || got.Rows[1].Most != 32 {
		t.Errorf("%+v", got)
	}
}
