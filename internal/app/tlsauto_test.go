package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/internal/acmetest"
	"freshet/internal/authority"
	"freshet/internal/wiretest"
)

// trusted makes a handshake for a name, and returns who has signed the
// certificate, which has to be good for the name.
func trusted(addr, name string, roots *x509.CertPool) (issuer string, err error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Issuer.CommonName, nil
}

// issued waits until a name has a certificate of those roots.
func issued(t *testing.T, p *program, addr, name string, roots *x509.CertPool) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, err = trusted(addr, name, roots); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v; it said %s", name, err, p.stderr)
}

// TestTLSAuto has a server get a certificate, with one in a file beside it, and
// begin anew while the authority is away.
func TestTLSAuto(t *testing.T) {
	plain, secure := wiretest.Reserve(t), wiretest.Reserve(t)
	a := acmetest.New(t, acmetest.Options{HTTP: plain, TLS: secure})
	ca, err := authority.Create(filepath.Join(t.TempDir(), "ca"), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Cert([]string{"file.example.org"}, authority.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := pair.Save(cert, key, false); err != nil {
		t.Fatal(err)
	}
	args := []string{"serve", "--monitor", wiretest.Reserve(t), "--listen", plain, "--tls-listen", secure, "--tls-cert", cert, "--tls-key", key,
		"--tls-auto", "shop.example.org", "--tls-auto", "file.example.org", "--tls-auto-directory", a.Directory, "--tls-auto-ca", a.File,
		"--tls-auto-email", "someone@example.org", "--tls-auto-data", filepath.Join(dir, "certificates"), folder(t, "index.html", "hello")}

	p := start(t, args...)
	p.stderr.wait(t, `proven to the authority by HTTP-01, asked at port 80 and answered at `+plain+`, or by TLS-ALPN-01, asked at port 443 and answered at `+secure)
	p.stderr.wait(t, `asking for a certificate for shop\.example\.org`)
	p.stderr.wait(t, `there is no certificate.*name=shop\.example\.org`)
	shown := func(path string) string {
		text := body(t, "http://"+args[2]+path)
		if strings.HasPrefix(path, "/why") {
			text = strings.Join(strings.Fields(text), " ")
		}
		return text
	}
	contains(t, shown("/why.txt?url=https://shop.example.org/"), "Nothing comes so far", "handshakes for shop.example.org are refused; last failure, ")
	contains(t, shown("/certificates.csv"), "\r\nfile.example.org,valid,"+cert+",", "\r\nshop.example.org,failing,ACME,,")
	p.stop()

	a.Start()
	p = start(t, args...)
	p.url()
	if got := body(t, "http://"+plain+"/"); got != "hello" {
		t.Errorf("without TLS: %q", got)
	}
	roots := a.Issued()
	issued(t, p, secure, "shop.example.org", roots)
	if _, err := trusted(secure, "file.example.org", ca.Pool()); err != nil {
		t.Errorf("the certificate in a file is not preferred: %v", err)
	}
	if by, err := trusted(secure, "shop.example.org", ca.Pool()); err == nil {
		t.Errorf("shop.example.org has a certificate by %s", by)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "shop.example.org"}}}
	r, err := client.Get("https://" + secure + "/")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	r.Body.Close()
	contains(t, shown("/why.txt?url=https://shop.example.org/"), `by "Pebble Intermediate`, "by ACME, renewed from 2")
	contains(t, shown("/why.txt?url=https://file.example.org/"), "in "+cert)
	contains(t, shown("/certificates.csv"), "\r\nshop.example.org,valid,ACME,Pebble Intermediate")
	if string(text) != "hello" || r.ProtoMajor != 2 {
		t.Errorf("%q by %s", text, r.Proto)
	}
	p.stop()

	a.Stop()
	p = start(t, args...)
	p.stderr.wait(t, `a certificate for shop\.example\.org is valid until 2`)
	if _, err := trusted(secure, "shop.example.org", roots); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	p.stop()
}

// TestTLSAutoOfAFile: with no port but that of TLS the proof is a handshake, and
// nothing can be asked in it.
func TestTLSAutoOfAFile(t *testing.T) {
	secure, dir := wiretest.Reserve(t), t.TempDir()
	a := acmetest.Start(t, acmetest.Options{TLS: secure})
	file := filepath.Join(dir, "freshet.toml")
	text := fmt.Sprintf("[server]\ntls-listen = %q\ntls-auto = [\"shop.example.org\"]\ntls-auto-directory = %q\ntls-auto-ca = %q\ntls-auto-data = \"kept\"\n"+
		"[[site]]\n[[site.route]]\nstatic = %q\n", secure, a.Directory, a.File, folder(t, "index.html", "hello"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "run", "--config", file)
	issued(t, p, secure, "shop.example.org", a.Issued())
	if _, err := os.Stat(filepath.Join(dir, "kept", "accounts")); err != nil {
		t.Errorf("the folder is not beside the file: %v", err)
	}
	p.stop()
}

// body returns what is at an address.
func body(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTLSAutoRefuses: until a name has a certificate, who asks for it gets none,
// and a challenge that nobody has opened is none.
func TestTLSAutoRefuses(t *testing.T) {
	plain, secure, nobody := wiretest.Reserve(t), wiretest.Reserve(t), wiretest.Reserve(t)
	home := t.TempDir() // for both folders
	p := startWith(t, func(e *Env) { e.Environ = append([]string{"XDG_DATA_HOME=" + home}, noMonitor...) },
		"serve", "--listen", plain, "--tls-listen", secure, "--tls-auto", "shop.example.org", "--tls-local", "--tls-auto-directory", "https://"+nobody+"/",
		folder(t, ".well-known/acme-challenge/token", "of another program"))
	p.url()
	for _, protocols := range [][]string{nil, {"acme-tls/1"}} {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", secure, &tls.Config{ServerName: "shop.example.org", InsecureSkipVerify: true, NextProtos: protocols})
		if err == nil {
			t.Errorf("%v: a certificate for %v", protocols, c.ConnectionState().PeerCertificates[0].DNSNames)
			c.Close()
		}
	}
	if c, err := tls.Dial("tcp", secure, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true}); err != nil {
		t.Errorf("--tls-local does not go on beside it: %v", err)
	} else {
		c.Close()
	}
	if got := body(t, "http://"+plain+"/.well-known/acme-challenge/token"); got != "of another program" {
		t.Errorf("a challenge that is not ours: %q", got)
	}
	if _, err := os.Stat(filepath.Join(home, "freshet", "certificates", "locks")); err != nil {
		t.Error(err)
	}
	p.stop()
}

// TestTLSAutoNames: what cannot be had is said before anything is served.
func TestTLSAutoNames(t *testing.T) {
	for name, want := range map[string]string{
		"localhost":     "no public authority",
		"shop.test":     "no public authority",
		"192.0.2.1":     "an address gets no certificate here",
		"*.example.org": "proven by the DNS alone",
		"nas":           "a name of this network",
		"a_b.example":   "no name of a host",
	} {
		said := fails(t, exitFault, "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-auto", name, "--tls-auto-data", filepath.Join(t.TempDir(), "c"), folder(t))
		if !strings.Contains(said, want) {
			t.Errorf("%s: %s", name, said)
		}
	}
}

// TestTLSAutoOnDemand: who is permitted gets a certificate with a handshake, and
// nobody else; a name that the user's own authority signs for is left to that.
func TestTLSAutoOnDemand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a shell script")
	}
	plain, secure, dir := wiretest.Reserve(t), wiretest.Reserve(t), t.TempDir()
	a := acmetest.Start(t, acmetest.Options{HTTP: plain, TLS: secure})
	ask := filepath.Join(dir, "ask")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\ncase $1 in *.shop.example.org) exit 0;; esac\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, func(e *Env) { e.Environ = append([]string{"XDG_DATA_HOME=" + dir}, noMonitor...) },
		"serve", "--listen", plain, "--tls-listen", secure, "--tls-local", "--tls-auto-ask", ask, "--tls-auto-directory", a.Directory, "--tls-auto-ca", a.File, folder(t))
	p.url()
	issued(t, p, secure, "one.shop.example.org", a.Issued())
	for name, want := range map[string]string{"other.example.org": "", "x.test": "local", "shop.example.org": ""} {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", secure, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if (err == nil) != (want != "") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			c.Close()
		}
	}
	p.stop()
	said := fails(t, exitUsage, "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-local", "--tls-auto-ask", "ask", folder(t))
	if !strings.Contains(said, "the whole path of a program") {
		t.Errorf("%s", said)
	}
}

// TestProofsAt: an authority is not sent to a port that it does not ask at, as
// far as that can be known.
func TestProofsAt(t *testing.T) {
	for _, tt := range []struct {
		plain, secure string
		http, tls     bool
	}{
		{":80", ":443", true, true},
		{":http", ":https", true, true},
		{"127.0.0.1:8080", ":443", false, true},
		{"127.0.0.1:8080 [::]:80", "192.0.2.1:443", true, true},
		{":8080", ":8443", true, true},
		{":80", ":8443", true, true},
		{":8080", "", true, false},
		{"", ":8443", false, true},
	} {
		plain, secure := strings.Fields(tt.plain), strings.Fields(tt.secure)
		if http, tls := proofsAt(plain, secure); http != tt.http || tls != tt.tls {
			t.Errorf("%+v: %v, %v", tt, http, tls)
		}
	}
}
