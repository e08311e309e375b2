package acme_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
)

// TestSuggestedAlways: an authority that suggests a time that is over for whatever
// it signs, each time another one, is obeyed once, and not at each look.
func TestSuggestedAlways(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http})
	roots := x509.NewCertPool()
	text, err := os.ReadFile(a.File)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	own := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	var suggested atomic.Int64
	mux := http.NewServeMux()
	front := httptest.NewTLSServer(mux)
	defer front.Close()
	mux.HandleFunc("/front", func(w http.ResponseWriter, r *http.Request) {
		answer, err := own.Get(a.Directory)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		var of map[string]any
		if err := json.NewDecoder(answer.Body).Decode(&of); err != nil {
			t.Error(err)
		}
		of["renewalInfo"] = front.URL + "/info"
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(of)
	})
	mux.HandleFunc("/info/", func(w http.ResponseWriter, r *http.Request) {
		at := time.Now().Add(-time.Duration(1000-suggested.Add(1)) * time.Hour).UTC()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "0")
		fmt.Fprintf(w, `{"suggestedWindow":{"start":%q,"end":%q}}`, at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339))
	})
	roots.AddCert(front.Certificate())
	s.open(acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "c"), Directory: front.URL + "/front", Roots: roots, HTTP: true, Check: often, Retry: often})
	first := s.until(shop, has)
	second := s.until(shop, func(n acme.State) bool {
		return n.From.After(first.From) || n.Until.After(first.Until) || issued(a) > 1
	})
	was := suggested.Load()
	for end := time.Now().Add(patience); suggested.Load() < was+8; time.Sleep(often) {
		if time.Now().After(end) {
			t.Fatalf("the authority is not asked any more: %+v", second)
		}
	}
	if n := issued(a); n != 2 {
		t.Errorf("%d certificates", n)
	}
	if due := time.Until(s.until(shop, has).Due); due < 23*time.Hour || due > 25*time.Hour {
		t.Errorf("the next one is due in %v", due)
	}
}

func issued(a *acmetest.Authority) int { return strings.Count(a.Said(), "Issued certificate serial") }
