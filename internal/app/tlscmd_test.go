package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// tlsRun runs freshet tls with an authority of its own.
func tlsRun(t *testing.T, data string, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=/nowhere", "XDG_DATA_HOME=" + data} }, append([]string{"tls"}, args...)...)
	if got := p.wait(); got != status {
		t.Errorf("%v: exit status %d, want %d: %s", args, got, status, p.stderr)
	}
	return p.stdout.String(), p.stderr.String()
}

// From nothing to a server that a probe verifies.
func TestTLSFromCAToProbe(t *testing.T) {
	data, out := t.TempDir(), t.TempDir()
	in := func(name string) string { return filepath.Join(out, name) }
	_, said := tlsRun(t, data, exitFault, "trust")
	contains(t, said, "there is no authority in "+filepath.Join(data, "freshet", "authority")+"; make one with \"freshet tls ca\"")
	made, _ := tlsRun(t, data, exitOK, "ca", "--permit", "test", "--permit", "127.0.0.1")
	contains(t, made, "(made)", "test, 127.0.0.1/32 only", "SHA-256", "freshet tls trust")
	again, _ := tlsRun(t, data, exitOK, "ca")
	contains(t, again, "there is one already; nothing has changed")
	_, said = tlsRun(t, data, exitFault, "ca", "--name", "other")
	contains(t, said, "--force makes a new one")
	text, _ := tlsRun(t, data, exitOK, "trust")
	contains(t, text, "update-ca-certificates", "Firefox")
	public, _ := tlsRun(t, data, exitOK, "ca", "--print")
	contains(t, public, "-----BEGIN CERTIFICATE-----")
	if strings.Contains(public, "PRIVATE") {
		t.Fatal("the key was printed")
	}

	signed, _ := tlsRun(t, data, exitOK, "cert", "www.test", "127.0.0.1", "--out", in("c.pem"), "--key", in("k.pem"))
	contains(t, signed, "For          www.test, 127.0.0.1")
	_, said = tlsRun(t, data, exitFault, "cert", "www.test", "--out", in("c.pem"), "--key", in("k.pem"))
	contains(t, said, "k.pem: there is one already; --force replaces it")
	_, said = tlsRun(t, data, exitFault, "cert", "www.example.org", "--out", in("d.pem"), "--key", in("d.key"))
	contains(t, said, "does not vouch for www.example.org")
	if _, err := os.Stat(in("d.key")); err == nil {
		t.Error("a key is left of what failed")
	}
	request, _ := tlsRun(t, data, exitOK, "cert", "--csr", "a.example", "--out", in("r.csr"), "--key", in("r.key"))
	contains(t, request, "Request ")
	if err := os.Rename(in("r.csr"), in("request")); err != nil {
		t.Fatal(err)
	}
	_, said = tlsRun(t, data, exitFault, "cert", "--csr", in("request"))
	contains(t, said, "is a file with a request: freshet tls cert signs names, not requests of others")
	_, said = tlsRun(t, data, exitUsage, "cert", "www.test", "--key", "dsa")
	contains(t, said, "keys are ECDSA P-256")
	if _, err := os.Stat("dsa"); err == nil {
		t.Error("there is a file dsa")
	}

	p := start(t, "serve", folder(t, "index.html", "hello"), "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert", in("c.pem"), "--tls-key", in("k.pem"))
	addr := strings.TrimPrefix(p.stderr.wait(t, `(?m)(https://\S+)/$`), "https://")
	ca := filepath.Join(data, "freshet", "authority", "freshet-ca.crt")
	report, _ := tlsRun(t, data, exitOK, "probe", addr, "--ca", ca)
	contains(t, report, "verified: it is 127.0.0.1", "TLS 1.3  yes", "TLS 1.0  no", "ECDSA P-256", "weaknesses    none")
	report, _ = tlsRun(t, data, exitFault, "probe", addr, "--ca", ca, "--sni", "other.test", "--json")
	contains(t, report, `"verified": false`, `"name-mismatch"`)
	p.stop()
	_, said = tlsRun(t, data, exitFault, "probe", addr)
	contains(t, said, "connect to "+addr)
	_, said = tlsRun(t, data, exitFault, "probe", addr, "--ca", in("k.pem"))
	contains(t, said, "it has no certificate")
	_, said = tlsRun(t, data, exitFault, "probe", addr, "--ca", in("none"))
	contains(t, said, "no such file or directory; name a file that exists")
}

func TestTLSKeyThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	data := t.TempDir()
	tlsRun(t, data, exitOK, "ca")
	if err := os.Chmod(filepath.Join(data, "freshet", "authority", "private.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, said := tlsRun(t, data, exitFault, "cert", "a.test")
	contains(t, said, "others can read or change the key", "chmod 600")
}

func TestAuthorityFolder(t *testing.T) {
	for _, tt := range []struct {
		dir     string
		environ []string
		want    string
	}{
		{"/d", nil, "/d"},
		{"", []string{"HOME=/h"}, "/h/.local/share/freshet/authority"},
		{"", []string{"HOME=/h", "XDG_DATA_HOME=/x"}, "/x/freshet/authority"},
		{"", []string{"HOME=/h", "XDG_DATA_HOME=x"}, "/h/.local/share/freshet/authority"},
		{"", nil, ""},
	} {
		got, err := authorityFolder(filepath.FromSlash(tt.dir), tt.environ)
		if filepath.ToSlash(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%+v: %q %v", tt, got, err)
		}
	}
	for name, want := range map[string]string{"*.a.test": "_.a.test", "Ann Example": "Ann-Example", "../..": "certificate", "2001:db8::1": "2001-db8--1", "a/b": "a-b"} {
		if got := fileFor(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}
