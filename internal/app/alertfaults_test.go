package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/alert"
	"freshet/internal/mailtest"
	"freshet/internal/wiretest"
)

// Each of these causes a real fault at a server that runs, is told of it when it has
// lasted, starts the server anew meanwhile, which tells nothing, mends the fault and
// is told that it is over: that, and nothing besides.

// A cache that answered nearly all from what it has, and then nothing.
func TestAlertHitRatio(t *testing.T) {
	t.Parallel()
	origin, _ := counting(t)
	s := watch(t, "", "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0")
	s.pass(0)
	s.ask(1000, 8, the(s.url()))
	s.pass(11 * time.Minute) // all that is older than ten minutes now
	s.ask(200, 8, the(s.url()))
	s.until("hit-ratio", "ok") // until a second has ended the past has none of them
	for _, path := range []string{"one/", "two/"} {
		s.ask(200, 8, each(s.url()+path))
		s.pass(10 * time.Minute)
	}
	n := s.next(alert.RaisedNotice, "hit-ratio", "")
	if *n.Value < 30 || n.Severity != alert.Warning {
		t.Errorf("%+v", n)
	}
	s.again()
	for range 2 {
		s.ask(200, 8, the(s.url()))
		s.pass(10 * time.Minute)
	}
	s.over(n)
	s.end()
}

// An origin that takes a second and more for what it has.
func TestAlertLatency(t *testing.T) {
	t.Parallel()
	const bound = time.Second
	var slow atomic.Bool
	open, all := make(chan struct{}), make(chan struct{}, 200)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			all <- struct{}{}
			<-open
		}
		w.Header().Set("Cache-Control", "max-age=600")
	}))
	defer origin.Close()
	s := watch(t, "", "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--alert-rule", "latency: > 1s for 2m")
	s.pass(0)
	slow.Store(true)
	const n = 100
	go func() {
		for range n {
			<-all
		}
		// Each has been there for the time that it is about, by the clock of requests.
		time.AfterFunc(bound+bound/10, func() { close(open) })
	}()
	s.ask(n, n, each(s.url()+"slow/"))
	slow.Store(false)
	s.pass(time.Minute)
	s.pass(2 * time.Minute)
	told := s.next(alert.RaisedNotice, "latency", "")
	if *told.Value < bound.Seconds() || *told.Value > patience.Seconds() || told.Condition != "latency_p99 > 1 s for 2m" {
		t.Errorf("%+v %v", told, *told.Value)
	}
	s.again()
	s.pass(4 * time.Hour)  // in which nobody asks: that is no good news
	for len(s.told) == 0 { // a machine that is busy may need a second for one that is not held
		s.ask(n, 8, the(s.url()))
		s.pass(time.Minute)
	}
	s.over(told)
	s.end()
}

// An origin that answers with 503.
func TestAlertErrors(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			http.Error(w, "no", http.StatusServiceUnavailable)
		}
	}))
	defer origin.Close()
	// What origins answered is known of five minutes of the real clock.
	s := watch(t, "", "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--max-fails", "off", "--alert-rule", "errors: for 1m", "--alert-rule", "origin-errors: for 1m")
	broken.Store(true)
	s.pass(0)
	s.ask(50, 8, each(s.url()))
	s.pass(time.Minute)
	s.pass(time.Minute)
	ofOrigin := s.next(alert.RaisedNotice, "origin-errors", origin.URL)
	all := s.next(alert.RaisedNotice, "errors", "")
	if ofOrigin.Detail != "status 503" || *all.Value < 99 {
		t.Errorf("%+v %+v", ofOrigin, all)
	}
	s.again()
	broken.Store(false)
	s.ask(50, 8, each(s.url()))
	s.pass(0)
	s.pass(time.Minute)
	s.over(ofOrigin)
	s.over(all)
	s.end()
}

// Clients that hold all the connections that there may be.
func TestAlertConnections(t *testing.T) {
	t.Parallel()
	s := watch(t, "", "serve", "--listen", "127.0.0.1:0", "--max-connections", "10", "--max-connections-per-client", "off", folder(t))
	hold := func() (all []net.Conn) {
		t.Helper()
		for range 10 {
			c, err := net.Dial("tcp", strings.Trim(strings.TrimPrefix(s.url(), "http:"), "/"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			// An answer says that it is counted.
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		return all
	}
	hold()
	s.pass(0)
	s.pass(time.Minute)
	n := s.next(alert.RaisedNotice, "connections", "")
	if *n.Value != 100 {
		t.Errorf("%v", *n.Value)
	}
	s.arrived()
	s.stop()
	s.begin()
	held := hold()
	s.pass(time.Minute)
	for _, c := range held {
		c.Close()
	}
	for len(s.told) == 0 { // until the server has seen that they are gone, and a minute
		s.pass(time.Minute)
	}
	s.over(n)
	s.end()
}

// A job for a machine that nobody has, until somebody comes who has one.
func TestAlertJobStuck(t *testing.T) {
	t.Parallel()
	s := watch(t, "", "serve", "--listen", "127.0.0.1:0", "--jobs", "1", "--fleet", wiretest.Reserve(t), folder(t))
	token := s.token()
	_, id, said := command(t, s.home, "job", "submit", "--data", s.data, "--name", "film", "--need", "gpu", "--", "true")
	if id = strings.TrimSpace(id); id == "" {
		t.Fatal(said)
	}
	s.pass(0)
	s.pass(time.Hour + time.Second)
	s.pass(time.Minute)
	n := s.next(alert.RaisedNotice, "job-stuck", id+" film")
	contains(t, n.Detail, "no worker that is known has the labels that it needs")
	s.again()
	s.pass(time.Hour)
	w := startWith(t, func(e *Env) { e.Environ = append(environ(t.TempDir()), "FRESHET_JOIN="+token) }, "worker", "--tasks", "1", "--label", "gpu")
	if status, out, said := command(t, s.home, "job", "wait", "--data", s.data, id); status != exitOK {
		t.Fatalf("%d %s%s", status, out, said)
	}
	s.pass(0)
	s.pass(time.Minute)
	s.over(n)
	w.stop()
	s.end()
}

// A certificate that ends within the hour, then one whose key is forgotten.
func TestAlertCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, oldKey := leafOf(t, 1, time.Hour)
	cert, key := mailtest.Write(t, dir, "www.pem", old), mailtest.Write(t, dir, "www.key", oldKey)
	s := watch(t, "", "serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, folder(t))
	s.pass(0)
	s.pass(49 * time.Minute) // a sixth of its life is not left to it from then on
	s.pass(2 * time.Minute)
	ends := s.next(alert.RaisedNotice, "certificate-expiry", cert)
	if *ends.Value > 600 || *ends.Value < 300 || !strings.Contains(ends.Detail, old.NotAfter.UTC().Format(time.RFC3339)) {
		t.Errorf("%v %+v", *ends.Value, ends)
	}
	s.again()

	fresh, freshKey := leafOf(t, 2, 300*24*time.Hour)
	mailtest.Write(t, dir, "www.pem", fresh)
	s.pass(time.Minute)
	s.pass(time.Hour)
	fails := s.next(alert.RaisedNotice, "certificate-renewal", filepath.Base(cert))
	contains(t, fails.Detail, "The previous certificate is served", "private key does not match")

	mailtest.Write(t, dir, "www.key", freshKey)
	s.served(fresh)
	s.pass(time.Minute)
	s.pass(time.Minute)
	s.over(ends)
	s.pass(time.Hour)
	s.over(fails)
	s.end()
}

// A file of keys that others can read, with which no server starts.
func TestAlertKeyFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "disk.keys")
	sealKeys(t, keys, "k1")
	s := watch(t, "", "serve", "--listen", "127.0.0.1:0", "--encrypt", keys, folder(t))
	s.pass(0)
	mode := func(mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(keys, mode); err != nil {
			t.Fatal(err)
		}
	}
	mode(0o644)
	s.until("key-file", "pending") // files are looked at once in a second
	s.pass(time.Minute)
	n := s.next(alert.RaisedNotice, "key-file", keys)
	contains(t, n.Detail, "The previous keys hold", "others can read")
	s.arrived()
	s.stop()
	contains(t, fails(t, exitFault, s.args...), "others can read")
	mode(0o600)
	s.begin()
	s.pass(0)
	s.pass(time.Minute)
	s.over(n)
	s.end()
}

// leafOf is a certificate that is good from now on, for so long.
func leafOf(t *testing.T, number int64, life time.Duration) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "www.example.org"}, DNSNames: []string{"www.example.org"}, NotBefore: now, NotAfter: now.Add(life)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// served waits until a certificate is served.
func (s *sentry) served(cert *x509.Certificate) {
	s.t.Helper()
	address := strings.Trim(strings.TrimPrefix(s.url(), "https:"), "/")
	s.await("the certificate is served", func() bool {
		c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.org"}}).DialContext(context.Background(), "tcp", address)
		if err != nil {
			s.t.Fatal(err)
		}
		defer c.Close()
		return c.(*tls.Conn).ConnectionState().PeerCertificates[0].Equal(cert)
	})
}
