package app

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is fetched with flags that let another server answer than the URL names is
// not what those get who ask without them.
func TestGetStoresNoForgery(t *testing.T) {
	answers := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=1000")
			io.WriteString(w, text)
		}
	}
	w := newGetWorld(t, answers("real"))
	forger := httptest.NewServer(answers("forged"))
	defer forger.Close()
	host, theirs := strings.TrimPrefix(w.srv.URL, "http://"), strings.TrimPrefix(forger.URL, "http://")
	for _, args := range []string{
		"URL/a --connect-to " + host + ":" + theirs,
		forger.URL + "/a -H Host:" + host,
	} {
		if got := w.get(strings.Fields(args)...); got != "forged" {
			t.Errorf("%s: %q", args, got)
		}
		if got := w.get("URL/a"); got != "real" {
			t.Errorf("after %s: %q", args, got)
		}
		os.RemoveAll(w.cache)
	}
	_, said := w.run(exitOK, "--why", "URL/a", "--connect-to", host+":"+theirs)
	contains(t, said, "not used: another server may answer than the URL names")

	secure := httptest.NewTLSServer(answers("anybody's"))
	defer secure.Close()
	cert := filepath.Join(t.TempDir(), "cert.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(cert, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.run(exitOK, "-k", secure.URL+"/a")
	w.run(getUntrusted, secure.URL+"/a")
	w.get("--cacert", cert, secure.URL+"/a")
	w.get("--offline", secure.URL+"/a")
}

// Logins of the file are not sent in clear when https was asked for.
func TestGetLoginsStaySecret(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Authorization")) })
	secure := httptest.NewTLSServer(http.RedirectHandler(w.srv.URL+"/", http.StatusFound))
	defer secure.Close()
	logins := filepath.Join(t.TempDir(), "netrc")
	if err := os.WriteFile(logins, []byte("machine 127.0.0.1 login ann password pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{"": "", "--location-trusted": "Basic YW5uOnB3"} {
		got, _ := w.run(exitOK, append(strings.Fields(args), "-k", "--netrc-file", logins, secure.URL+"/")...)
		if got != want {
			t.Errorf("%s: %q", args, got)
		}
	}
}
