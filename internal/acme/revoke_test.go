package acme_test

import (
	"crypto"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	client "github.com/mholt/acmez/v3/acme"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
)

// only returns the one file that a pattern is of.
func only(t *testing.T, dir string, pattern ...string) []byte {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(append([]string{dir}, pattern...)...))
	if err != nil || len(all) != 1 {
		t.Fatal(pattern, all, err)
	}
	text, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// signer reads a key.
func signer(t *testing.T, text []byte) crypto.Signer {
	t.Helper()
	key, err := certmagic.PEMDecodePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestRevokedAtTheAuthority: a certificate that somebody has revoked at the
// authority, with the key of the account or with its own, which he has then, is
// replaced by one with another key, once the authority is asked for the time to
// renew; and that one stays.
func TestRevokedAtTheAuthority(t *testing.T) {
	for _, by := range []string{"account", "certificate"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			a := acmetest.Start(t, acmetest.Options{HTTP: s.http})
			dir := filepath.Join(t.TempDir(), "c")
			s.open(acme.Options{Names: []string{shop}, Folder: dir, Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often})
			s.until(shop, has)
			was, err := dial(s.tls, shop, a.Issued())
			if err != nil {
				t.Fatal(err)
			}

			var kept struct {
				client.Account
				Key []byte `json:"key"`
			}
			if err := json.Unmarshal(only(t, dir, "accounts", "*.json"), &kept); err != nil {
				t.Fatal(err)
			}
			kept.PrivateKey = signer(t, kept.Key)
			var own crypto.Signer
			if by == "certificate" {
				kept.Account, own = client.Account{}, signer(t, only(t, dir, "certificates", "*", shop, shop+".key"))
			}
			c := &client.Client{Directory: a.Directory, HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Roots}, DisableKeepAlives: true}}}
			if err := c.RevokeCertificate(t.Context(), kept.Account, was, own, client.ReasonKeyCompromise); err != nil {
				t.Fatal(err)
			}
			if state := s.until(shop, has); time.Until(state.Due) < 24*time.Hour {
				t.Fatalf("before the authority may be asked again: %+v", state)
			}

			change(t, dir, "_retryAfter", time.Now().Add(-time.Minute)) // after six hours
			is := s.another(map[string]bool{was.SerialNumber.String(): true}, a.Issued())
			if was.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(is.PublicKey) {
				t.Error("the key that may be another's is in use again")
			}
			state := s.until(shop, func(n acme.State) bool { return n.Err == nil && time.Until(n.Due) > 24*time.Hour })
			if state.Failed != (time.Time{}) {
				t.Errorf("%+v", state)
			}
			if n := issued(a); n != 2 {
				t.Errorf("%d certificates", n)
			}
		})
	}
}
