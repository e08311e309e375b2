package app

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/rule"
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
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, Dial: func(string, string) (net.Conn, error) { return net.Dial("unix", sock) }}}
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
	contains(t, fails(t, exitUsage, "serve", "--allow", "10.0.0.0/99", t.TempDir()), `bad value "10.0.0.0/99" for --allow`, "give an address such as")
	contains(t, fails(t, exitUsage, "serve", "--allow", "off", t.TempDir()), `bad value "off" for --allow`)
	file := filepath.Join(t.TempDir(), "f.toml")
	if err := os.WriteFile(file, []byte("[[site]]\n[[site.route]]\nredirect = '/a'\ndeny = ['off', 'all']\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, fails(t, exitUsage, "config", "check", file), "f.toml:4:", "deny says off and a range")
}
