package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func made(t testing.TB, o Options) *Authority {
	t.Helper()
	a, err := Create(filepath.Join(t.TempDir(), "data", "authority"), o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCreateAndOpen(t *testing.T) {
	a := made(t, Options{Name: " my  own "})
	c := a.Certificate()
	switch {
	case !regexp.MustCompile(`^my own [0-9a-f]{6}$`).MatchString(c.Subject.CommonName):
		t.Errorf("name %q", c.Subject.CommonName)
	case !c.IsCA || !c.MaxPathLenZero || c.MaxPathLen != 0 || c.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign:
		t.Error("no proper authority")
	case c.SerialNumber.BitLen() < 96 || c.SerialNumber.BitLen() > 128 || c.SerialNumber.Sign() != 1:
		t.Errorf("serial number of %d bits", c.SerialNumber.BitLen())
	case c.SignatureAlgorithm != x509.ECDSAWithSHA256 || len(c.SubjectKeyId) != 20:
		t.Errorf("%v %x", c.SignatureAlgorithm, c.SubjectKeyId)
	case c.NotAfter.Sub(c.NotBefore).Round(time.Minute) != DefaultLife+backdated:
		t.Errorf("it lives %v", c.NotAfter.Sub(c.NotBefore))
	}
	if hasModes {
		for name, want := range map[string]os.FileMode{a.Dir(): 0o700, privateFile(a.Dir()): 0o600, a.File(): 0o644} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v %v", name, info.Mode(), err)
			}
		}
	}
	if names, _ := os.ReadDir(a.Dir()); len(names) != 2 {
		t.Errorf("left there: %v", names)
	}
	if public, _ := os.ReadFile(a.File()); !bytes.Equal(public, a.PEM()) || bytes.Contains(public, []byte("PRIVATE")) {
		t.Errorf("public: %s", public)
	}
	again, err := Open(a.Dir(), nil)
	if err != nil || !again.Certificate().Equal(c) || !again.key.Equal(a.key) {
		t.Fatal(err)
	}
	if got := Fingerprint(c); !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(got) {
		t.Errorf("%q", got)
	}
}

func TestNeverWrittenOver(t *testing.T) {
	a := made(t, Options{})
	before, _ := os.ReadFile(privateFile(a.Dir()))
	if _, err := Create(a.Dir(), Options{}); !errors.Is(err, ErrExists) {
		t.Fatalf("%v", err)
	}
	if after, _ := os.ReadFile(privateFile(a.Dir())); !bytes.Equal(before, after) {
		t.Fatal("it was written over")
	}
	b, err := Create(a.Dir(), Options{Force: true})
	if err != nil || b.Certificate().Equal(a.Certificate()) {
		t.Fatal("force", err)
	}
	if names, _ := os.ReadDir(a.Dir()); len(names) != 2 {
		t.Errorf("left there: %v", names)
	}
}

// Of many that make one at the same time, one does, and nobody sees a part of it.
func TestCreateTogether(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var winners []*Authority
	for range 8 {
		wg.Go(func() {
			a, err := Create(dir, Options{})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				winners = append(winners, a)
			} else if !errors.Is(err, ErrExists) {
				t.Error(err)
			}
			if _, err := Open(dir, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if a, err := Open(dir, nil); err != nil || len(winners) != 1 || !a.Certificate().Equal(winners[0].Certificate()) {
		t.Fatalf("%d made it, %v", len(winners), err)
	}
}

func TestOptionsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	for want, o := range map[string]Options{
		"not from a day to 10 years": {Life: 11 * 365 * day},
		"life of 1h0m0s":             {Life: time.Hour},
		"more than 57 bytes":         {Name: strings.Repeat("n", 58)},
		"without *":                  {Permit: []string{"*.test"}},
		"no name of a host":          {Permit: []string{"te st"}},
		"ASCII form":                 {Exclude: []string{"straße.de"}},
		"has a zone":                 {Exclude: []string{"fe80::1%eth0"}},
	} {
		if _, err := Create(dir, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.TempDir(), nil); !errors.Is(err, ErrNone) {
		t.Errorf("nothing: %v", err)
	}
	other := made(t, Options{})
	otherKey, err := keyPEM(other.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := other.Cert([]string{"a.test"}, CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(t *testing.T, a *Authority, file string) string{
		"read by others": func(t *testing.T, a *Authority, file string) string {
			os.Chmod(file, 0o640)
			return "others can read or change the key"
		},
		"folder written by others": func(t *testing.T, a *Authority, file string) string {
			os.Chmod(a.Dir(), 0o770)
			return "others can write to"
		},
		"link": func(t *testing.T, a *Authority, file string) string {
			os.Rename(file, file+".moved")
			if err := os.Symlink(file+".moved", file); err != nil {
				t.Skip(err)
			}
			return "not a regular file"
		},
		"of another user": func(t *testing.T, a *Authority, file string) string {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			if err := os.Chown(file, 65534, 65534); err != nil {
				t.Skip(err)
			}
			return "belongs to another user"
		},
		"folder of another user": func(t *testing.T, a *Authority, file string) string {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a folder away")
			}
			if err := os.Chown(a.Dir(), 65534, 65534); err != nil {
				t.Skip(err)
			}
			return "belongs to another user"
		},
		"huge": func(t *testing.T, a *Authority, file string) string {
			os.Truncate(file, maxFile+1)
			return "is no authority"
		},
		"cut": func(t *testing.T, a *Authority, file string) string {
			os.Truncate(file, 300)
			return "both a key and a certificate"
		},
		"foreign key": func(t *testing.T, a *Authority, file string) string {
			os.WriteFile(file, append(otherKey, a.PEM()...), 0o600)
			return "do not belong together"
		},
		"a leaf": func(t *testing.T, a *Authority, file string) string {
			os.WriteFile(file, append(leaf.Key, leaf.Cert...), 0o600)
			return "not one of an authority"
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			if !hasModes && strings.Contains(name, "others") {
				t.Skip("there are no modes")
			}
			a := made(t, Options{})
			want := spoil(t, a, privateFile(a.Dir()))
			if _, err := Open(a.Dir(), nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

func TestOpenOutOfTime(t *testing.T) {
	a := made(t, Options{Life: 2 * day})
	for after, want := range map[time.Duration]string{3 * day: "expired on", -2 * time.Hour: "clock"} {
		if _, err := open(a.Dir(), nil, func() time.Time { return time.Now().Add(after) }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", after, err)
		}
	}
}

func TestCreateRefusesFolder(t *testing.T) {
	if !hasModes {
		t.Skip("there are no modes")
	}
	dir := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, Options{}); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("%v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, Options{}); err == nil {
		t.Error("a file as folder")
	}
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("left there: %v", names)
	}
}

func verify(a *Authority, cert *x509.Certificate, host string, usage x509.ExtKeyUsage) error {
	_, err := cert.Verify(x509.VerifyOptions{Roots: a.Pool(), DNSName: host, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}

func TestCert(t *testing.T) {
	a := made(t, Options{})
	p, err := a.Cert([]string{"WWW.Example.Test.", "*.example.test", "192.0.2.1", "[2001:db8::1]"}, CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"www.example.test", "b.example.test", "192.0.2.1", "2001:db8::1"} {
		if err := verify(a, p.Leaf, host, x509.ExtKeyUsageServerAuth); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if verify(a, p.Leaf, "www.example.test", x509.ExtKeyUsageClientAuth) == nil {
		t.Error("a server's is a client's, too")
	}
	if p.Leaf.Subject.CommonName != "www.example.test" || p.Leaf.IsCA {
		t.Errorf("%v", p.Leaf.Subject)
	}
	client, err := a.Cert([]string{"Ann Example", "ann@example.test"}, CertOptions{Client: true, Life: 10 * day})
	if err != nil {
		t.Fatal(err)
	}
	if err := verify(a, client.Leaf, "", x509.ExtKeyUsageClientAuth); err != nil {
		t.Error(err)
	}
	if c := client.Leaf; verify(a, c, "", x509.ExtKeyUsageServerAuth) == nil || c.Subject.CommonName != "Ann Example" ||
		len(c.EmailAddresses) != 1 || len(c.DNSNames) > 0 || c.NotAfter.Sub(c.NotBefore).Round(time.Minute) != 10*day+backdated {
		t.Errorf("%+v", c)
	}
}

func TestCertRefused(t *testing.T) {
	a := made(t, Options{Permit: []string{"home.test", "192.0.2.0/24"}, Exclude: []string{"secret.home.test"}})
	for _, tt := range []struct {
		name string
		o    CertOptions
		want string
	}{
		{"", CertOptions{}, "1 to 253 bytes"},
		{"*.com", CertOptions{}, "refused by browsers"},
		{"*.192.0.2.1", CertOptions{}, "before an address"},
		{"a.*.test", CertOptions{}, "more than letters"},
		{"a..test", CertOptions{}, "between its dots"},
		{"-a.test", CertOptions{}, "hyphen"},
		{"127.1", CertOptions{}, "begins with a digit"},
		{"bücher.test", CertOptions{}, "ASCII form"},
		{"a.home.test:443", CertOptions{}, "more than letters"},
		{"other.test", CertOptions{}, "does not vouch for other.test"},
		{"nothome.test", CertOptions{}, "does not vouch"},
		{"192.0.3.1", CertOptions{}, "does not vouch for 192.0.3.1"},
		{"secret.home.test", CertOptions{}, "does not vouch"},
		{"*.home.test", CertOptions{}, "would stand for secret.home.test"},
		{"a.home.test", CertOptions{Life: MaxCertLife + day}, "825 days"},
		{"ann@home.test", CertOptions{}, "no name of a host"},
		{"\x1b[2J", CertOptions{Client: true}, "ASCII text"},
	} {
		if _, err := a.Cert([]string{tt.name}, tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := a.Cert(nil, CertOptions{}); err == nil {
		t.Error("no names")
	}
}

// What covers says is what verifiers say.
func TestConstraints(t *testing.T) {
	for _, o := range []Options{
		{},
		{Permit: []string{"home.test"}},
		{Permit: []string{"192.0.2.0/24", "2001:db8::/32"}},
		{Permit: []string{"home.test", "127.0.0.1"}},
		{Exclude: []string{"home.test", "10.0.0.0/8"}},
		{Permit: []string{"test"}, Exclude: []string{"home.test"}},
	} {
		a := made(t, o)
		for _, host := range []string{"home.test", "a.home.test", "xhome.test", "example.org", "127.0.0.1", "192.0.2.7", "10.1.2.3", "2001:db8::7", "::1"} {
			n, err := parseName(host)
			if err != nil {
				t.Fatal(err)
			}
			ours := a.covers(n)
			// An authority that does not look signs it.
			cert, err := a.signLeaf(n)
			if err != nil {
				t.Fatal(err)
			}
			theirs := verify(a, cert.Leaf, host, x509.ExtKeyUsageServerAuth)
			if (ours == nil) != (theirs == nil) {
				t.Errorf("%+v %s: %v, but verifiers say %v", o, host, ours, theirs)
			}
		}
	}
}

func TestRequest(t *testing.T) {
	p, err := Request([]string{"a.test", "192.0.2.1"}, CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(p.Cert)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil || csr.DNSNames[0] != "a.test" || len(csr.IPAddresses) != 1 || csr.Subject.CommonName != "a.test" {
		t.Fatalf("%+v %v", csr, err)
	}
	key, _ := pem.Decode(p.Key)
	private, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil || !private.(*ecdsa.PrivateKey).PublicKey.Equal(csr.PublicKey) {
		t.Error("another key")
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	p, err := Request([]string{"a.test"}, CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Save(cert, key, false); err != nil {
		t.Fatal(err)
	}
	if hasModes {
		for name, want := range map[string]os.FileMode{cert: 0o644, key: 0o600} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v %v", name, info.Mode(), err)
			}
		}
	}
	os.Remove(key)
	if err := p.Save(cert, key, false); !errors.Is(err, ErrExists) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(key); err == nil {
		t.Error("a key without its certificate was left")
	}
	if err := p.Save(cert, key, true); err != nil {
		t.Error(err)
	}
	if p.Save(cert, dir+"/./c.pem", true) == nil {
		t.Error("both in one file")
	}
}
