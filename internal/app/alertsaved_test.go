package app

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"freshet/internal/alert"
	"freshet/internal/notify"
)

// What waits for one webhook goes to no other one of the same host after a
// restart, and no address is written.
func TestWaitingOfWebhooks(t *testing.T) {
	file := filepath.Join(t.TempDir(), alertsFile)
	open := func(addresses ...string) *alerts {
		a := &alerts{file: file, machine: alert.New(alert.Options{})}
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
