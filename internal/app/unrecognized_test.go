package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/authority"
	"freshet/internal/wiretest"
)

// TestUnrecognizedName: who asks for a name that there is no certificate for is
// told that, and not that the server is broken (RFC 6066 §3), as openssl sees it.
func TestUnrecognizedName(t *testing.T) {
	const unknown, broken = "alert number 112", "alert number 80"
	serve := func(t *testing.T, home string, args ...string) (addr string) {
		p := startWith(t, func(e *Env) { e.Environ = append([]string{"XDG_DATA_HOME=" + home}, noMonitor...) },
			append([]string{"serve", "--listen", "127.0.0.1:0", "--access-log", "off", folder(t)}, args...)...)
		t.Cleanup(p.stop)
		return strings.TrimSuffix(p.stderr.wait(t, `(?m)^serving .* on https://(\S+/)$`), "/")
	}
	asks := func(t *testing.T, addr string, want map[string]string) {
		for name, alert := range want {
			for _, version := range []string{"-tls1_2", "-tls1_3"} {
				who := []string{"-servername", name}
				if name == "" {
					who = []string{"-noservername"}
				}
				said, err := sClient(t, addr, append(who, version)...)
				if alert == "" && err != nil || alert != "" && (err == nil || !strings.Contains(said, alert)) {
					t.Errorf("%q %s: %v, want %q: %s", name, version, err, alert, said)
				}
			}
		}
	}
	t.Run("--tls-local", func(t *testing.T) {
		home := t.TempDir()
		if _, err := authority.Create(filepath.Join(home, "freshet", "authority"), authority.Options{Exclude: []string{"secret.test"}}); err != nil {
			t.Fatal(err)
		}
		asks(t, serve(t, home, "--tls-local", "--tls-listen", "127.0.0.1:0"), map[string]string{
			"shop.test": "", "": "", "www.example.org": unknown, "secret.test": unknown, "-x.test": unknown,
		})
	})
	t.Run("--tls-auto", func(t *testing.T) {
		asks(t, serve(t, t.TempDir(), "--tls-listen", wiretest.Reserve(t), "--tls-auto", "shop.example.org", "--tls-auto-directory", "https://"+wiretest.Reserve(t)+"/"), map[string]string{
			"shop.example.org": broken, "www.example.org": unknown, "": unknown,
		})
	})
	t.Run("--tls-auto-ask", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("a shell script")
		}
		ask := filepath.Join(t.TempDir(), "ask")
		if err := os.WriteFile(ask, []byte("#!/bin/sh\n[ $1 = shop.example.org ]\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		asks(t, serve(t, t.TempDir(), "--tls-listen", wiretest.Reserve(t), "--tls-auto-ask", ask, "--tls-auto-directory", "https://"+wiretest.Reserve(t)+"/"), map[string]string{
			"shop.example.org": broken, "www.example.org": unknown, "shop.test": unknown, "": unknown,
		})
	})
}
