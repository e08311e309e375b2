package app

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crypto/tls"

	"freshet/internal/wiretest"
)

// TestOriginCertificate: an origin that asks is shown the certificate, and the new
// one when the files have changed.
func TestOriginCertificate(t *testing.T) {
	ours := newClients(t)
	roots := x509.NewCertPool()
	roots.AddCert(ours.authority.Certificate())
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName, " ", r.TLS.DidResume)
	}))
	origin.Config.ErrorLog = log.New(io.Discard, "", 0)
	origin.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots}
	origin.StartTLS()
	defer origin.Close()
	dir := folder(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: origin.Certificate().Raw})))
	ca := filepath.Join(dir, "ca.pem")
	firstCert, firstKey := ours.client("first")
	secondCert, secondKey := ours.client("second")
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "c.key")
	place := func(from, to string) {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	place(firstCert, cert)
	place(firstKey, key)
	args := []string{"proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--origin-ca", ca, "--cache", "off"}
	without := start(t, args...)
	if resp, body := get(t, without.url()); resp.StatusCode != 502 {
		t.Errorf("without a certificate: %d %s", resp.StatusCode, body)
	}
	without.stop()
	p := start(t, append(args, "--origin-cert", cert, "--origin-key", key)...)
	for range 2 {
		if resp, body := get(t, p.url()); resp.StatusCode != 200 || body != "first false" {
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	place(secondCert, cert)
	place(secondKey, key)
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		_, body := get(t, p.url())
		if body == "second false" {
			break
		}
		if body != "first false" || time.Now().After(end) {
			t.Fatalf("after the change: %s", body)
		}
	}
	p.stop()
	contains(t, fails(t, exitUsage, append(args, "--origin-cert", cert)...), "--origin-cert and --origin-key belong together; give both")
	contains(t, fails(t, exitFault, append(args, "--origin-cert", cert, "--origin-key", ca)...), "origin-cert: certificate "+cert)
}

// TestOriginOfOpenssl: openssl s_server that verifies clients.
func TestOriginOfOpenssl(t *testing.T) {
	ours := newClients(t)
	cert, key := ours.client("proxy")
	dir := folder(t, "a.txt", "by openssl\n")
	serverCert, serverKey := wiretest.WriteKeyPair(t, t.TempDir(), "origin")
	port := wiretest.Reserve(t)
	server := exec.CommandContext(t.Context(), "openssl", "s_server", "-accept", port, "-cert", serverCert, "-key", serverKey, "-CAfile", ours.ca(), "-Verify", "2", "-verify_return_error", "-WWW")
	server.Dir = dir
	said := newOutput()
	server.Stdout, server.Stderr = said, said
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { server.Process.Kill(); server.Wait() }()
	said.wait(t, `(?m)^ACCEPT`)
	args := []string{"proxy", "--listen", "127.0.0.1:0", "--to", "https://" + port, "--origin-ca", serverCert, "--cache", "off", "--max-fails", "off"}
	without := start(t, args...)
	if resp, _ := get(t, without.url()+"a.txt"); resp.StatusCode != 502 {
		t.Errorf("without a certificate: %d; %s", resp.StatusCode, said)
	}
	without.stop()
	p := start(t, append(args, "--origin-cert", cert, "--origin-key", key)...)
	if resp, body := get(t, p.url()+"a.txt"); resp.StatusCode != 200 || !strings.Contains(body, "by openssl") {
		t.Errorf("%d %s; %s", resp.StatusCode, body, said)
	}
	said.wait(t, `CN ?= ?proxy`)
	p.stop()
}
