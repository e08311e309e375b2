package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/wiretest"
)

// kept is a sink that keeps the names of requests by their targets.
type kept struct {
	mu  sync.Mutex
	ids map[record.ID]string
	in  chan struct{}

	plain bool // a request came without TLS
}

func (k *kept) Record(r *httpd.Record) {
	k.mu.Lock()
	if had, twice := k.ids[r.ID]; twice {
		k.ids[r.ID] = had + " and " + r.Target
	} else {
		k.ids[r.ID] = r.Target
	}
	k.plain = k.plain || !r.TLS
	k.mu.Unlock()
	k.in <- struct{}{}
}

func TestRequestIDs(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, mode := range []httpd.RequestIDs{httpd.RequestIDNever, httpd.RequestIDOnErrors, httpd.RequestIDAlways} {
			t.Run(fmt.Sprint(proto, " ", mode), func(t *testing.T) { testRequestIDs(t, proto, mode) })
		}
	}
}

func testRequestIDs(t *testing.T, proto string, mode httpd.RequestIDs) {
	k := &kept{ids: map[record.ID]string{}, in: make(chan struct{}, 100)}
	srv := &httpd.Server{Sink: k, RequestIDs: mode, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			w.WriteHeader(404)
		}
	})}
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "server", "127.0.0.1")
	client, base := tlsClient(proto), "https://"+startTLS(t, srv, certFile, keyFile)
	defer client.CloseIdleConnections()
	for i := range 6 {
		target := []string{"/", "/missing"}[i%2]
		resp, err := client.Get(base + target)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		<-k.in
		want := mode == httpd.RequestIDAlways || mode == httpd.RequestIDOnErrors && target == "/missing"
		text := resp.Header.Get("Freshet-Id")
		if (text != "") != want {
			t.Errorf("%s: Freshet-Id is %q", target, text)
		}
		if !want {
			continue
		}
		id, ok := record.ParseID(text)
		if !srv.Named(id) || srv.Named(id-record.NextConn*100) || srv.Named(id+record.NextConn*100) || new(httpd.Server).Named(id) {
			t.Errorf("%s: not a name of this server alone", text)
		}
		if k.mu.Lock(); !ok || k.ids[id] != target {
			t.Errorf("%s: the record of %q is that of %q", target, text, k.ids[id])
		}
		k.mu.Unlock()
	}
	if k.mu.Lock(); len(k.ids) != 6 || k.plain {
		t.Errorf("six requests over TLS left these records: %v, without TLS %v", k.ids, k.plain)
	}
	k.mu.Unlock()
}
