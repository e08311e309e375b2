package app

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

var serialOf = regexp.MustCompile(`(?m)^Serial Number: ?([0-9a-f:]+)$`)

// curlSerial has curl fetch a page over a connection of its own, and returns the
// serial number of the server's certificate, which it has verified.
func curlSerial(ctx context.Context, name, secure, roots string) (string, error) {
	_, port, err := net.SplitHostPort(secure)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "curl", "--silent", "--show-error", "--cacert", roots, "--resolve", name+":"+port+":127.0.0.1",
		"--write-out", "\n%{certs}", "https://"+name+":"+port+"/")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("curl: %w: %s", err, &said)
	}
	found := serialOf.FindStringSubmatch(out.String())
	if found == nil || !bytes.HasPrefix(out.Bytes(), []byte("hello\n")) {
		return "", fmt.Errorf("curl printed %q", &out)
	}
	return found[1], nil
}

// TestTLSAutoRenewal: a server renews a certificate whose life is short while curl
// asks over new connections all the time, none of which fails.
func TestTLSAutoRenewal(t *testing.T) {
	t.Parallel()
	wiretest.Longer(t, 5*time.Second, func(left time.Duration) error {
		life := 3 * left // of which a third is left when it is renewed; pebble takes two seconds
		plain, secure := wiretest.Reserve(t), wiretest.Reserve(t)
		a := acmetest.Start(t, acmetest.Options{HTTP: plain, TLS: secure, Life: life})
		p := startWith(t, func(e *Env) { e.CertificatesEvery = life / 50 }, "serve", "--listen", plain, "--tls-listen", secure, "--access-log", "off",
			"--tls-auto", "shop.example.org", "--tls-auto-directory", a.Directory, "--tls-auto-ca", a.File, "--tls-auto-data", filepath.Join(t.TempDir(), "c"),
			folder(t, "index.html", "hello"))
		defer p.stop()
		p.url()
		p.stderr.wait(t, `a certificate is served.*name=shop\.example\.org`)
		roots := a.IssuedFile()
		seen := map[string]bool{}
		for asked, end := 0, time.Now().Add(2*life); len(seen) < 2; asked++ {
			if time.Now().After(end) {
				return fmt.Errorf("after %d connections there were %d certificates", asked, len(seen))
			}
			serial, err := curlSerial(t.Context(), "shop.example.org", secure, roots)
			if err != nil {
				return fmt.Errorf("connection %d: %w", asked, err)
			}
			seen[serial] = true
		}
		return nil
	})
}
