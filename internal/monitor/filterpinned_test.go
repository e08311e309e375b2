package monitor

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/forward"
	"freshet/internal/authority"
)

// pinning is a fixture with a forward proxy that looks into https, and refuse,
// by which a client refuses its certificate for pinned.example once. The list
// blocks the host, so nothing goes there.
func pinning(t *testing.T) (f *fixture, h *forward.Handler, refuse func()) {
	t.Helper()
	dir := t.TempDir()
	list := filepath.Join(dir, "list")
	if err := os.WriteFile(list, []byte("||pinned.example^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := authority.Create(filepath.Join(dir, "authority"), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h, err = forward.New(forward.Options{
		Lists: []forward.ListSource{{File: list}}, ErrorLog: slog.New(slog.DiscardHandler),
		Inspect: forward.Inspection{Hosts: []string{"*"}, Leaf: a.Leaf, Certificate: a.PEM()},
	})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r) // until the handshake is over
		over <- struct{}{}
	}))
	t.Cleanup(func() { server.Close(); h.Close() })
	refuse = func() {
		t.Helper()
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "CONNECT pinned.example:443 HTTP/1.1\r\nHost: pinned.example:443\r\n\r\n")
		if resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		if err := tls.Client(c, &tls.Config{ServerName: "pinned.example", RootCAs: x509.NewCertPool()}).Handshake(); err == nil {
			t.Fatal("the client took the certificate")
		}
		<-over
	}
	return newFixture(t, func(o *Options) { o.Filter = h }), h, refuse
}

// A host that is not looked into shows, with whom it is for and why, and is
// looked into again when its owner says so.
func TestPinnedPage(t *testing.T) {
	f, h, refuse := pinning(t)
	page := func() string { return send(f.Handler(), "GET", "/filter", "", "Accept", "text/html").Body.String() }
	if body := page(); !strings.Contains(body, "Nobody has refused") {
		t.Errorf("before: %s", body)
	}
	refuse()
	if len(h.Pinned()) != 0 {
		t.Fatal("once is enough")
	}
	refuse()
	f.shared.forget() // a second has passed
	const at = "/filter/unpin?client=127.0.0.1&host=pinned.example"
	body := page()
	for _, want := range []string{"Not looked into", "pinned.example", "2 alerts about the certificate", strings.ReplaceAll(at, "&", "&amp;"), "Look into it again …"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %s", want, body)
		}
	}
	var table struct {
		Rows []struct {
			Host, Client, Why string
			Since, Until      time.Time
		}
	}
	if err := json.Unmarshal(send(f.Handler(), "GET", "/filter/pinned.json", "").Body.Bytes(), &table); err != nil || len(table.Rows) != 1 {
		t.Fatal(err, table)
	}
	if r := table.Rows[0]; r.Host != "pinned.example" || r.Client != "127.0.0.1" || r.Why != "2 alerts about the certificate" || r.Until.Sub(r.Since) != 24*time.Hour {
		t.Errorf("%+v", r)
	}
	asks := send(f.Handler(), "GET", at, "", "Accept", "text/html").Body.String()
	for _, want := range []string{`<form`, `name="client" value="127.0.0.1"`, `name="host" value="pinned.example"`, "A program that refuses"} {
		if !strings.Contains(asks, want) {
			t.Errorf("no %q in %s", want, asks)
		}
	}
	const owner = "Bearer owner's token"
	for _, tt := range []struct {
		name, form string
		fields     []string
		status     int
		left       int
	}{
		{"nobody", "host=pinned.example&client=127.0.0.1", nil, 401, 1},
		{"another site's page", "host=pinned.example&client=127.0.0.1", []string{"Authorization", owner, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, 1},
		{"another client", "host=pinned.example&client=127.0.0.2", []string{"Authorization", owner}, 404, 1},
		{"no address", "host=pinned.example&client=x", []string{"Authorization", owner}, 404, 1},
		{"a Unix socket", "host=pinned.example", []string{"Authorization", owner}, 404, 1},
		{"the owner", "host=pinned.example&client=127.0.0.1", []string{"Authorization", owner}, 200, 0},
		{"twice", "host=pinned.example&client=127.0.0.1", []string{"Authorization", owner}, 404, 0},
	} {
		w := send(f.Handler(), "POST", "/filter/unpin", tt.form, tt.fields...)
		if all := h.Pinned(); w.Code != tt.status || len(all) != tt.left {
			t.Errorf("%s: %d, %d pinned\n%s", tt.name, w.Code, len(all), w.Body)
		}
	}
}

// Where https is not looked into, the page says so.
func TestPinnedPageWithoutInspection(t *testing.T) {
	f, _ := filtering(t)
	if body := send(f.Handler(), "GET", "/filter", "", "Accept", "text/html").Body.String(); !strings.Contains(body, "https is not looked into; --inspect names hosts for that.") {
		t.Error(body)
	}
	if w := send(f.Local(), "POST", "/filter/unpin", "host=a.example"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
}
