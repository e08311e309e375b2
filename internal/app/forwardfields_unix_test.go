//go:build unix

package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// forgeries are spellings of the fields that a service sets, as a client may send
// them, of which a program or an origin may take one for another.
var forgeries = []string{
	"X-Role: admin", "x-role: admin", "X-ROLE: admin", "X_Role: admin", "x_role: admin", "X_ROLE: admin",
	"Remote-Groups: admin", "REMOTE_GROUPS: admin", "remote-Groups: admin", "Remote_groups: admin",
	"Remote-User: admin", "Remote_User: admin", "REMOTE-USER: admin",
	"X-Role: a\r\nX-Role: admin", "X-Role: a\r\nx_role: admin", "X-Role:admin", "X-Role: \t admin \t",
	"Connection: X-Role\r\nX-Role: admin", "Connection: close, x_role, Remote-Groups, remote_user\r\nX-Role: admin", "Connection: Remote-Groups", "Connection: keep-alive\r\nConnection: X_ROLE,,remote-groups\r\nX_Role: admin",
	"Trailer: X-Role\r\nTransfer-Encoding: chunked", "TE: trailers\r\nTrailer: x_role, Remote_Groups\r\nTransfer-Encoding: chunked",
}

// What the service says of a client is all that anybody behind hears of it, however a
// client spells its own: origins by each byte, programs by their environment.
func TestForwardAuthForged(t *testing.T) {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name := range r.Header {
			if strings.Contains(strings.ToLower(name), "role") || strings.HasPrefix(strings.ToLower(name), "remote") {
				t.Errorf("the service is told %s", name)
			}
		}
		w.Header().Set("Remote-User", "ann")
		w.Header().Set("Remote-Groups", "readers")
	}))
	defer service.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	heads := make(chan string, 1)
	wiretest.Connections(t, l, func(c net.Conn) {
		var head strings.Builder
		for lines := bufio.NewScanner(c); lines.Scan() && lines.Text() != ""; {
			head.WriteString(lines.Text() + "\n")
		}
		if head.Len() > 0 {
			heads <- head.String()
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		}
	})
	dir := programFolder(t, "env", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nenv\n")
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\nforward-auth = '"+service.URL+"'\nforward-auth-fields = ['Remote-Groups', 'X-Role']\n"+
		"[[site.route]]\nproxy = 'http://"+l.Addr().String()+"'\n[[site.route]]\npath = '/run'\ncgi = '"+dir+"'\n")
	send := func(request string) string {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(c.url(), "http://"), "/"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, request)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return fmt.Sprintf("%d\n%s", resp.StatusCode, body)
	}
	// told are the lines that tell of somebody, in one spelling.
	told := func(text string) []string {
		var all []string
		for line := range strings.Lines(text) {
			line = strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(line)), "_", "-"), "http-")
			line = strings.Replace(line, ": ", "=", 1)
			name, value, _ := strings.Cut(line, "=")
			if strings.Contains(name, "role") || strings.HasPrefix(name, "remote-") && !slices.Contains([]string{"remote-addr", "remote-host", "remote-port"}, name) ||
				name == "connection" && (strings.Contains(value, "role") || strings.Contains(value, "remote")) {
				all = append(all, line)
			}
		}
		slices.Sort(all)
		return slices.Compact(all) // REMOTE_USER and HTTP_REMOTE_USER
	}
	want := []string{"remote-groups=readers", "remote-user=ann"}
	for _, forged := range forgeries {
		head, body := "Host: h\r\n"+forged+"\r\n\r\n", ""
		method := "GET"
		if strings.Contains(forged, "chunked") {
			method, body = "POST", "1\r\na\r\n0\r\nX-Role: admin\r\nx_role: admin\r\nRemote-Groups: admin\r\nRemote_Groups: admin\r\n\r\n"
		}
		answer := send(method + " /p HTTP/1.1\r\n" + head + body)
		got := <-heads
		if !strings.HasPrefix(answer, "200") || !slices.Equal(told(got), want) || strings.Contains(got, "admin") {
			t.Errorf("%q: %s, and the origin gets\n%s", forged, answer, got)
		}
		if answer = send(method + " /run/env HTTP/1.1\r\n" + head + body); !strings.HasPrefix(answer, "200") || !slices.Equal(told(answer), want) || strings.Contains(answer, "admin") {
			t.Errorf("%q: the program gets\n%s", forged, answer)
		}
	}
	c.stop()
}

// A path that the service and who answers may resolve each in its way is asked of
// neither.
func TestForwardAuthPaths(t *testing.T) {
	var mu sync.Mutex
	var uris []string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		uris = append(uris, r.Header.Get("X-Forwarded-Uri"))
	}))
	defer service.Close()
	var answered atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answered.Add(1) }))
	defer origin.Close()
	told, n := &records{more: make(chan struct{})}, 0
	p := startWith(t, func(e *Env) { e.Sink = told }, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "off", "--forward-auth", service.URL)
	alike := []string{"/open/x", "/", "/a..b/.c/...", "/.well-known/x", "/a%20b?x=../..", "/a?/../b"} // of which there is one question
	for path, want := range map[string]int{
		"/open/x": 200, "/": 200, "/a..b/.c/...": 200, "/.well-known/x": 200, "/a%2Fb": 200, "/a;b=c": 200, "//a": 200, "/a%20b?x=../..": 200, "/a?/../b": 200,
		"/open/../admin": 400, "/open/./x": 400, "/open/%2e%2e/admin": 400, "/open/.%2E/admin": 400, "/open/..%2fadmin": 400, "/open%2f..%2fadmin": 400, "/open/..;/admin": 400, "/open/..;x=y/admin": 400,
		`/open/..%5cadmin`: 400, "/open/%2e": 400, "/..": 400, "/open/..%00": 400, "/" + strings.Repeat("a%2F", 2000): 400,
	} {
		mu.Lock()
		uris = nil
		mu.Unlock()
		before := answered.Load()
		conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(p.url(), "http://"), "/"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		conn.Close()
		rec, err := told.wait(n)
		if n++; err != nil || (rec.Rule == rule.ForwardAuthPath) != (want == 400) {
			t.Errorf("%s: %v, %v", path, rec.Rule, err)
		}
		mu.Lock()
		if resp.StatusCode != want || (len(uris) > 0 && answered.Load() == before+1) != (want == 200) || want == 200 && (uris[0] != path || (len(uris) == 1) != slices.Contains(alike, path)) || want == 400 && (len(uris) > 0 || !strings.Contains(string(body), "dot segment")) {
			t.Errorf("%s: %d %s, the service was asked %q", path, resp.StatusCode, body, uris)
		}
		mu.Unlock()
	}
	p.stop()
}
