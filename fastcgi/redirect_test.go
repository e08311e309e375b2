package fastcgi_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/fastcgi"
)

// redirects answers by path: with a Location of the rest.
func redirects(t testing.TB) string {
	return fake(t, "unix", func(s *session) {
		for {
			a, err := s.request()
			if err != nil {
				return
			}
			to, ok := strings.CutPrefix(a.vars["PATH_INFO"], "/to")
			if a.vars["PATH_INFO"] == "/other" {
				to, ok = "http://b.example/", true
			}
			if ok {
				io.WriteString(s, stdout("Location: "+to+"\r\n\r\n")+end(0, 0))
				continue
			}
			io.WriteString(s, whole(a.vars["REQUEST_METHOD"]+" "+a.vars["REQUEST_URI"]+" "+a.vars["CONTENT_LENGTH"]+a.stdin))
		}
	})
}

// A local redirect is answered in the place of the request; one that does not
// end is refused.
func TestLocalRedirect(t *testing.T) {
	h := newHandler(t, fastcgi.Options{Address: redirects(t)})
	url, recs := serve(t, h)
	for path, want := range map[string]string{
		"/to/a":       "GET /a ",
		"/to/a%3Fb=c": "GET /a?b=c ",
		"/to/to/to/x": "GET /x ",
		"/other":      "302 http://b.example/",
	} {
		resp, err := newClient(t).Post(url+path, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		got := string(b)
		if resp.StatusCode != 200 {
			got = "302 " + resp.Header.Get("Location")
		}
		if rule := recs.rule(t); got != want || rule != "script-answered" {
			t.Errorf("%s: %s %q %s, want %q", path, resp.Status, got, rule, want)
		}
	}
	resp, _ := get(t, newClient(t), url+strings.Repeat("/to", 12)+"/x")
	if got := recs.rule(t); resp.StatusCode != 502 || got != "script-redirect-loop" {
		t.Errorf("%s %s", resp.Status, got)
	}
	if p := h.Pool(); p.Dials != 1 {
		t.Errorf("%+v: a redirect cost a connection", p)
	}
}

// What a local redirect leads to is answered by who answers all requests: there may
// be guards before it. It ends when it goes round.
func TestLocalRedirectThroughWhole(t *testing.T) {
	var h *fastcgi.Handler
	whole := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/admin") {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, r.Method+" "+r.RequestURI)
			return
		}
		h.ServeHTTP(w, r)
	})
	h = newHandler(t, fastcgi.Options{Address: redirects(t), Redirects: whole})
	url, _ := serve(t, h)
	for path, want := range map[string]string{"/to/admin/x": "403 GET /admin/x", "/to/to/admin": "403 GET /admin", "/to/y": "200 GET /y "} {
		resp, body := get(t, newClient(t), url+path)
		if got := resp.Status[:4] + body; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if resp, _ := get(t, newClient(t), url+strings.Repeat("/to", 12)+"/x"); resp.StatusCode != 502 {
		t.Errorf("12 redirects: %s", resp.Status)
	}
}

// A local redirect to a file is answered with the file.
func TestLocalRedirectToFile(t *testing.T) {
	root := site(t)
	address := answers(t, stdout("Location: /style.css\r\n\r\n")+end(0, 0))
	url, _ := serve(t, newHandler(t, fastcgi.Options{Address: address, Root: root, Files: files}))
	if _, body := get(t, newClient(t), url+"/a.php"); body != "FILE /style.css" {
		t.Errorf("%q", body)
	}
}

func TestSendfile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"private/a b.txt": "0123456789", "private/sub/x": "x", "other/secret": "secret"})
	if err := os.Symlink("../other/secret", filepath.Join(dir, "private/link")); err != nil {
		t.Skip(err)
	}
	private := dir + "/private"
	for _, tt := range []struct {
		field  string
		status int
		body   string
	}{
		{"X-Sendfile: " + private + "/a b.txt", 200, "0123456789"},
		{"X-Sendfile: " + private + "/sub/../sub/x", 200, "x"},
		{"X-Accel-Redirect: /files/a%20b.txt", 200, "0123456789"},
		{"X-Accel-Redirect: /byname" + private + "/sub/x", 502, ""},
		{"X-Sendfile: " + private + "/../other/secret", 502, ""},
		{"X-Sendfile: " + private + "/link", 502, ""},
		{"X-Sendfile: " + private, 502, ""},
		{"X-Sendfile: " + private + "/none", 502, ""},
		{"X-Sendfile: " + private + "x/y", 502, ""},
		{"X-Sendfile: sub/x", 502, ""},
		{"X-Accel-Redirect: /files/../other/secret", 502, ""},
		{"X-Accel-Redirect: /files/%2e%2e/other/secret", 502, ""},
		{"X-Accel-Redirect: /other", 502, ""},
	} {
		address := answers(t, stdout("Content-Type: text/x\r\nX-Own: 1\r\nContent-Length: 0\r\n"+tt.field+"\r\n\r\n")+end(0, 0))
		url, recs := serve(t, newHandler(t, fastcgi.Options{Address: address, Sendfile: []string{"/files/=" + private}}))
		resp, body := get(t, newClient(t), url)
		rule := recs.rule(t)
		switch {
		case resp.StatusCode != tt.status, tt.status == 200 && body != tt.body, (tt.status == 502) != (rule == "sendfile-refused"):
			t.Errorf("%s: %s %q %s", tt.field, resp.Status, body, rule)
		case resp.Header.Get("X-Sendfile")+resp.Header.Get("X-Accel-Redirect") != "":
			t.Errorf("%s: the client sees %v", tt.field, resp.Header)
		case tt.status == 200 && (resp.Header.Get("Content-Type") != "text/x" || resp.Header.Get("X-Own") != "1"):
			t.Errorf("%s: %v", tt.field, resp.Header)
		}
	}

	address := answers(t, stdout("Content-Type: text/x\r\nX-Accel-Redirect: "+private+"/sub/x\r\n\r\n")+end(0, 0))
	url, _ := serve(t, newHandler(t, fastcgi.Options{Address: address, Sendfile: []string{private}}))
	if _, body := get(t, newClient(t), url); body != "x" {
		t.Errorf("X-Accel-Redirect with a path: %q", body)
	}

	address = answers(t, stdout("Content-Type: text/x\r\nX-Sendfile: "+private+"/a b.txt\r\n\r\n")+end(0, 0))
	url, _ = serve(t, newHandler(t, fastcgi.Options{Address: address, Sendfile: []string{private}}))
	req, _ := http.NewRequest("GET", url, nil)
	req.Header.Set("Range", "bytes=2-4")
	if status, body, _ := exchange(t, newClient(t), req); status != 206 || body != "234" {
		t.Errorf("a range: %d %q", status, body)
	}
	url, _ = serve(t, newHandler(t, fastcgi.Options{Address: address}))
	if resp, _ := get(t, newClient(t), url); resp.StatusCode != 502 {
		t.Errorf("without folders: %s", resp.Status)
	}
}
