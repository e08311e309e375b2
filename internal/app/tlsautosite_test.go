package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

// TestTLSAutoOfSites: a site's names get certificates, when it is there at the
// start, and when it comes with the file; one that goes is not renewed, what it
// had stays, and is served when it comes back.
func TestTLSAutoOfSites(t *testing.T) {
	plain, secure, data := wiretest.Reserve(t), wiretest.Reserve(t), filepath.Join(t.TempDir(), "c")
	a := acmetest.Start(t, acmetest.Options{HTTP: plain, TLS: secure})
	cert, key, roots := certificate(t, "file.example.org")
	dir := folder(t, "index.html", "hello")
	server := func(sites ...string) string {
		text := fmt.Sprintf("[server]\nlisten = %q\ntls-listen = %q\n", plain, secure)
		for _, s := range sites {
			text += "[[site]]\n" + s + "[[site.route]]\nstatic = '" + dir + "'\n"
		}
		return text
	}
	settings := fmt.Sprintf("tls-auto-directory = %q\ntls-auto-ca = %q\ntls-auto-data = %q\n", a.Directory, a.File, data)
	file := "names = ['file.example.org']\ncertificate = '" + cert + "'\nkey = '" + key + "'\n"
	auto := func(names string) string { return "names = [" + names + "]\ntls = 'auto'\n" }
	c := startFile(t, server(file)) // nothing is by ACME so far
	c.url()
	with := func(sites ...string) string {
		return strings.Replace(server(sites...), "[[site]]", settings+"[[site]]", 1)
	}

	c.change(t, with(file, auto("'a.example.org'")), `names are proven to the authority by HTTP-01, .*asking for a certificate for a\.example\.org`)
	issued(t, c.program, secure, "a.example.org", a.Issued())
	c.stderr.wait(t, changed)
	if strings.Contains(c.stderr.String(), "at the next start only") {
		t.Errorf("what is obeyed now is said to be later: %s", c.stderr)
	}
	c.change(t, with(file, auto("'a.example.org', 'b.example.org'")), `asking for a certificate for b\.example\.org`)
	issued(t, c.program, secure, "b.example.org", a.Issued())
	first, err := leaf(secure, "a.example.org", a.Issued())
	if err != nil {
		t.Fatal(err)
	}
	misdirected(t, secure, a.Issued(), roots)

	c.change(t, with(file, auto("'b.example.org'")), changed)
	if _, err := leaf(secure, "a.example.org", a.Issued()); err == nil {
		t.Error("a name that went has a certificate")
	}
	c.change(t, with(file, auto("'b.example.org', 'a.example.org'")), `a certificate for a\.example\.org is valid until`)
	if again, err := leaf(secure, "a.example.org", a.Issued()); err != nil || !again.Equal(first) {
		t.Errorf("a name that comes back has not what it had: %v", err)
	}
	c.change(t, with(file, auto("'b.example.org', 'x.localhost.x'"), auto("'nas'")), `f\.toml:19: nas: it is a name of this network`)
	if _, err := leaf(secure, "a.example.org", a.Issued()); err != nil {
		t.Errorf("a faulty file is obeyed: %v", err)
	}
	c.stop()
}

// leaf returns the certificate that a name gets, which has to be good.
func leaf(addr, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// misdirected wants 421 for hosts that the connection's certificate is not for,
// by both protocols, whether or not the answer is prepared.
func misdirected(t *testing.T, addr string, byACME, byFile *x509.CertPool) {
	t.Helper()
	for _, protocol := range []string{"http/1.1", "h2"} {
		for _, tt := range []struct {
			made string // for whom the connection was made
			host string
			want int
		}{
			{"a.example.org", "a.example.org", 200},
			{"b.example.org", "B.example.org:443", 200},
			{"file.example.org", "file.example.org", 200},
			{"a.example.org", "b.example.org", 421},
			{"a.example.org", "file.example.org", 421},
			{"file.example.org", "a.example.org", 421},
		} {
			roots := byACME
			if tt.made == "file.example.org" {
				roots = byFile
			}
			transport := &http.Transport{ForceAttemptHTTP2: protocol == "h2", DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
				return tls.Dial("tcp", addr, &tls.Config{ServerName: tt.made, RootCAs: roots, NextProtos: []string{protocol}})
			}}
			client := &http.Client{Transport: transport}
			for i := range 4 { // the first one prepares what the others get
				method := []string{"GET", "POST"}[i/3]
				r, err := http.NewRequest(method, "https://"+tt.made+"/", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = tt.host
				resp, err := client.Do(r)
				if err != nil {
					t.Fatalf("%s %+v: %v", protocol, tt, err)
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				want := tt.want
				if method == "POST" && want == 200 {
					want = 405
				}
				if resp.StatusCode != want || (resp.ProtoMajor == 2) != (protocol == "h2") {
					t.Errorf("%s %+v, %s %d: %s by %s", protocol, tt, method, i, resp.Status, resp.Proto)
				}
			}
			transport.CloseIdleConnections()
		}
	}
}
