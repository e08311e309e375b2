package app

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
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
	saved.Go(a.save)
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
