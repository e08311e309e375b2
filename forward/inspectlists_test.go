package forward_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"freshet/forward"
)

// What lists block inside of an inspected tunnel is blocked like anything else,
// and a host that is blocked as such is not even looked at.
func TestListsInside(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("||tracker.test^\n/ad.js$script\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *forward.Options) { o.Lists = []forward.ListSource{{Name: "mine", File: list}} })
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ad.js" {
			t.Error("the server got what is blocked")
		}
		io.WriteString(rw, "the page")
	}))
	w.site("tracker.test", http.NotFoundHandler())
	for _, h2 := range []bool{false, true} {
		client := w.client(h2)
		if _, body := get(t, client, "https://www.test/"); body != "the page" {
			t.Errorf("got %q", body)
		}
		for _, address := range []string{"https://www.test/ad.js", "https://tracker.test/t.js"} {
			req, _ := http.NewRequest("GET", address, nil)
			req.Header.Set("Sec-Fetch-Dest", "script")
			req.Header.Set("Referer", "https://www.test/")
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 200 || len(body) > 100 {
				t.Errorf("%s: %s %q", address, resp.Status, body)
			}
		}
	}
	if _, n := w.places.get("tracker.test:443"); n != 0 {
		t.Errorf("%d connections to a host that is blocked", n)
	}
}

// What cannot be looked at is no way to a host that is blocked as such.
func TestListsBlockWhatIsNotHTTPS(t *testing.T) {
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("||tracker.test^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *forward.Options) { o.Lists = []forward.ListSource{{Name: "mine", File: list}} })
	w.site("tracker.test", http.NotFoundHandler())
	c, _ := w.tunnel("tracker.test:443")
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: tracker.test\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
	if got, _ := io.ReadAll(c); len(got) > 0 {
		t.Errorf("without TLS: %q", got)
	}
	c, _ = w.tunnel("tracker.test:443")
	tc := tls.Client(c, &tls.Config{ServerName: "tracker.test", RootCAs: pool(w.root), NextProtos: []string{"imap"}})
	if tc.Handshake() == nil {
		t.Error("with another protocol")
	}
	if _, n := w.places.get("tracker.test:443"); n != 0 {
		t.Errorf("%d connections to a host that is blocked", n)
	}
}
