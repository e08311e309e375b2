package app

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/wiretest"
)

// weakThings makes, by openssl in a folder, a certificate and a key of each kind that
// is not offered, KIND.pem and KIND.key, with the public key in KIND.d/k.pem, and
// KIND.ca.pem that vouches for itself. A good authority has signed the former.
func weakThings(t *testing.T) (o *postOffice, kinds []string) {
	o = &postOffice{t: t, dir: t.TempDir()}
	o.put("ext", "subjectAltName=email:a@example.org,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=emailProtection,serverAuth,clientAuth\n")
	o.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "good.key")
	o.openssl("req", "-x509", "-new", "-key", "good.key", "-subj", "/CN=good", "-days", "30", "-out", "good.ca.pem")
	o.openssl("dsaparam", "-genkey", "-noout", "-out", "dsa.key", "1024")
	o.openssl("genrsa", "-out", "rsa1024.key", "1024")
	o.openssl("ecparam", "-name", "secp224r1", "-genkey", "-noout", "-out", "p224.key")
	o.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sha1.key")
	o.openssl("genrsa", "-out", "md5.key", "2048")
	o.openssl("genrsa", "-out", "authority.key", "2048")
	o.openssl("req", "-x509", "-new", "-key", "authority.key", "-subj", "/CN=authority", "-days", "30", "-out", "authority.pem")
	for kind, digest := range map[string]string{"dsa": "sha256", "rsa1024": "sha256", "p224": "sha256", "sha1": "sha1", "md5": "md5"} {
		o.openssl("req", "-new", "-key", kind+".key", "-sha256", "-subj", "/CN="+kind, "-out", "req")
		o.openssl("x509", "-req", "-in", "req", "-CA", "authority.pem", "-CAkey", "authority.key", "-set_serial", "7", "-"+digest, "-days", "20", "-extfile", "ext", "-out", kind+".pem")
		o.openssl("req", "-x509", "-new", "-key", kind+".key", "-"+digest, "-subj", "/CN="+kind, "-days", "30", "-out", kind+".ca.pem")
		if err := os.Mkdir(o.in(kind+".d"), 0o700); err != nil {
			t.Fatal(err)
		}
		o.put(kind+".d/k.pem", o.openssl("pkey", "-in", kind+".key", "-pubout"))
		kinds = append(kinds, kind)
	}
	for _, kind := range kinds {
		o.put(kind+".pkcs8", o.openssl("pkcs8", "-topk8", "-nocrypt", "-in", kind+".key"))
		o.put(kind+".toml", "[server]\ntls-listen = [\"127.0.0.1:0\"]\n[[site]]\nnames = [\"a.test\"]\ncertificate = \""+o.in(kind+".pem")+"\"\nkey = \""+o.in(kind+".key")+"\"\n[[site.route]]\npath = \"/\"\nstatic = \""+o.dir+"\"\n")
	}
	o.put("mail", "From: a@example.org\n\nhello\n")
	return o, kinds
}

// TestWeakThings: what is too weak is refused at the start, wherever one can ask for
// it, by the flag that names it, and the error says what to use in its place.
func TestWeakThings(t *testing.T) {
	o, kinds := weakThings(t)
	// The keys alone are weak, and who has signed them does not matter.
	const keys = "dsa rsa1024 p224"
	mail := "serve --listen 127.0.0.1:0 --alert-mail a@example.org --alert-from a@example.org --alert-smtp smtp://127.0.0.1 DIR "
	for _, place := range []struct{ line, kinds, flag string }{
		{"serve --tls-listen 127.0.0.1:0 --tls-cert KIND.pem --tls-key KIND.key DIR", "", "KIND.pem"},
		{"serve --tls-listen 127.0.0.1:0 --tls-cert KIND.pem --tls-key KIND.pkcs8 DIR", "", "KIND.pem"},
		{"run -c KIND.toml", "", "KIND.pem"},
		{"config check -c KIND.toml", "", "KIND.pem"},
		{"proxy --listen 127.0.0.1:0 --to https://NOWHERE --origin-cert KIND.pem --origin-key KIND.key", "", "origin-cert"},
		{"proxy --listen 127.0.0.1:0 --to https://NOWHERE --origin-ca KIND.ca.pem", keys, "origin-ca"},
		{"serve --tls-listen 127.0.0.1:0 --tls-cert good.ca.pem --tls-key good.key --client-ca KIND.ca.pem DIR", keys, "authorities of clients"},
		{"smime sign --cert KIND.pem --key KIND.key mail", "", ""},
		{"smime sign --cert KIND.pem --key KIND.pkcs8 mail", "", ""},
		{"smime encrypt --to KIND.pem mail", "", ""},
		{mail + "--alert-sign-cert KIND.pem --alert-sign-key KIND.key", "rsa1024 p224 sha1 md5", "--alert-sign-cert"},
		{mail + "--alert-sign-cert KIND.pem --alert-sign-key KIND.pkcs8", "dsa", "--alert-sign-key"},
		{mail + "--alert-encrypt-cert KIND.pem", "", "--alert-encrypt-cert"},
		{mail + "--alert-smtp-ca KIND.ca.pem", keys, "--alert-smtp-ca"},
		{"serve --listen 127.0.0.1:0 --signatures KIND.d DIR", keys, "signatures"},
		{"serve --listen 127.0.0.1:0 --alert-webhook https://NOWHERE/ --alert-webhook-key KIND.key DIR", keys, "--alert-webhook-key"},
		{"serve --listen 127.0.0.1:0 --alert-webhook https://NOWHERE/ --alert-webhook-key KIND.pkcs8 DIR", keys, "--alert-webhook-key"},
		{"proxy --listen 127.0.0.1:0 --to http://NOWHERE --origin-sign KIND.key", keys, "KIND.key"},
		{"get --no-cache --sign KIND.pkcs8 http://NOWHERE/", keys, "KIND.pkcs8"},
		{"get --no-cache --cert KIND.pem --key KIND.key https://NOWHERE/", "", "--cert"},
		{"get --no-cache --cacert KIND.ca.pem https://NOWHERE/", keys, "--cacert"},
	} {
		nowhere := wiretest.Reserve(t)
		for _, kind := range kinds {
			if place.kinds != "" && !strings.Contains(place.kinds, kind) {
				continue
			}
			instead := "make a new key: "
			if !strings.Contains(keys, kind) {
				instead = "have the certificate signed with SHA-256 or better"
			}
			args := strings.Fields(strings.NewReplacer("KIND", kind, "DIR", o.dir, "NOWHERE", nowhere).Replace(place.line))
			for i, a := range args {
				if _, err := os.Stat(o.in(a)); err == nil && !filepath.IsAbs(a) {
					args[i] = o.in(a)
				}
			}
			p := start(t, args...)
			status, said := p.wait(), p.stderr.String()
			if status == exitOK || !strings.Contains(said, instead) || !strings.Contains(said, strings.ReplaceAll(place.flag, "KIND", kind)) {
				t.Errorf("%s of %s: exit status %d: %s%s", kind, place.line, status, p.stdout, said)
			}
		}
	}
}

// TestWeakRootItself: what an authority says of itself, by whichever digest, does not
// count.
func TestWeakRootItself(t *testing.T) {
	o, _ := weakThings(t)
	p := start(t, "serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", o.in("sha1.ca.pem"), "--tls-key", o.in("sha1.key"), "--client-ca", o.in("md5.ca.pem"), o.dir)
	p.url()
	p.stop()
}

// TestGetWeakServer: a server whose key is short, or whose authority's is, is refused,
// as curl does; with --insecure nothing is verified.
func TestGetWeakServer(t *testing.T) {
	o, _ := weakThings(t)
	// Its authority's key is good, its own is not.
	pair, err := tls.LoadX509KeyPair(o.in("rsa1024.pem"), o.in("rsa1024.key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &getWorld{t: t, cache: filepath.Join(t.TempDir(), "cache")}
	w.srv = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, r.Proto) }))
	w.srv.EnableHTTP2 = true
	w.srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	w.srv.StartTLS()
	defer w.srv.Close()
	for _, way := range []string{"--http1.0", "--http1.1", "--http2"} {
		_, said := w.run(getUntrusted, "--no-cache", way, "--cacert", o.in("authority.pem"), "URL/")
		contains(t, said, "the certificate of 127.0.0.1 is not trusted: ", `the certificate of "CN=rsa1024": its key is RSA 1024, which is too short; make a new key: ECDSA on P-256`)
		if out, said := w.run(exitOK, "--no-cache", way, "-k", "URL/"); !strings.HasPrefix(out, "HTTP/") {
			t.Errorf("%s -k: %q, %s", way, out, said)
		}
	}
}
