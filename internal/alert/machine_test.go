package alert

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

var begin = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// A play is a machine with one rule, stepped minute by minute.
type play struct {
	m   *Machine
	now time.Time
	log []string // what was told, with the minute
}

func newPlay(rule string) *play {
	rules, err := Apply(Rules(), []string{rule})
	if err != nil {
		panic(err)
	}
	return &play{m: New(Options{Rules: rules, Server: "edge-1"}), now: begin}
}

func (p *play) step(look Look, d time.Duration) []Notice {
	p.now = p.now.Add(d)
	told := p.m.Step(p.now, look)
	for _, n := range told {
		p.log = append(p.log, fmt.Sprintf("%s@%d", n.Kind, int(p.now.Sub(begin)/time.Minute)))
	}
	return told
}

// minutes plays a word: h is a value beyond the bound, m between, l well, u few
// requests, - a figure that is not known, . one without the subject.
func (p *play) minutes(word string) *play {
	for _, c := range word {
		look := Look{}
		switch c {
		case 'h':
			look["error_ratio"] = []Reading{{Value: 50, Of: 100}}
		case 'm':
			look["error_ratio"] = []Reading{{Value: 4.8, Of: 100}}
		case 'l':
			look["error_ratio"] = []Reading{{Value: 1, Of: 100}}
		case 'u':
			look["error_ratio"] = []Reading{{Value: 100, Of: 3}}
		case 'n':
			look["error_ratio"] = []Reading{{Value: math.NaN(), Of: 100}}
		case '.':
			look["error_ratio"] = nil
		}
		p.step(look, time.Minute)
	}
	return p
}

func TestSequences(t *testing.T) {
	const rule = "errors: > 5% for 3m of 50"
	for _, c := range []struct{ name, word, want string }{
		{"never", strings.Repeat("l", 30), ""},
		{"too short", "hhhllll", ""},
		{"raised", "hhhh", "raised@4"},
		{"told once", "hhhhhhhhhh", "raised@4"},
		{"a dip begins anew", "hhlhhlhhlhhl", ""},
		{"between does not raise", "hhmhhmhhm", ""},
		{"over after as long", "hhhh" + "llll", "raised@4 over@8"},
		{"not over before", "hhhh" + "lll", "raised@4"},
		{"between is not over", "hhhh" + strings.Repeat("m", 60), "raised@4"},
		{"a peak begins anew", "hhhh" + "lllhlllhllll", "raised@4 over@16"},
		{"few requests raise nothing", strings.Repeat("u", 60), ""},
		{"nor does what is no number", strings.Repeat("n", 60), ""},
		{"nor end anything", "hhhh" + strings.Repeat("u", 60), "raised@4"},
		{"unknown ends nothing", "hhhh" + strings.Repeat("-", 60), "raised@4"},
		{"a subject that is gone is over", "hhhh" + "....", "raised@4 over@8"},
		{"again takes twice as long", "hhhhllll" + "hhhh" + "lllllll", "raised@4 over@8 raised@12 over@19"},
		{"and again four times", "hhhhllll" + "hhhhlllllll" + "hhhh" + strings.Repeat("l", 13), "raised@4 over@8 raised@12 over@19 raised@23 over@36"},
		{"a reminder", "hhhh" + strings.Repeat("h", 1440+1439), "raised@4 reminder@1444"},
		{"two", "hhhh" + strings.Repeat("h", 2880), "raised@4 reminder@1444 reminder@2884"},
		{"unknown for a day", "hhhh" + strings.Repeat("-", 1440), "raised@4 over@1444"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(newPlay(rule).minutes(c.word).log, " "); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// What comes and goes all day is some mails, not hundreds.
func TestFlapping(t *testing.T) {
	p := newPlay("errors: > 5% for 1m of 50")
	p.minutes(strings.Repeat("hhll", 360))
	raised := strings.Count(strings.Join(p.log, " "), "raised")
	if over := strings.Count(strings.Join(p.log, " "), "over"); raised > 3 || over > raised {
		t.Errorf("raised %d times: %v", raised, p.log)
	}
	p.minutes(strings.Repeat("l", 1440))
	if last := p.log[len(p.log)-1]; !strings.HasPrefix(last, "over@") {
		t.Errorf("the last notice is %s", last)
	}
}

// A machine that is saved and restored tells nothing again, and keeps the time
// of the next reminder.
func TestRestart(t *testing.T) {
	p := newPlay("errors: > 5% for 3m of 50")
	p.minutes("hhhhh")
	data, err := p.m.Save()
	if err != nil {
		t.Fatal(err)
	}
	rules := p.m.Rules()
	p.m = New(Options{Rules: rules, Server: "edge-1"})
	if err := p.m.Restore(data); err != nil {
		t.Fatal(err)
	}
	p.minutes("---" + strings.Repeat("h", 1437))
	if got, want := strings.Join(p.log, " "), "raised@4 reminder@1444"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	first, last := p.m.History()[1], p.m.History()[0]
	if first.Alert != last.Alert || first.ID == last.ID {
		t.Errorf("%+v and %+v", first, last)
	}
	data, _ = p.m.Save()
	off, err := Apply(Rules(), []string{"errors: off"})
	if err != nil {
		t.Fatal(err)
	}
	p.m = New(Options{Rules: off})
	if err := p.m.Restore(data); err != nil {
		t.Fatal(err)
	}
	told := p.step(Look{"error_ratio": {{Value: 50, Of: 100}}}, time.Minute)
	if len(told) != 1 || told[0].Kind != OverNotice || told[0].Because == "" {
		t.Errorf("a rule that is switched off: %+v", told)
	}
	if told := p.step(nil, 0); len(told) != 0 {
		t.Errorf("and again: %+v", told)
	}
}

func TestSubjects(t *testing.T) {
	p := newPlay("certificate-expiry: < 14d")
	day := 86400.0
	look := func(days ...float64) Look {
		all := make([]Reading, len(days))
		for i, d := range days {
			all[i] = Reading{Subject: fmt.Sprintf("host-%d", i), Value: d * day}
		}
		return Look{"certificate_left": all}
	}
	if told := p.step(look(100, 13, 15, -1), time.Minute); len(told) != 2 || told[0].Subject != "host-1" || told[1].Subject != "host-3" {
		t.Errorf("%+v", told)
	}
	p.step(look(100, 90, 15, -1), time.Minute)
	if told := p.step(look(100, 90, 15, -1), time.Minute); len(told) != 1 || told[0].Kind != OverNotice || told[0].Subject != "host-1" {
		t.Errorf("%+v", told)
	}
	// One for six days is not about to end when five are left.
	short := Look{"certificate_left": {{Subject: "short", Value: 5 * day, Most: day}, {Subject: "host-3", Value: -day}}}
	if told := p.step(short, time.Minute); len(told) != 0 {
		t.Errorf("%+v", told)
	}
	short["certificate_left"][0].Value = day / 2
	if told := p.step(short, time.Minute); len(told) != 1 || !strings.Contains(told[0].Condition, "< 1d") {
		t.Errorf("%+v", told)
	}
}

// Who names many things has no more than so many alerts, and what is left out is
// counted; what another rule has is left alone.
func TestBounds(t *testing.T) {
	p := newPlay("origin-down: for 0s")
	var many []Reading
	for i := range 3 * maxSubjects {
		many = append(many, Reading{Subject: fmt.Sprint("o", i), Value: 1})
	}
	if told := p.step(Look{"origin_down": many}, time.Minute); len(told) != maxSubjects || p.m.Missed() != 2*maxSubjects {
		t.Errorf("%d told, %d missed", len(told), p.m.Missed())
	}
	if p.step(Look{"origin_down": many}, time.Minute); p.m.Missed() != 2*maxSubjects {
		t.Errorf("what lasts is counted again: %d missed", p.m.Missed())
	}
	p.step(Look{"origin_down": many[:len(many)-1]}, time.Minute)
	if p.step(Look{"origin_down": many}, time.Minute); p.m.Missed() != 2*maxSubjects+1 {
		t.Errorf("what comes again is not: %d missed", p.m.Missed())
	}
	if told := p.step(Look{"job_dead": {{Subject: "1", Value: 1}}}, time.Minute); len(told) != 1 {
		t.Errorf("another rule: %+v", told)
	}
	for range 10 {
		p.step(Look{"origin_down": nil}, time.Minute)
	}
	// What is over gives way to what is not.
	if told := p.step(Look{"origin_down": {{Subject: "new", Value: 1}}}, time.Minute); len(told) != 1 {
		t.Errorf("%+v", told)
	}
	if h := len(p.m.History()); h > maxHistory {
		t.Errorf("%d notices are remembered", h)
	}
}

// A clock that was set back neither repeats a notice nor stops reminders.
func TestClockSetBack(t *testing.T) {
	p := newPlay("errors: > 5% for 3m of 50")
	p.minutes("hhhh")
	p.now = begin.Add(-1000 * time.Hour)
	p.log = nil
	p.minutes("hhhh")
	if len(p.log) > 0 {
		t.Errorf("told again: %v", p.log)
	}
	p.minutes(strings.Repeat("h", 1440))
	if len(p.log) != 1 {
		t.Errorf("%v", p.log)
	}
}

// A clock that is set, forward or back, is no time that has passed: it neither
// raises, ends or reminds of anything, nor keeps that from happening.
func TestClockSet(t *testing.T) {
	const rule = "errors: > 5% for 3m of 50"
	for _, c := range []struct{ name, before, after, want string }{
		{"unknown", "hhhh" + "-", "-----", "raised@4"},
		{"unknown for a day", "hhhh" + strings.Repeat("-", 700), strings.Repeat("-", 740), "raised@4 over@1444"},
		{"pending", "h", "hhhh", "raised@4"},
		{"well", "hhhh" + "l", "llll", "raised@4 over@8"},
		{"well for a moment", "hhhh" + "l", "lh", "raised@4"},
		{"a reminder", "hhhh" + strings.Repeat("h", 1000), strings.Repeat("h", 500), "raised@4 reminder@1444"},
		{"again takes twice as long", "hhhhllll" + "hhhh", "lllllll", "raised@4 over@8 raised@12 over@19"},
	} {
		for _, set := range []time.Duration{0, 48 * time.Hour, -48 * time.Hour, 5 * time.Minute, -5 * time.Minute} {
			p := newPlay(rule)
			p.m.lap = func(time.Time, time.Time) time.Duration { return time.Minute }
			p.minutes(c.before)
			p.now = p.now.Add(set)
			was := len(p.log)
			p.minutes(c.after)
			for i := range p.log[was:] { // as the minutes passed
				kind, at, _ := strings.Cut(p.log[was+i], "@")
				var minute int
				fmt.Sscan(at, &minute)
				p.log[was+i] = fmt.Sprintf("%s@%d", kind, minute-int(set/time.Minute))
			}
			if got := strings.Join(p.log, " "); got != c.want {
				t.Errorf("%s, set by %v: got %q, want %q", c.name, set, got, c.want)
			}
		}
	}
}

// A figure that is not known at the first look after two days without a server has
// not been unknown for a day.
func TestUnknownAfterRestart(t *testing.T) {
	p := newPlay("errors: > 5% for 3m of 50")
	p.minutes("hhhh")
	data, err := p.m.Save()
	if err != nil {
		t.Fatal(err)
	}
	p.m = New(Options{Rules: p.m.Rules(), Server: "edge-1"})
	if err := p.m.Restore(data); err != nil {
		t.Fatal(err)
	}
	p.now = p.now.Add(48 * time.Hour)
	p.minutes("-" + strings.Repeat("-", 1438))
	if got := strings.Join(p.log, " "); strings.Contains(got, "over") {
		t.Errorf("got %q", got)
	}
	if p.minutes("--"); !strings.HasSuffix(strings.Join(p.log, " "), "over@4325") {
		t.Errorf("got %q", p.log)
	}
}

// What would not have been raised yet is not missed yet.
func TestMissedWhenRaised(t *testing.T) {
	p := newPlay("origin-down: for 3m")
	var many []Reading
	for i := range maxSubjects + 1 {
		many = append(many, Reading{Subject: fmt.Sprint("o", i), Value: 1})
	}
	for minute := range 6 {
		p.step(Look{"origin_down": many}, time.Minute)
		if want := int64(minute / 3); p.m.Missed() != min(want, 1) {
			t.Errorf("%d missed after %d minutes", p.m.Missed(), minute)
		}
	}
}

// Of a list that is not whole, what is not there is not gone.
func TestRest(t *testing.T) {
	p := newPlay("job-dead: > 0")
	p.step(Look{"job_dead": {{Subject: "1", Value: 1}}}, time.Minute)
	for range 60 {
		p.step(Look{"job_dead": {{Subject: "2", Value: 1}, {Rest: true}}}, time.Minute)
	}
	if got := strings.Join(p.log, " "); got != "raised@1 raised@2" {
		t.Errorf("got %q", got)
	}
	p.step(Look{"job_dead": {{Subject: "2", Value: 1}}}, time.Minute)
	p.step(Look{"job_dead": {{Subject: "2", Value: 1}}}, time.Minute)
	if got := p.log[len(p.log)-1]; got != "over@63" {
		t.Errorf("got %q", got)
	}
}

// A rule of which nothing is known is not one by which all is well.
func TestStanding(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		rule string
		look Look
		want Standing
	}{
		{"errors", Look{"error_ratio": {{Value: 1, Of: 100}}}, Standing{Known: true}},
		{"errors", Look{"error_ratio": {{Value: 50, Of: 100}}}, Standing{Known: true}},
		{"errors", Look{"error_ratio": {{Value: 50, Of: 3}}}, Standing{false, "The figure is of 3 requests, and the rule asks for 50."}},
		{"errors", Look{}, Standing{false, "Not known here now."}},
		{"memory", Look{"memory_free": {{Value: nan}}}, Standing{false, "Not known here now."}},
		{"job-dead", Look{"job_dead": nil}, Standing{Known: true}},
		{"certificate-expiry", Look{"certificate_left": {{Subject: "a", Value: nan}}}, Standing{false, "Nothing is known now of a."}},
		{"certificate-expiry", Look{"certificate_left": {{Subject: "a", Value: nan}, {Subject: "b", Value: 1e9}}}, Standing{true, "Nothing is known now of a."}},
		{"certificate-expiry", Look{"certificate_left": {{Subject: "a", Value: nan}, {Subject: "b", Value: nan}, {Subject: "c", Value: nan}, {Subject: "d", Value: nan}}},
			Standing{false, "Nothing is known now of a, b, c and 1 more."}},
	} {
		m := New(Options{Rules: Rules()})
		if s := m.Standing()[c.rule]; s.Known || s.Note == "" {
			t.Errorf("%s before the first look: %+v", c.rule, s)
		}
		m.Step(begin, c.look)
		if s := m.Standing()[c.rule]; s != c.want {
			t.Errorf("%s, %v: %+v, want %+v", c.rule, c.look, s, c.want)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"version":2}`, `{"version":1,"alerts":[{"rule":"a\nb","state":"raised","id":"x"}]}`,
		`{"version":1,"alerts":[{"rule":"a","state":"raised"}]}`, `{"version":1,"alerts":[{"rule":"a","state":"odd"}]}`,
		`{"version":1,"alerts":[` + strings.Repeat(`{},`, maxAlerts) + `{}]}`} {
		m := New(Options{})
		if err := m.Restore([]byte(text)); err == nil {
			t.Errorf("restored %.60s", text)
		}
	}
}
