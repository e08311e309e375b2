package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/authority"
)

// serveLocal starts a program with --tls-local in a home of its own, and returns
// where it listens, and who trusts its authority.
func serveLocal(t *testing.T, home string, args ...string) (p *program, addr string, roots *x509.CertPool) {
	t.Helper()
	p = startWith(t, func(e *Env) { e.Environ = append([]string{"XDG_DATA_HOME=" + home}, noMonitor...) }, args...)
	at, err := url.Parse(p.url())
	if err != nil || at.Scheme != "https" {
		t.Fatalf("it serves on %s", p.stderr)
	}
	a, err := authority.Open(filepath.Join(home, "freshet", "authority"), nil)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(a.Certificate())
	return p, at.Host, roots
}

// greet makes a handshake for a name, or none, and returns who has signed the
// certificate, once it is good for the name.
func greet(addr, name string, roots *x509.CertPool) (issuer string, err error) {
	verify := name
	if name == "" {
		verify, _, _ = net.SplitHostPort(addr)
	}
	c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: name, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: verify})
		issuer = s.PeerCertificates[0].Issuer.CommonName
		return err
	}})
	if err == nil {
		c.Close()
	}
	return issuer, err
}

func TestTLSLocal(t *testing.T) {
	home, host := t.TempDir(), ""
	if name, err := os.Hostname(); err == nil && !strings.ContainsAny(name, "_") {
		host = name
	}
	p, addr, roots := serveLocal(t, home, "serve", "--tls-local", "--tls-listen", "127.0.0.1:0", folder(t, "index.html", "hello"))
	p.stderr.wait(t, "made an authority, freshet local authority.*\n(?:.*\n)*.*freshet tls trust")
	for _, name := range []string{"", "localhost", "LOCALHOST", "a.localhost", "shop.test", "nas.local", "x.home.arpa", "db.internal", host} {
		if _, err := greet(addr, name, roots); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"www.example.org", "notlocal", "test.example.org", "localhost.example.org", "xtest"} {
		if issuer, err := greet(addr, name, roots); err == nil {
			t.Errorf("%q: a certificate by %s", name, issuer)
		}
	}
	p.stop()

	again, addr, roots := serveLocal(t, home, "serve", "--tls-local", "--tls-listen", "127.0.0.1:0", folder(t))
	if _, err := greet(addr, "localhost", roots); err != nil {
		t.Error(err)
	}
	again.stop()
	if strings.Contains(again.stderr.String(), "made an authority") {
		t.Errorf("it made another one: %s", again.stderr)
	}
}

// TestTLSLocalBesideFiles: a certificate of a file is preferred for its names,
// and answers for names that are not local, as ever.
func TestTLSLocalBesideFiles(t *testing.T) {
	dir, home := folder(t, "index.html", "hello"), t.TempDir()
	cert, key, fromFile := certificate(t)
	file := filepath.Join(dir, "freshet.toml")
	if err := os.WriteFile(file, fmt.Appendf(nil, `
[server]
tls-listen = "127.0.0.1:0"
tls-cert = %q
tls-key = %q
tls-local = true

[[site]]
names = ["www.example.org"]
[[site.route]]
static = %q
`, cert, key, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	p, addr, local := serveLocal(t, home, "run", "-c", file)
	leaf, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range leaf.Leaf.DNSNames {
		if _, err := greet(addr, name, fromFile); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"shop.test", "www.example.org"} {
		if _, err := greet(addr, name, local); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: "other.example.net", InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.ConnectionState().PeerCertificates[0]; !got.Equal(leaf.Leaf) {
		t.Errorf("a name of nobody gets a certificate for %v", got.DNSNames)
	}
	c.Close()
	p.stop()
}

func TestTLSLocalNeedsItsFolder(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, "freshet", "authority")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "private.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for environ, want := range map[string]string{
		"XDG_DATA_HOME=" + home: "--tls-local: ",
		"A=b":                   "set HOME or XDG_DATA_HOME",
	} {
		p := startWith(t, func(e *Env) { e.Environ = []string{environ} }, "serve", "--tls-local", "--tls-listen", "127.0.0.1:0", "--monitor", "off", folder(t))
		if status := p.wait(); status == exitOK || !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%s: status %d: %s", environ, status, p.stderr)
		}
	}
}

// TestTLSLocalSites: a connection for one name may not ask for another, whose
// certificate would be another one; a client that names nobody, for the address.
func TestTLSLocalSites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "freshet.toml")
	text := "[server]\ntls-listen = '127.0.0.1:0'\ntls-local = true\nmonitor = 'off'\n"
	for _, names := range []string{"'a.test', 'localhost'", "'b.test'", "'127.0.0.1'"} {
		text += "[[site]]\nnames = [" + names + "]\n[[site.route]]\nredirect = '/x'\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, addr, _ := serveLocal(t, t.TempDir(), "run", "--config", file, "--access-log", "off")
	port := addr[strings.LastIndex(addr, ":")+1:]
	for _, tt := range []struct{ name, host, want string }{
		{"a.test", "a.test", "308"}, {"b.test", "b.test", "308"}, {"localhost", "localhost", "308"},
		{"localhost", "b.test", "421"}, {"a.test", "localhost", "421"}, {"b.test", "127.0.0.1", "421"},
		{"127.0.0.1", "127.0.0.1", "308"}, {"127.0.0.1", "a.test", "421"},
	} {
		out, err := exec.CommandContext(t.Context(), "curl", "-sk", "--resolve", tt.name+":"+port+":127.0.0.1", "-H", "Host: "+tt.host+":"+port,
			"-o", os.DevNull, "-w", "%{http_code}", "https://"+tt.name+":"+port+"/").Output()
		if err != nil || string(out) != tt.want {
			t.Errorf("connected for %s, asked for %s: %s, %v; want %s", tt.name, tt.host, out, err, tt.want)
		}
	}
	p.stop()
}
