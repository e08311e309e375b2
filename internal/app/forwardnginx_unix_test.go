//go:build unix

package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// nginxAuth is a configuration that asks a service by auth_request, with what
// --forward-auth tells it.
const nginxAuth = `daemon off; worker_processes 1; pid DIR/pid; error_log DIR/error.log; USER
events {}
http {
	access_log off; client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
	server {
		listen unix:DIR/sock;
		location / {
			auth_request /ask;
			auth_request_set $user $upstream_http_remote_user;
			auth_request_set $groups $upstream_http_remote_groups;
			proxy_set_header Remote-User $user;
			proxy_set_header Remote-Groups $groups;
			proxy_set_header X-Role "";
			proxy_pass ORIGIN;
		}
		location = /ask {
			internal;
			proxy_pass SERVICE/verify;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header X-Forwarded-Method $request_method;
			proxy_set_header X-Forwarded-Uri $request_uri;
			proxy_set_header X-Forwarded-Host $http_host;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-For "";
			proxy_set_header Remote-User "";
			proxy_set_header Remote-Groups "";
		}
	}
}
`

// startNginx runs nginx until the test ends, and returns a client whose requests all
// go there.
func startNginx(t *testing.T, conf string) *http.Client {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal(err) // scripts/setup installs what is missing
	}
	dir, err := os.MkdirTemp("", "ng") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(strings.NewReplacer("DIR", dir, "USER", user).Replace(conf)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-c", file, "-p", dir, "-e", filepath.Join(dir, "error.log"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cmd.Process.Signal(os.Interrupt); <-ended })
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "sock"))
	}
	for begun := time.Now(); ; {
		c, err := dial(t.Context(), "", "")
		if err == nil {
			c.Close()
			break
		}
		select {
		case <-ended:
			t.Fatalf("nginx has ended: %s", said.Bytes())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Since(begun) > patience {
			t.Fatal(err)
		}
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// A service that was made for auth_request of nginx is asked the same, and what it
// answers means the same: nginx stands beside us before the same service, and the same
// origin.
func TestForwardAuthAsNginx(t *testing.T) {
	var mu sync.Mutex
	asked := ""
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told := maps.Clone(r.Header)
		delete(told, "Cdn-Loop") // by which we find a service that leads back to us
		for name := range told {
			switch name {
			case "X-Forwarded-For": // nginx has none to tell of a Unix socket
				delete(told, name)
			case "X-Other", "Content-Type", "Accept-Encoding", "Connection", "Range", "If-None-Match", "X-Role", "X-Forwarded-Port":
				delete(told, name) // which nginx passes on as they are, and we do not
			}
		}
		mu.Lock()
		if asked == "" { // we ask on, about what others may read in a path
			asked = fmt.Sprintf("%s %s %q %v", r.Method, r.URL, body, told)
		}
		mu.Unlock()
		w.Header().Set("Remote-User", "ann")
		w.Header().Set("Remote-Groups", "readers")
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.Header().Set("Location", "https://login.example/")
		var status int
		fmt.Sscanf(r.Header.Get("Cookie"), "answer=%d", &status)
		w.WriteHeader(status)
	}))
	defer service.Close()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q %q %q %q", r.Method, r.RequestURI, body, r.Header["Remote-User"], r.Header["Remote-Groups"], r.Header["X-Role"])
	}))
	defer origin.Close()
	theirs := startNginx(t, strings.NewReplacer("ORIGIN", origin.URL, "SERVICE", service.URL).Replace(nginxAuth))
	p := start(t, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "off", "--forward-auth", service.URL+"/verify",
		"--forward-auth-fields", "Remote-Groups", "--forward-auth-fields", "X-Role")
	ours := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: theirs.CheckRedirect}
	ask := func(client *http.Client, base, method, target string, answer int) (got, told string, resp *http.Response) {
		t.Helper()
		r, err := http.NewRequest(method, base+target, strings.NewReader(map[bool]string{true: "a body"}[method == "POST"]))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "site.example:8080"
		r.Header = http.Header{"Cookie": {fmt.Sprintf("answer=%d; other=1", answer)}, "Authorization": {"Bearer t"}, "User-Agent": {"test"}, "Accept": {"text/html, */*;q=0.1"}, "Accept-Language": {"de"},
			"X-Other": {"1"}, "Range": {"bytes=0-"}, "If-None-Match": {`"a"`}, "Remote-User": {"root"}, "Remote-Groups": {"admins"}, "X-Role": {"admin"},
			"X-Forwarded-Uri": {"/open"}, "X-Forwarded-Host": {"evil"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Method": {"HEAD"}}
		mu.Lock()
		asked = ""
		mu.Unlock()
		if resp, err = client.Do(r); err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return string(body), asked, resp
	}
	for _, method := range []string{"GET", "POST", "HEAD"} {
		for _, target := range []string{"/", "/a%20b/c?q=%26&x", "/a;b=c/d?"} {
			for answer, other := range map[int]int{200: 0, 204: 0, 206: 0, 401: 0, 403: 0, 302: 500, 307: 500, 404: 500, 500: 500, 503: 500} {
				got, told, resp := ask(ours, strings.TrimSuffix(p.url(), "/"), method, target, answer)
				same, theirTold, like := ask(theirs, "http://nginx", method, target, answer)
				at := fmt.Sprintf("%s %s, %d", method, target, answer)
				if told != theirTold || told == "" {
					t.Errorf("%s: the service was asked\n%s\nand by nginx\n%s", at, told, theirTold)
				}
				switch {
				case other == 0 && resp.StatusCode != like.StatusCode, other != 0 && like.StatusCode != other:
					t.Errorf("%s: %d, and of nginx %d", at, resp.StatusCode, like.StatusCode)
				case other == 0 && answer < 300 && got != same:
					t.Errorf("%s: the origin was asked\n%s\nand by nginx\n%s", at, got, same)
				case answer == 401 && (resp.Header.Get("WWW-Authenticate") != "Bearer" || like.Header.Get("WWW-Authenticate") != "Bearer"):
					t.Errorf("%s: %v, and of nginx %v", at, resp.Header, like.Header)
				case other != 0 && answer/100 == 3 && (resp.StatusCode != answer || resp.Header.Get("Location") != "https://login.example/"):
					t.Errorf("%s: %d, %v", at, resp.StatusCode, resp.Header)
				case other != 0 && answer/100 != 3 && resp.StatusCode != 502:
					t.Errorf("%s: %d", at, resp.StatusCode)
				}
			}
		}
	}
	p.stop()
}

// readingNginx is an origin that decodes a path and merges its slashes before it looks
// what is there.
const readingNginx = `daemon off; worker_processes 1; pid DIR/pid; error_log DIR/error.log; USER
events {}
http {
	access_log off; client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
	server {
		listen unix:DIR/sock;
		listen ADDRESS;
		location /admin { return 200 "closed"; }
		location / { return 200 "open"; }
	}
}
`

// A service that compares the text of a path closes one to an origin that reads paths
// in another way, however it is written: nginx itself lets those through.
func TestForwardAuthReadByNginx(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("X-Forwarded-Uri"), "/admin") {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer service.Close()
	address := wiretest.Reserve(t)
	origin := startNginx(t, strings.Replace(readingNginx, "ADDRESS", address, 1))
	theirs := startNginx(t, strings.NewReplacer("ORIGIN", "http://"+address, "SERVICE", service.URL).Replace(nginxAuth))
	p := start(t, "proxy", "--to", "http://"+address, "--listen", "127.0.0.1:0", "--monitor", "off", "--forward-auth", service.URL)
	ours := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(client *http.Client, base, path string) string {
		t.Helper()
		resp, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			return resp.Status
		}
		return string(body)
	}
	through := 0
	for _, path := range []string{"/admin", "/admin/x", "//admin", "///admin//x", "/%61dmin", "/%2Fadmin", "/admi%6e%2Fx", "//%61dmin", "/.//admin", "/x/../admin", "/x%2F..%2Fadmin", "/%2e/admin"} {
		if got := ask(origin, "http://nginx", path); got != "closed" {
			t.Errorf("%s: the origin says %s", path, got)
		}
		if ask(theirs, "http://nginx", path) == "closed" {
			through++
		}
		if got := ask(ours, strings.TrimSuffix(p.url(), "/"), path); got != "403 Forbidden" && got != "400 Bad Request" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if through == 0 {
		t.Error("nginx lets nothing through: this proves nothing")
	}
	for _, path := range []string{"/", "//", "/x%2Fy", "/x;y", "/%78//y"} {
		if got := ask(ours, strings.TrimSuffix(p.url(), "/"), path); got != "open" {
			t.Errorf("%s: %s", path, got)
		}
	}
	p.stop()
}
