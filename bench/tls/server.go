package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"freshet/bench/internal/process"
)

// site is what both serve: two files, and a certificate.
type site struct {
	root, cert, key string
	files           map[string][]byte // by path
	roots           *x509.CertPool
}

const (
	small = "/small.txt"
	large = "/large.bin"
)

// newSite writes it into a new folder.
func newSite(dir string) (*site, error) {
	s := &site{root: filepath.Join(dir, "files"), cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), roots: x509.NewCertPool()}
	s.files = map[string][]byte{small: make([]byte, 100), large: make([]byte, 100_000)}
	if err := os.MkdirAll(s.root, 0o755); err != nil {
		return nil, err
	}
	for path, body := range s.files {
		rand.Read(body)
		if err := os.WriteFile(s.root+path, body, 0o644); err != nil {
			return nil, err
		}
	}
	return s, s.writeCertificate()
}

// writeCertificate makes a certificate for 127.0.0.1 that signs itself, and its key.
func (s *site) writeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.Unix()), Subject: pkix.Name{CommonName: "bench"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(48 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	s.roots.AppendCertsFromPEM(chain)
	return errors.Join(
		os.WriteFile(s.cert, chain, 0o644),
		os.WriteFile(s.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}

// server is a program and how it is configured; plain and secure are its
// addresses without and with TLS.
type server struct {
	name, program string // program: "" for ours, which is built
	args          func(b *bench, dir, plain, secure string) ([]string, error)
}

var servers = []server{
	{name: "freshet", args: func(b *bench, _, plain, secure string) ([]string, error) {
		return []string{b.binary, "serve", "--listen", plain, "--tls-listen", secure, "--tls-cert", b.site.cert, "--tls-key", b.site.key,
			"--access-log", "off", "--monitor", "off", "--max-requests-per-connection", "off", b.site.root}, nil
	}},
	{name: "nginx", program: "nginx", args: func(b *bench, dir, plain, secure string) ([]string, error) {
		user := ""
		if os.Getuid() == 0 {
			user = "user root;"
		}
		path := filepath.Join(dir, "nginx.conf")
		text := fmt.Sprintf(nginxConfig, user, dir, plain, secure, b.site.cert, b.site.key, b.site.root)
		return []string{"nginx", "-p", dir, "-e", dir + "/error.log", "-c", path}, os.WriteFile(path, []byte(text), 0o644)
	}},
}

// TLS 1.3 of OpenSSL seals tickets without ssl_session_cache, which is for TLS
// 1.2 and would only cost something.
const nginxConfig = `daemon off;
worker_processes 1;
%[1]s
pid %[2]s/nginx.pid;
error_log %[2]s/error.log crit;
events { worker_connections 4096; }
http {
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 600s;
	keepalive_requests 1000000000;
	open_file_cache max=100 inactive=60s;
	server {
		listen %[3]s backlog=4096;
		listen %[4]s backlog=4096 ssl;
		ssl_certificate %[5]s;
		ssl_certificate_key %[6]s;
		ssl_protocols TLSv1.3;
		ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
		ssl_ecdh_curve X25519;
		ssl_session_tickets on;
		root %[7]s;
	}
}
`

// column is a server that runs, and its figures.
type column struct {
	name          string
	process       *process.Process
	plain, secure string
	cost          map[string][]float64 // µs of processor time for a unit, by scenario and round
}

// start starts a server in a folder of its own.
func (b *bench) start(ctx context.Context, s server, dir string) (*column, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	c := &column{name: s.name, cost: map[string][]float64{}}
	var err error
	if c.plain, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	if c.secure, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	args, err := s.args(b, dir, c.plain, c.secure)
	if err != nil {
		return nil, err
	}
	env := []string{"GOMAXPROCS=1", "HOME=" + dir, "XDG_STATE_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}
	if c.process, err = process.Serve(ctx, c.secure, process.Options{Args: args, Env: env, CPU: serverCPU, Dir: dir}); err != nil {
		return nil, err
	}
	return c, c.process.WaitListening(ctx, c.plain)
}
