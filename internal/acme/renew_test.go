package acme_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"freshet/internal/acme"
	"freshet/internal/acmetest"
	"freshet/internal/wiretest"
)

func fails(s acme.State) bool { return s.Err != nil }

const shop = "shop.example.org"

// often is how often certificates are looked at in tests of what happens then.
const often = 50 * time.Millisecond

// TestShortLived renews a certificate because its life is nearly over.
func TestShortLived(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http, Life: 6 * time.Second})
	s.open(acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "c"), Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often})
	first := s.until(shop, has)
	s.until(shop, func(n acme.State) bool { return n.Until.After(first.Until) })
}

// TestMinutes: a certificate whose life is shorter than the interval of looks is
// renewed before it ends, with the intervals that there are when none is named.
func TestMinutes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http, Life: 24 * time.Second})
	s.open(acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "c"), Directory: a.Directory, Roots: a.Roots, HTTP: true})
	was := s.until(shop, has)
	is := s.until(shop, func(n acme.State) bool { return n.Until.After(was.Until) })
	if !is.From.Before(was.Until) {
		t.Errorf("the first one ended at %v, and the next one is from %v", was.Until, is.From)
	}
	if n := issued(a); n != 2 {
		t.Errorf("%d certificates for one renewal", n)
	}
}

// TestRenew renews a certificate again and again while clients come and go, none
// of which is refused.
func TestRenew(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http})
	dir := filepath.Join(t.TempDir(), "c")
	s.open(acme.Options{Names: []string{shop}, Folder: dir, Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often})
	s.until(shop, has)
	roots := a.Issued()
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	defer clients.Wait()
	defer stop()
	for range 2 {
		clients.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(time.Millisecond) { // the renewals need the processor, too
				if _, err := dial(s.tls, shop, roots); err != nil {
					t.Errorf("a client is refused: %v", err)
					return
				}
			}
		})
	}
	for _, alone := range []bool{false, true} { // on one connection, and each on its own
		clients.Go(func() {
			way := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: alone, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, s.tls)
			}}
			defer way.CloseIdleConnections()
			for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
				r, err := (&http.Client{Transport: way}).Get("https://" + shop + "/")
				if err != nil {
					t.Errorf("a request fails: %v", err)
					return
				}
				if text, err := io.ReadAll(r.Body); err != nil || string(text) != "hello" {
					t.Errorf("a request is answered with %q, %v", text, err)
				}
				r.Body.Close()
			}
		})
	}
	seen := map[string]bool{}
	for range 3 {
		now := s.another(seen, roots)
		seen[now.SerialNumber.String()] = true
		change(t, dir, "_selectedTime", time.Now().Add(-time.Minute))
	}
	s.another(seen, roots)
}

// another waits until a certificate is served that was not seen yet.
func (s *site) another(seen map[string]bool, roots *x509.CertPool) *x509.Certificate {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(often) {
		c, err := dial(s.tls, shop, roots)
		if err != nil {
			s.t.Fatal(err)
		}
		if !seen[c.SerialNumber.String()] {
			return c
		}
	}
	s.t.Fatal("the certificate is not renewed")
	return nil
}

// TestRevoked has the authority suggest a renewal long before its time, as it
// does for what it has revoked.
func TestRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http})
	dir := filepath.Join(t.TempDir(), "c")
	s.open(acme.Options{Names: []string{shop}, Folder: dir, Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often})
	s.until(shop, has)
	c, err := dial(s.tls, shop, a.Issued())
	if err != nil {
		t.Fatal(err)
	}
	if state := s.until(shop, has); time.Until(state.Due) < 24*time.Hour {
		t.Errorf("it is due at %v", state.Due)
	}
	a.Suggest(c, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	// Pebble says that it need not be asked again for six hours (RFC 9773 §4.3).
	change(t, dir, "_retryAfter", time.Now().Add(-time.Minute))
	s.another(map[string]bool{c.SerialNumber.String(): true}, a.Issued())
}

// TestTorn begins with what a process left that was killed between two files of
// a renewal: a key, and a certificate that has another one.
func TestTorn(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), filepath.Join(t.TempDir(), "c")
	a := acmetest.Start(t, acmetest.Options{HTTP: s.http})
	o := acme.Options{Names: []string{shop}, Folder: dir, Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often}
	s.open(o)
	s.until(shop, has)
	first, err := dial(s.tls, shop, a.Issued())
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(dir, "certificates", "*", shop, shop+".key"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	key, err := certmagic.StandardKeyGenerator{KeyType: certmagic.P256}.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	text, err := certmagic.PEMEncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(all[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	s.another(map[string]bool{first.SerialNumber.String(): true}, a.Issued())
	again := newSite(t)
	again.open(o)
	again.another(map[string]bool{first.SerialNumber.String(): true}, a.Issued())
}

// change changes what is kept of when the shop's certificate is to be renewed.
func change(t *testing.T, dir, key string, to time.Time) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "certificates", "*", shop, shop+".json"))
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	data, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	var kept map[string]any
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	info, ok := kept["issuer_data"].(map[string]any)["renewal_info"].(map[string]any)
	if !ok {
		t.Fatalf("nothing is kept of when it is to be renewed: %s", data)
	}
	info[key] = to
	if data, err = json.Marshal(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(all[0]+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(all[0]+".new", all[0]); err != nil {
		t.Fatal(err)
	}
}

// TestAway: an authority that is not there is asked again, and one that has
// forgotten the account gets another.
func TestAway(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), filepath.Join(t.TempDir(), "c")
	a := acmetest.New(t, acmetest.Options{HTTP: s.http, Refused: []string{"refused.example.org"}})
	s.open(acme.Options{Names: []string{shop, "refused.example.org"}, Folder: dir, Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often})
	state := s.until(shop, fails)
	if has(state) || state.Failed.IsZero() || !state.Next.After(state.Failed) {
		t.Errorf("%+v", state)
	}
	if c, err := dial(s.tls, shop, nil); err == nil {
		t.Errorf("it has a certificate: %v", c.Subject)
	}
	a.Start()
	first := s.until(shop, func(n acme.State) bool { return has(n) && n.Err == nil })
	s.until("refused.example.org", func(n acme.State) bool { return n.Err != nil && strings.Contains(n.Err.Error(), "rejectedIdentifier") })

	a.Stop() // it forgets the account, and its own root
	change(t, dir, "_selectedTime", time.Now().Add(-time.Minute))
	if state := s.until(shop, fails); !state.Until.Equal(first.Until) {
		t.Errorf("without an authority it was renewed: %+v", state)
	}
	a.Start()
	s.until(shop, func(n acme.State) bool { return n.From.After(first.From) && n.Err == nil })
	if _, err := dial(s.tls, shop, a.Issued()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.log.String(), "does not know the account any more") {
		t.Error("the log does not say that the account was made anew")
	}
}

// TestRateLimited: who is told that he asks too often waits longer than others.
func TestRateLimited(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	authority := httptest.NewTLSServer(mux)
	defer authority.Close()
	// acmez keeps a directory by its URL, and the port may have been another authority's.
	mux.HandleFunc("/limited", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"newNonce": authority.URL + "/nonce", "newAccount": authority.URL + "/account", "newOrder": authority.URL + "/order"})
	})
	mux.HandleFunc("/nonce", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Replay-Nonce", "abc") })
	mux.HandleFunc("/account", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Replay-Nonce", "abc")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many accounts","status":429}`))
	})
	roots := authority.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	s := newSite(t)
	s.open(acme.Options{Names: []string{shop}, Folder: filepath.Join(t.TempDir(), "c"), Directory: authority.URL + "/limited", Roots: roots, HTTP: true})
	state := s.until(shop, fails)
	if wait := state.Next.Sub(state.Failed); wait < 50*time.Minute || !strings.Contains(state.Err.Error(), "too many accounts") {
		t.Errorf("it waits %v after %v", wait, state.Err)
	}
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors in the log", n)
	}
}

// TestShared: two managers of one folder have one certificate, and the one that
// the authority finds answers for the other.
func TestShared(t *testing.T) {
	t.Parallel()
	front, back := newSite(t), newSite(t)
	a := acmetest.Start(t, acmetest.Options{HTTP: front.http, TLS: front.tls})
	o := acme.Options{Names: []string{shop, "other.example.org"}, Folder: filepath.Join(t.TempDir(), "c"), Directory: a.Directory, Roots: a.Roots, HTTP: true, Check: often, Retry: often}
	back.open(o)
	o.HTTP, o.TLS = false, true
	front.open(o)
	for _, name := range o.Names {
		back.until(name, has)
		front.until(name, has)
		one, err := dial(front.tls, name, a.Issued())
		if err != nil {
			t.Fatal(err)
		}
		two, err := dial(back.tls, name, a.Issued())
		if err != nil {
			t.Fatal(err)
		}
		if !one.Equal(two) {
			t.Errorf("%s has two certificates", name)
		}
	}
	if n := strings.Count(a.Said(), "Issued certificate serial"); n != len(o.Names) {
		t.Errorf("%d certificates for %d names", n, len(o.Names))
	}
}

// TestChallengesAreNobodyElses: a token is answered for its own name only, and
// no path leads out of where they are.
func TestChallengesAreNobodyElses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "c")
	m, err := acme.Open(acme.Options{Names: []string{shop}, Folder: dir, Directory: "https://" + wiretest.Reserve(t) + "/", HTTP: true, TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	challenges := filepath.Join(dir, "challenges", "http")
	if err := os.MkdirAll(challenges, 0o700); err != nil {
		t.Fatal(err)
	}
	open := `{"type":"http-01","token":"token","keyAuthorization":"token.print","identifier":{"type":"dns","value":"` + shop + `"}}`
	for _, name := range []string{"token", "copy"} {
		if err := os.WriteFile(filepath.Join(challenges, name), []byte(open), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		method, host, path, want string
	}{
		{"GET", shop, "token", "token.print"},
		{"GET", "SHOP.example.org:80", "token", "token.print"},
		{"HEAD", shop, "token", "token.print"},
		{"POST", shop, "token", ""},
		{"GET", "evil.example.org", "token", ""},
		{"GET", shop, "copy", ""},
		{"GET", shop, "", ""},
		{"GET", shop, "none", ""},
		{"GET", shop, "../http/token", ""},
		{"GET", shop, "..%2fhttp%2ftoken", ""},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(tt.method, "http://"+tt.host+acme.ChallengePath+tt.path, nil)
		if done := m.HTTPChallenge(w, r); done != (tt.want != "") || w.Body.String() != tt.want {
			t.Errorf("%+v: %v, %q", tt, done, w.Body)
		}
	}
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	hello := &tls.ClientHelloInfo{ServerName: "../../" + shop, SupportedProtos: []string{"acme-tls/1"}, Conn: server}
	if c, err := m.GetCertificate(hello); err == nil {
		t.Errorf("a certificate for %v", c.Leaf)
	}
}

// TestSecondAuthority: when one authority has failed three times, the next one
// is asked; its certificate is served after a restart, and it renews it.
func TestSecondAuthority(t *testing.T) {
	t.Parallel()
	s, dir := newSite(t), filepath.Join(t.TempDir(), "c")
	first := acmetest.New(t, acmetest.Options{HTTP: s.http, Refused: []string{shop}})
	second := acmetest.Start(t, acmetest.Options{HTTP: s.http})
	roots := x509.NewCertPool()
	for _, a := range []*acmetest.Authority{first, second} {
		text, err := os.ReadFile(a.File)
		if err != nil || !roots.AppendCertsFromPEM(text) {
			t.Fatal(err)
		}
	}
	o := acme.Options{Names: []string{shop}, Folder: dir, Directory: first.Directory, Others: []string{second.Directory}, Roots: roots, HTTP: true, Check: often, Retry: often}
	s.open(o)
	had := s.until(shop, func(n acme.State) bool { return has(n) && n.Err == nil })
	failed := 0 // of the first, for the second may have its own
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "there is no certificate") && strings.Contains(line, first.Directory) {
			failed++
		}
	}
	if failed != 3 {
		t.Errorf("the first one has failed %d times", failed)
	}
	c, err := dial(s.tls, shop, second.Issued())
	if err != nil {
		t.Fatal(err)
	}
	first.Start() // what is in order is not asked for elsewhere
	again := newSite(t)
	o.HTTP, o.TLS = false, true
	again.open(o)
	if state := again.until(shop, has); !state.Until.Equal(had.Until) {
		t.Errorf("after a restart: %+v", state)
	}
	if now, err := dial(again.tls, shop, second.Issued()); err != nil || !now.Equal(c) {
		t.Errorf("after a restart there is another one: %v", err)
	}
	change(t, dir, "_selectedTime", time.Now().Add(-time.Minute))
	s.another(map[string]bool{c.SerialNumber.String(): true}, second.Issued())
	if strings.Contains(first.Said(), "new-order") || strings.Contains(first.Said(), "order-plz") {
		t.Error("the first authority is asked for the renewal")
	}
}
