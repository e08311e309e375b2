package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/config"
	"freshet/internal/rule"
	"freshet/internal/userfile"
)

// What a site says of addresses holds for its routes, unless they say otherwise.
func TestAddresses(t *testing.T) {
	dir := folder(t, "closed/a.txt", "a", "open/a.txt", "a", "a.txt", "a")
	sock := filepath.Join(t.TempDir(), "s")
	c := startFile(t, "[server]\nlisten = ['127.0.0.1:0', 'unix:"+sock+"']\nmonitor = 'off'\n[[site]]\ndeny = ['127.0.0.0/8']\n"+
		"[[site.route]]\nstatic = '"+dir+"'\n"+
		"[[site.route]]\npath = '/open'\nstatic = '"+dir+"/open'\ndeny = 'off'\n"+
		"[[site.route]]\npath = '/closed'\nstatic = '"+dir+"/closed'\ndeny = 'unix:'\nallow = '192.0.2.0/24'\ntrust = '127.0.0.1'\n")
	base := c.url()
	for _, tt := range []struct {
		path, xff string
		status    int
	}{
		{"a.txt", "", 403}, {"a.txt", "192.0.2.7", 403}, {"open/a.txt", "", 200}, {"open/a.txt", "", 200},
		{"closed/a.txt", "", 403}, {"closed/a.txt", "192.0.2.7", 200}, {"closed/a.txt", "192.0.2.7", 200}, {"closed/a.txt", "192.0.2.7, 1.2.3.4", 403},
	} {
		resp, body := get(t, base+tt.path, "X-Forwarded-For", tt.xff)
		if resp.StatusCode != tt.status || tt.status == 403 && (!strings.Contains(body, "address") || resp.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s, %q: %d, %s", tt.path, tt.xff, resp.StatusCode, body)
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", sock)
	}}}
	for path, status := range map[string]int{"a.txt": 200, "closed/a.txt": 403} {
		resp, err := client.Get("http://x/" + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s by a Unix socket: %d", path, resp.StatusCode)
		}
	}
	c.stop()
}

// A command has them, too, and says what is wrong with them.
func TestAddressFlags(t *testing.T) {
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--deny", "::1", "--deny", "127.0.0.1", folder(t, "a.txt", "a"))
	if resp, body := get(t, p.url()+"a.txt"); resp.StatusCode != 403 || !strings.Contains(body, rule.Of(rule.AddressDenied).Sentence) {
		t.Errorf("%d, %s", resp.StatusCode, body)
	}
	p.stop()
	contains(t, fails(t, exitUsage, "serve", "--allow", "10.0.0.0/99", t.TempDir()), `bad value "10.0.0.0/99" for --allow`, "an address such as")
	contains(t, fails(t, exitUsage, "serve", "--allow", "off", t.TempDir()), `bad value "off" for --allow`)
	_, err := config.ParseFile("f.toml", []byte("[[site]]\n[[site.route]]\nredirect = '/a'\ndeny = ['off', 'all']\n"))
	if err == nil || !strings.Contains(err.Error(), "f.toml:4:1: deny says off and a range") {
		t.Errorf("%v", err)
	}
}

// Somebody is added to a file of users, and comes in with curl; a program and an
// origin are told who it is, whatever the client says; what was made for one is not
// given to another.
func TestUsersPass(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "users")
	run := func(status int, password string, args ...string) (stdout, stderr string) {
		t.Helper()
		p := startWith(t, func(e *Env) { e.Stdin = strings.NewReader(password) }, append([]string{"user"}, args...)...)
		if got := p.wait(); got != status {
			t.Errorf("user %v: %d, %s%s", args, got, p.stdout, p.stderr)
		}
		return p.stdout.String(), p.stderr.String()
	}
	says := func(want, password string, args ...string) {
		t.Helper()
		if stdout, stderr := run(exitOK, password, args...); stdout != want+" "+file+"\n" || stderr != "" {
			t.Errorf("user %v says %q, %q", args, stdout, stderr)
		}
	}
	says("added ann to", "first", "add", file, "ann")
	says("replaced the password of ann in", "secret 1\n", "add", file, "ann")
	says("added bob to", "secret 2", "add", file, "bob")
	says("added eve to", "other", "add", file, "eve")
	says("removed eve from", "", "remove", file, "eve")
	if stdout, _ := run(exitOK, "", "list", file); stdout != "ann\nbob\n" {
		t.Errorf("list prints %q", stdout)
	}
	run(exitOK, "secret 1\n", "check", file, "ann")
	for _, tt := range []struct {
		status   int
		password string
		args     []string
		says     string
	}{
		{exitFault, "secret 2", []string{"check", file, "ann"}, "not those of a user"},
		{exitFault, "x", []string{"check", file, "eve"}, "not those of a user"},
		{exitFault, "", []string{"remove", file, "eve"}, "has no user eve"},
		{exitFault, "", []string{"add", file, "carl"}, "read the password"},
		{exitFault, "\n", []string{"add", file, "carl"}, "the password is empty"},
		{exitFault, "x", []string{"add", file, "a:b"}, "the name has a colon"},
		{exitFault, "", []string{"list", file + ".none"}, "no such file"},
		{exitUsage, "", []string{"add", file}, "add takes the file and a name"},
		{exitUsage, "", []string{"list"}, "list takes the file"},
	} {
		if _, stderr := run(tt.status, tt.password, tt.args...); !strings.Contains(stderr, tt.says) {
			t.Errorf("user %v: %s", tt.args, stderr)
		}
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}

	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Path == "/public" {
			w.Header().Set("Cache-Control", "public, max-age=60")
		}
		fmt.Fprintf(w, "%s %q %q", r.Header.Get("Remote-User"), r.Header.Get("Authorization"), r.Header["Remote-Groups"])
	}))
	defer origin.Close()
	told := &records{more: make(chan struct{})}
	log := filepath.Join(home, "access.log")
	p := startWith(t, func(e *Env) { e.Sink = told }, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", log, "--users", file, "--realm", "Photos")
	as := func(path string, args ...string) string {
		t.Helper()
		out, err := exec.Command("curl", append(append([]string{"-sS", "-w", " %{http_code}", "-H", "Remote-User: root", "-H", "Remote-Groups: all", "-H", "Connection: remote-user"}, args...), p.url()+path)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	for _, tt := range []struct{ path, user, want string }{
		{"page", "ann:secret 1", `ann "" [] 200`},
		{"page", "bob:secret 2", `bob "" [] 200`},
		{"page", "ann:secret 1", `ann "" [] 200`},
		{"public", "ann:secret 1", `ann "" [] 200`},
		{"public", "bob:secret 2", `ann "" [] 200`}, // as the origin allows
	} {
		if got := as(tt.path, "--user", tt.user); got != tt.want {
			t.Errorf("%s of %s: %s", tt.path, tt.user, got)
		}
	}
	if rec, err := told.wait(0); err != nil || rec.User != "ann" {
		t.Errorf("%+v, %v", rec, err)
	}
	if got := as("page", "--user", "ann:guess"); !strings.HasSuffix(got, " 401") {
		t.Error(got)
	}
	resp, body := get(t, p.url()+"page")
	if resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") != `Basic realm="Photos", charset="UTF-8"` || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d, %v, %s", resp.StatusCode, resp.Header, body)
	}
	p.stop()
}

// Who keeps a file of users is told when others can read it, as a server tells; to
// write it mends that.
func TestUsersFileOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	file := filepath.Join(t.TempDir(), "users")
	run := func(args ...string) (stderr string) {
		t.Helper()
		p := startWith(t, func(e *Env) { e.Stdin = strings.NewReader("secret") }, append([]string{"user"}, args...)...)
		if got := p.wait(); got != exitOK {
			t.Fatalf("user %v: %d, %s", args, got, p.stderr)
		}
		return p.stderr.String()
	}
	open := func() {
		t.Helper()
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if said := run("add", file, "ann"); said != "" {
		t.Error(said)
	}
	open()
	for _, args := range [][]string{{"list", file}, {"check", file, "ann"}} {
		contains(t, run(args...), file+" can be read or changed by others (mode 0644)", "chmod 600")
	}
	contains(t, fails(t, exitFault, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--users", file, t.TempDir()),
		"others can read or change the hashes of passwords in "+file+" (mode 0644)", "chmod 600", "set new passwords")
	for _, args := range [][]string{{"add", file, "bob"}, {"remove", file, "bob"}} {
		open()
		contains(t, run(args...), file+" could be read or changed by others (mode 0644)")
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("after %v: %v, %v", args, info.Mode(), err)
		}
	}
	if said := run("list", file); said != "" {
		t.Error(said)
	}
}

// A program is told who it is, by both kinds of gateways alike; a route may be open
// although its site is not.
func TestUsersOfPrograms(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("programs are scripts of a shell")
	}
	dir := t.TempDir()
	line, err := userfile.Line("ann", "secret", []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "users")
	if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	programs := filepath.Join(dir, "programs")
	if err := os.Mkdir(programs, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(programs, "who"), []byte("#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s %s %s %s' \"$REMOTE_USER\" \"$AUTH_TYPE\" \"$HTTP_REMOTE_USER\" \"$HTTP_AUTHORIZATION\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, entered := range []string{dir, filepath.Dir(dir)} { // by nobody, who programs of root run as
		if err := os.Chmod(entered, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	route := "cgi = '" + programs + "'\ncgi-authorization = true\n"
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\nusers = '"+file+"'\n[[site.route]]\n"+route+"[[site.route]]\npath = '/open'\nusers = 'off'\n"+route)
	for path, want := range map[string]string{"who": "ann Basic  ", "open/who": "   Basic YW5uOnNlY3JldA=="} {
		resp, body := get(t, c.url()+path, "Authorization", "Basic YW5uOnNlY3JldA==", "Remote-User", "root")
		if resp.StatusCode != 200 || body != want {
			t.Errorf("%s: %d, %q", path, resp.StatusCode, body)
		}
	}
	c.stop()
}
