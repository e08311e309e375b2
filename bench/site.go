package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"freshet/bench/internal/origin"
)

// manyFiles is how many different files the scenario of that kind asks for, in
// folders of manyPerFolder; files.lua makes the same names.
const (
	manyFiles     = 20000
	manyPerFolder = 200
)

// manyName returns the path of file i of the many.
func manyName(i int) string {
	return fmt.Sprintf("/many/d%02d/f%03d.txt", i/manyPerFolder, i%manyPerFolder)
}

// writeSite writes the folder that all servers serve.
func writeSite(root, goroot string) error {
	script, err := realScript(goroot, 20<<10)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"/1k.txt":    origin.Text(1 << 10),
		"/100k.bin":  origin.Text(100 << 10),
		"/10m.bin":   origin.Text(10 << 20),
		"/script.js": script,
	}
	for i := range manyFiles {
		files[manyName(i)] = origin.Text(1 << 10)
	}
	// Last-Modified is no validator for those who know that a file of this
	// second may change again within it: the site looks an hour old.
	old := time.Now().Add(-time.Hour)
	made := map[string]bool{}
	for name, body := range files {
		path := filepath.Join(root, name)
		if dir := filepath.Dir(path); !made[dir] {
			made[dir] = true
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(path, old, old); err != nil {
			return err
		}
	}
	return nil
}

// realScript returns n bytes of a script that people really serve: the one that
// Go ships for WebAssembly, with its beginning once more where it is shorter.
func realScript(goroot string, n int) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(goroot, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, fmt.Errorf("read a real script: %w", err)
	}
	for len(b) < n {
		b = append(b, b...)
	}
	return b[:n], nil
}

// writeCertificate writes a certificate and key for 127.0.0.1, valid for two
// days: ECDSA on P-256, which costs a server least.
func writeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "benchmark"},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, // so that it vouches for itself
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644); err != nil {
		return err
	}
	return os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600)
}

// The scripts for wrk, by the names that scenarios use.
var (
	//go:embed lua/files.lua
	filesScript string
	//go:embed lua/pipeline.lua
	pipelineScript string
	//go:embed lua/miss.lua
	missScript string

	scripts = map[string]string{"files.lua": filesScript, "pipeline.lua": pipelineScript, "miss.lua": missScript}
)

// writeScripts writes the scripts where wrk can read them.
func writeScripts(dir string) error {
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
