//go:build unix

package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The digest of a request that nobody has signed is not compared: origins and programs
// get it with the body that it is, or is not, of, and say themselves what becomes of
// that.
func TestDigestOfRequests(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %q %v", r.Header["Content-Digest"], body, err)
	}))
	defer origin.Close()
	dir := programFolder(t, "told", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n[%s] ' \"$HTTP_CONTENT_DIGEST\"\nprintf '\"%s\" <nil>' \"$(cat)\"\n")
	p := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\n[[site.route]]\nproxy = '"+origin.URL+"'\n[[site.route]]\npath = '/run'\ncgi = '"+dir+"'\n")
	for _, said := range []string{
		"sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:", // of "hello world"
		"sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:", "md5=:x:", "none at all",
	} {
		for _, path := range []string{"p", "run/told"} {
			for _, body := range []io.Reader{strings.NewReader("hello world"), io.MultiReader(strings.NewReader("hello "), strings.NewReader("world"))} { // of a length, and in chunks
				r, err := http.NewRequest("POST", p.url()+path, body)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Digest", said)
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if want := fmt.Sprintf("[%s] %q <nil>", said, "hello world"); err != nil || resp.StatusCode != 200 || string(got) != want {
					t.Errorf("%s, %s: %d %s, %v; want %s", path, said, resp.StatusCode, got, err, want)
				}
			}
		}
	}
	p.stop()
}
