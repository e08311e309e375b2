package app

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/acmetest"
	"freshet/internal/bus"
	"freshet/internal/wiretest"
)

// TestAllIsSealed has a server do all that leaves something on the disk: store
// answers and purge some, run jobs with files, keep a fleet with a worker's token,
// get a certificate from an authority, have an authority of its own, raise alerts.
// What was said is found in none of its files, and all is there in the next life.
func TestAllIsSealed(t *testing.T) {
	const secret = "s3cr3tw0rd"
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Cache-Tag", secret)
		io.WriteString(w, strings.Repeat(secret+" ", 10_000))
	}))
	defer origin.Close()
	home, keys := t.TempDir(), filepath.Join(t.TempDir(), "disk.keys")
	data, certificates := filepath.Join(home, "data"), filepath.Join(home, "certificates")
	sealKeys(t, keys, "k1")
	plain, secure := wiretest.Reserve(t), wiretest.Reserve(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: plain, TLS: secure})
	args := []string{"proxy", "--to", origin.URL, "--listen", plain, "--tls-listen", secure, "--monitor", "off", "--access-log", "off",
		"--data", data, "--memory", "1MiB", "--encrypt", keys, "--jobs", "1", "--fleet", "127.0.0.1:0",
		"--tls-local", "--tls-auto", "shop.example.org", "--tls-auto-directory", a.Directory, "--tls-auto-ca", a.File, "--tls-auto-data", certificates,
		"--alert-program", "/bin/true", "--alert-rule", secret + ": goroutines > 1"}
	lives := []string{"first", "second"}
	for i, life := range lives {
		p := startWith(t, func(e *Env) {
			e.Environ, e.AlertLooks = append(e.Environ, "XDG_DATA_HOME="+home), time.Tick(10*time.Millisecond)
		}, args...)
		p.url()
		for _, path := range []string{"a", "b?" + secret} {
			r, err := http.Get("http://" + plain + "/" + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err != nil || !strings.HasPrefix(string(body), secret) {
				t.Errorf("%s life: %s: %d bytes, %v", life, path, len(body), err)
			}
			if hit := strings.Contains(r.Header.Get("Cache-Status"), "; hit"); hit != (i > 0 && path != "a") {
				t.Errorf("%s life: %s: %s", life, path, r.Header.Get("Cache-Status"))
			}
		}
		issued(t, p, secure, "shop.example.org", a.Issued())
		if got, stdout, stderr := command(t, home, "job", "submit", "--data", data, "--wait", "--", "/bin/sh", "-c", "echo "+secret+" | tee out"); got != exitOK {
			t.Errorf("%s life: a job: %s%s", life, stdout, stderr)
		}
		status, list, _ := command(t, home, "job", "list", "--data", data)
		if status != exitOK || strings.Count(list, "succeeded") != i+1 {
			t.Errorf("%s life: jobs: %s", life, list)
		}
		if status, _, stderr := command(t, home, "worker", "invite", "--data", data, fmt.Sprint(secret, i)); status != exitOK {
			t.Errorf("%s life: %s", life, stderr)
		}
		if status, _, stderr := command(t, home, "purge", "--data", data, "--tag", secret+"-other", "http://"+plain+"/a"); status != exitOK {
			t.Errorf("%s life: %s", life, stderr)
		}
		p.stop()
		for _, word := range []string{secret, "PRIVATE KEY", "shop.example.org\n", plain} {
			if found := findSecret(t, home, word); found != nil {
				t.Errorf("%s life: %q is in %v", life, word, found)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(data, alertsFile)); err != nil {
		t.Error(err)
	}
	sealedForNATS(t, filepath.Join(data, "jobs", "bus"), keys, secret)
}

// sealedForNATS looks into the streams of a hub as who knows the key of NATS, or has
// two copies of its folder: all that the fleet put there is sealed once more, and
// nothing has a word.
func sealedForNATS(t *testing.T, dir, keys, word string) {
	t.Helper()
	ring, err := openRing(keys, discard())
	if err != nil {
		t.Fatal(err)
	}
	server, err := bus.Start(bus.Options{Dir: dir, Seal: ring})
	if errors.Is(err, bus.ErrAbsent) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	conn, err := server.Connect("reader")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	state, err := conn.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	looked, words := 0, 0
	for _, s := range state.Streams {
		ours := strings.HasPrefix(s.Name, "log_") || strings.HasPrefix(s.Name, "page_") || strings.HasPrefix(s.Name, "OBJ_")
		for n := s.First; n > 0 && n <= s.Last; n++ {
			m, err := conn.PeekFrom(t.Context(), s.Name, n)
			if errors.Is(err, bus.ErrNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n = m.Number
			sealed := len(m.Header["Freshet-Sealed"]) > 0 // and Payload is what is in it
			switch {
			case ours && len(m.Payload) > 0 && !sealed:
				t.Errorf("message %d of stream %s is not sealed before NATS gets it", n, s.Name)
			case !ours && !sealed && strings.Contains(string(m.Payload), word):
				t.Errorf("message %d of stream %s has the word", n, s.Name)
			}
			if strings.Contains(m.Subject+fmt.Sprint(m.Header), word) && !strings.HasPrefix(s.Name, "page_") {
				t.Errorf("message %d of stream %s says the word in its subject or header", n, s.Name)
			}
			if looked++; strings.Contains(string(m.Payload), word) {
				words++
			}
		}
	}
	if looked < 5 || words == 0 {
		t.Errorf("%d messages, of which %d have the word when they are opened: this test finds nothing", looked, words)
	}
}
