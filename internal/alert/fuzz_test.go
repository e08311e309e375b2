package alert

import (
	"math"
	"testing"
	"time"
)

// Whatever happens in whatever order, with restarts between: an alert is told
// once that it is raised, reminded of with the time between, once that it is
// over; what was told lasts until that; and a day has few of them.
func FuzzMachine(f *testing.F) {
	f.Add([]byte("\x00\x10\x01\x20\x02\x30"), int64(60))
	f.Add([]byte{0x00, 0x40, 0x80, 0xc0, 0x01, 0x41, 0x81, 0xc1, 0x07, 0x27}, int64(3600))
	f.Add([]byte("hhhhllllhhhhllll----hhhh....RRRR"), int64(7))
	f.Fuzz(func(t *testing.T, events []byte, pace int64) {
		if len(events) > 2000 {
			return
		}
		rules, err := Apply(Rules(), []string{"origin-down: for 2m", "errors: for 1m of 10"})
		if err != nil {
			t.Fatal(err)
		}
		const remind = 2 * time.Hour
		o := Options{Rules: rules, Server: "edge-1", Remind: remind}
		m, law := New(o), newLaw(t, remind)
		now := begin
		step := time.Duration(min(max(pace, 1), 7200)) * time.Second
		for _, e := range events {
			now = now.Add(step * time.Duration(1+e>>6))
			if e&0x3f == 0x3f { // a restart
				data, err := m.Save()
				if err != nil {
					t.Fatal(err)
				}
				m = New(o)
				if err := m.Restore(data); err != nil {
					t.Fatal(err)
				}
				continue
			}
			law.see(m.Step(now, lookOf(e)), now)
		}
		// In the end all is well for long enough, and nothing that was told is left.
		for range 48 {
			now = now.Add(30 * time.Minute)
			law.see(m.Step(now, Look{"origin_down": nil, "error_ratio": {{Value: 0, Of: 100}}}), now)
		}
		if len(law.open) > 0 {
			t.Errorf("never over: %v", law.open)
		}
	})
}

// lookOf makes something of six bits: which figures are known, and what they are.
func lookOf(e byte) Look {
	look := Look{}
	if e&1 != 0 {
		look["error_ratio"] = []Reading{{Value: []float64{0, 50, 4.9, math.NaN()}[e>>1&3], Of: []float64{100, 3}[e>>3&1]}}
	}
	if e&0x10 != 0 {
		look["origin_down"] = []Reading{{Subject: "a", Value: float64(e & 1)}, {Subject: "b", Value: float64(e >> 1 & 1)}}[:e>>2&3%3]
	}
	return look
}

// law is what must hold of all notices.
type law struct {
	t      *testing.T
	remind time.Duration
	open   map[string]time.Time // alerts that are raised, and when they were told last
	of     map[string]string    // the alert of a rule and a subject that is raised
	ids    map[string]bool
	raised map[string][]time.Time
}

func newLaw(t *testing.T, remind time.Duration) *law {
	return &law{t: t, remind: remind, open: map[string]time.Time{}, of: map[string]string{}, ids: map[string]bool{}, raised: map[string][]time.Time{}}
}

func (l *law) see(told []Notice, now time.Time) {
	for _, n := range told {
		what := n.Rule + " " + n.Subject
		last, isOpen := l.open[n.Alert]
		if l.ids[n.ID] {
			l.t.Fatalf("two notices are called %s", n.ID)
		}
		l.ids[n.ID] = true
		switch n.Kind {
		case RaisedNotice:
			if other := l.of[what]; isOpen || other != "" {
				l.t.Fatalf("%s is raised twice: %s and %s", what, other, n.Alert)
			}
			l.of[what], l.open[n.Alert] = n.Alert, now
			l.raised[what] = append(l.raised[what], now)
			l.few(what, now)
		case Reminder:
			if !isOpen || now.Sub(last) < l.remind {
				l.t.Fatalf("%s is reminded of %v after it was told", what, now.Sub(last))
			}
			l.open[n.Alert] = now
		case OverNotice:
			if !isOpen {
				l.t.Fatalf("%s is over and was not raised", what)
			}
			delete(l.open, n.Alert)
			delete(l.of, what)
		default:
			l.t.Fatalf("a notice of kind %q", n.Kind)
		}
	}
}

// few checks that nothing is raised more often in a day than doubling allows: 1,
// 2, 4 … minutes, and then every six hours.
func (l *law) few(what string, now time.Time) {
	n := 0
	for _, at := range l.raised[what] {
		if now.Sub(at) < flapTime {
			n++
		}
	}
	if n > 14 {
		l.t.Fatalf("%s was raised %d times within a day", what, n)
	}
}
