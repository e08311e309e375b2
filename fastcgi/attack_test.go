package fastcgi_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/fastcgi"
)

// TestSlowBodiesTakeNoTurn: a client that dribbles its body keeps nobody from
// the backend, whether it tells the body's length or not.
func TestSlowBodiesTakeNoTurn(t *testing.T) {
	for name, begin := range map[string]string{
		"length": "Content-Length: 10\r\n\r\nx",
		"chunks": "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			address := goBackend(t, "unix", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "answer") })
			h := newHandler(t, fastcgi.Options{Address: address, Conns: 1, Queue: -1})
			url, _ := serve(t, h)
			for range 3 {
				slow := dialRaw(t, url)
				io.WriteString(slow, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"+begin)
				b := make([]byte, 12) // 100: its body is being read
				if _, err := io.ReadFull(slow, b); err != nil || string(b) != "HTTP/1.1 100" {
					t.Fatalf("%q %v", b, err)
				}
			}
			if running, _ := h.Load(); running != 0 {
				t.Errorf("%d turns are taken", running)
			}
			if res, body := get(t, newClient(t), url+"/"); res.StatusCode != 200 || body != "answer" {
				t.Errorf("%d %s", res.StatusCode, body)
			}
		})
	}
}

// TestSlowUploadsLeaveTurns: clients whose long bodies are passed on as they
// come have half of the turns, and no more.
func TestSlowUploadsLeaveTurns(t *testing.T) {
	address := goBackend(t, "unix", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "answer")
	})
	h := newHandler(t, fastcgi.Options{Address: address, Conns: 4})
	url, _ := serve(t, h)
	for range 6 {
		slow := dialRaw(t, url)
		io.WriteString(slow, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1000))
	}
	eventually(t, "two uploads, and four that wait", func() bool {
		running, waiting := h.Load()
		return running == 2 && waiting == 4
	})
	if res, body := get(t, newClient(t), url+"/"); res.StatusCode != 200 || body != "answer" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// TestAuthorizerSeesThePath: however a client writes a path, the authorizer is
// told which one is meant.
func TestAuthorizerSeesThePath(t *testing.T) {
	address := fake(t, "unix", func(s *session) {
		for {
			a, err := s.request()
			if err != nil {
				return
			}
			status := "200 OK"
			if strings.HasPrefix(a.vars["DOCUMENT_URI"], "/admin") {
				status = "403 Forbidden"
			}
			io.WriteString(s, stdout("Status: "+status+"\r\nContent-Type: text/plain\r\n\r\n")+end(0, 0))
		}
	})
	a, err := fastcgi.NewAuthorizer(fastcgi.Options{Address: address, ErrorLog: quiet},
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "passed") }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	url, _ := serve(t, a)
	for target, want := range map[string]string{
		"/admin": "403", "/admin/x": "403", "//admin": "403", "/%61dmin": "403", "/./admin/": "403", "/b/../admin": "403", "/b/%2e%2e/admin": "403", "/../admin": "403",
		"http://h/admin": "403", "/b": "200", "/": "200", "/b/": "200",
	} {
		c := dialRaw(t, url)
		io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if b, _ := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 "+want) {
			t.Errorf("%s: %.60q", target, b)
		}
	}
}

// TestHiddenScripts: what is in folders, or has a name, that begin with a dot
// is not run.
func TestHiddenScripts(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{".git/a.php", ".git/index.php", "d/._a.php", "._a.php", ".well-known/a.php", "a.php"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755), os.WriteFile(filepath.Join(root, name), []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	h := newHandler(t, fastcgi.Options{Address: answers(t, whole("ran")), Root: root})
	url, _ := serve(t, h)
	for path, want := range map[string]int{
		"/.git/a.php": 404, "/.git/": 404, "/.git": 404, "/d/._a.php": 404, "/._a.php": 404, "/%2egit/a.php/x": 404,
		"/.well-known/a.php": 200, "/a.php": 200, "/a.php/.git/x": 200,
	} {
		if res, body := get(t, newClient(t), url+path); res.StatusCode != want || (want == 200) != (body == "ran") {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
	}
}
