package proxy

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/digest"
	"freshet/internal/signing"
	"freshet/internal/wiretest"
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
	h, err := New(Options{Origins: []string{"http://" + wiretest.Reserve(t), origin.URL + "/below"}, Sign: signer, ErrorLog: slog.New(slog.DiscardHandler)})
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
		{"GET", "/a", "", false, http.Header{"Signature-Input": {"sig1=(;;"}, "Signature": {"sig1=:AAAA:"}}, "sig1"},
		{"GET", "/a", "", false, http.Header{"Signature-Input": {"sig1=();created=1"}, "Signature": {"=,"}}, "sig1"},
		{"GET", "/a", "", false, http.Header{"Signature-Input": {"sig1=(), sig2=(), sig3=(), sig4=(), sig5=(), sig6=(), sig7=()"}, "Signature": {"sig1=:AAAA:"}}, "sig8"},
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

// TestSignRoom: bodies that are kept aside to be signed have a bound in all, and
// those that end make room.
func TestSignRoom(t *testing.T) {
	key, err := signature.NewKey("proxy", signature.HMAC, []byte(strings.Repeat("k", signature.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signing.New(key, signing.Options{})
	if err != nil {
		t.Fatal(err)
	}
	came, further := make(chan bool), make(chan bool)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came <- true
		<-further
	}))
	defer origin.Close()
	var said strings.Builder
	h, err := New(Options{Origins: []string{origin.URL}, Sign: signer, ErrorLog: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.keep.Memory, h.keep.Most, h.keep.Dir = 16, 100, t.TempDir()
	front := httptest.NewServer(h)
	defer front.Close()
	send := func() *http.Response {
		resp, err := http.Post(front.URL, "text/plain", strings.NewReader(strings.Repeat("x", 100)))
		if err != nil {
			t.Error(err)
			return &http.Response{}
		}
		resp.Body.Close()
		return resp
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if resp := send(); resp.StatusCode != 200 {
				t.Error(resp.Status)
			}
		})
		<-came
	}
	go func() { // without a bound it would come, too
		<-came
	}()
	if resp := send(); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(said.String(), "all the room") {
		t.Errorf("a fifth body: %s, %v, log: %s", resp.Status, resp.Header, said.String())
	}
	close(further)
	all.Wait()
	if resp := send(); resp.StatusCode != 200 {
		t.Errorf("when the others have ended: %s", resp.Status)
	}
}
