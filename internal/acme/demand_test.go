package acme_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

// TestOnDemand: a name that is permitted gets its certificate with the first
// handshakes, all of which wait for one order; others get none, and after a
// restart what was had is served without an order.
func TestOnDemand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http, TLS: s.tls})
	var asked atomic.Int64
	o := acme.Options{Folder: filepath.Join(t.TempDir(), "c"), Directory: a.Directory, Roots: a.Roots, HTTP: true, TLS: true,
		Ask: func(_ context.Context, name string) error {
			asked.Add(1)
			if !strings.HasSuffix(name, ".shop.example.org") {
				return errors.New("no customer")
			}
			return nil
		}}
	s.open(o)
	const name = "one.shop.example.org"
	var all sync.WaitGroup
	end := time.Now().Add(3 * time.Minute)
	for range 5 {
		all.Go(func() {
			for { // a machine may take longer than a handshake waits
				_, err := dial(s.tls, name, a.Issued())
				if err == nil {
					return
				}
				if time.Now().After(end) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if n := strings.Count(a.Said(), "Issued certificate serial"); n != 1 || asked.Load() != 1 {
		t.Errorf("%d certificates, asked %d times", n, asked.Load())
	}
	for range 3 {
		if c, err := dial(s.tls, "other.example.org", a.Issued()); err == nil {
			t.Errorf("a name that is not permitted gets %v", c.DNSNames)
		}
	}
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
	for _, odd := range []string{"", "localhost", "127.0.0.1", "a_b.shop.example.org"} {
		if c, err := dial(s.tls, odd, a.Issued()); err == nil {
			t.Errorf("%q gets %v", odd, c.DNSNames)
		}
	}
	if asked.Load() != 2 {
		t.Error("what is no name is asked about")
	}
	if err := s.m.Set([]string{"two.shop.example.org"}, true, true); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(s.tls, name, a.Issued()); err != nil {
		t.Errorf("a name on demand goes with a change of the others: %v", err)
	}

	// After a restart it is served at once, and nobody is asked: who is to say may be
	// busy with names that there are not.
	a.Stop()
	o.NewNames = 1
	busy, served, release := make(chan struct{}, 100), make(chan struct{}), make(chan struct{})
	o.Ask = func(_ context.Context, is string) error {
		if is == name {
			t.Error("it is asked about what there is")
		}
		busy <- struct{}{}
		<-release
		return errors.New("no customer")
	}
	again := newSite(t)
	again.open(o)
	var hung sync.WaitGroup
	for i := range 8 {
		hung.Go(func() { dial(again.tls, fmt.Sprintf("n%d.example.org", i), nil) })
	}
	for range 8 {
		<-busy
	}
	for range 6 { // at the same time, none of which is refused
		hung.Go(func() {
			if _, err := dial(again.tls, name, nil); err == nil || !strings.Contains(err.Error(), "unknown authority") {
				t.Errorf("what was had is not served: %v", err)
			}
			served <- struct{}{}
		})
	}
	for range 6 {
		<-served
	}
	close(release)
	hung.Wait()
}

// TestAskURL: yes is 200, where it was asked and nowhere else.
func TestAskURL(t *testing.T) {
	var asked atomic.Pointer[http.Request]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r)
		switch r.URL.Query().Get("domain") {
		case "yes.example.org":
		case "elsewhere.example.org":
			http.Redirect(w, r, "/?domain=yes.example.org", http.StatusFound)
		case "busy.example.org":
			http.Error(w, "later", http.StatusServiceUnavailable)
		default:
			http.Error(w, "no", http.StatusForbidden)
		}
	}))
	defer server.Close()
	ask, err := acme.AskURL(server.URL + "/ask?key=1")
	if err != nil {
		t.Fatal(err)
	}
	for name, yes := range map[string]bool{"yes.example.org": true, "no.example.org": false, "elsewhere.example.org": false, "busy.example.org": false} {
		if err := ask(t.Context(), name); (err == nil) != yes || errors.Is(err, acme.ErrNo) == (yes || name == "busy.example.org") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if q := asked.Load(); q.URL.Path != "/ask" || q.URL.Query().Get("key") != "1" {
		t.Errorf("asked %s", q.URL)
	}
	if _, err := acme.AskURL("ftp://x/"); err == nil {
		t.Error("ftp is asked")
	}
}

// TestAskURLKey: a key in the address is in no error.
func TestAskURLKey(t *testing.T) {
	ends := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer ends.Close()
	for _, address := range []string{
		"http://" + wiretest.Reserve(t) + "/may?key=secret",
		"http://user:secret@" + wiretest.Reserve(t) + "/secret",
		ends.URL + "/may?key=secret",
	} {
		ask, err := acme.AskURL(address)
		if err != nil {
			t.Fatal(err)
		}
		gone, leave := context.WithCancel(t.Context())
		defer leave()
		for range 2 {
			if err := ask(gone, "a.example.org"); err == nil || errors.Is(err, acme.ErrNo) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", address, err)
			}
			leave()
		}
	}
	for _, address := range []string{"ftp://x/?key=secret", "http:///?key=secret", "http://x:port/?key=secret", "\x7f?key=secret"} {
		if _, err := acme.AskURL(address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestAskProgram: a program is given the name, and what it says is in the error.
func TestAskProgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a shell script")
	}
	program := filepath.Join(t.TempDir(), "ask")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n[ \"$#\" = 1 ] || exit 2\n[ \"$1\" = yes.example.org ] && exit 0\necho no customer\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ask := acme.AskProgram(program)
	if err := ask(t.Context(), "yes.example.org"); err != nil {
		t.Error(err)
	}
	if err := ask(t.Context(), "no.example.org"); !errors.Is(err, acme.ErrNo) || !strings.Contains(fmt.Sprint(err), "no customer") {
		t.Error(err)
	}
}
