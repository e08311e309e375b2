//go:build unix

package acme_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

// changeDNS is the program for the DNS: the binary of the test, which tells the
// test what it was asked for.
func changeDNS(to string) int {
	r, err := http.Get(to + "/?" + url.Values{"arg": os.Args[1:]}.Encode())
	if err != nil || r.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, r, err)
		return 1
	}
	return 0
}

// script writes a program.
func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDNS gets a certificate for a name and for what is below it, by the DNS
// alone.
func TestDNS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{})
	var cleaned atomic.Int32
	dns := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch arg := r.URL.Query()["arg"]; {
		case len(arg) == 3 && arg[0] == "present" && arg[1] == "_acme-challenge.example.org":
			a.DNS.Put(arg[1], arg[2])
		case len(arg) == 3 && arg[0] == "cleanup":
			cleaned.Add(1)
		default:
			http.Error(w, fmt.Sprint(arg), http.StatusBadRequest)
		}
	}))
	defer dns.Close()
	s.open(acme.Options{Names: []string{"example.org", "*.example.org"}, Folder: filepath.Join(t.TempDir(), "c"), Directory: a.Directory, Roots: a.Roots,
		DNSHook: script(t, `ACME_TEST_DNS=`+dns.URL+` exec `+os.Args[0]+` "$@"`)})
	s.until("example.org", has)
	s.until("*.example.org", has)
	for name, want := range map[string]string{"example.org": "example.org", "a.example.org": "*.example.org", "b.example.org": "*.example.org"} {
		if c, err := dial(s.tls, name, a.Issued()); err != nil || c.DNSNames[0] != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := dial(s.tls, "x.a.example.org", a.Issued()); err == nil {
		t.Errorf("a * stands for two labels: %v", c.DNSNames)
	}
	if cleaned.Load() != 2 {
		t.Errorf("%d records were taken away", cleaned.Load())
	}
}

// TestDNSFails: what the program says is in the error.
func TestDNSFails(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{})
	s.open(acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "c"), Directory: a.Directory, Roots: a.Roots,
		DNSHook: script(t, `test "$1" = cleanup || { echo "no such zone: $2" >&2; exit 3; }`)})
	state := s.until(shop, fails)
	if !strings.Contains(state.Err.Error(), "exit status 3: no such zone: _acme-challenge."+shop) {
		t.Error(state.Err)
	}
}

// TestOptions: all that is wrong is said at once.
func TestOptions(t *testing.T) {
	_, err := acme.Open(acme.Options{Names: []string{"192.0.2.1", "*.example.org", "nas", "-a.example", "good.example.org", "[::1]"}, Folder: filepath.Join(t.TempDir(), "c"), Directory: "http://" + wiretest.Reserve(t)})
	for _, want := range []string{"192.0.2.1: an address", "*.example.org: names with *", "nas: it is a name of this network", "-a.example: it is no name", "[::1]: an address", "begins with https://", "nobody can prove"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "good.example.org") {
		t.Error(err)
	}
}
