package app

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// utter sends a request over a connection of its own, and returns the answer.
func utter(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, request)
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// addresses returns where a program listens, without TLS and with it.
func addresses(t *testing.T, p *program) (plain, secure string) {
	t.Helper()
	plain = p.stderr.wait(t, `(?m)^serving .* on http://(\S+)/$`)
	secure = p.stderr.wait(t, `(?m)^serving .* on https://(\S+)/$`)
	return plain, secure
}

// TestHTTPSOnly: without TLS nothing but the way to TLS; with it all answers say
// that browsers are to come so, errors and prebuilt ones, too.
func TestHTTPSOnly(t *testing.T) {
	dir := folder(t, "a.txt", "a")
	cert, key := wiretest.WriteKeyPair(t, t.TempDir(), "server", "only.test", "free.test")
	file := filepath.Join(t.TempDir(), "freshet.toml")
	text := fmt.Sprintf(`
[server]
listen = "127.0.0.1:0"
tls-listen = "127.0.0.1:0"
monitor = "off"
tls-cert = %q
tls-key = %q
[[site]]
names = ["only.test"]
https-only = true
hsts = "365d includeSubDomains preload"
[[site.route]]
path = "/files"
static = %q
[[site]]
names = ["free.test"]
[[site.route]]
static = %q
`, cert, key, dir, dir)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	run := start(t, "run", "--config", file, "--access-log", "off")
	one := start(t, "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--https-only", "--https-port", "443", "--access-log", "off", dir)
	runPlain, runSecure := addresses(t, run)
	onePlain, oneSecure := addresses(t, one)
	_, port, _ := net.SplitHostPort(runSecure)
	const long = "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n"
	const year = "Strict-Transport-Security: max-age=31536000\r\n"
	for _, tt := range []struct {
		at, request, host string
		status            int
		want, not         string
	}{
		{runPlain, "GET /files/a.txt?b=%20&c", "Only.Test:8000", 308, "Location: https://only.test:" + port + "/files/a.txt?b=%20&c\r\n", "Strict"},
		{runPlain, "POST /x", "only.test", 308, "Location: https://only.test:" + port + "/x\r\n", "Strict"},
		{runPlain, "GET //evil.test/%0d%0aX:1", "only.test", 308, "Location: https://only.test:" + port + "//evil.test/%0d%0aX:1\r\n", "\nX:1"},
		{runPlain, "GET http://only.test/p", "only.test", 308, "Location: https://only.test:" + port + "/p\r\n", ""},
		{runPlain, "GET /", "evil.test", 421, "no site of this server", "Location"},
		{runPlain, "GET /", "only.test@evil.test", 400, "", "Location"},
		{runPlain, "GET /a.txt", "free.test", 200, "\r\n\r\na", "Strict"},
		{runSecure, "GET /files/a.txt", "only.test", 200, long, "Location"},
		{runSecure, "GET /files/a.txt", "only.test", 200, long, "Location"}, // prebuilt
		{runSecure, "GET /files/none", "only.test", 404, long, ""},
		{runSecure, "GET /none", "only.test", 404, long, ""},
		{runSecure, "GET /files", "only.test", 308, long, ""},
		{runSecure, "GET /a.txt", "free.test", 200, "\r\n\r\na", "Strict"},
		{onePlain, "GET /a.txt", "[::1]:8000", 308, "Location: https://[::1]/a.txt\r\n", "Strict"},
		{onePlain, "GET /a.txt", "", 421, rule.Of(rule.HTTPSOnlyHost).Sentence, "Location"},
		{oneSecure, "GET /a.txt", "x.test", 200, year, ""},
		{oneSecure, "GET /none", "x.test", 404, year, ""},
	} {
		host, version := "Host: "+tt.host+"\r\n", "1.1"
		if tt.host == "" {
			host, version = "", "1.0"
		}
		request := tt.request + " HTTP/" + version + "\r\n" + host + "Connection: close\r\n\r\n"
		if strings.HasPrefix(tt.request, "POST") {
			request = strings.Replace(request, "Connection", "Content-Length: 0\r\nConnection", 1)
		}
		var c net.Conn
		var err error
		if tt.at == runSecure || tt.at == oneSecure {
			c, err = tls.Dial("tcp", tt.at, &tls.Config{InsecureSkipVerify: true, ServerName: tt.host})
		} else {
			c, err = net.Dial("tcp", tt.at)
		}
		if err != nil {
			t.Fatal(err)
		}
		got := utter(t, c, request)
		if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || !strings.Contains(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
			t.Errorf("%s %s: %q; want %d, %q, and not %q", tt.request, tt.host, got, tt.status, tt.want, tt.not)
		}
	}
	run.stop()
	one.stop()
}

// TestHTTPSOnlyFaults: what cannot be meant.
func TestHTTPSOnlyFaults(t *testing.T) {
	cert, key := wiretest.WriteKeyPair(t, t.TempDir(), "server")
	secure := []string{"serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key}
	for want, args := range map[string][]string{
		"--https-only needs a listener for TLS; give --tls-listen": {"serve", "--https-only"},
		"--hsts is used with --https-only only":                    append(secure[:7:7], "--hsts", "1d"),
		"--https-port is used with --https-only only":              append(secure[:7:7], "--https-port", "443"),
		"preload needs 365d or more, and includeSubDomains":        append(secure[:7:7], "--https-only", "--hsts", "365d preload"),
		"give a time in whole seconds":                             append(secure[:7:7], "--https-only", "--hsts", "long"),
		"after the time there may be":                              append(secure[:7:7], "--https-only", "--hsts", "1d x=y"),
	} {
		said := fails(t, exitUsage, args...)
		if !regexp.MustCompile(regexp.QuoteMeta(want)).MatchString(said) {
			t.Errorf("%s: %s", want, said)
		}
	}
}
