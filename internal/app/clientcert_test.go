package app

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/authority"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// clients are an authority and certificates of clients, in files.
type clients struct {
	t         *testing.T
	dir       string
	authority *authority.Authority
}

func newClients(t *testing.T) *clients {
	t.Helper()
	c := &clients{t: t, dir: t.TempDir()}
	var err error
	if c.authority, err = authority.Create(filepath.Join(c.dir, "authority"), authority.Options{}); err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.authority.Certificate().Raw})
	if err := os.WriteFile(c.ca(), ca, 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *clients) ca() string { return filepath.Join(c.dir, "ca.pem") }

// client makes a certificate, in NAME.pem and NAME.key.
func (c *clients) client(name string) (cert, key string) {
	c.t.Helper()
	pair, err := c.authority.Cert([]string{name}, authority.CertOptions{Client: true})
	if err != nil {
		c.t.Fatal(err)
	}
	cert, key = filepath.Join(c.dir, name+".pem"), filepath.Join(c.dir, name+".key")
	if err := pair.Save(cert, key, true); err != nil {
		c.t.Fatal(err)
	}
	return cert, key
}

// revoke has openssl, as the authority, make a list, and returns its file.
func (c *clients) revoke(certs ...string) string {
	c.t.Helper()
	database := filepath.Join(c.dir, "index.txt")
	conf := filepath.Join(c.dir, "openssl.cnf")
	text := "[ca]\ndefault_ca=x\n[x]\ndatabase=" + database + "\ndefault_md=sha256\ndefault_crl_days=1\ncrlnumber=" + database + ".crl\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid:always\n"
	for path, data := range map[string]string{database: "", database + ".crl": "01\n", conf: text} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	crl, key := filepath.Join(c.dir, "crl.pem"), filepath.Join(c.dir, "authority", "private.pem")
	for _, cert := range certs {
		openssl(c.t, nil, "ca", "-config", conf, "-cert", c.ca(), "-keyfile", key, "-revoke", cert)
	}
	made := filepath.Join(c.dir, "crl.new")
	openssl(c.t, nil, "ca", "-config", conf, "-cert", c.ca(), "-keyfile", key, "-gencrl", "-out", made)
	if err := os.Rename(made, crl); err != nil {
		c.t.Fatal(err)
	}
	return crl
}

// openssl runs it, and returns what it says; whoever speaks TLS with it needs
// nothing of ours.
func openssl(t *testing.T, in io.Reader, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = in
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// curl asks, and returns the status and the body.
func curl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "curl", append([]string{"-sSk", "--max-time", "100", "-w", "|%{http_code} %{num_connects}"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("curl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// twoAuthorities is a server with sites that want different things, in front of
// an origin that tells what it was told.
func twoAuthorities(t *testing.T, more string) (p *program, addr string, ours, theirs *clients) {
	t.Helper()
	ours, theirs = newClients(t), newClients(t)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		var all []string
		for name, values := range r.Header {
			if strings.Contains(strings.ToLower(name), "cert") || strings.HasPrefix(name, "Remote") {
				all = append(all, name+"="+strings.Join(values, ";"))
			}
		}
		for name := range r.Trailer {
			all = append(all, "trailer "+name)
		}
		slices.SortFunc(all, func(a, b string) int {
			name, _, _ := strings.Cut(a, "=")
			other, _, _ := strings.Cut(b, "=")
			return strings.Compare(name, other)
		})
		fmt.Fprint(w, r.URL.Path, all)
	}))
	t.Cleanup(origin.Close)
	dir := folder(t, "freshet.toml", "", "files/a.txt", "a")
	cert, key := wiretest.WriteKeyPair(t, dir, "all", "open.test", "strict.test", "same.test", "other.test", "maybe.test", "part.test")
	text := fmt.Sprintf(`
[server]
tls-listen = "127.0.0.1:0"
monitor = "off"
tls-cert = %[1]q
tls-key = %[2]q
%[6]s
[[site]]
names = ["open.test"]
[[site.route]]
static = "files"
[[site.route]]
path = "/p"
proxy = %[5]q

[[site]]
names = ["strict.test"]
client-ca = %[3]q
client-user = "common-name"
[[site.route]]
proxy = %[5]q
[[site.route]]
path = "/static"
static = "files"

[[site]]
names = ["same.test"]
client-ca = %[3]q
[[site.route]]
static = "files"

[[site]]
names = ["other.test"]
client-ca = %[4]q
[[site.route]]
static = "files"

[[site]]
names = ["maybe.test"]
client-ca = %[3]q
client-certificate = "optional"
[[site.route]]
proxy = %[5]q

[[site]]
names = ["part.test"]
[[site.route]]
static = "files"
[[site.route]]
path = "/inside"
client-ca = %[3]q
static = "files"
`, cert, key, ours.ca(), theirs.ca(), origin.URL, more)
	file := filepath.Join(dir, "freshet.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p = start(t, "run", "--config", file, "--access-log", "off")
	at, err := url.Parse(p.url())
	if err != nil {
		t.Fatal(err)
	}
	return p, at.Host, ours, theirs
}

// TestClientCertificates: curl with and without certificates, in both protocols.
func TestClientCertificates(t *testing.T) {
	p, addr, ours, theirs := twoAuthorities(t, "")
	annCert, annKey := ours.client("ann")
	bobCert, bobKey := theirs.client("bob")
	forged := []string{"-H", "Client-Cert: :Zm9yZ2Vk:", "-H", "client_cert: :Zm9yZ2Vk:", "-H", "Client-Cert-Chain: :Zm9yZ2Vk:", "-H", "Remote-User: root", "-H", "Remote_User: root", "-H", "Connection: Client-Cert, Remote-User"}
	pair, err := tls.LoadX509KeyPair(annCert, annKey)
	if err != nil {
		t.Fatal(err)
	}
	told := "Client-Cert=:" + base64.StdEncoding.EncodeToString(pair.Certificate[0]) + ": Client-Cert-Chain=:" +
		base64.StdEncoding.EncodeToString(ours.authority.Certificate().Raw) + ":"
	ann, bob := []string{"--cert", annCert, "--key", annKey}, []string{"--cert", bobCert, "--key", bobKey}
	for _, protocol := range []string{"--http1.1", "--http2"} {
		for _, tt := range []struct {
			host, path string
			args       []string
			status     int
			body       string
		}{
			{"open.test", "/a.txt", nil, 200, "a"},
			{"open.test", "/p/x", slices.Concat(ann, forged), 200, "/p/x[]"},
			{"strict.test", "/x", nil, 403, "none came with the connection"},
			{"strict.test", "/x", forged, 403, "none came with the connection"},
			{"strict.test", "/static/a.txt", nil, 403, "none came with the connection"},
			{"strict.test", "/static/a.txt", ann, 200, "a"},
			{"strict.test", "/x", slices.Concat(ann, forged), 200, "/x[" + told + " Remote-User=ann]"},
			{"strict.test", "/x", bob, 403, "no authority"},
			{"other.test", "/a.txt", ann, 403, "no authority"},
			{"other.test", "/a.txt", bob, 200, "a"},
			{"maybe.test", "/y", forged, 200, "/y[]"},
			{"maybe.test", "/y", ann, 200, "/y[" + told + "]"},
			{"maybe.test", "/y", bob, 403, "no authority"},
			{"part.test", "/a.txt", nil, 200, "a"},
			{"part.test", "/inside/a.txt", nil, 403, "none came with the connection"},
			{"part.test", "/inside/a.txt", ann, 200, "a"},
		} {
			host, port, _ := strings.Cut(addr, ":")
			args := slices.Concat([]string{protocol, "--resolve", tt.host + ":" + port + ":" + host}, tt.args, []string{"https://" + tt.host + ":" + port + tt.path})
			got := curl(t, args...)
			if !strings.Contains(got, tt.body) || !strings.Contains(got, fmt.Sprintf("|%d ", tt.status)) {
				t.Errorf("%s %s%s %v: %.300s, want %d %s", protocol, tt.host, tt.path, tt.args, got, tt.status, tt.body)
			}
		}
	}
	// What follows a body claims nothing, either.
	c := dialTLS(t, addr, &tls.Config{ServerName: "open.test"})
	io.WriteString(c, "POST /p/t HTTP/1.1\r\nHost: open.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: Client-Cert, X-Sum\r\n\r\n1\r\na\r\n0\r\nClient-Cert: :Zm9yZ2Vk:\r\nRemote-User: root\r\nX-Sum: 1\r\n\r\n")
	if got, _ := io.ReadAll(c); !strings.Contains(string(got), "/p/t[trailer X-Sum]") {
		t.Errorf("trailers: %s", got)
	}
	p.stop()
}

// dialTLS connects; whom the certificate is for is not looked at.
func dialTLS(t *testing.T, addr string, c *tls.Config) *tls.Conn {
	t.Helper()
	c.InsecureSkipVerify = true
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// TestClientMisdirected: a connection that was made for one site asks for another
// one that wants something else.
func TestClientMisdirected(t *testing.T) {
	p, addr, ours, _ := twoAuthorities(t, "")
	cert, key := ours.client("ann")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	sessions := map[string]tls.ClientSessionCache{}
	for _, protocol := range []string{"http/1.1", "h2"} {
		for _, resumed := range []bool{false, true} {
			for _, tt := range []struct {
				made, asked string
				status      int
			}{
				{"strict.test", "strict.test", 200},
				{"strict.test", "same.test", 200},
				{"strict.test", "open.test", 421},
				{"strict.test", "other.test", 421},
				{"open.test", "strict.test", 421},
				{"open.test", "open.test", 200},
				{"other.test", "strict.test", 421},
				{"other.test", "other.test", 403}, // the certificate is of another authority
				{"", "strict.test", 421},
				{"", "open.test", 200},
			} {
				name := protocol + tt.made
				if sessions[name] == nil {
					sessions[name] = tls.NewLRUClientSessionCache(1)
				}
				var was tls.ConnectionState
				transport := &http.Transport{
					ForceAttemptHTTP2: protocol == "h2",
					TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, ServerName: tt.made, Certificates: []tls.Certificate{pair}, ClientSessionCache: sessions[name]},
				}
				if tt.made == "" {
					transport.TLSClientConfig.ServerName = "127.0.0.1" // which is no name, and not sent
				}
				if protocol != "h2" {
					transport.TLSClientConfig.NextProtos = []string{protocol}
				}
				req, err := http.NewRequest("GET", "https://"+addr+"/a.txt", nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Host = tt.asked
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				was = *resp.TLS
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				transport.CloseIdleConnections()
				if tt.status == 421 && !strings.Contains(string(body), rule.Of(rule.SiteClientCertificate).Sentence) {
					t.Errorf("%s: made for %q, asked for %s: %s", protocol, tt.made, tt.asked, body)
				}
				if resp.StatusCode != tt.status || was.NegotiatedProtocol != protocol || was.DidResume != resumed && resumed {
					t.Errorf("%s, resumed %v: made for %q, asked for %s: %d, want %d; %s, resumed %v: %.200s", protocol, resumed, tt.made, tt.asked, resp.StatusCode, tt.status, was.NegotiatedProtocol, was.DidResume, body)
				}
			}
		}
	}
	p.stop()
}

// TestRevokedWhileInUse: what was revoked is refused on a connection that is open
// and in a session that is resumed.
func TestRevokedWhileInUse(t *testing.T) {
	ours := newClients(t)
	cert, key := ours.client("ann")
	crl := ours.revoke()
	dir := folder(t, "a.txt", "a")
	serverCert, serverKey := wiretest.WriteKeyPair(t, t.TempDir(), "server")
	p := start(t, "serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", serverCert, "--tls-key", serverKey,
		"--client-ca", ours.ca(), "--client-crl", crl, "--access-log", "off", dir)
	at, err := url.Parse(p.url())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	sessions := tls.NewLRUClientSessionCache(1)
	connect := func() *http.Client {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true, ServerName: "x.test", Certificates: []tls.Certificate{pair}, ClientSessionCache: sessions}}}
		t.Cleanup(client.CloseIdleConnections)
		return client
	}
	ask := func(c *http.Client) (status int, resumed bool, body string) {
		resp, err := c.Get("https://" + at.Host + "/a.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.TLS.DidResume, string(text)
	}
	open := connect()
	if status, _, body := ask(open); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if status, resumed, _ := ask(connect()); status != 200 || !resumed {
		t.Fatalf("%d, resumed %v", status, resumed)
	}
	ours.revoke(cert)
	for end := time.Now().Add(patience); ; {
		status, _, body := ask(open)
		if status == 403 && strings.Contains(body, "was revoked") {
			break
		}
		if status != 200 || time.Now().After(end) {
			t.Fatalf("on the open connection: %d %s", status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if status, resumed, body := ask(connect()); status != 403 || !resumed || !strings.Contains(body, "was revoked") {
		t.Errorf("in a session: %d, resumed %v: %s", status, resumed, body)
	}
	// The handshake itself is not refused, as s_client sees it.
	said := openssl(t, strings.NewReader("GET /a.txt HTTP/1.0\r\n\r\n"), "s_client", "-connect", at.Host, "-cert", cert, "-key", key, "-ign_eof")
	contains(t, said, "Acceptable client certificate CA names", "HTTP/1.1 403 ", "was revoked")
	p.stop()
}

// TestClientFlagFaults: what cannot be meant.
func TestClientFlagFaults(t *testing.T) {
	ours := newClients(t)
	cert, key := wiretest.WriteKeyPair(t, t.TempDir(), "server")
	secure := []string{"serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key}
	for want, args := range map[string][]string{
		"--client-ca is used over TLS only; give --tls-listen":                         {"serve", "--client-ca", ours.ca()},
		"--client-certificate needs the authorities of clients; give --client-ca FILE": append(slices.Clip(secure), "--client-certificate", "require"),
		"--client-crl is used with --client-ca FILE only; give both":                   append(slices.Clip(secure), "--client-crl", ours.ca()),
	} {
		contains(t, fails(t, exitUsage, args...), want)
	}
	contains(t, fails(t, exitFault, append(slices.Clip(secure), "--client-ca", key)...), "certificates of clients: read the authorities of clients: "+key+": there is no certificate in it")
	contains(t, fails(t, exitFault, append(slices.Clip(secure), "--client-ca", ours.ca(), "--client-crl", ours.ca())...), "there is no list in it")
}
