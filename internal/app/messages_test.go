package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The queue's log is shown among the messages, its entries to who has the token,
// and nobody writes there by hand.
func TestMessages(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("a long secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--monitor-token", secret, "--jobs", "1", folder(t, "index.html", "hello"))
	at := p.monitor()
	ask := func(method, path, form string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, at+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		r.Header.Set("Authorization", "Bearer a long secret")
		if form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if _, body := ask("GET", "messages", ""); strings.Contains(body, "without NATS") {
		t.Skip("there is no bus")
	}
	status, body := ask("GET", "messages.json", "")
	if status != 200 || !strings.Contains(body, `"stream":"log_jobs","entries":1,`) || !strings.Contains(body, `"writers":"freshet"`) {
		t.Errorf("%d %s", status, body)
	}
	status, body = ask("GET", "messages/entry?stream=log_jobs&number=1", "")
	if status != 200 || !strings.Contains(body, "freshet.log.jobs") {
		t.Errorf("%d %s", status, body)
	}
	status, body = ask("GET", "messages/entry?stream=log_jobs&number=99", "")
	if status != 200 || !strings.Contains(body, "There is none") {
		t.Errorf("%d %s", status, body)
	}
	if status, body = ask("POST", "messages/publish", "subject=freshet.log.jobs&text=x"); status != 409 {
		t.Errorf("%d %s", status, body)
	}
	if status, body = ask("POST", "messages/publish", "subject=orders.new&text=x"); status != 409 || !strings.Contains(body, "no stream has it") {
		t.Errorf("%d %s", status, body)
	}
}

func TestReserved(t *testing.T) {
	for subject, want := range map[string]bool{"freshet.log.jobs": true, "$O.files.C.>": true, "orders.>": false, "freshetted.>": false} {
		if reserved(subject) != want {
			t.Errorf("%s: %t", subject, !want)
		}
	}
}
