//go:build unix

package cgi_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"freshet/cgi"
)

// showEnv prints the environment, but for what the shell adds.
var showEnv = sh(`printf 'Content-Type: text/plain\n\n'`, `env | grep -v -e '^PWD=' -e '^OLDPWD=' -e '^SHLVL=' -e '^_='`)

// clean is the environment of the test's own process without what programs
// are told of it.
func clean(t *testing.T) {
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if name == "LANG" || name == "TZ" || strings.HasPrefix(name, "LC_") {
			t.Setenv(name, "") // restored at the end of the test
			os.Unsetenv(name)
		}
	}
}

// TestEnvironment compares whole environments with what RFC 3875 §4.1 says.
func TestEnvironment(t *testing.T) {
	clean(t)
	t.Setenv("TZ", "Europe/Berlin")
	t.Setenv("LC_CTYPE", "C.UTF-8")
	t.Setenv("CGI_TEST_PASSED", "passed on")
	t.Setenv("CGI_TEST_SECRET", "secret")
	t.Setenv("HTTP_PROXY", "http://proxy.example")
	dir := folder(t, "env", showEnv, "cgi-bin/sub/env.py", showEnv)
	for _, tt := range []struct {
		name   string
		change func(*cgi.Options)
		send   string
		want   map[string]string // beside those that are always there
	}{
		{"plain", nil, "GET /env HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n", map[string]string{
			"REQUEST_METHOD": "GET", "REQUEST_URI": "/env", "SCRIPT_NAME": "/env", "DOCUMENT_URI": "/env",
			"SERVER_NAME": "example.org", "HTTP_HOST": "example.org", "SCRIPT_FILENAME": dir + "/env",
		}},
		{"path and query", nil, "GET /env/a%20b/./c?x=1+2&y=%3D HTTP/1.1\r\nHost: example.org:8080\r\nConnection: close\r\n\r\n", map[string]string{
			"REQUEST_METHOD": "GET", "REQUEST_URI": "/env/a%20b/./c?x=1+2&y=%3D", "SCRIPT_NAME": "/env", "DOCUMENT_URI": "/env/a b/c",
			"PATH_INFO": "/a b/c", "PATH_TRANSLATED": dir + "/a b/c", "QUERY_STRING": "x=1+2&y=%3D",
			"SERVER_NAME": "example.org", "HTTP_HOST": "example.org:8080", "SCRIPT_FILENAME": dir + "/env",
		}},
		{"no command line of a query without =", nil, "GET /env?rm+-rf HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", map[string]string{
			"REQUEST_METHOD": "GET", "REQUEST_URI": "/env?rm+-rf", "SCRIPT_NAME": "/env", "DOCUMENT_URI": "/env",
			"QUERY_STRING": "rm+-rf", "SERVER_NAME": "h", "HTTP_HOST": "h", "SCRIPT_FILENAME": dir + "/env",
		}},
		{"body and fields", nil, "POST /env/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\nContent-Type: text/x\r\n" +
			"Content-Encoding: gzip\r\nX-Two: a\r\nX-Two: b\r\nCookie: a=1\r\nCookie: b=2\r\nProxy: http://evil.example\r\n" +
			"X_Two: mistaken\r\nAuthorization: Basic YTpi\r\nTE: trailers\r\n\r\nabc", map[string]string{
			"REQUEST_METHOD": "POST", "REQUEST_URI": "/env/", "SCRIPT_NAME": "/env", "DOCUMENT_URI": "/env/", "PATH_INFO": "/", "PATH_TRANSLATED": dir + "/",
			"CONTENT_LENGTH": "3", "CONTENT_TYPE": "text/x", "HTTP_CONTENT_ENCODING": "gzip", "HTTP_X_TWO": "a, b", "HTTP_COOKIE": "a=1; b=2",
			"SERVER_NAME": "h", "HTTP_HOST": "h", "SCRIPT_FILENAME": dir + "/env",
		}},
		{"chunked", nil, "POST /env HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", map[string]string{
			"REQUEST_METHOD": "POST", "REQUEST_URI": "/env", "SCRIPT_NAME": "/env", "DOCUMENT_URI": "/env", "CONTENT_LENGTH": "5",
			"SERVER_NAME": "h", "HTTP_HOST": "h", "SCRIPT_FILENAME": dir + "/env",
		}},
		{"options", func(o *cgi.Options) {
			o.Prefix, o.Folders, o.Extensions = "/app", []string{"/cgi-bin"}, []string{".PY"}
			o.Env = []string{"CGI_TEST_PASSED", "CGI_TEST_ABSENT", "TZ=UTC", "GIT_ROOT=/srv/a=b", "PATH=/usr/bin:/bin"}
			o.PassAuthorization, o.Software, o.DocumentRoot = true, "test/1", "/usr"
		}, "GET /app/cgi-bin/sub/env.py/x HTTP/1.0\r\nAuthorization: Basic YTpi\r\n\r\n", map[string]string{
			"REQUEST_METHOD": "GET", "REQUEST_URI": "/app/cgi-bin/sub/env.py/x", "SCRIPT_NAME": "/app/cgi-bin/sub/env.py",
			"DOCUMENT_URI": "/app/cgi-bin/sub/env.py/x", "PATH_INFO": "/x", "PATH_TRANSLATED": "/usr/x", "DOCUMENT_ROOT": "/usr",
			"SERVER_NAME": "localhost", "SERVER_PROTOCOL": "HTTP/1.0", "SERVER_SOFTWARE": "test/1", "HTTP_AUTHORIZATION": "Basic YTpi",
			"SCRIPT_FILENAME": dir + "/cgi-bin/sub/env.py", "CGI_TEST_PASSED": "passed on", "TZ": "UTC", "GIT_ROOT": "/srv/a=b", "PATH": "/usr/bin:/bin",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := run(t, dir, tt.change)
			host, port, err := net.SplitHostPort(s.addr)
			must(t, err)
			got := s.talk(tt.send)
			record := s.next(t)
			want := map[string]string{
				"GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_SOFTWARE": "freshet", "QUERY_STRING": "",
				"SERVER_ADDR": host, "SERVER_PORT": port, "REMOTE_ADDR": host, "REMOTE_HOST": host, "REQUEST_SCHEME": "http",
				"DOCUMENT_ROOT": dir, "UNIQUE_ID": record.ID.String(), "REDIRECT_STATUS": "200",
				"PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "Europe/Berlin", "LC_CTYPE": "C.UTF-8",
			}
			for name, value := range tt.want {
				want[name] = value
			}
			_, body, ok := strings.Cut(got, "\r\n\r\n")
			if !ok {
				t.Fatalf("got %q", got)
			}
			compare(t, body, want)
		})
	}
}

// compare compares lines "name=value", in HTTP/1.1 with the framing of chunks,
// to what is wanted.
func compare(t *testing.T, body string, want map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, line := range strings.Split(body, "\n") {
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "REMOTE_PORT" { // a chunk's size; a port is the client's system's to choose
			continue
		}
		if w, known := want[name]; !known || w != value {
			t.Errorf("%s=%q, want %q", name, value, w)
		}
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
	}
	var missing []string
	for name := range want {
		if !seen[name] {
			missing = append(missing, name)
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		t.Errorf("missing: %v\n%s", missing, body)
	}
}

// TestArguments: the program is called by its path, in its folder, without
// arguments, and as nobody when the server is root.
func TestArguments(t *testing.T) {
	dir := folder(t, "sub/show", sh(`printf 'Content-Type: text/plain\n\n'`, `echo "$0 $# $(pwd) $(id -u)"`))
	s, _ := run(t, dir, nil)
	uid := os.Geteuid()
	a := s.get("/sub/show?a+b")
	var got struct {
		path, n, wd, id string
	}
	words := strings.Fields(a.body)
	if len(words) != 4 {
		t.Fatalf("%q", a.body)
	}
	got.path, got.n, got.wd, got.id = words[0], words[1], words[2], words[3]
	if got.path != filepath.Join(dir, "sub/show") || got.n != "0" || got.wd != filepath.Join(dir, "sub") {
		t.Errorf("%+v", got)
	}
	if uid == 0 && got.id == "0" {
		t.Error("it runs as root")
	}
}
