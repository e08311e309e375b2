// Package acmetest has tests run an authority that is asked by ACME: pebble, the
// one that the authors of Let's Encrypt test clients with. It looks whether names
// are the client's as a real one does, by a resolver of the test's, at ports of
// the test's. It is a program of its own, as tools/go.mod has it, and in none of
// ours.
package acmetest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/authority"
	"freshet/internal/wiretest"
)

// Options say how an authority is.
type Options struct {
	// HTTP and TLS are the addresses where it looks, in the place of ports 80 and
	// 443 of the name's address. Only the ports are used.
	HTTP, TLS string

	// Life is for how long a certificate is valid. Default: 90 days.
	Life time.Duration

	// Refused are names that get no certificate.
	Refused []string
}

// Authority is an authority, which runs or does not.
type Authority struct {
	Directory string         // its address
	File      string         // the root of its own certificate, PEM
	Roots     *x509.CertPool // the same
	DNS       *Resolver

	t      testing.TB
	o      Options
	dir    string
	manage string
	client *http.Client
	run    *exec.Cmd
	said   *output
	ended  chan struct{}
}

// patience is how long an authority may take to begin; only a failure waits for it.
const patience = 2 * time.Minute

// New prepares an authority that does not run.
func New(t testing.TB, o Options) *Authority {
	t.Helper()
	a := &Authority{t: t, o: o, dir: t.TempDir(), DNS: newResolver(t)}
	ca, err := authority.Create(filepath.Join(a.dir, "ca"), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Cert([]string{"127.0.0.1"}, authority.CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Save(filepath.Join(a.dir, "cert.pem"), filepath.Join(a.dir, "key.pem"), false); err != nil {
		t.Fatal(err)
	}
	a.File, a.Roots = ca.File(), ca.Pool()
	a.client = &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Roots}, DisableKeepAlives: true}}
	listen := wiretest.Reserve(t)
	a.manage = wiretest.Reserve(t)
	a.Directory = "https://" + listen + "/dir"
	if err := os.WriteFile(filepath.Join(a.dir, "pebble.json"), a.config(listen), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Stop)
	return a
}

// Start returns an authority that runs until the test ends.
func Start(t testing.TB, o Options) *Authority {
	t.Helper()
	a := New(t, o)
	a.Start()
	return a
}

func (a *Authority) config(listen string) []byte {
	life := a.o.Life
	if life == 0 {
		life = 90 * 24 * time.Hour
	}
	data, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           listen,
		"managementListenAddress": a.manage,
		"certificate":             filepath.Join(a.dir, "cert.pem"),
		"privateKey":              filepath.Join(a.dir, "key.pem"),
		"httpPort":                port(a.t, a.o.HTTP),
		"tlsPort":                 port(a.t, a.o.TLS),
		"domainBlocklist":         a.o.Refused,
		"keyAlgorithm":            "ecdsa",
		"retryAfter":              map[string]int{"authz": 1, "order": 1},
		"profiles":                map[string]any{"default": map[string]any{"description": "of a test", "validityPeriod": int(life.Seconds())}},
	}})
	if err != nil {
		a.t.Fatal(err)
	}
	return data
}

// port returns the port of an address; a port where nobody is, for none.
func port(t testing.TB, addr string) int {
	if addr == "" {
		return 1
	}
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// program builds pebble, and returns where it is.
var program = sync.OnceValues(func() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	root := filepath.Dir(strings.TrimSpace(string(mod)))
	build := exec.Command("go", "tool", "-n", "-modfile=tools/go.mod", "pebble")
	build.Dir = root
	var said bytes.Buffer
	build.Stderr = &said
	path, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("build pebble: %w: %s", err, &said)
	}
	return strings.TrimSpace(string(path)), nil
})

// Start starts it, with nothing that it knew before, and waits until it answers.
func (a *Authority) Start() {
	a.t.Helper()
	path, err := program()
	if err != nil {
		a.t.Fatal(err)
	}
	a.said, a.ended = &output{}, make(chan struct{})
	a.run = exec.Command(path, "-config", filepath.Join(a.dir, "pebble.json"), "-dnsserver", a.DNS.addr)
	a.run.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	a.run.Stdout, a.run.Stderr = a.said, a.said
	endsWithUs(a.run)
	started := make(chan error, 1)
	go func(run *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		runtime.LockOSThread() // until it has ended
		err := run.Start()
		if started <- err; err == nil {
			_ = run.Wait()
		}
	}(a.run, a.ended)
	if err := <-started; err != nil {
		a.run = nil
		a.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if r, err := a.client.Get(a.Directory); err == nil {
			r.Body.Close()
			break
		}
		select {
		case <-a.ended:
			a.t.Fatalf("pebble has ended: %s", a.said)
		default:
		}
		if time.Now().After(end) {
			a.t.Fatalf("pebble does not answer: %s", a.said)
		}
	}
}

// Stop ends it; it forgets all that it knew.
func (a *Authority) Stop() {
	if a.run == nil {
		return
	}
	_ = a.run.Process.Kill()
	<-a.ended
	if a.t.Failed() {
		a.t.Logf("pebble: %s", a.said)
	}
	a.run = nil
}

// Said returns what it has said so far.
func (a *Authority) Said() string { return a.said.String() }

// Issued returns the root of what it issues, which it makes at each start.
func (a *Authority) Issued() *x509.CertPool {
	a.t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.root()) {
		a.t.Fatal("pebble has no root")
	}
	return pool
}

// IssuedFile returns a file of that root, PEM.
func (a *Authority) IssuedFile() string {
	a.t.Helper()
	file := filepath.Join(a.t.TempDir(), "issued.pem")
	if err := os.WriteFile(file, a.root(), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

func (a *Authority) root() []byte {
	a.t.Helper()
	r, err := a.client.Get("https://" + a.manage + "/roots/0")
	if err != nil {
		a.t.Fatal(err)
	}
	defer r.Body.Close()
	data, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return data
}

// Suggest has it say when a certificate is to be renewed (RFC 9773).
func (a *Authority) Suggest(c *x509.Certificate, start, end time.Time) {
	a.t.Helper()
	window, _ := json.Marshal(map[string]any{"suggestedWindow": map[string]time.Time{"start": start, "end": end}})
	ask, _ := json.Marshal(map[string]string{
		"Certificate": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		"ARIResponse": string(window),
	})
	r, err := a.client.Post("https://"+a.manage+"/set-renewal-info/", "application/json", bytes.NewReader(ask))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		a.t.Fatalf("pebble takes no window: %s", r.Status)
	}
}

// output is what it says, for many at once.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
