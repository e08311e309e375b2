package authority

import (
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// workshop is a folder in which openssl makes certificates.
type workshop struct {
	t   *testing.T
	dir string
}

func (w workshop) in(name string) string { return filepath.Join(w.dir, name) }

func (w workshop) openssl(args ...string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), "openssl", args...)
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (w workshop) write(name string, text []byte) {
	w.t.Helper()
	if err := os.WriteFile(w.in(name), text, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w workshop) read(name string) []byte {
	w.t.Helper()
	text, err := os.ReadFile(w.in(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// request makes a key, NAME.key, and a request, NAME.csr.
func (w workshop) request(name string) {
	w.openssl("req", "-config", "req.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", name+".key", "-out", name+".csr", "-subj", "/CN="+name)
}

// sign signs NAME.csr by another for some days, as one of the kinds in ext.cnf.
func (w workshop) sign(name, by, kind, days string) {
	w.openssl("x509", "-req", "-in", name+".csr", "-CA", by+".pem", "-CAkey", by+".key", "-CAcreateserial", "-days", days, "-extfile", "ext.cnf", "-extensions", kind, "-out", name+".pem")
}

// dated has the root sign NAME.csr from the beginning of 2024 to a time.
func (w workshop) dated(name, kind, end string, args ...string) {
	w.write("index.txt", nil)
	w.write("ca.cnf", []byte("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n"))
	w.openssl(append([]string{"ca", "-batch", "-config", "ca.cnf", "-notext", "-keyfile", "root.key", "-in", name + ".csr", "-out", name + ".pem",
		"-startdate", "20240101000000Z", "-enddate", end, "-extfile", "ext.cnf", "-extensions", kind}, args...)...)
}

// newWorkshop has a root, an authority below it, and what they have signed.
func newWorkshop(t *testing.T) workshop {
	w := workshop{t, t.TempDir()}
	w.write("req.cnf", []byte("[req]\ndistinguished_name=dn\n[dn]\n"))
	const ids = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
	w.write("ext.cnf", []byte("[root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"+
		"[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"+ids+
		"[server]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:www.test,IP:127.0.0.1\n"+ids+
		"[alone]\nbasicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:www.test,IP:127.0.0.1\nsubjectKeyIdentifier=hash\n"))
	for _, name := range []string{"root", "between", "server", "direct", "expired", "alone", "late", "below"} {
		w.request(name)
	}
	w.dated("root", "root", "20491231000000Z", "-selfsign")
	w.dated("expired", "server", "20240301000000Z", "-cert", "root.pem")
	w.dated("late", "ca", "20240301000000Z", "-cert", "root.pem")
	w.sign("below", "late", "server", "90")
	w.openssl("x509", "-req", "-in", "alone.csr", "-signkey", "alone.key", "-days", "90", "-extfile", "ext.cnf", "-extensions", "alone", "-out", "alone.pem")
	w.sign("between", "root", "ca", "200")
	w.sign("server", "between", "server", "90")
	w.sign("direct", "root", "server", "90")
	w.write("chain.pem", append(w.read("server.pem"), w.read("between.pem")...))
	return w
}

func (w workshop) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.read("root.pem"))
	return pool
}

// run runs a server until the test ends, and returns once it can be connected to.
func (w workshop) run(addr, program string, args ...string) {
	w.t.Helper()
	log, err := os.Create(w.in(program + strings.ReplaceAll(addr, ":", "-") + ".log"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, log, log
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err) // scripts/setup installs what is missing
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	w.t.Cleanup(func() {
		// An interrupt may be ignored: shells start so what is in the background.
		if cmd.Process.Signal(syscall.SIGTERM) != nil {
			cmd.Process.Kill()
		}
		<-ended
	})
	for until := time.Now().Add(time.Minute); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-ended:
			w.t.Fatalf("%s has ended: %s", program, w.read(filepath.Base(log.Name())))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(until) {
			w.t.Fatal(err)
		}
	}
}

// seen is what a probe is to find.
type seen struct {
	verified bool
	versions []string // that are accepted
	ids      []string // of weaknesses
	suite    string   // that is agreed on
	sent     int      // certificates
}

func (s seen) is(t *testing.T, p *Peer) {
	t.Helper()
	var versions []string
	for _, v := range p.Versions {
		if v.Accepted {
			versions = append(versions, v.Name)
		}
	}
	if p.Verified != s.verified || !slices.Equal(versions, s.versions) || !slices.Equal(p.ids(), s.ids) && len(p.ids())+len(s.ids) > 0 ||
		!strings.Contains(p.Chosen.Suite, s.suite) || len(p.Chain) != s.sent {
		t.Errorf("want %+v, not %v %v:\n%s", s, versions, p.ids(), p.Text())
	}
}

var modern = []string{"TLS 1.3", "TLS 1.2"}

// TestProbeOfOpenSSL: what openssl s_server is told to be, a probe finds.
func TestProbeOfOpenSSL(t *testing.T) {
	w := newWorkshop(t)
	const strong = "ECDHE+AESGCM:ECDHE+CHACHA20"
	for _, tt := range []struct {
		name, pair string
		args       []string
		want       seen
	}{
		{"a whole chain", "server", []string{"-cipher", strong, "-cert_chain", "between.pem"}, seen{true, modern, nil, "TLS_", 2}},
		{"without what is between", "server", []string{"-cipher", strong}, seen{false, modern, []string{"missing-intermediate"}, "TLS_", 1}},
		{"expired", "expired", []string{"-cipher", strong}, seen{false, modern, []string{"expired"}, "TLS_", 1}},
		{"an issuer has expired", "below", []string{"-cipher", strong, "-cert_chain", "late.pem"}, seen{false, modern, []string{"expired-issuer"}, "TLS_", 2}},
		{"self-signed", "alone", []string{"-cipher", strong}, seen{false, modern, []string{"self-signed"}, "TLS_", 1}},
		{"as it comes", "direct", nil, seen{true, modern, []string{"weak-cipher"}, "TLS_", 1}},
		{"TLS 1.3 only", "direct", []string{"-tls1_3"}, seen{true, []string{"TLS 1.3"}, nil, "TLS_", 1}},
		{"TLS 1.2 only", "direct", []string{"-tls1_2", "-cipher", strong}, seen{true, []string{"TLS 1.2"}, []string{"no-tls13"}, "ECDHE", 1}},
		{"TLS 1.1 only", "direct", []string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, seen{true, []string{"TLS 1.1"}, []string{"old-version", "no-tls13"}, "", 1}},
		{"all versions", "direct", []string{"-min_protocol", "TLSv1", "-cipher", "DEFAULT@SECLEVEL=0"}, seen{true, []string{"TLS 1.3", "TLS 1.2", "TLS 1.1", "TLS 1.0"}, []string{"old-version", "old-version", "weak-cipher"}, "TLS_", 1}},
		{"one suite of TLS 1.3", "direct", []string{"-cipher", strong, "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}, seen{true, modern, nil, "TLS_CHACHA20_POLY1305_SHA256", 1}},
		{"one suite of TLS 1.2", "direct", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"}, seen{true, []string{"TLS 1.2"}, []string{"no-tls13"}, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 1}},
		{"CBC only", "direct", []string{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"}, seen{true, []string{"TLS 1.2"}, []string{"no-usual-client", "no-tls13", "weak-cipher"}, "", 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := workshop{t, w.dir}
			addr := wiretest.Reserve(t)
			w.run(addr, "openssl", append([]string{"s_server", "-accept", addr, "-cert", tt.pair + ".pem", "-key", tt.pair + ".key", "-quiet", "-www"}, tt.args...)...)
			tt.want.is(t, probed(t, addr, ProbeOptions{Roots: w.roots(), ServerName: "www.test"}))
		})
	}
}

// TestProbeOfNginx: each server of one nginx is seen as what it was told to be.
func TestProbeOfNginx(t *testing.T) {
	w := newWorkshop(t)
	good, short, old := wiretest.Reserve(t), wiretest.Reserve(t), wiretest.Reserve(t)
	server := func(addr, cert, key, more string) string {
		return "server { listen " + addr + " ssl; ssl_certificate " + w.in(cert) + "; ssl_certificate_key " + w.in(key) + "; " + more + " return 204; }\n"
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n"
	}
	w.write("nginx.conf", []byte(user+"daemon off; master_process off; pid nginx.pid; error_log error.log;\nevents {}\nhttp { access_log off;\n"+
		"client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n"+
		server(good, "chain.pem", "server.key", "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM;")+
		server(short, "server.pem", "server.key", "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM;")+
		server(old, "expired.pem", "expired.key", "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;")+"}\n"))
	w.run(good, "nginx", "-c", w.in("nginx.conf"), "-p", w.dir, "-e", "error.log")
	for addr, want := range map[string]seen{
		good:  {true, modern, nil, "TLS_", 2},
		short: {false, modern, []string{"missing-intermediate"}, "TLS_", 1},
		old:   {false, []string{"TLS 1.2"}, []string{"expired", "no-tls13"}, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 1},
	} {
		want.is(t, probed(t, addr, ProbeOptions{Roots: w.roots(), ServerName: "www.test"}))
	}
	want := seen{false, modern, []string{"name-mismatch"}, "TLS_", 2}
	want.is(t, probed(t, good, ProbeOptions{Roots: w.roots(), ServerName: "other.test"}))
}
