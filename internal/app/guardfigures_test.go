package app

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/userfile"
)

// The tables of guards are on the monitor and among the figures for programs, with
// their bounds, and how often they were full; without guards they are not.
func TestGuardFigures(t *testing.T) {
	dir := t.TempDir()
	keys, secret, users := filepath.Join(dir, "signers.keys"), filepath.Join(dir, "mac.pem"), filepath.Join(dir, "users")
	line, err := userfile.Line("ann", "secret", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{keys: "mac hmac-sha256 " + macSecret + "\n", secret: "mac hmac-sha256 " + macSecret + "\n", users: line + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "freshet.toml")
	text := "[server]\nlisten = '127.0.0.1:0'\nmonitor = '127.0.0.1:0'\n[[site]]\n[[site.route]]\nredirect = '/x'\n" +
		"[[site.route]]\npath = '/signed'\nredirect = '/x'\nsignatures = '" + keys + "'\nsignature-replays = 4\n" +
		"[[site.route]]\npath = '/users'\nredirect = '/x'\nusers = '" + users + "'\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var late atomic.Int64
	late.Store(int64(time.Minute)) // in the first seconds of a server no signature is taken
	p := startWith(t, func(e *Env) {
		e.Environ, e.Now = []string{"HOME=" + dir}, func() int64 { return time.Now().UnixNano() - late.Load() }
	}, "run", "-c", conf)
	base, at := p.url(), p.monitor()
	late.Store(0)
	expect := func(want ...string) {
		t.Helper()
		lacks := func(figures string) string {
			for _, line := range want {
				if !strings.Contains(figures, "\n"+line+"\n") {
					return line
				}
			}
			return ""
		}
		for began := time.Now(); ; time.Sleep(50 * time.Millisecond) { // they are made once a second
			_, figures := get(t, at+"metrics")
			lack := lacks(figures)
			if lack == "" {
				return
			}
			if time.Since(began) > patience {
				t.Fatalf("%s is not among\n%s", lack, figures)
			}
		}
	}
	expect("freshet_signatures_held 0", "freshet_signatures_held_limit 4", "freshet_signatures_refused_total 0", "freshet_tries_clients 0", "freshet_tries_clients_limit 4096", "freshet_tries_names 0", "freshet_tries_refused_total 0", "freshet_forward_auth_waiting 0")
	for i := range 5 { // of which a key may take three
		status := 308
		if i >= 3 {
			status = 503
		}
		_, stdout, stderr := command(t, dir, "get", "--no-cache", "--no-location", "-o", os.DevNull, "-w", "%{http_code}", "--sign", secret, base+"signed")
		if stdout != fmt.Sprint(status) {
			t.Errorf("%d: %s, %s", i, stdout, stderr)
		}
	}
	for i := range 12 {
		r, _ := http.NewRequest("GET", base+"users", nil)
		r.SetBasicAuth(map[bool]string{true: "ann", false: "bob"}[i%2 == 0], "wrong")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want := map[bool]int{true: 401, false: 429}[i < 10]; resp.StatusCode != want {
			t.Errorf("%d: %d", i, resp.StatusCode)
		}
	}
	expect("freshet_signatures_held 3", "freshet_signatures_refused_total 2", "freshet_tries_clients 1", "freshet_tries_names 2", "freshet_tries_refused_total 2")
	_, page := get(t, at, "Accept", "text/html")
	contains(t, page, "Signatures held", "Tries clients", "of 4,096")
	p.stop()

	p, _ = monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", dir)
	if _, figures := get(t, p.monitor()+"metrics"); strings.Contains(figures, "tries_") || strings.Contains(figures, "signatures_") {
		t.Errorf("without guards:\n%s", figures)
	}
	p.stop()
}
