package follow_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/follow"
)

// names are the files of a certificate.
type names struct{ cert, key string }

// write puts a certificate with a common name there, both files longer than
// before by the length of the name.
func (n names) write(t *testing.T, commonName string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: commonName}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	n.put(t, n.cert, commonName+"\n"+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	n.put(t, n.key, commonName+"\n"+string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func (names) put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyPair(t *testing.T) {
	dir := t.TempDir()
	n := names{filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")}
	synctest.Test(t, func(t *testing.T) {
		n.write(t, "old")
		var faults []error
		pair, err := follow.OpenKeyPair(n.cert, n.key, func(err error) { faults = append(faults, err) })
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when, want string) {
			t.Helper()
			if got := pair.Current().Leaf.Subject.CommonName; got != want {
				t.Fatalf("%s: %q is used, want %q", when, got, want)
			}
		}
		expect("at first", "old")
		n.write(t, "renewed")
		time.Sleep(time.Second - 1)
		expect("within a second", "old")
		time.Sleep(time.Nanosecond)
		expect("after a second", "renewed")

		n.put(t, n.cert, "half a certif")
		time.Sleep(time.Second)
		expect("with a fault", "renewed")
		time.Sleep(time.Second)
		expect("with the same fault", "renewed")
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), n.cert) {
			t.Fatalf("told %v, want one fault that names the file", faults)
		}
		if err := os.Remove(n.cert); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		expect("without a file", "renewed")
		n.write(t, "mended")
		time.Sleep(time.Second)
		expect("when mended", "mended")
		if got, err := pair.Get(nil); err != nil || got != pair.Current() {
			t.Fatalf("Get returned %v, %v", got, err)
		}
	})
}

func TestOpenKeyPairFaults(t *testing.T) {
	dir := t.TempDir()
	n, other := names{filepath.Join(dir, "a.pem"), filepath.Join(dir, "a.key")}, names{filepath.Join(dir, "b.pem"), filepath.Join(dir, "b.key")}
	n.write(t, "a")
	other.write(t, "b")
	for _, c := range []struct{ what, cert, key string }{
		{"no certificate", filepath.Join(dir, "none"), n.key},
		{"no key", n.cert, filepath.Join(dir, "none")},
		{"the key of another", n.cert, other.key},
		{"a key for a certificate", n.key, n.key},
	} {
		_, err := follow.OpenKeyPair(c.cert, c.key, nil)
		if err == nil || !strings.Contains(err.Error(), c.cert) || !strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: %v, want an error that names both files", c.what, err)
		}
	}
}

func TestStamp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if got := follow.StampOf(path); got != (follow.Stamp{}) {
		t.Errorf("a file that is not there has the stamp %v", got)
	}
	names{}.put(t, path, "a")
	first := follow.StampOf(path)
	if first == (follow.Stamp{}) || first != follow.StampOf(path) {
		t.Error("the stamp of a file is zero, or differs from one look to the next")
	}
	names{}.put(t, path, "ab")
	if first == follow.StampOf(path) {
		t.Error("another size has the same stamp")
	}
}
