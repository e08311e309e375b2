package wiretest_test

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"freshet/internal/wiretest"
)

// TestOriginScripts runs scripts about the origin's side of the language, in
// front of which stands a proxy that keeps nothing.
func TestOriginScripts(t *testing.T) {
	wiretest.RunFront(t, "testdata/origin/*.txtar", func(t testing.TB, f wiretest.Front, settings map[string]string, way wiretest.Way) wiretest.Server {
		transport := &http.Transport{DisableCompression: true}
		target, err := url.Parse("http://" + f.Origin)
		if err != nil {
			t.Fatal(err)
		}
		if len(settings) > 0 {
			t.Fatalf("unknown settings %v", settings)
		}
		server := newServer(t)
		server.Handler = &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(t.Output(), "", 0), Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Add("Via", "1.1 test")
		}}
		return serve(t, server, way, transport.CloseIdleConnections)
	})
}
