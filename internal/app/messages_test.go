package app

import (
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/bustest"
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
	if status, body = ask("POST", "messages/publish", "subject=freshet.log.jobs&text=x"); status != 409 || !strings.Contains(body, "has one writer, freshet itself") {
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

func TestTakes(t *testing.T) {
	for _, tt := range []struct {
		pattern, subject string
		want             bool
	}{
		{"orders.>", "orders.new", true}, {"orders.>", "orders.new.x", true}, {"orders.>", "orders", false}, {">", "a", true}, {"orders.*", "orders.new", true},
		{"orders.*", "orders.new.x", false}, {"*.new", "orders.new", true}, {"orders", "orders", true}, {"orders", "orders.new", false}, {"a.*.c", "a.b.d", false},
	} {
		if takes(tt.pattern, tt.subject) != tt.want {
			t.Errorf("%s, %s: %t", tt.pattern, tt.subject, !tt.want)
		}
	}
}

// With NATS elsewhere the streams of others are shown, too, and those who have the
// token can publish to them: the stream says which number it is. The log says that
// it happened, and not what was published.
func TestPublishElsewhere(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	url := bustest.Server(t)
	bustest.Stream(t, url, "orders", "orders.>", "urgent")
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("a long secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--monitor-token", secret, "--fleet", "127.0.0.1:0", "--node-name", "one", "--nats", url, folder(t, "index.html", "hello"))
	at := p.monitor()
	ask := func(token, method, path string, form neturl.Values) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, at+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Close = true
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
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
	const token = "a long secret"
	status, body := ask(token, "GET", "messages.json", nil)
	for _, want := range []string{`"stream":"log_jobs"`, `"stream":"orders"`, `"writers":"anybody"`, `"writers":"freshet"`} {
		if status != 200 || !strings.Contains(body, want) {
			t.Errorf("%d, without %s: %s", status, want, body)
		}
	}
	if status, body := ask(token, "GET", "messages/publish", nil); status != 200 || !strings.Contains(body, "orders.&gt;, urgent") {
		t.Errorf("%d %s", status, body)
	}
	text := "<b>two</b>\nlines é " + strings.Repeat("x", 60<<10)
	form := func(subject string) neturl.Values { return neturl.Values{"subject": {subject}, "text": {text}} }
	if status, _ := ask("another", "POST", "messages/publish", form("orders.new")); status != 401 && status != 403 {
		t.Errorf("with a wrong token: %d", status)
	}
	for number, subject := range []string{"orders.new", "urgent"} {
		if status, body := ask(token, "POST", "messages/publish", form(subject)); status != 200 || !strings.Contains(body, fmt.Sprintf("It is message %d of orders.", number+1)) {
			t.Errorf("%s: %d %s", subject, status, body)
		}
	}
	if status, body := ask(token, "GET", "messages/entry?stream=orders&number=1&as=text", nil); status != 200 || !strings.Contains(body, "&lt;b&gt;two&lt;/b&gt;\nlines é xxx") {
		t.Errorf("%d %s", status, body)
	}
	for subject, says := range map[string]string{
		"freshet.log.jobs": "one writer", "freshet.hint.jobs.heed.one": "one writer", "$JS.API.STREAM.DELETE.orders": "one writer", "$O.files.C.x": "one writer",
		"_INBOX.x": "no stream has it", "orders": "no stream has it", "orders.*": "publish", "a b": "publish",
	} {
		if status, body := ask(token, "POST", "messages/publish", form(subject)); status != 409 || !strings.Contains(body, says) {
			t.Errorf("%s: %d %s", subject, status, body)
		}
	}
	if status, body := ask(token, "GET", "messages.json", nil); !strings.Contains(body, `"stream":"orders","entries":2,`) {
		t.Errorf("%d %s", status, body)
	}
	p.stop()
	said := p.stderr.String()
	contains(t, said, `a message was published by hand`, "stream=orders", "number=2", "subject=urgent", fmt.Sprint("bytes=", len(text)))
	if strings.Contains(said, "xxx") {
		t.Error("the log has what was published")
	}
}
