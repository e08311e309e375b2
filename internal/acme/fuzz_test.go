package acme

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fuzzed is a folder for one run.
func fuzzed(t *testing.T) *folder {
	t.Helper()
	f, _ := testFolder(t)
	return f
}

// FuzzPair: whatever is in the files of a certificate, none is served whose key
// is another's, and what is mended is in order, or is not there.
func FuzzPair(f *testing.F) {
	f.Add([]byte("x"), []byte("y"), []byte("{}"), []byte("z"))
	f.Add([]byte(""), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), []byte("{"), []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, key, cert, meta, next []byte) {
		at := fuzzed(t)
		const site = "certificates/a/shop.example.org/shop.example.org"
		for name, data := range map[string][]byte{".key": key, ".crt": cert, ".json": meta, ".key" + aside: next} {
			if err := at.write(site+name, data); err != nil {
				t.Fatal(err)
			}
		}
		c, _, err := at.pair(site)
		if err == nil && c.Leaf == nil {
			t.Fatal("a certificate without a leaf")
		}
		if err := at.mend(site); err != nil {
			t.Fatal(err)
		}
		if err := at.whole(site); err != nil {
			t.Fatalf("after it was mended: %v", err)
		}
		if c, _, now := at.pair(site); err == nil && now == nil {
			chain, _ := at.Load(context.Background(), site+".crt")
			own, _ := at.Load(context.Background(), site+".key")
			if _, err := tls.X509KeyPair(chain, own); err != nil {
				t.Fatalf("%v is parted from its key", c.Leaf.DNSNames)
			}
		}
	})
}

// FuzzCheckName: what is taken for a name is one, and names one file.
func FuzzCheckName(f *testing.F) {
	for _, s := range []string{"example.org", "*.example.org", "../x.org", "a..b", "xn--bcher-kva.example", "[::1]", "1.2.3.4", "A.org", "a.org."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckName(s, false) != nil {
			return
		}
		if CheckName(s, true) != nil || strings.ContainsAny(s, "/\\*:% \x00") || s != strings.ToLower(s) || len(s) > 253 || !strings.Contains(s, ".") {
			t.Errorf("%q is a name", s)
		}
		if !fs.ValidPath("challenges/tls/" + s) {
			t.Errorf("%q names no file", s)
		}
	})
}

// FuzzProof: a request is answered with what was opened for its host and token
// alone.
func FuzzProof(f *testing.F) {
	f.Add("GET", "shop.example.org", "token")
	f.Add("GET", "SHOP.example.org:80", "token")
	f.Add("POST", "shop.example.org", "token")
	f.Add("GET", "shop.example.org", "../tls/shop.example.org")
	f.Add("HEAD", "evil.example.org", "token")
	dir := f.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	at, err := openFolder(dir, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { at.close() })
	open := `{"type":"http-01","token":"token","keyAuthorization":"token.print","identifier":{"type":"dns","value":"shop.example.org"}}`
	for key, text := range map[string]string{"challenges/http/token": open, "challenges/http/other": open, "challenges/tls/shop.example.org": open, "accounts/x.json": "secret"} {
		if err := at.write(key, []byte(text)); err != nil {
			f.Fatal(err)
		}
	}
	p := &proofs{folder: at, open: map[string]proof{}}
	f.Fuzz(func(t *testing.T, method, host, token string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.Host, r.URL.Path = method, host, ChallengePath+token
		w := httptest.NewRecorder()
		done := p.answer(w, r)
		own := token == "token" && strings.EqualFold(hostOf(host), "shop.example.org") && (method == "GET" || method == "HEAD")
		if done != own || done && w.Body.String() != "token.print" || !done && w.Body.Len() > 0 {
			t.Errorf("%q %q %q: %v, %q", method, host, token, done, w.Body)
		}
	})
}

// FuzzAnswer: no question of a member reaches what a fleet does not share.
func FuzzAnswer(f *testing.F) {
	for _, q := range []string{`{"do":"load","key":"accounts/x.json"}`, `{"do":"store","key":"challenges/http/a","value":"eA=="}`, `{"do":"store","key":"certificates/../../x.json","value":"eA=="}`,
		`{"do":"lock","lock":"x","id":"1"}`, `{"do":"push","key":"certificates/a/b/b","lock":"issue_cert_b","id":"1","site":{"key":"eA==","cert":"eA==","meta":"e30="}}`} {
		f.Add([]byte(q))
	}
	f.Fuzz(func(t *testing.T, q []byte) {
		at := fuzzed(t)
		if err := at.write("own/secret", []byte("secret")); err != nil {
			t.Fatal(err)
		}
		m := &Manager{desk: &desk{folder: at, life: time.Minute, lent: map[string]*lent{}}}
		defer m.desk.close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		text, err := m.Answer(ctx, "n1", q)
		if err == nil && strings.Contains(string(text), "c2VjcmV0") {
			t.Errorf("%q gets %q", q, text)
		}
		if kept, err := at.Load(ctx, "own/secret"); err != nil || string(kept) != "secret" {
			t.Errorf("%q changes what is not shared: %v", q, err)
		}
		all, err := fs.ReadDir(at.root.FS(), ".")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			switch d.Name() {
			case "own", "locks", "accounts", "challenges", "certificates":
			default:
				t.Errorf("%q makes %s", q, d.Name())
			}
		}
	})
}

// TestCloseOrder: what uses the folder has ended when the folder is closed, and
// nothing of certmagic's is said after that.
func TestCloseOrder(t *testing.T) {
	said := make(chan string, 1000)
	m, err := Open(Options{Names: []string{"shop.example.org"}, Folder: t.TempDir() + "/c", Directory: "https://127.0.0.1:1/", HTTP: true, Retry: time.Millisecond, Log: slog.New(heard{said})})
	if err != nil {
		t.Fatal(err)
	}
	var closed atomic.Bool
	m.folder.before = func(step string) error {
		if closed.Load() {
			t.Errorf("after the folder was closed: %s", step)
		}
		return errors.New("no room")
	}
	m.Start()
	<-said
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	closed.Store(true)
	for len(said) > 0 {
		<-said
	}
	time.Sleep(20 * time.Millisecond) // a failure is found sooner or later
	if len(said) > 0 {
		t.Errorf("it goes on: %s", <-said)
	}
	if _, err := m.folder.Load(t.Context(), "x"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the folder is open: %v", err)
	}
}

// heard is a slog.Handler that gives messages to a channel.
type heard struct{ said chan string }

func (heard) Enabled(context.Context, slog.Level) bool { return true }
func (h heard) Handle(_ context.Context, r slog.Record) error {
	select {
	case h.said <- r.Message:
	default:
	}
	return nil
}
func (h heard) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h heard) WithGroup(string) slog.Handler      { return h }
