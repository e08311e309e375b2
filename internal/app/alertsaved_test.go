package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/alert"
	"freshet/internal/notify"
)

// What waits for one webhook goes to no other one of the same host after a
// restart, and no address is written.
func TestWaitingOfWebhooks(t *testing.T) {
	file := filepath.Join(t.TempDir(), alertsFile)
	open := func(addresses ...string) *alerts {
		a := &alerts{s: &service{}, file: file, machine: alert.New(alert.Options{})}
		for _, address := range addresses {
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			a.senders = append(a.senders, notify.NewSender(&notify.Webhook{URL: u}, notify.Options{}))
		}
		return a
	}
	const one, two, three = "https://hooks.example/geheim/1", "https://hooks.example/geheim/2", "https://hooks.example/geheim/3"
	a := open(one, two)
	a.senders[0].Add([]alert.Notice{{ID: "of-one"}})
	a.senders[1].Add([]alert.Notice{{ID: "of-two"}})
	if err := a.write(); err != nil {
		t.Fatal(err)
	}
	a = open(three, two, one)
	if err := a.load(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "of-two", "of-one"} {
		got := ""
		for _, n := range a.senders[i].Waiting() {
			got += n.ID
		}
		if got != want {
			t.Errorf("webhook %d has %q, want %q", i, got, want)
		}
	}
	if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte("geheim")) {
		t.Errorf("%v %s", err, text)
	}
}

// A disk that hangs holds up who saves, and nobody else: no page, and no notice.
func TestAlertsWhileSaving(t *testing.T) {
	begun, end := make(chan struct{}, 1), make(chan struct{})
	a := &alerts{s: &service{}, file: filepath.Join(t.TempDir(), alertsFile), machine: alert.New(alert.Options{Rules: alert.Rules()})}
	a.replace = func(string, []byte) error {
		begun <- struct{}{}
		<-end
		return nil
	}
	u, err := url.Parse("https://hooks.example/")
	if err != nil {
		t.Fatal(err)
	}
	a.senders = append(a.senders, notify.NewSender(&notify.Webhook{URL: u}, notify.Options{}))
	var saved sync.WaitGroup
	saved.Go(func() { a.save() })
	<-begun
	s := &service{alerts: a}
	if shown := s.monitorAlerts(); len(shown.Rules) == 0 || len(shown.Ways) != 1 {
		t.Errorf("%+v", shown)
	}
	a.senders[0].Add([]alert.Notice{{ID: "meanwhile"}})
	a.mu.Lock()
	a.machine.Step(time.Now(), alert.Look{})
	a.mu.Unlock()
	close(end)
	saved.Wait()
}

// What was heard of servers outlives a restart.
func TestServersSaved(t *testing.T) {
	away := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	a := &alerts{s: &service{}, file: filepath.Join(t.TempDir(), alertsFile), machine: alert.New(alert.Options{}), servers: map[string]heardOf{"one": {}, "two": {Away: away}}}
	if err := a.write(); err != nil {
		t.Fatal(err)
	}
	b := &alerts{s: &service{}, file: a.file, machine: alert.New(alert.Options{})}
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	if h := b.sample.fleet.heard; len(h) != 2 || !h["one"].Away.IsZero() || !h["two"].Away.Equal(away) {
		t.Errorf("%+v", h)
	}
}

// A way that notes what is sent, in the order of all that happens.
type noted struct {
	mu  sync.Mutex
	all []string
}

func (n *noted) note(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, what)
}

func (n *noted) Name() string { return "noted" }
func (n *noted) ID() string   { return "noted" }
func (n *noted) Most() int    { return 1 }
func (n *noted) Send(_ context.Context, notices []alert.Notice, _ int64) error {
	n.note("sent " + notices[0].ID)
	return nil
}

func (n *noted) log() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.all, ", ")
}

// notingAlerts tells by noted ways, and has one rule.
func notingAlerts(n *noted) *alerts {
	a := &alerts{s: &service{}, file: "alerts.json", machine: alert.New(alert.Options{Rules: []alert.Rule{{Name: "r", Figure: "f"}}})}
	a.senders = []*notify.Sender{notify.NewSender(n, notify.Options{})}
	return a
}

var beyond = alert.Look{"f": {{Value: 1}}}

// Nothing is sent that is not saved: who is killed in between tells the same again,
// by the same name.
func TestSavedBeforeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &noted{}
		a := notingAlerts(n)
		var text []byte
		a.replace = func(_ string, is []byte) error {
			time.Sleep(time.Second)
			text = is
			n.note("saved")
			return nil
		}
		a.senders[0].Start()
		a.step(time.Now(), beyond)
		synctest.Wait()
		a.senders[0].Close()
		id := a.machine.History()[0].ID
		if n.log() != "saved, sent "+id {
			t.Errorf("got %q", n.log())
		}
		b := notingAlerts(&noted{})
		b.file = filepath.Join(t.TempDir(), alertsFile)
		if err := os.WriteFile(b.file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.load(); err != nil {
			t.Fatal(err)
		}
		if w := b.senders[0].Waiting(); len(w) != 1 || w[0].ID != id {
			t.Errorf("%+v waits", w)
		}
		if b.step(time.Now(), beyond); len(b.senders[0].Waiting()) != 1 {
			t.Errorf("it is told by another name: %+v", b.senders[0].Waiting())
		}
	})
}

// A disk that hangs keeps nobody from being told, and what has changed meanwhile is
// saved when it is back.
func TestToldWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &noted{}
		a := notingAlerts(n)
		back, saves := make(chan struct{}), 0
		a.replace = func(string, []byte) error {
			<-back
			saves++
			return nil
		}
		a.senders[0].Start()
		a.step(time.Now(), beyond)
		time.Sleep(time.Minute)
		a.step(time.Now(), alert.Look{"f": {{Value: 0}}})
		time.Sleep(2 * time.Minute)
		a.step(time.Now(), alert.Look{"f": {{Value: 0}}})
		synctest.Wait()
		if strings.Count(n.log(), "sent") != 2 {
			t.Errorf("got %q", n.log())
		}
		close(back)
		synctest.Wait()
		for range 2 {
			a.step(time.Now(), alert.Look{"f": {{Value: 0}}})
		}
		if saves != 2 {
			t.Errorf("saved %d times", saves)
		}
		a.ran.Wait()
		a.senders[0].Close()
	})
}

// What a disk had no room for is saved at a later look, also when nothing has changed
// since.
func TestSavedLater(t *testing.T) {
	a := notingAlerts(&noted{})
	a.s.log = &errorLog{Logger: slog.New(slog.DiscardHandler)}
	room, saves := false, 0
	a.replace = func(string, []byte) error {
		if !room {
			return syscall.ENOSPC
		}
		saves++
		return nil
	}
	now := time.Now()
	for range 3 {
		a.step(now, beyond)
	}
	room = true
	for range 3 {
		a.step(now, beyond)
	}
	if saves != 1 {
		t.Errorf("saved %d times", saves)
	}
	a.ran.Wait()
}

// What is saved can be read again, however much waits.
func TestSavedIsRead(t *testing.T) {
	n := alert.Notice{ID: "x", Detail: strings.Repeat("\u2028", 500), Subject: strings.Repeat("<", 200), Why: strings.Repeat("y", 500)}
	open := func(file string) *alerts {
		a := &alerts{s: &service{log: &errorLog{Logger: slog.New(slog.DiscardHandler)}}, file: file, machine: alert.New(alert.Options{})}
		for _, host := range []string{"one", "two", "three"} {
			a.senders = append(a.senders, notify.NewSender(&notify.Webhook{URL: &url.URL{Scheme: "https", Host: host}}, notify.Options{Queue: 10000}))
		}
		return a
	}
	a := open(filepath.Join(t.TempDir(), alertsFile))
	a.senders[0].Add(slices.Repeat([]alert.Notice{n}, 10000))
	a.senders[1].Add(slices.Repeat([]alert.Notice{n}, 10000))
	a.senders[2].Add([]alert.Notice{n, n})
	if err := a.write(); err != nil {
		t.Fatal(err)
	}
	if is, err := os.Stat(a.file); err != nil || is.Size() > maxWaitingSaved+4096 || !a.cut {
		t.Errorf("%v %v", is, err)
	}
	b := open(a.file)
	if err := b.load(); err != nil {
		t.Fatal(err)
	}
	for i, least := range []int{100, 100, 2} {
		if w := b.senders[i].Waiting(); len(w) < least || len(w) > 9999 {
			t.Errorf("by way %d %d wait", i, len(w))
		}
	}
	if err := os.WriteFile(a.file, make([]byte, maxAlertsFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.load(); err == nil || !strings.Contains(err.Error(), "than is ever written") {
		t.Error(err)
	}
}
