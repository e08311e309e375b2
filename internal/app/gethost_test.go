package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A host may be written as people write it.
func TestGetHostNames(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/from" {
			w.Header().Set("Location", strings.Replace("http://faß.test:PORT/to", "PORT", r.URL.Query().Get("port"), 1))
			w.WriteHeader(302)
			return
		}
		fmt.Fprint(w, r.Host)
	})
	at, _ := url.Parse(w.srv.URL)
	port := at.Port()
	reach := []string{"--no-cache", "--connect-to", "::" + at.Host}
	for from, want := range map[string]string{
		"http://bücher.test:" + port + "/":                         "xn--bcher-kva.test:" + port,
		"BÜCHER.test:" + port:                                      "xn--bcher-kva.test:" + port,
		"http://b%C3%BCcher.test:" + port + "/":                    "xn--bcher-kva.test:" + port,
		"http://a.test:" + port + "/from?port=" + port:             "xn--fa-hia.test:" + port,
		"http://日本語。test:" + port + "/from?port=" + port + "#part": "xn--fa-hia.test:" + port,
	} {
		if got := w.get(append(reach, from)...); got != want {
			t.Errorf("%s: the server is asked as %q, want %q", from, got, want)
		}
	}
	_, said := w.run(getBadURL, "http://b\u2488cher.test/")
	contains(t, said, "is no URL: no host can be called ")
}
