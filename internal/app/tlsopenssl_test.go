package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// verifyOpenSSL has openssl verify a certificate, by the rules of RFC 5280 as
// they stand and nothing of the machine's, and returns what it says.
func verifyOpenSSL(t *testing.T, args ...string) (said string, good bool) {
	t.Helper()
	args = append([]string{"verify", "-x509_strict", "-check_ss_sig", "-no-CApath", "-no-CAstore"}, args...)
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		t.Fatal(err) // scripts/setup installs what is missing
	}
	return string(out), err == nil
}

// opensslFolder is where openssl finds what freshet made, and the other way round.
type opensslFolder struct {
	t   *testing.T
	dir string
}

func (o opensslFolder) in(name string) string { return filepath.Join(o.dir, name) }

// write writes a file, and returns its path.
func (o opensslFolder) write(name, text string) string {
	o.t.Helper()
	if err := os.WriteFile(o.in(name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
	return o.in(name)
}

// authority makes one of freshet's, and returns the files of its certificate and key.
func (o opensslFolder) authority(name string, args ...string) (ca, key string) {
	o.t.Helper()
	tlsRun(o.t, o.in(name), exitOK, append([]string{"ca"}, args...)...)
	dir := filepath.Join(o.in(name), "freshet", "authority")
	return filepath.Join(dir, "freshet-ca.crt"), filepath.Join(dir, "private.pem")
}

// forge has openssl sign a certificate for a name, with a key that was stolen.
func (o opensslFolder) forge(file, name, ca, key string, extensions ...string) string {
	o.t.Helper()
	config := o.write("openssl.cnf", "[req]\ndistinguished_name=dn\n[dn]\n")
	args := []string{"req", "-config", config, "-x509", "-CA", ca, "-CAkey", key, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
		"-keyout", o.in(file + ".key"), "-out", o.in(file), "-days", "1", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name}
	for _, e := range extensions {
		args = append(args, "-addext", e)
	}
	openssl(o.t, nil, args...)
	return o.in(file)
}

var pemCertificate = regexp.MustCompile(`(?s)-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n`)

// TestAuthorityByOpenSSL: openssl, as strict as it can be, takes what the local
// authority signs for what it was signed, and nothing else.
func TestAuthorityByOpenSSL(t *testing.T) {
	o := opensslFolder{t, t.TempDir()}
	ca, key := o.authority("ours", "--permit", "test", "--permit", "127.0.0.1")
	another, anotherKey := o.authority("other")
	cert := func(file string, args ...string) string {
		tlsRun(t, o.in("ours"), exitOK, append(append([]string{"cert"}, args...), "--out", o.in(file), "--key", o.in(file+".key"))...)
		return o.in(file)
	}
	onlyAddress := cert("address-file.pem", "127.0.0.1")
	server := cert("server.pem", "www.test", "*.deep.test", "127.0.0.1")
	client := cert("client.pem", "--client", "ann.test")

	p, addr, _ := serveLocal(t, o.in("ours"), "serve", "--tls-local", "--tls-listen", "127.0.0.1:0", folder(t))
	leaf := func(file string, args ...string) string {
		said, err := sClient(t, addr, append(args, "-CAfile", ca)...)
		if err != nil || !strings.Contains(said, "Verify return code: 0 (ok)") {
			t.Errorf("s_client %v: %v\n%s", args, err, said)
		}
		return o.write(file, pemCertificate.FindString(said))
	}
	shop, address := leaf("shop.pem", "-servername", "shop.test"), leaf("address.pem", "-noservername")
	p.stop()

	const issued = "authorityKeyIdentifier=keyid"
	evil := o.forge("evil.pem", "www.example.org", ca, key, "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth", issued)
	below := o.forge("below.pem", "below.test", ca, key, "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash", issued)
	ofBelow := o.forge("ofbelow.pem", "www.test", below, below+".key", "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", issued)
	ofLeaf := o.forge("ofleaf.pem", "www.test", server, server+".key", "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature")
	foreign := o.forge("foreign.pem", "www.test", another, anotherKey, "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", issued)

	at := func(after time.Duration) []string {
		return []string{"-attime", strconv.FormatInt(time.Now().Add(after).Unix(), 10)}
	}
	for _, tt := range []struct {
		name, file, ca string
		args           []string
		refuse         string // what openssl says then; "": it is good
	}{
		{"the authority", ca, ca, nil, ""},
		{"of --tls-local", shop, ca, []string{"-purpose", "sslserver", "-verify_hostname", "shop.test"}, ""},
		{"of --tls-local, an address", address, ca, []string{"-purpose", "sslserver", "-verify_ip", "127.0.0.1"}, ""},
		{"of tls cert", server, ca, []string{"-purpose", "sslserver", "-verify_hostname", "www.test"}, ""},
		{"of tls cert, a wildcard", server, ca, []string{"-purpose", "sslserver", "-verify_hostname", "a.deep.test"}, ""},
		{"of tls cert, an address", server, ca, []string{"-purpose", "sslserver", "-verify_ip", "127.0.0.1"}, ""},
		{"of tls cert, an address alone", onlyAddress, ca, []string{"-purpose", "sslserver", "-verify_ip", "127.0.0.1"}, ""},
		{"of a client", client, ca, []string{"-purpose", "sslclient"}, ""},
		{"another name", shop, ca, []string{"-verify_hostname", "other.test"}, "hostname mismatch"},
		{"a name below that of a wildcard", server, ca, []string{"-verify_hostname", "a.b.deep.test"}, "hostname mismatch"},
		{"another address", address, ca, []string{"-verify_ip", "127.0.0.2"}, "IP address mismatch"},
		{"a client as a server", client, ca, []string{"-purpose", "sslserver"}, "purpose"},
		{"a server as a client", shop, ca, []string{"-purpose", "sslclient"}, "purpose"},
		{"after its end", shop, ca, at(8 * 24 * time.Hour), "certificate has expired"},
		{"before its time", shop, ca, at(-48 * time.Hour), "not yet valid"},
		{"by another authority", shop, another, nil, "unable to get (local )?issuer certificate|signature failure"},
		{"of another authority", foreign, ca, nil, "unable to get (local )?issuer certificate|signature failure"},
		{"a name that is not permitted", evil, ca, []string{"-verify_hostname", "www.example.org"}, "permitted subtree violation"},
		{"by an authority below", ofBelow, ca, []string{"-untrusted", below}, "path length constraint exceeded"},
		{"by a server", ofLeaf, ca, []string{"-untrusted", server}, "invalid CA certificate|does not (allow|permit)|keyusage"},
	} {
		said, good := verifyOpenSSL(t, append(slices.Concat([]string{"-CAfile", tt.ca}, tt.args), tt.file)...)
		if good != (tt.refuse == "") || !good && !regexp.MustCompile(tt.refuse).MatchString(said) {
			t.Errorf("%s: good %v, want %q: %s", tt.name, good, tt.refuse, said)
		}
	}
}
