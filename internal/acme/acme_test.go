package acme_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

func TestMain(m *testing.M) {
	if to := os.Getenv("ACME_TEST_DNS"); to != "" {
		os.Exit(changeDNS(to))
	}
	flag.Parse()
	if n, err := strconv.Atoi(flag.Lookup("test.parallel").Value.String()); err == nil && n < 6 {
		_ = flag.Set("test.parallel", "6") // they wait for an authority and for time, hardly for a processor
	}
	status := m.Run()
	if status == 0 {
		status = leftGoroutines()
	}
	os.Exit(status)
}

// leftGoroutines fails the run when something of ours still runs after it.
func leftGoroutines() int {
	var stacks string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "internal/acme.") && !strings.Contains(stacks, "certmagic.") {
			return 0
		}
	}
	fmt.Fprintln(os.Stderr, "goroutines are left:\n"+stacks)
	return 1
}

// patience is how long what has to happen is waited for; only a failure waits
// for it.
const patience = 2 * time.Minute

// A site serves names with the certificates of a manager.
type site struct {
	t          *testing.T
	http, tls  string // where it listens
	log        *logged
	m          *acme.Manager
	challenges sync.Map // by HTTP that were answered
	dir        string
}

// logged is a log that can be looked at.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newSite reserves the addresses of a site.
func newSite(t *testing.T) *site {
	return &site{t: t, http: wiretest.Reserve(t), tls: wiretest.Reserve(t), log: &logged{}}
}

// open begins to serve.
func (s *site) open(o acme.Options) {
	s.t.Helper()
	o.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug - 8}))
	m, err := acme.Open(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.m, s.dir = m, o.Folder
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil && m.HTTPChallenge(w, r) {
			s.challenges.Store(r.URL.Path, r.Host)
			return
		}
		fmt.Fprint(w, "hello")
	})
	plain, err := net.Listen("tcp", s.http)
	if err != nil {
		s.t.Fatal(err)
	}
	secure, err := tls.Listen("tcp", s.tls, &tls.Config{GetCertificate: m.GetCertificate, NextProtos: []string{"http/1.1", "acme-tls/1"}})
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(plain) })
	running.Go(func() { _ = server.Serve(secure) })
	m.Start()
	s.t.Cleanup(func() {
		if s.t.Failed() {
			s.t.Logf("%s", s.log)
		}
		_ = server.Close()
		running.Wait()
		if err := m.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// until waits for something of a name's state.
func (s *site) until(name string, what func(acme.State) bool) acme.State {
	s.t.Helper()
	var last acme.State
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, state := range s.m.State() {
			if last = state; state.Name == name && what(state) {
				return state
			}
		}
	}
	s.t.Fatalf("%s stays as it is: %+v", name, last)
	return last
}

func has(s acme.State) bool { return !s.Until.IsZero() }

// dial makes a handshake for a name, and returns the certificate.
func dial(addr, name string, roots *x509.CertPool) (*x509.Certificate, error) {
	d := &net.Dialer{Timeout: patience}
	c, err := tls.DialWithDialer(d, "tcp", addr, &tls.Config{ServerName: name, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0], nil
}

// TestIssue gets certificates by HTTP and by TLS, and nobody gets another
// name's.
func TestIssue(t *testing.T) {
	for _, by := range []string{"http-01", "tls-alpn-01"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			a := acmetest.Start(t, acmetest.Options{HTTP: s.http, TLS: s.tls})
			dir := filepath.Join(t.TempDir(), "certificates")
			s.open(acme.Options{Names: []string{"a.example.org", "b.example.org"}, Folder: dir, Directory: a.Directory, Roots: a.Roots, Email: "someone@example.org",
				HTTP: by == "http-01", TLS: by == "tls-alpn-01"})
			for _, name := range []string{"a.example.org", "b.example.org"} {
				state := s.until(name, has)
				c, err := dial(s.tls, name, a.Issued())
				if err != nil {
					t.Fatal(err)
				}
				if len(c.DNSNames) != 1 || !state.Until.Equal(c.NotAfter) || state.Due.Before(c.NotBefore) || state.Due.After(c.NotAfter) || state.Err != nil {
					t.Errorf("%v, %+v", c.DNSNames, state)
				}
			}
			for _, other := range []string{"c.example.org", "x.a.example.org", "example.org", ""} {
				if c, err := dial(s.tls, other, a.Issued()); err == nil {
					t.Errorf("%q gets the certificate of %v", other, c.DNSNames)
				}
			}
			answered := 0
			s.challenges.Range(func(any, any) bool { answered++; return true })
			if (answered > 0) != (by == "http-01") {
				t.Errorf("%d challenges were answered by HTTP", answered)
			}
			private(t, dir)
			noSecrets(t, dir, s.log.String())
		})
	}
}

// private wants that nobody else can read a folder.
func private(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// noSecrets wants that no key is in the log.
func noSecrets(t *testing.T, dir, log string) {
	t.Helper()
	keys := 0
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !strings.HasSuffix(path, ".key") {
			return err
		}
		keys++
		data, err := os.ReadFile(path)
		for _, line := range strings.Split(string(data), "\n") {
			if line != "" && strings.Contains(log, line) && !strings.HasPrefix(line, "--") {
				t.Errorf("the log has %s", path)
			}
		}
		return err
	})
	if err != nil || keys == 0 || strings.Contains(log, "PRIVATE KEY") {
		t.Errorf("%d keys, %v", keys, err)
	}
}
