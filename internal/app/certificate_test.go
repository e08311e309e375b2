package app

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/wiretest"
)

// TestCertificateByName: the exact name's certificate goes before that of the
// longest wildcard, and that before the server's.
func TestCertificateByName(t *testing.T) {
	var text strings.Builder
	pair := func(name string) (cert, key string) { return wiretest.WriteKeyPair(t, t.TempDir(), name) }
	cert, key := pair("default")
	fmt.Fprintf(&text, "[server]\ntls-listen = '127.0.0.1:0'\nmonitor = 'off'\ntls-cert = %q\ntls-key = %q\n", cert, key)
	for _, name := range []string{"exact.test", "*.test", "*.deep.test", "own-none.example"} {
		cert, key := pair(name)
		fmt.Fprintf(&text, "[[site]]\nnames = [%q]\n", name)
		if name != "own-none.example" {
			fmt.Fprintf(&text, "certificate = %q\nkey = %q\n", cert, key)
		}
		text.WriteString("[[site.route]]\nredirect = '/x'\n")
	}
	file := filepath.Join(t.TempDir(), "freshet.toml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "--config", file, "--access-log", "off")
	addr := strings.TrimSuffix(strings.TrimPrefix(p.url(), "https://"), "/")
	for name, want := range map[string]string{
		"exact.test":         "exact.test",
		"EXACT.test.":        "exact.test",
		"other.test":         "*.test",
		"a.exact.test":       "*.test",
		"deep.test":          "*.test",
		"a.deep.test":        "*.deep.test",
		"a.b.deep.test":      "*.deep.test",
		"own-none.example":   "default",
		"nobody.example":     "default",
		"test":               "default",
		"exact.test.evil":    "default",
		"127.0.0.1":          "default", // which is not sent
		"xn--bcher-kva.test": "*.test",
	} {
		c := dialTLS(t, addr, &tls.Config{ServerName: name})
		if got := c.ConnectionState().PeerCertificates[0].Subject.CommonName; got != want {
			t.Errorf("%s: the certificate of %s, want %s", name, got, want)
		}
	}
	p.stop()
}
