package follow_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/follow"
	"freshet/internal/strength"
	"freshet/internal/wiretest"
)

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestKeyPair(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cert, key := wiretest.WriteKeyPair(t, dir, "old")
		var faults []error
		pair, err := follow.OpenKeyPair(cert, key, func(err error) { faults = append(faults, err) })
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
		wiretest.WriteKeyPair(t, dir, "renewed")
		time.Sleep(time.Second - 1)
		expect("within a second", "old")
		time.Sleep(time.Nanosecond)
		expect("after a second", "renewed")

		put(t, cert, "half a certif")
		time.Sleep(time.Second)
		expect("with a fault", "renewed")
		time.Sleep(time.Second)
		expect("with the same fault", "renewed")
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), cert) {
			t.Fatalf("told %v, want one fault that names the file", faults)
		}
		if err := os.Remove(cert); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		expect("without a file", "renewed")
		wiretest.WriteKeyPair(t, dir, "mended")
		time.Sleep(time.Second)
		expect("when mended", "mended")
		if got, err := pair.Get(nil); err != nil || got != pair.Current() {
			t.Fatalf("Get returned %v, %v", got, err)
		}
	})
}

func TestOpenKeyPairFaults(t *testing.T) {
	dir := t.TempDir()
	cert, key := wiretest.WriteKeyPair(t, dir, "a")
	_, other := wiretest.WriteKeyPair(t, t.TempDir(), "b")
	for _, c := range []struct{ what, cert, key string }{
		{"no certificate", filepath.Join(dir, "none"), key},
		{"no key", cert, filepath.Join(dir, "none")},
		{"the key of another", cert, other},
		{"a key for a certificate", key, key},
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
	put(t, path, "a")
	first := follow.StampOf(path)
	if first == (follow.Stamp{}) || first != follow.StampOf(path) {
		t.Error("the stamp of a file is zero, or differs from one look to the next")
	}
	put(t, path, "ab")
	if first == follow.StampOf(path) {
		t.Error("another size has the same stamp")
	}
}

// A file of the same size, whose time of writing was set back, has changed.
func TestStampOfTheSameSizeAndTime(t *testing.T) {
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd":
	default:
		t.Skip("there is neither an inode nor a time of change here")
	}
	dir := t.TempDir()
	path, next := filepath.Join(dir, "f"), filepath.Join(dir, "next")
	when := time.Unix(1_700_000_000, 0)
	for _, name := range []string{path, next} {
		put(t, name, "a")
		if err := os.Chtimes(name, when, when); err != nil {
			t.Fatal(err)
		}
	}
	first := follow.StampOf(path)
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	if first == follow.StampOf(path) {
		t.Error("another file has the same stamp")
	}
}

// A pair that is too weak is not taken, at the start and later.
func TestWeakKeyPair(t *testing.T) {
	dir := t.TempDir()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	weak := wiretest.KeyPair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
	}
	refused := func(err error) bool {
		var r *strength.Refusal
		return errors.As(err, &r) && strings.HasSuffix(err.Error(), "its key is RSA 1024, which is too short; "+strength.NewKey)
	}
	certFile, keyFile := weak.Write(t, dir)
	if _, err := follow.OpenKeyPair(certFile, keyFile, nil); !refused(err) {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		wiretest.WriteKeyPair(t, dir, "strong")
		var faults []error
		pair, err := follow.OpenKeyPair(certFile, keyFile, func(err error) { faults = append(faults, err) })
		if err != nil {
			t.Fatal(err)
		}
		pair.Current()
		weak.Write(t, dir)
		time.Sleep(time.Second)
		if got := pair.Current().Leaf.Subject.CommonName; got != "strong" || len(faults) != 1 || !refused(faults[0]) {
			t.Errorf("%q is used; told %v", got, faults)
		}
	})
}
