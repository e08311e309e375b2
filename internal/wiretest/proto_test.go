package wiretest_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

// site is a running server and a client for it.
type site struct {
	url    string
	client *http.Client
	server *httpd.Server
}

// eachProto runs one test body over every protocol that the server speaks:
// HTTP/1.1 in clear and over TLS, and HTTP/2.
func eachProto(t *testing.T, h http.Handler, body func(t *testing.T, s site)) {
	for _, c := range []struct {
		name   string
		proto  string
		secure bool
	}{
		{"h1", "HTTP/1.1", false},
		{"https", "HTTP/1.1", true},
		{"h2", "HTTP/2.0", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &httpd.Server{Handler: h, ErrorLog: log.New(t.Output(), "", 0)}
			if hot, ok := h.(httpd.HotHandler); ok {
				server.Hot = hot
			}
			s := site{server: server}
			s.url = listen(t, server, c.secure)
			protocols := new(http.Protocols)
			protocols.SetHTTP1(c.proto == "HTTP/1.1")
			protocols.SetHTTP2(c.proto == "HTTP/2.0")
			transport := &http.Transport{
				Protocols:          protocols,
				TLSClientConfig:    &tls.Config{RootCAs: keyPair(t).Roots()},
				DisableCompression: true,
			}
			t.Cleanup(transport.CloseIdleConnections)
			s.client = &http.Client{
				Transport:     transport,
				Timeout:       time.Minute,
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			}
			if resp, _ := s.get(t, "GET", "/", nil); resp.Proto != c.proto {
				t.Fatalf("protocol %s, want %s", resp.Proto, c.proto)
			}
			body(t, s)
		})
	}
}

// get makes a request with fields and returns the whole response.
func (s site) get(t *testing.T, method, target string, fields map[string]string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, s.url+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		r.Header.Set(name, value)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(content)
}

// listen starts a server on a free port, with its stop as cleanup, and returns
// its address as a URL.
func listen(t *testing.T, server *httpd.Server, secure bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	url := "http://" + listener.Addr().String()
	if secure {
		url = "https://" + listener.Addr().String()
		certFile, keyFile := keyPair(t).Write(t, t.TempDir())
		go func() { ended <- server.ServeTLS(listener, certFile, keyFile) }()
	} else {
		go func() { ended <- server.Serve(listener) }()
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != httpd.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
	})
	return url
}

var makeKeyPair = sync.OnceValues(func() (wiretest.KeyPair, error) { return wiretest.NewKeyPair("wiretest") })

// keyPair is one for all tests.
func keyPair(t testing.TB) wiretest.KeyPair {
	t.Helper()
	p, err := makeKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return p
}
