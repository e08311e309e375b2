package notify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"freshet/signature"
)

// A hook is what a webhook got.
type hook struct {
	r    *http.Request
	body []byte
}

// hooks serves one that answers with a status.
func hooks(t testing.TB, status int, header ...string) (*url.URL, <-chan hook) {
	t.Helper()
	got := make(chan hook, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- hook{r, body}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, "because\x1b[2J\r\nof that")
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/hook?token=geheim")
	if err != nil {
		t.Fatal(err)
	}
	return u, got
}

// What is sent is verified by OpenSSL alone: the digest of the body, and the
// signature over the base as RFC 9421 §2.5 writes it.
func TestWebhookSigned(t *testing.T) {
	u, got := hooks(t, http.StatusNoContent)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.NewKey("edge-1", signature.Ed25519, private)
	if err != nil {
		t.Fatal(err)
	}
	w := &Webhook{URL: u, Key: key, Agent: "freshet/test", Client: NewClient()}
	n := notice(t, "http://origin.example")
	if err := w.Send(context.Background(), oneOf(n), 3); err != nil {
		t.Fatal(err)
	}
	h := <-got
	var said struct {
		ID, Kind, Rule, Title string
		Dropped               int
	}
	if err := json.Unmarshal(h.body, &said); err != nil || said.ID != n.ID || said.Kind != "raised" || said.Rule != "origin-down" || said.Title != n.Title() || said.Dropped != 3 {
		t.Errorf("%v %s", err, h.body)
	}
	sum := openssl(t, h.body, "dgst", "-sha256", "-binary")
	if want := "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"; h.r.Header.Get("Content-Digest") != want {
		t.Errorf("Content-Digest: %s, want %s", h.r.Header.Get("Content-Digest"), want)
	}
	if h.r.Header.Get("Idempotency-Key") != `"`+n.ID+`"` {
		t.Errorf("%v", h.r.Header)
	}
	// The base, by hand.
	_, params, _ := strings.Cut(h.r.Header.Get("Signature-Input"), "=")
	base := `"@method": POST` + "\n" + `"@target-uri": ` + u.String() + "\n" + `"content-type": application/json` + "\n" +
		`"content-digest": ` + h.r.Header.Get("Content-Digest") + "\n" + `"idempotency-key": "` + n.ID + `"` + "\n" + `"@signature-params": ` + params
	value := regexp.MustCompile(`^sig1=:(.*):$`).FindStringSubmatch(h.r.Header.Get("Signature"))
	if value == nil {
		t.Fatal(h.r.Header.Get("Signature"))
	}
	raw, err := base64.StdEncoding.DecodeString(value[1])
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pub := put("pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	args := []string{"pkeyutl", "-verify", "-pubin", "-inkey", pub, "-rawin", "-sigfile", put("sig", raw), "-in", put("base", []byte(base))}
	if out := openssl(t, nil, args...); !bytes.Contains(out, []byte("Verified Successfully")) {
		t.Errorf("%s", out)
	}
	// And by our own, within its time only.
	m := &signature.Message{Method: "POST", Scheme: "http", Authority: u.Host, Target: u.RequestURI(), HasBody: true, Header: h.r.Header}
	if v := signature.Verify(m, signature.KeySet(key), &signature.Policy{}, time.Now()); v.Err() != nil {
		t.Error(v.Err())
	}
	if v := signature.Verify(m, signature.KeySet(key), &signature.Policy{}, time.Now().Add(time.Hour)); v.Err() == nil {
		t.Error("it is good for ever")
	}
}

// What is tried again is the same notice, and no replay: a receiver that refuses
// nonces that it has seen takes the second try.
func TestWebhookAgain(t *testing.T) {
	u, got := hooks(t, http.StatusServiceUnavailable)
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.NewKey("edge-1", signature.Ed25519, private)
	if err != nil {
		t.Fatal(err)
	}
	w := &Webhook{URL: u, Key: key, Client: NewClient()}
	n := notice(t, "x")
	nonce := regexp.MustCompile(`;nonce="([^"]+)"`)
	var nonces, keys []string
	for range 2 {
		if err := w.Send(context.Background(), oneOf(n), 0); err == nil {
			t.Fatal("503 is taken for an answer that is well")
		}
		h := <-got
		found := nonce.FindStringSubmatch(h.r.Header.Get("Signature-Input"))
		if found == nil {
			t.Fatal(h.r.Header)
		}
		nonces, keys = append(nonces, found[1]), append(keys, h.r.Header.Get("Idempotency-Key"))
	}
	if nonces[0] == nonces[1] || keys[0] != keys[1] || keys[0] == "" {
		t.Errorf("nonces %q, keys %q", nonces, keys)
	}
}

// The zero value of Client is usable.
func TestWebhookWithoutClient(t *testing.T) {
	u, got := hooks(t, http.StatusNoContent)
	if err := (&Webhook{URL: u}).Send(context.Background(), oneOf(notice(t, "x")), 0); err != nil {
		t.Fatal(err)
	}
	<-got
}

func TestWebhookAnswers(t *testing.T) {
	for _, c := range []struct {
		status  int
		header  []string
		want    string
		refused bool
	}{
		{200, nil, "", false}, {204, nil, "", false},
		{302, []string{"Location", "http://192.0.2.1/"}, "redirects are not followed", false},
		{308, []string{"Location", "/elsewhere"}, "redirects are not followed", false},
		{400, nil, "because?[2J??of that", true}, {413, nil, "413", true},
		{401, nil, "401", false}, {404, nil, "404", false}, {429, nil, "429", false}, {500, nil, "500", false}, {503, nil, "503", false},
	} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			u, got := hooks(t, c.status, c.header...)
			w := &Webhook{URL: u, Client: NewClient()}
			err := w.Send(context.Background(), oneOf(notice(t, "x")), 0)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrRefused) != c.refused {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "geheim") || strings.Contains(w.Name(), "geheim") {
				t.Errorf("the address is told: %v", err)
			}
			<-got
			if len(got) > 0 {
				t.Error("there was a second request")
			}
		})
	}
	u, err := url.Parse("http://127.0.0.1:1/geheim")
	if err != nil {
		t.Fatal(err)
	}
	if err := (&Webhook{URL: u, Client: NewClient()}).Send(context.Background(), oneOf(notice(t, "x")), 0); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Error(err)
	}
}
