package proxy

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/digest"
	"freshet/internal/signing"
	"freshet/signature"
)

// TestSign: an origin can verify what it is asked, whatever the client sends; a
// second origin gets a signature of its own, and what a client has signed stays.
func TestSign(t *testing.T) {
	key, err := signature.NewKey("proxy", signature.HMAC, []byte(strings.Repeat("k", signature.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signing.New(key, signing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var seen atomic.Value
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m := &signature.Message{Method: r.Method, Scheme: "http", Authority: r.Host, Target: r.RequestURI, Header: r.Header, HasBody: r.ContentLength != 0}
		v := signature.Verify(m, signature.KeySet(key), &signature.Policy{Nonce: true}, time.Now())
		switch f, _ := digest.Parse(r.Header["Content-Digest"]); {
		case v.Outcome != signature.Verified:
			seen.Store(v.Err().Error())
		case len(body) > 0 && (len(f.Digests) != 1 || f.Digests[0] != digest.Of(digest.SHA256, body)):
			seen.Store("the digest is not that of the body")
		default:
			seen.Store(v.Label + " " + v.Nonce)
		}
	}))
	defer origin.Close()
	dead := httptest.NewServer(nil)
	dead.Close()
	h, err := New(Options{Origins: []string{dead.URL, origin.URL + "/below"}, Sign: signer, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	front := httptest.NewServer(h)
	defer front.Close()
	nonces := map[string]bool{}
	for _, tt := range []struct {
		method, target, body string
		chunked              bool
		header               http.Header
		label                string
	}{
		{"GET", "/a?x=%20&x", "", false, nil, "sig1"},
		{"GET", "/%61//b/c", "", false, nil, "sig1"},
		{"GET", "/a?", "", false, nil, "sig1"},
		{"POST", "/a", "two eggs", false, nil, "sig1"},
		{"POST", "/a", strings.Repeat("long ", 1<<16), true, nil, "sig1"},
		{"POST", "/a", "two eggs", false, http.Header{"Content-Digest": {digest.Of(digest.SHA256, []byte("two eggs")).String()}}, "sig1"},
		{"POST", "/a", "two eggs", false, http.Header{"Content-Digest": {"md5=:AAAA:"}}, "sig1"},
		{"GET", "/a", "", false, http.Header{"Signature-Input": {"sig1=();created=1"}, "Signature": {"sig1=:AAAA:"}}, "sig2"},
	} {
		var body io.Reader
		if tt.body != "" {
			body = strings.NewReader(tt.body)
			if tt.chunked {
				body = io.MultiReader(body)
			}
		}
		req, err := http.NewRequest(tt.method, front.URL+tt.target, body)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range tt.header {
			req.Header[name] = values
		}
		seen.Store("nothing came")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got := seen.Load().(string)
		label, nonce, _ := strings.Cut(got, " ")
		if resp.StatusCode != 200 || label != tt.label || nonces[nonce] {
			t.Errorf("%s %s: %d, %s", tt.method, tt.target, resp.StatusCode, got)
		}
		nonces[nonce] = true
	}
}
