package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say how a Machine tells. The zero value is usable.
type Options struct {
	Rules  []Rule
	Server string // who tells

	// Remind is how often somebody is reminded of an alert that lasts. 0: a day.
	Remind time.Duration
}

// Bounds of what is remembered.
const (
	defaultRemind = 24 * time.Hour
	maxAlerts     = 1000 // that are pending or raised; beyond it new ones are counted
	maxSubjects   = 100  // of a rule
	maxHistory    = 200  // notices

	leastQuiet = time.Minute    // that an alert takes to be over
	mostQuiet  = 6 * time.Hour  // likewise
	flapTime   = 24 * time.Hour // within which being raised again doubles that
	unknownFor = 24 * time.Hour // then an alert of which nothing is known is over
)

// A Reading is what a figure is now, of one subject if it has several.
type Reading struct {
	Subject string
	Value   float64
	Of      float64 // requests that a share is one of
	Detail  string  // a sentence, such as the last fault

	// Most is the largest bound below which a value may be a fault for this subject;
	// 0: that of the rule. A certificate for six days is not about to end on its first.
	Most float64

	// Rest says, in place of all else, that there are more subjects, of which nothing
	// is known: those that are not here are not gone.
	Rest bool
}

// A Look is all that is known at one time. A figure that is missing is not known
// now; one that is there has no subjects but those that it has here.
type Look map[string][]Reading

// State is how an alert is.
type State string

// The states. Over is kept for a while after an alert was raised.
const (
	Pending State = "pending"
	Raised  State = "raised"
	Over    State = "over"
)

// An Alert is what is known of a rule and a subject that are not well, or were
// not lately.
type Alert struct {
	Rule    string    `json:"rule"`
	Subject string    `json:"subject,omitempty"`
	State   State     `json:"state"`
	ID      string    `json:"id,omitempty"` // from when it was raised
	Since   time.Time `json:"since"`        // beyond its bound, or over
	Raised  time.Time `json:"raised,omitzero"`
	Told    time.Time `json:"told,omitzero"` // last, raised or reminded
	Well    time.Time `json:"well,omitzero"` // since when its figure is well, while it is raised
	Known   time.Time `json:"known"`         // when its figure was known last
	Notices int       `json:"notices,omitempty"`
	Value   float64   `json:"value"`
	Bound   float64   `json:"bound"`
	Detail  string    `json:"detail,omitempty"`

	// Before are the times at which it was raised within the last day.
	Before []time.Time `json:"before,omitempty"`
}

// A Machine is the state of all rules. It is for one goroutine.
type Machine struct {
	rules   []Rule
	server  string
	remind  time.Duration
	alerts  map[key]*Alert
	history []Notice // the oldest first
	stands  map[string]Standing
	lacks   map[key]*lack // of the last step
	missed  int64
	last    time.Time // the last step; zero: none was since New or Restore

	// lap is how long it is from one step to the next, whatever was done to the
	// clock; nil: what Sub of their times says, which read the clock that nobody sets.
	lap func(from, to time.Time) time.Duration
}

type key struct{ rule, subject string }

// A lack is an alert that there is no room for.
type lack struct {
	since   time.Time // beyond its bound
	counted bool
}

// New returns a machine by which all is well.
func New(o Options) *Machine {
	m := &Machine{rules: slices.Clone(o.Rules), server: clean(o.Server, maxSubject), remind: o.Remind, alerts: map[key]*Alert{}, stands: map[string]Standing{}}
	if m.remind <= 0 {
		m.remind = defaultRemind
	}
	return m
}

// Rules returns those of the machine. The caller must not change them.
func (m *Machine) Rules() []Rule { return m.rules }

// Missed is how many alerts there was no room for: each once, when it would have
// been raised, however long it would have lasted.
func (m *Machine) Missed() int64 { return m.missed }

// Step looks at all rules and returns what is to be told. Looks that are more
// than some seconds apart are as good: what was seen is taken to have lasted. Of times
// that are from time.Now it sees when the clock was set, which is no time that passed.
func (m *Machine) Step(now time.Time, look Look) []Notice {
	m.shift(now)
	now = now.Round(0).UTC()
	m.unwind(now)
	var told []Notice
	lacked := m.lacks
	m.lacks = map[key]*lack{}
	for i := range m.rules {
		told = m.stepRule(told, &m.rules[i], now, look, lacked)
	}
	told = m.endOrphans(told, now)
	m.forget(now)
	m.history = append(m.history, told...)
	m.history = slices.Delete(m.history, 0, max(len(m.history)-maxHistory, 0))
	return told
}

func (m *Machine) stepRule(told []Notice, r *Rule, now time.Time, look Look, lacked map[key]*lack) []Notice {
	if r.Off {
		return told
	}
	readings, known := look[r.Figure]
	stands := standing{rule: r, known: known && len(readings) == 0}
	seen := map[string]bool{}
	rest := false
	for i := range readings {
		reading := readings[i]
		if reading.Rest {
			rest = true
			continue
		}
		reading.Subject = clean(reading.Subject, maxSubject)
		if seen[reading.Subject] {
			continue
		}
		seen[reading.Subject] = true
		is := r.judge(&reading)
		stands.add(&reading, is)
		told = m.stepOne(told, r, &reading, is, now, lacked)
	}
	m.stands[r.Name] = stands.end(known)
	for _, k := range m.keys(r.Name) {
		a := m.alerts[k]
		switch {
		case seen[k.subject] || a.State == Over:
		case known && !rest:
			told = m.move(told, r, a, gone, now) // what it was about is no more
		default:
			told = m.move(told, r, a, unknown, now)
		}
	}
	return told
}

// keys are the alerts of a rule, in an order.
func (m *Machine) keys(rule string) []key {
	var all []key
	for k := range m.alerts {
		if k.rule == rule {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b key) int { return strings.Compare(a.subject, b.subject) })
	return all
}

// condition is what a reading says about a rule.
type condition uint8

const (
	unknown condition = iota
	beyond
	between // neither beyond the bound nor well on its right side
	well
	gone
)

func (r *Rule) judge(reading *Reading) condition {
	bound := r.bound(reading.Most)
	switch v := reading.Value; {
	case v != v || r.Least > 0 && reading.Of < r.Least:
		return unknown
	case r.beyond(v, bound):
		return beyond
	case r.back(bound) != bound && !r.beyond(r.back(bound), v) && v != r.back(bound):
		return between
	}
	return well
}

func (m *Machine) stepOne(told []Notice, r *Rule, reading *Reading, is condition, now time.Time, lacked map[key]*lack) []Notice {
	k := key{r.Name, reading.Subject}
	a := m.alerts[k]
	if a == nil {
		if is != beyond {
			return told
		}
		if !m.room(r.Name) {
			m.lack(r, k, now, lacked[k])
			return told
		}
		a = &Alert{Rule: r.Name, Subject: reading.Subject, State: Pending, Since: now}
		m.alerts[k] = a
	}
	if is != unknown {
		a.Known, a.Value, a.Bound = now, reading.Value, r.bound(reading.Most)
		if reading.Detail != "" || is == well {
			a.Detail = clean(reading.Detail, maxDetail)
		}
	}
	return m.move(told, r, a, is, now)
}

// lack counts an alert that there is no room for, once it would have been raised;
// was is what the last step knew of it.
func (m *Machine) lack(r *Rule, k key, now time.Time, was *lack) {
	if was == nil {
		was = &lack{since: now}
	}
	if was.since.After(now) { // the clock was set back
		was.since = now
	}
	if !was.counted && now.Sub(was.since) >= r.For {
		was.counted = true
		m.missed++
	}
	m.lacks[k] = was
}

// room makes room for an alert, if need be in place of one that is over.
func (m *Machine) room(rule string) bool {
	ofRule := 0
	var oldest *key
	for k, a := range m.alerts {
		if k.rule == rule {
			ofRule++
		}
		if a.State == Over && (oldest == nil || a.Since.Before(m.alerts[*oldest].Since)) && (k.rule == rule || len(m.alerts) >= maxAlerts) {
			oldest = &k
		}
	}
	if ofRule < maxSubjects && len(m.alerts) < maxAlerts {
		return true
	}
	if oldest == nil || ofRule >= maxSubjects && oldest.rule != rule {
		return false
	}
	delete(m.alerts, *oldest)
	return true
}

// move is the table of states.
func (m *Machine) move(told []Notice, r *Rule, a *Alert, is condition, now time.Time) []Notice {
	switch a.State {
	case Over:
		if is != beyond {
			return told
		}
		a.State, a.Since, a.ID, a.Notices = Pending, now, "", 0
		fallthrough
	case Pending:
		if is != beyond {
			m.calm(a, now)
			return told
		}
		if now.Sub(a.Since) < r.For {
			return told
		}
		return m.raise(told, r, a, now)
	}
	switch {
	case is == unknown && now.Sub(a.Known) >= unknownFor:
		return m.over(told, r, a, now, "Nothing has been known of it for a day.")
	case is == well || is == gone:
		if a.Well.IsZero() {
			a.Well = now
		}
		if now.Sub(a.Well) >= m.quiet(r, a, now) {
			return m.over(told, r, a, now, "")
		}
	default:
		a.Well = time.Time{}
	}
	if now.Sub(a.Told) >= m.remind {
		a.Told = now
		return append(told, m.notice(r, a, Reminder, now, ""))
	}
	return told
}

// calm is for an alert that was pending and is not raised.
func (m *Machine) calm(a *Alert, now time.Time) {
	if len(a.Before) > 0 {
		a.State, a.Since = Over, now
		return
	}
	delete(m.alerts, key{a.Rule, a.Subject})
}

func (m *Machine) raise(told []Notice, r *Rule, a *Alert, now time.Time) []Notice {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d\n%d", m.server, a.Rule, a.Subject, now.UnixNano(), len(a.Before)))
	a.ID = hex.EncodeToString(sum[:8])
	a.State, a.Raised, a.Told, a.Well, a.Notices = Raised, now, now, time.Time{}, 0
	a.Before = append(a.Before, now)
	return append(told, m.notice(r, a, RaisedNotice, now, ""))
}

func (m *Machine) over(told []Notice, r *Rule, a *Alert, now time.Time, because string) []Notice {
	n := m.notice(r, a, OverNotice, now, because)
	a.State, a.Since, a.Well = Over, now, time.Time{}
	return append(told, n)
}

// quiet is for how long a figure has to be well for its alert to be over.
func (m *Machine) quiet(r *Rule, a *Alert, now time.Time) time.Duration {
	d := max(r.For, leastQuiet)
	for i, at := range a.Before {
		if i > 0 && now.Sub(at) < flapTime && d < mostQuiet {
			d *= 2
		}
	}
	return max(min(d, mostQuiet), r.For)
}

// endOrphans ends alerts whose rule is off or gone.
func (m *Machine) endOrphans(told []Notice, now time.Time) []Notice {
	var all []key
	for k := range m.alerts {
		if i := indexOf(m.rules, k.rule); i < 0 || m.rules[i].Off {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b key) int { return strings.Compare(a.rule+"\n"+a.subject, b.rule+"\n"+b.subject) })
	for _, k := range all {
		a := m.alerts[k]
		if a.State == Raised {
			r := &Rule{Name: a.Rule, Severity: Warning}
			if i := indexOf(m.rules, a.Rule); i >= 0 {
				r = &m.rules[i]
			}
			told = m.over(told, r, a, now, "Its rule holds no more.")
		}
		delete(m.alerts, k)
	}
	return told
}

// forget drops what is over and was not raised for a day.
func (m *Machine) forget(now time.Time) {
	for k, a := range m.alerts {
		a.Before = slices.DeleteFunc(a.Before, func(at time.Time) bool { return now.Sub(at) >= flapTime })
		if len(a.Before) > 64 {
			a.Before = a.Before[len(a.Before)-64:]
		}
		if a.State == Over && len(a.Before) == 0 {
			delete(m.alerts, k)
		}
	}
}

// Alerts returns all, the raised ones first, then the latest first.
func (m *Machine) Alerts() []Alert {
	all := make([]Alert, 0, len(m.alerts))
	for _, a := range m.alerts {
		c := *a
		c.Before = slices.Clone(a.Before)
		all = append(all, c)
	}
	order := map[State]int{Raised: 0, Pending: 1, Over: 2}
	slices.SortFunc(all, func(a, b Alert) int {
		if d := order[a.State] - order[b.State]; d != 0 {
			return d
		}
		if d := b.Since.Compare(a.Since); d != 0 {
			return d
		}
		return strings.Compare(a.Rule+"\n"+a.Subject, b.Rule+"\n"+b.Subject)
	})
	return all
}

// History returns the latest notices, the latest first.
func (m *Machine) History() []Notice {
	all := slices.Clone(m.history)
	slices.Reverse(all)
	return all
}

// Raised is how many alerts are raised.
func (m *Machine) Raised() (n int) {
	for _, a := range m.alerts {
		if a.State == Raised {
			n++
		}
	}
	return n
}
