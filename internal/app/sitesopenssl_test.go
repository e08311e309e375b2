package app

import (
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// namedSites is a server with a certificate by name: one of its own, one for all
// below a domain, and the server's for everybody else.
func namedSites(t *testing.T) (c *configured, plain, secure, ca string) {
	t.Helper()
	o := opensslFolder{t, t.TempDir()}
	ca, _ = o.authority("ours")
	pair := func(names ...string) string {
		file := o.in(strings.ReplaceAll(names[0], "*", "_"))
		tlsRun(t, o.in("ours"), exitOK, append(append([]string{"cert"}, names...), "--out", file, "--key", file+".key")...)
		return file
	}
	dir := folder(t, "a.txt", "a")
	other := pair("other.example")
	var text strings.Builder
	fmt.Fprintf(&text, "[server]\nlisten = '127.0.0.1:0'\ntls-listen = '127.0.0.1:0'\nmonitor = 'off'\ntls-cert = %q\ntls-key = %q\n", other, other+".key")
	for _, s := range []struct{ cert, name, more string }{
		{pair("exact.shop.test"), "exact.shop.test", "https-only = true\nhsts = '365d includeSubDomains'\n"},
		{pair("*.shop.test"), "*.shop.test", ""},
		{"", "other.example", ""},
		{pair("closed.example"), "closed.example", "deny = ['127.0.0.0/8']\n"},
		{pair("open.example"), "open.example", "allow = ['127.0.0.1']\n"},
		{pair("elsewhere.example"), "elsewhere.example", "allow = ['192.0.2.0/24']\n"},
	} {
		fmt.Fprintf(&text, "[[site]]\nnames = [%q]\n%s", s.name, s.more)
		if s.cert != "" {
			fmt.Fprintf(&text, "certificate = %q\nkey = %q\n", s.cert, s.cert+".key")
		}
		fmt.Fprintf(&text, "[[site.route]]\nstatic = %q\n", dir)
	}
	c = startFile(t, text.String())
	plain, secure = addresses(t, c.program)
	return c, plain, secure, ca
}

// TestSitesByOpenSSL: which certificate openssl gets for the name that it sends,
// and whether that is good for it.
func TestSitesByOpenSSL(t *testing.T) {
	c, _, secure, ca := namedSites(t)
	subject := regexp.MustCompile(`(?m)^subject=.*CN ?= ?(\S+)`)
	for name, want := range map[string]struct {
		cert string
		good bool
	}{
		"exact.shop.test":   {"exact.shop.test", true},
		"EXACT.shop.test":   {"exact.shop.test", true},
		"a.shop.test":       {"*.shop.test", true},
		"a.exact.shop.test": {"*.shop.test", false}, // one label only, RFC 9525 §6.3
		"other.example":     {"other.example", true},
		"nobody.example":    {"other.example", false},
		"":                  {"other.example", false},
	} {
		args := []string{"-CAfile", ca, "-verify_hostname", name, "-servername", name}
		if name == "" {
			args = []string{"-CAfile", ca, "-verify_hostname", "nobody.example", "-noservername"}
		}
		said, err := sClient(t, secure, args...)
		got := subject.FindStringSubmatch(said)
		if err != nil || got == nil || got[1] != want.cert || strings.Contains(said, "Verify return code: 0 (ok)") != want.good ||
			!want.good && !strings.Contains(said, "hostname mismatch") {
			t.Errorf("%q: %v, want %+v: %v\n%s", name, got, want, err, said)
		}
	}
	c.stop()
}

// TestSitesByCurl: what curl, which trusts the authority and nobody else, gets of
// names, of connections made for another one, of what is for TLS only, and of
// addresses that may not pass.
func TestSitesByCurl(t *testing.T) {
	c, plain, secure, ca := namedSites(t)
	_, plainPort, _ := net.SplitHostPort(plain)
	_, securePort, _ := net.SplitHostPort(secure)
	const hsts = "strict-transport-security: max-age=31536000; includesubdomains\r\n"
	const refused = "60" // curl's code for a certificate that it does not take
	for _, tt := range []struct {
		url       string // SPORT and PPORT are the ports
		args      []string
		want      string // the status, or how curl ends
		has, lack string // of the head
	}{
		{"https://exact.shop.test:SPORT/a.txt", nil, "200", hsts, "location"},
		{"https://exact.shop.test:SPORT/none", nil, "404", hsts, ""},
		{"https://a.shop.test:SPORT/a.txt", nil, "200", "", hsts},
		{"https://other.example:SPORT/a.txt", nil, "200", "", hsts},
		{"https://a.exact.shop.test:SPORT/a.txt", nil, refused, "", ""},
		{"https://nobody.example:SPORT/a.txt", nil, refused, "", ""},
		{"https://127.0.0.1:SPORT/a.txt", nil, refused, "", ""},
		{"https://nobody.example:SPORT/a.txt", []string{"-k"}, "421", "", ""},
		{"https://exact.shop.test:SPORT/a.txt", []string{"-H", "Host: other.example"}, "421", "", ""},
		{"https://a.shop.test:SPORT/a.txt", []string{"-H", "Host: b.shop.test"}, "200", "", ""},
		{"https://a.shop.test:SPORT/a.txt", []string{"-H", "Host: exact.shop.test"}, "200", "", ""}, // which the certificate covers
		{"https://exact.shop.test:SPORT/a.txt", []string{"-H", "Host: a.shop.test"}, "421", "", ""},
		{"http://exact.shop.test:PPORT/a.txt?b=c", nil, "308", "location: https://exact.shop.test:SPORT/a.txt?b=c\r\n", "strict-transport"},
		{"http://exact.shop.test:PPORT/a.txt", []string{"-L"}, "200", hsts, ""},
		{"http://exact.shop.test:PPORT/a.txt", []string{"-L", "-d", "x"}, "405", "location: https://exact.shop.test:SPORT/a.txt\r\n", ""},
		{"http://other.example:PPORT/a.txt", nil, "200", "", "location"},
		{"https://closed.example:SPORT/a.txt", nil, "403", "", ""},
		{"http://closed.example:PPORT/a.txt", nil, "403", "", ""},
		{"http://closed.example:PPORT/a.txt", []string{"-H", "X-Forwarded-For: 192.0.2.7"}, "403", "", ""},
		{"https://open.example:SPORT/a.txt", nil, "200", "", ""},
		{"https://open.example:SPORT/a.txt", []string{"--interface", "127.0.0.2"}, "403", "", ""},
		{"https://elsewhere.example:SPORT/a.txt", nil, "403", "", ""},
		{"https://elsewhere.example:SPORT/a.txt", []string{"-H", "X-Forwarded-For: 192.0.2.7", "-H", "Forwarded: for=192.0.2.7"}, "403", "", ""},
	} {
		ports := strings.NewReplacer("SPORT", securePort, "PPORT", plainPort)
		for _, version := range []string{"--http1.1", "--http2"} {
			args := append([]string{"-sS", "--max-time", "100", version, "--cacert", ca, "-o", "-", "-D", "-", "-w", "\n|%{http_code}|%{exitcode}|%{http_version}",
				"--noproxy", "*", "--connect-to", "::127.0.0.1:"}, tt.args...)
			out, err := exec.CommandContext(t.Context(), "curl", append(args, ports.Replace(tt.url))...).Output()
			if _, ended := err.(*exec.ExitError); err != nil && !ended {
				t.Fatal(err) // scripts/setup installs what is missing
			}
			head, end, _ := strings.Cut(strings.ToLower(string(out)), "\n|")
			codes := strings.Split(end, "|")
			got := codes[0]
			if got == "000" && len(codes) > 1 {
				got = codes[1]
			}
			if got != tt.want || !strings.Contains(head, strings.ToLower(ports.Replace(tt.has))) || tt.lack != "" && strings.Contains(head, tt.lack) {
				t.Errorf("%s %s %v: %s, want %s, %q, and not %q: %q", version, tt.url, tt.args, got, tt.want, tt.has, tt.lack, out)
			}
			if over2 := strings.HasPrefix(tt.url, "https") && version == "--http2"; over2 && got != refused && codes[2] != "2" {
				t.Errorf("%s: HTTP/%s", tt.url, codes[2])
			}
		}
	}
	c.stop()
}
