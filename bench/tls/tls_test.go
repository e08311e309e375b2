package main

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// serve is a server of the standard library with the site's certificate.
func serve(t *testing.T, s *site, config *tls.Config, h http.Handler) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	config.Certificates = []tls.Certificate{pair}
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // some clients do not like what they find
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func named(name string) *scenario {
	return &scenarios[slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })]
}

func TestClient(t *testing.T) {
	s, err := newSite(filepath.Join(t.TempDir(), "site"))
	if err != nil {
		t.Fatal(err)
	}
	var asked, resumed, conns atomic.Int64
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.TLS.DidResume {
			resumed.Add(1)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(s.files[r.URL.Path])))
		w.Write(s.files[r.URL.Path])
	})
	counted := func(hello *tls.ClientHelloInfo) (*tls.Config, error) { conns.Add(1); return nil, nil }
	other := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, len(s.files[r.URL.Path]))) })
	for _, tt := range []struct {
		name, scenario          string
		config                  *tls.Config
		handler                 http.Handler
		asked, resumed, sockets int64
		fault                   string
	}{
		{"full", "full", &tls.Config{}, answer, 20, 0, 20, ""},
		{"resumed", "resumed", &tls.Config{}, answer, 23, 20, 23, ""}, // and three for sessions
		{"kept", "body", &tls.Config{}, answer, 20, 0, 3, ""},
		{"no tickets", "resumed", &tls.Config{SessionTicketsDisabled: true}, answer, 0, 0, 0, "resumed: false, want true"},
		{"TLS 1.2", "full", &tls.Config{MaxVersion: tls.VersionTLS12}, answer, 0, 0, 0, "protocol version not supported"},
		{"another curve", "full", &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256}}, answer, 0, 0, 0, "handshake failure"},
		{"another body", "full", &tls.Config{}, other, 0, 0, 0, "another body"},
		{"another status", "full", &tls.Config{}, http.NotFoundHandler(), 0, 0, 0, "not the answer: 404"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked.Store(0)
			resumed.Store(0)
			conns.Store(0)
			tt.config.GetConfigForClient = counted
			c, err := newClient(t.Context(), s, serve(t, s, tt.config, tt.handler), named(tt.scenario), 3)
			if err == nil {
				err = c.ask(t.Context(), 20)
			}
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("got %v, want %q", err, tt.fault)
				}
				return
			}
			if err != nil || asked.Load() != tt.asked || resumed.Load() != tt.resumed {
				t.Fatalf("%v; %d asked, %d resumed, want %d and %d", err, asked.Load(), resumed.Load(), tt.asked, tt.resumed)
			}
			if n := conns.Load(); n > tt.sockets || tt.scenario != "body" && n != tt.sockets {
				t.Errorf("%d connections, want %d", n, tt.sockets) // of those that are kept one may come too late for an answer
			}
		})
	}
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		bar, low, high, sure float64
		want                 string
	}{
		{0, 1, 1, 1, "for information"},
		{1.1, 0.9, 1, 0.5, "too few rounds to say"},
		{1.1, 0.9, 1.1, 0.96, "at most 1.1: MET"},
		{1.1, 1.05, 1.2, 0.96, "at most 1.1: not sure"},
		{1.0, 1.01, 1.2, 0.96, "at most 1.0: MISSED"},
	} {
		if got := verdict(tt.bar, tt.low, tt.high, tt.sure); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}
