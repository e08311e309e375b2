package app

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// An origin whose certificate nobody knows is not believed, until it is named.
func TestOriginCA(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "by TLS") }))
	origin.Config.ErrorLog = log.New(io.Discard, "", 0)
	origin.StartTLS()
	defer origin.Close()
	dir := folder(t, "empty.pem", "", "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: origin.Certificate().Raw})))
	for _, tt := range []struct {
		flags  []string
		status int
		proxy  string
	}{
		{nil, 502, "freshet; error=tls_certificate_error"},
		{[]string{"--origin-ca", dir + "/ca.pem"}, 200, ""},
	} {
		p := start(t, append([]string{"proxy", "--listen", "127.0.0.1:0", "--to", origin.URL}, tt.flags...)...)
		if resp, body := get(t, p.url()); resp.StatusCode != tt.status || resp.Header.Get("Proxy-Status") != tt.proxy {
			t.Errorf("%v: %v %q", tt.flags, resp, body)
		}
		p.stop()
	}
	for file, want := range map[string]string{"none.pem": "no such file or directory; give a file of certificates", "empty.pem": "there is no certificate in it"} {
		stderr := fails(t, exitFault, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--origin-ca", dir+"/"+file)
		contains(t, stderr, "freshet: origin-ca "+dir+"/"+file+": ", want)
	}
}

// A request that comes back is refused at once: it does not wait for itself.
func TestLoopDoesNotWait(t *testing.T) {
	var url atomic.Value
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		again, err := http.NewRequestWithContext(r.Context(), r.Method, url.Load().(string), nil)
		if err != nil {
			t.Error(err)
			return
		}
		again.Header["Via"] = r.Header["Via"]
		resp, err := http.DefaultClient.Do(again)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	}))
	defer origin.Close()
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--lease", "1h")
	url.Store(p.url())
	if resp, _ := get(t, p.url()); resp.StatusCode != http.StatusLoopDetected {
		t.Errorf("%v", resp)
	}
	p.stop()
}
