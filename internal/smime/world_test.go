package smime

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// now is when all tests are, but for OpenSSL's part in them, which has the clock.
var now = time.Now().Truncate(time.Second)

// A person has a key and a certificate.
type person struct {
	key   crypto.Signer
	cert  *x509.Certificate
	chain []*x509.Certificate
}

type template struct {
	address string
	days    [2]int // from and until, counted from now
	usage   x509.KeyUsage
	purpose []x509.ExtKeyUsage
	ca      bool
	name    string // in the subject, as an address
}

var serial = big.NewInt(1 << 40)
var serialMu sync.Mutex

// issue makes a certificate; by is nil for one that vouches for itself.
func issue(t testing.TB, key crypto.Signer, by *person, o template) *person {
	t.Helper()
	serialMu.Lock()
	serial = new(big.Int).Add(serial, big.NewInt(0x7f81))
	n := serial
	serialMu.Unlock()
	if o.days == [2]int{} {
		o.days = [2]int{-10, 300}
	}
	day := 24 * time.Hour
	c := &x509.Certificate{
		SerialNumber: n, Subject: pkix.Name{CommonName: "test of " + o.address, Organization: []string{"freshet"}},
		NotBefore: now.Add(time.Duration(o.days[0]) * day), NotAfter: now.Add(time.Duration(o.days[1]) * day),
		KeyUsage: o.usage, ExtKeyUsage: o.purpose, BasicConstraintsValid: true, IsCA: o.ca,
	}
	if o.address != "" && !o.ca {
		c.EmailAddresses = []string{o.address}
		c.SubjectKeyId = append(n.Bytes(), "key"...)
	}
	if o.name != "" {
		c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: oidSubjectMailName, Value: o.name}}
	}
	if o.ca {
		c.KeyUsage = x509.KeyUsageCertSign
	}
	out := &person{key: key}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
		out.chain = slices.Concat([]*x509.Certificate{by.cert}, by.chain)
		out.chain = out.chain[:len(out.chain)-1] // without who is trusted anyway
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if out.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if by == nil {
		out.chain = []*x509.Certificate{out.cert}
	}
	return out
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A world is an authority, one below it, and people.
type world struct {
	root, between                  *person
	alice, bob, carol, dora, erika *person // RSA, P-256, P-384, Ed25519, RSA
	roots                          *x509.CertPool
}

var forMail = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}

var worldOnce = sync.OnceValue(func() *world {
	t := &testing.T{} // keys do not fail
	w := &world{roots: x509.NewCertPool()}
	w.root = issue(t, ecKey(t, elliptic.P256()), nil, template{address: "the root", ca: true})
	w.between = issue(t, ecKey(t, elliptic.P256()), w.root, template{address: "the middle", ca: true})
	w.alice = issue(t, rsaKey(t, 2048), w.between, template{address: "alice@example.org", purpose: forMail})
	w.bob = issue(t, ecKey(t, elliptic.P256()), w.between, template{address: "bob@example.org", purpose: forMail})
	w.carol = issue(t, ecKey(t, elliptic.P384()), w.between, template{address: "carol@example.org", purpose: forMail})
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	w.dora = issue(t, private, w.between, template{address: "dora@example.org", purpose: forMail})
	w.erika = issue(t, rsaKey(t, 2048), w.root, template{address: "erika@example.org"})
	w.roots.AddCert(w.root.cert)
	return w
})

func theWorld(t testing.TB) *world {
	t.Helper()
	return worldOnce()
}

func (p *person) options() SignOptions {
	return SignOptions{Cert: p.cert, Key: p.key, Chain: p.chain, Time: now}
}

func (w *world) verify() VerifyOptions { return VerifyOptions{Roots: w.roots, Now: now} }

const letter = "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: lunch\nReceived: by a\n\tfolded line\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\nAt noon?\nAlice\n"

// letterFrom is a mail that somebody wrote.
func letterFrom(p *person) string {
	return strings.ReplaceAll(letter, "alice@example.org", p.cert.EmailAddresses[0])
}

func message(t testing.TB, text string) *Message {
	t.Helper()
	m, err := NewMessage([]byte(text), MessageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func signed(t testing.TB, text string, o SignOptions) []byte {
	t.Helper()
	out, err := message(t, text).Sign(o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ids are all problems of a report.
func (r *Report) ids() string {
	var all []string
	for _, p := range r.Problems {
		all = append(all, p.ID)
	}
	for _, s := range r.Signers {
		for _, p := range s.Problems {
			all = append(all, p.ID)
		}
	}
	return strings.Join(all, " ")
}

func certsPEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.Bytes()
}

func keyPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// A bench is a folder in which OpenSSL works.
type bench struct {
	t   testing.TB
	dir string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatal("openssl is needed; scripts/setup installs it")
	}
	return &bench{t, t.TempDir()}
}

func (b *bench) put(name string, data []byte) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) person(name string, p *person) {
	b.t.Helper()
	b.put(name+".pem", certsPEM(p.cert))
	b.put(name+".chain", certsPEM(p.chain...))
	b.put(name+".key", keyPEM(b.t, p.key))
}

// try runs openssl in the folder.
func (b *bench) try(args ...string) ([]byte, string, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = b.dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	return out.Bytes(), said.String(), err
}

func (b *bench) run(args ...string) []byte {
	b.t.Helper()
	out, said, err := b.try(args...)
	if err != nil {
		b.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return out
}

// certs are certificates of people by name.
func (w *world) certs(names ...string) []*x509.Certificate {
	var all []*x509.Certificate
	for _, n := range names {
		all = append(all, map[string]*person{"alice": w.alice, "bob": w.bob, "carol": w.carol, "dora": w.dora, "erika": w.erika}[n].cert)
	}
	return all
}
