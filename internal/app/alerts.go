package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/internal/alert"
	"freshet/internal/atrest"
	"freshet/internal/config"
	counters "freshet/internal/metrics"
	"freshet/internal/monitor"
	"freshet/internal/notify"
	"freshet/internal/wholefile"
)

// alerts look at the figures of a server, and tell.
type alerts struct {
	s       *service
	senders []*notify.Sender
	ways    []func(trace func(string)) notify.Way // the same anew, for a test
	file    string                                // of the state; "" for none
	link    string
	stop    chan struct{}
	ran     sync.WaitGroup

	saving  sync.Mutex // held while the state is written; mu is taken under it
	failing bool       // the state could not be written last time; under saving
	cut     bool       // not all notices were kept then; likewise

	mu      sync.Mutex // guards what follows; Sender.mu is taken under it
	machine *alert.Machine
	servers map[string]heardOf // as of the latest look; never changed
	held    []alert.Notice     // for all senders, who get them when they are saved

	// Of the goroutine that looks.
	sample  sampler
	hanging chan struct{} // closed at the end of a save that was not waited for; nil: there is none
	unsaved bool          // what has changed since then

	replace func(file string, text []byte) error // nil: replaceFile
}

// lookAt is how often figures are looked at.
const lookAt = 5 * time.Second

// alertsFile is where the state is kept, in the data folder.
const alertsFile = "alerts.json"

// alertsSealedAs is what it is sealed as.
const alertsSealedAs = "alerts.json"

// maxAlertsFile bounds what is read of it, and maxWaitingSaved what is written of
// notices that nobody has got, by all ways: all else that is written has less than
// the rest.
const (
	maxAlertsFile   = 16 << 20
	maxWaitingSaved = 4 << 20
)

// savedAlerts is the state: of rules, of notices that nobody has got, and of the
// servers that were heard of.
type savedAlerts struct {
	Machine json.RawMessage           `json:"machine"`
	Waiting map[string][]alert.Notice `json:"waiting,omitempty"` // by Sender.ID
	Servers map[string]heardOf        `json:"servers,omitempty"`
}

// openAlerts opens what tells, so that a fault in it is told before anything is
// served.
func (s *service) openAlerts() error {
	c := &s.conf.Alerts
	rules, err := alert.Apply(alert.Rules(), c.Rules)
	if err != nil {
		return fmt.Errorf("--alert-rule: %w", err)
	}
	if err := s.knownFigures(rules); err != nil {
		return err
	}
	a := &alerts{s: s, link: s.alertLink(), stop: make(chan struct{}), machine: alert.New(alert.Options{Rules: rules, Server: s.alertName(), Remind: c.Remind})}
	if a.ways, err = alertWays(c, s.env); err != nil {
		return err
	}
	for _, way := range a.ways {
		a.senders = append(a.senders, notify.NewSender(way(nil), notify.Options{Queue: int(c.Queue), Log: s.log.Logger, Changed: func() { a.save() }}))
	}
	if s.content.data != "" {
		a.file = filepath.Join(s.content.data, alertsFile)
		err := a.load()
		switch {
		case errors.Is(err, atrest.ErrSealed), errors.Is(err, atrest.ErrPlain), errors.Is(err, atrest.ErrNoKey):
			return err // begun anew it would be of the other kind
		case errors.Is(err, atrest.ErrDamaged): // and here what another secret opens would be lost
			return fmt.Errorf("%w; if the file of keys has another secret under the name of a key than it had, put that one back; else move the file away, and the state of alerts begins anew", err)
		case err != nil:
			s.log.Error("the state of alerts cannot be read; it begins anew", "err", err)
		}
	}
	s.alerts = a
	s.addAlertGauges()
	return nil
}

// alertName is what this server is called in notices.
func (s *service) alertName() string {
	if s.conf.Jobs.Name != "" {
		return s.conf.Jobs.Name
	}
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "freshet"
	}
	return name
}

// knownFigures refuses rules about what there is not.
func (s *service) knownFigures(rules []alert.Rule) error {
	var known []string
	for _, f := range alert.Figures {
		known = append(known, f.Name)
	}
	for _, g := range s.figures.Gauges() {
		known = append(known, g.Name)
		if g.Limit != nil {
			known = append(known, g.Name+"_percent")
		}
	}
	for i := range rules {
		r := &rules[i]
		if !r.Own || r.Off || slices.Contains(known, r.Figure) {
			continue
		}
		if near := config.Nearest(r.Figure, known); near != "" {
			return fmt.Errorf("--alert-rule: rule %s: there is no figure %s here; did you mean %s?", r.Name, r.Figure, near)
		}
		return fmt.Errorf("--alert-rule: rule %s: there is no figure %s here; there are %s", r.Name, r.Figure, strings.Join(known, ", "))
	}
	return nil
}

// startAlerts begins to look.
func (s *service) startAlerts() {
	a := s.alerts
	for _, sender := range a.senders {
		sender.Start()
	}
	a.ran.Go(a.run)
	for _, sender := range a.senders {
		s.env.tell("alerts go by %s", sender.State().Way)
	}
}

// alertLink is where notices lead.
func (s *service) alertLink() string {
	base := s.conf.Alerts.Link
	if l := s.watched.listener; base == "" && l != nil && l.Addr().Network() == "tcp" {
		base = "http://" + l.Addr().String()
	}
	if base == "" {
		return ""
	}
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.JoinPath("alerts").String()
}

func (a *alerts) run() {
	looks := a.s.env.AlertLooks
	if looks == nil {
		ticks := time.NewTicker(lookAt)
		defer ticks.Stop()
		looks = ticks.C
	}
	for {
		select {
		case now := <-looks:
			if a.s.env.AlertLooks == nil {
				now = time.Now() // a tick may be an old one
			}
			a.look(now)
			if looked := a.s.env.AlertLooked; looked != nil {
				looked()
			}
		case <-a.stop:
			return
		}
	}
}

// look looks once at all figures, and tells.
func (a *alerts) look(now time.Time) { a.step(now, a.s.look(&a.sample, now)) }

// step tells what follows from a look. It is saved first: who is told and the same
// again after a kill is told under the same name.
func (a *alerts) step(now time.Time, look alert.Look) {
	a.mu.Lock()
	before := a.machine.Alerts()
	told := a.machine.Step(now, look)
	for i := range told {
		told[i].Link = a.link
	}
	a.held = told
	changed := len(told) > 0 || !slices.EqualFunc(before, a.machine.Alerts(), sameAlert) || !maps.EqualFunc(a.servers, a.sample.fleet.heard, heardOf.same)
	a.servers = a.sample.fleet.heard
	a.mu.Unlock()
	if changed || a.unsaved {
		a.keep()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held = nil
	if len(told) > 0 {
		for _, s := range a.senders {
			s.Add(told)
		}
	}
}

// keepFor is how long a disk is waited for before somebody is told.
const keepFor = 5 * time.Second

// keep saves. A disk that hangs keeps nobody from looking, or being told.
func (a *alerts) keep() {
	if a.file == "" {
		return
	}
	a.unsaved = true
	if a.hanging != nil {
		select {
		case <-a.hanging:
			a.hanging = nil
		default:
			return
		}
	}
	done, saved := make(chan struct{}), false
	a.ran.Go(func() {
		defer close(done)
		saved = a.save()
	})
	late := time.NewTimer(keepFor)
	defer late.Stop()
	select {
	case <-done:
		a.unsaved = !saved
	case <-late.C:
		a.hanging = done
	}
}

// sameAlert reports whether nothing has changed that has to outlive a restart.
func sameAlert(a, b alert.Alert) bool {
	return a.Rule == b.Rule && a.Subject == b.Subject && a.State == b.State && a.ID == b.ID && a.Told.Equal(b.Told) && a.Well.Equal(b.Well)
}

// close ends it; what nobody has got yet is kept.
func (a *alerts) close() {
	if a == nil {
		return
	}
	close(a.stop)
	a.ran.Wait()
	for _, s := range a.senders {
		s.Close()
	}
	a.save()
}

// save writes the state, whole or not at all, and reports whether that was done.
// Nobody but who saves waits for the disk.
func (a *alerts) save() bool {
	if a.file == "" {
		return true
	}
	a.saving.Lock()
	defer a.saving.Unlock()
	err := a.write()
	if err != nil && !a.failing {
		a.s.log.Error("the state of alerts cannot be kept", "err", err)
	}
	a.failing = err != nil
	return err == nil
}

// state is what is saved, and whether notices that wait are left out of it.
func (a *alerts) state() (text []byte, cut bool, err error) {
	a.mu.Lock()
	machine, err := a.machine.Save()
	saved := savedAlerts{Machine: machine, Waiting: map[string][]alert.Notice{}, Servers: a.servers}
	for _, s := range a.senders {
		if w := append(s.Waiting(), a.held...); len(w) > 0 {
			saved.Waiting[s.ID()] = w
		}
	}
	a.mu.Unlock()
	if err != nil {
		return nil, false, err
	}
	for id, w := range saved.Waiting {
		n := fitting(w, maxWaitingSaved/len(a.senders))
		cut = cut || n < len(w)
		saved.Waiting[id] = w[:n]
	}
	if text, err = json.Marshal(&saved); err != nil {
		return nil, cut, err
	}
	if text = a.s.ring.Pack(text, alertsSealedAs); len(text) > maxAlertsFile {
		return nil, cut, fmt.Errorf("%s would have %d bytes, and no more than %d are read again", a.file, len(text), maxAlertsFile)
	}
	return text, cut, nil
}

// fitting is how many of the first notices have so many bytes together.
func fitting(notices []alert.Notice, most int) (n int) {
	for i := range notices {
		text, err := json.Marshal(&notices[i])
		if most -= len(text) + 1; err != nil || most < 0 {
			return i
		}
	}
	return len(notices)
}

// write is save, with saving held.
func (a *alerts) write() error {
	text, cut, err := a.state()
	if err != nil {
		return err
	}
	if cut && !a.cut {
		a.s.log.Warn("too many notices of alerts wait: the latest ones are not kept over a restart", "bytes", maxWaitingSaved)
	}
	a.cut = cut
	if err := os.MkdirAll(filepath.Dir(a.file), 0o700); err != nil {
		return err
	}
	if a.replace != nil {
		return a.replace(a.file, text)
	}
	return wholefile.Write(a.file, text)
}

// readAlerts reads the file of the state.
func readAlerts(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxAlertsFile+1))
	if err == nil && len(text) > maxAlertsFile {
		err = fmt.Errorf("%s has more than %d bytes, which is more than is ever written", name, maxAlertsFile)
	}
	return text, err
}

// load goes on where the server ended before.
func (a *alerts) load() error {
	text, err := readAlerts(a.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if text, _, err = a.s.ring.Unpack(text, alertsSealedAs); err != nil {
		return fmt.Errorf("%s: %w", a.file, err)
	}
	var saved savedAlerts
	if err := json.Unmarshal(text, &saved); err != nil {
		return fmt.Errorf("%s: %w", a.file, err)
	}
	if err := a.machine.Restore(saved.Machine); err != nil {
		return fmt.Errorf("%s: %w", a.file, err)
	}
	for _, s := range a.senders {
		s.Add(saved.Waiting[s.ID()])
	}
	a.servers, a.sample.fleet.heard = saved.Servers, saved.Servers
	return nil
}

// monitorAlerts are the alerts as the monitor shows them.
func (s *service) monitorAlerts() monitor.Alerts {
	a := s.alerts
	a.mu.Lock()
	defer a.mu.Unlock()
	shown := monitor.Alerts{Rules: a.machine.Rules(), Stands: a.machine.Standing(), Alerts: a.machine.Alerts(), History: a.machine.History()}
	for _, sender := range a.senders {
		shown.Ways = append(shown.Ways, sender.State())
	}
	return shown
}

// addAlertGauges has the monitor show how alerts are.
func (s *service) addAlertGauges() {
	m, a := s.figures.Metrics, s.alerts
	m.AddGauge(counters.Gauge{Name: "alerts_raised", Help: "Alerts that are raised", Value: func() float64 {
		a.mu.Lock()
		defer a.mu.Unlock()
		return float64(a.machine.Raised())
	}})
	m.AddGauge(counters.Gauge{Name: "alerts_dropped", Help: "Alerts that there was no room for, and notices that there was no room for or that were given up, by each way", Counter: true, Value: func() float64 {
		a.mu.Lock()
		n := a.machine.Missed()
		a.mu.Unlock()
		for _, sender := range a.senders {
			n += sender.State().Dropped
		}
		return float64(n)
	}})
}
