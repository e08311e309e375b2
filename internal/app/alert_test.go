package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/alert"
	"freshet/internal/mailtest"
	"freshet/internal/wiretest"
)

// alerting starts a server that looks often.
func alerting(t *testing.T, home string, args ...string) *program {
	t.Helper()
	return startWith(t, func(e *Env) {
		e.Environ, e.AlertLooks = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, time.Tick(20*time.Millisecond)
	}, args...)
}

// Real faults, each told by a mail whose signature OpenSSL verifies: an origin
// that is not there, a certificate that ends soon, a job that fails.
func TestAlertsOfRealFaults(t *testing.T) {
	t.Run("origin", func(t *testing.T) {
		p := mailtest.NewPost(t, mailtest.Options{})
		origin := wiretest.Reserve(t)
		s := alerting(t, t.TempDir(), append([]string{"proxy", "--to", "http://" + origin, "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", "off",
			"--alert-rule", "origin-down: for 0s"}, p.Args...)...)
		url := s.url()
		for range 20 {
			get(t, url)
		}
		text := p.Read(t)
		contains(t, text, "critical: origin-down (http://"+origin+")", "refused")
		s.stop()
	})
	t.Run("certificate", func(t *testing.T) {
		p := mailtest.NewPost(t, mailtest.Options{})
		cert := mailtest.NewAuthority(t).Server("www.example.org", time.Now().Add(48*time.Hour))
		certFile := mailtest.Write(t, p.Dir, "www.pem", cert.Leaf)
		s := alerting(t, t.TempDir(), append([]string{"serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", certFile, "--tls-key", mailtest.Write(t, p.Dir, "www.key", cert.PrivateKey),
			"--monitor", "off", folder(t)}, p.Args...)...)
		contains(t, p.Read(t), "critical: certificate-expiry", "Value     1d23h; the rule is certificate_left < 14d", "www.pem")
		s.stop()
	})
	t.Run("job", func(t *testing.T) {
		p := mailtest.NewPost(t, mailtest.Options{})
		home := t.TempDir()
		s := alerting(t, home, append([]string{"serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", folder(t)}, p.Args...)...)
		s.monitor()
		_, out, said := command(t, home, "job", "submit", "--wait", "--name", "nightly", "--", "sh", "-c", "exit 3")
		id := strings.TrimSpace(out)
		if id == "" {
			t.Fatal(said)
		}
		contains(t, p.Read(t), "warning: job-dead ("+id+" nightly)", "exit status 3")
		s.stop()
	})
}

// A restart while an alert is raised tells nothing again.
func TestAlertsOutliveARestart(t *testing.T) {
	p := mailtest.NewPost(t, mailtest.Options{})
	data, home := t.TempDir(), t.TempDir()
	args := append([]string{"proxy", "--to", "http://" + wiretest.Reserve(t), "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--access-log", "off", "--data", data,
		"--alert-rule", "busy: goroutines > 1"}, p.Args...)
	s := alerting(t, home, args...)
	s.url()
	first := p.Read(t)
	contains(t, first, "warning: busy", "the rule is goroutines > 1")
	s.stop()
	s = alerting(t, home, args...)
	s.monitor()
	look := func() monitorAlert {
		_, body := get(t, s.monitor()+"alerts.json?q=busy")
		var list struct{ Rows []monitorAlert }
		if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Rows) != 1 {
			t.Fatalf("%v %s", err, body)
		}
		return list.Rows[0]
	}
	// It is looked at again, some times.
	was := look()
	if was.State != "raised" {
		t.Errorf("after the restart: %+v", was)
	}
	for until := time.Now().Add(time.Minute); look().Value == was.Value && time.Now().Before(until); {
		get(t, s.url())
	}
	p.None(t)
	status, out, _ := command(t, home, "alert", "list", "--data", data)
	if status != exitRaised {
		t.Errorf("exit status %d: %s", status, out)
	}
	s.stop()
	state, err := os.ReadFile(filepath.Join(data, alertsFile))
	if err != nil || bytes.Contains(state, []byte("geheim")) {
		t.Errorf("%v %s", err, state)
	}
}

type monitorAlert struct{ State, Rule, Value string }

// freshet alert test goes all ways, says what came of it, and shows no password.
func TestAlertCommand(t *testing.T) {
	p := mailtest.NewPost(t, mailtest.Options{})
	home := t.TempDir()
	got := make(chan alert.Notice, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n alert.Notice
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal(body, &n) == nil {
			got <- n
		}
	}))
	defer hook.Close()
	s := alerting(t, home, append([]string{"serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--alert-webhook", hook.URL + "/secret-path", "--alert-program", "/nowhere/at/all", folder(t)}, p.Args...)...)
	s.monitor()
	status, out, said := command(t, home, "alert", "test", "-v")
	if status != exitFault {
		t.Errorf("exit status %d: %s%s", status, out, said)
	}
	contains(t, out, "mail to ops@example.org: taken", "C: STARTTLS", "C: (AUTH PLAIN)", "S: 235 welcome", "webhook at "+hook.URL+": taken", "program /nowhere/at/all: failed: ")
	for line := range strings.Lines(out) {
		if len([]rune(line)) > 81 {
			t.Errorf("wide: %s", line)
		}
	}
	contains(t, p.Read(t), "test from ", "nothing is wrong")
	if n := <-got; n.Kind != alert.Test {
		t.Errorf("%+v", n)
	}
	// Without requests nothing is known of their durations, and that is said.
	for until := time.Now().Add(time.Minute); ; {
		status, out, _ = command(t, home, "alert", "list")
		if strings.Contains(out, "ok       connections") || time.Now().After(until) {
			break
		}
	}
	if status != exitOK {
		t.Errorf("exit status %d: %s", status, out)
	}
	contains(t, out, "STATE", "ok       connections", "unknown  latency", "latency_p99 > 5 s for 5m")
	for line := range strings.Lines(out) {
		if len([]rune(line)) > 81 {
			t.Errorf("wide: %s", line)
		}
	}
	// Neither a secret nor an address that may be one is on a page.
	for _, page := range []string{"alerts", "alerts/ways.json", "config", "config.json", "metrics"} {
		if _, body := get(t, s.monitor()+page); strings.Contains(body, "geheim") || strings.Contains(body, "secret-path") {
			t.Errorf("%s tells a secret", page)
		}
	}
	s.stop()
	if all := s.stderr.String() + s.stdout.String(); strings.Contains(all, "geheim") || strings.Contains(all, "secret-path") {
		t.Errorf("a secret is told: %s", all)
	}
}

// What is wrong with alerts is told before anything is served.
func TestAlertFaults(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("geheim\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mail := []string{"--alert-mail", "ops@example.org", "--alert-from", "a@example.org"}
	for _, c := range []struct {
		status int
		want   string
		args   []string
	}{
		{exitUsage, "needs --alert-smtp URL", []string{"--alert-mail", "ops@example.org"}},
		{exitUsage, "is used with --alert-mail", []string{"--alert-from", "a@example.org"}},
		{exitUsage, "no address of a mail server", append(mail, "--alert-smtp", "http://mail.example.org")},
		{exitUsage, "has a password in it", append(mail, "--alert-smtp", "smtp://u:geheim@mail.example.org")},
		{exitUsage, "has a user and no password", append(mail, "--alert-smtp", "smtp://u@mail.example.org")},
		{exitUsage, "shows a password", append(mail, "--alert-smtp", "smtp://u@mail.example.org", "--alert-smtp-password", open, "--alert-smtp-tls", "off")},
		{exitUsage, "give both", append(mail, "--alert-smtp", "smtp://mail.example.org", "--alert-sign-cert", "x")},
		{exitUsage, "no address of a webhook", []string{"--alert-webhook", "ftp://example.org"}},
		{exitUsage, "is used with --alert-webhook", []string{"--alert-webhook-key", "x"}},
		{exitUsage, "rule latency: \"5x\" is no bound", []string{"--alert-rule", "latency: > 5x"}},
		{exitFault, "did you mean goroutines?", []string{"--alert-rule", "busy: gorutines > 5"}},
		{exitFault, "is no mail address", []string{"--alert-mail", "Ops <ops@example.org>", "--alert-from", "a@example.org", "--alert-smtp", "smtp://mail.example.org"}},
		{exitFault, "write the password on its first line", append(mail, "--alert-smtp", "smtp://u@mail.example.org", "--alert-smtp-password", filepath.Join(dir, "none"))},
		{exitFault, "others can read or change", append(mail, "--alert-smtp", "smtp://u@mail.example.org", "--alert-smtp-password", open)},
	} {
		said := fails(t, c.status, append([]string{"serve", "--listen", "127.0.0.1:0", dir}, c.args...)...)
		if !strings.Contains(said, c.want) || strings.Contains(said, "geheim") {
			t.Errorf("%v: %s", c.args, said)
		}
	}
}

// [alerts] and [[alert]] say what flags say.
func TestAlertsOfFile(t *testing.T) {
	p := mailtest.NewPost(t, mailtest.Options{})
	conf := `[server]
listen = "127.0.0.1:0"
monitor = "127.0.0.1:0"
[alerts]
mail = "ops@example.org"
from = "freshet@example.org"
smtp = "smtp://freshet@127.0.0.1:` + p.Port() + `"
smtp-tls = "required"
smtp-ca = "root.pem"
smtp-password = "password"
sign-cert = "cert.pem"
sign-key = "key.pem"
remind = "12h"
[[alert]]
name = "busy"
when = "goroutines > 1"
severity = "critical"
[[alert]]
name = "memory"
off = true
[[site]]
[[site.route]]
redirect = "https://example.org"
`
	file := filepath.Join(p.Dir, "freshet.toml")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	s := alerting(t, home, "run", "-c", file)
	contains(t, p.Read(t), "critical: busy")
	_, out, _ := command(t, home, "alert", "list")
	contains(t, out, "raised   busy", "off      memory")
	s.stop()
}

// Nothing of freshet alert list is wider than 80 columns, and no condition is cut.
func TestAlertListFolds(t *testing.T) {
	since := time.Now().Add(-26 * time.Hour)
	var out bytes.Buffer
	if err := writeAlerts(&out, []alertLine{
		{State: "raised", Rule: "certificate-renewal", Subject: strings.Repeat("a", 100) + ".example.org", Value: "1023.9 MiB", Condition: "connections_percent > 90 % for 1m of 1000", Since: &since, Detail: "the authority\x1b[2J says no"},
		{State: "unknown", Rule: "errors", Condition: "error_ratio > 5 %"},
		{State: "ok", Rule: "own", Condition: strings.Repeat("x", 90) + " > 5"},
	}, time.Now()); err != nil {
		t.Fatal(err)
	}
	contains(t, out.String(), "connections_percent > 90 % for", "1m of 1000\n", "unknown  errors")
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimRight(line, " \n"))); n > 80 || strings.Contains(line, "\x1b") {
			t.Errorf("%d columns: %q", n, line)
		}
	}
}
