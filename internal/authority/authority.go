package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"freshet/internal/atrest"
)

// Lifetimes.
const (
	// DefaultLife is how long an authority lives: replacing it means work on every
	// machine that trusts it, keeping it means that an old copy of its key stays
	// dangerous.
	DefaultLife = 5 * 365 * day
	// MaxLife bounds Options.Life.
	MaxLife = 10 * 365 * day

	day = 24 * time.Hour
	// backdated is how much earlier than now certificates begin: clocks differ.
	backdated = time.Hour
)

// Options are what an authority is made with. The zero value is an authority
// for all names, of DefaultLife.
type Options struct {
	// Name is what people see in lists of authorities; a part of the key's hash
	// is added. Default "freshet local authority".
	Name string

	// Permit are the only names that the authority can vouch for: domains with all
	// that is below them, IP addresses and prefixes. It is in the certificate, as
	// critical name constraints (RFC 5280 §4.2.1.10): clients refuse what is signed
	// for other names, even by who has stolen the key. Empty means any name.
	Permit []string

	// Exclude are names that it can not vouch for, in the same form.
	Exclude []string

	// Life is how long it lives, to the second. Default DefaultLife; more than MaxLife is an error.
	Life time.Duration

	// Seal are the keys by which the file with its key is sealed; nil: it is not.
	Seal *atrest.Ring

	// Force replaces an authority that is there: what it has signed is worth
	// nothing any more to who trusts the new one only.
	Force bool
}

// An Authority signs. Its methods may be called by many goroutines at once.
type Authority struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	now  func() time.Time

	leaves leaves
}

// Create makes an authority in a folder, which it makes too, with mode 0700. An
// error that is [ErrExists] means that there is one already.
func Create(dir string, o Options) (*Authority, error) { return create(dir, o, time.Now) }

func create(dir string, o Options, now func() time.Time) (*Authority, error) {
	key, cert, err := newRoot(&o, now())
	if err != nil {
		return nil, err
	}
	private, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	public := certPEM(cert)
	if err := save(dir, o.Seal.Pack(append(private, public...), sealedAs), public, o.Force); err != nil {
		return nil, err
	}
	return newAuthority(dir, key, cert, now), nil
}

// Open opens the authority in a folder. An error that is [ErrNone] means that
// there is none; others say what is wrong with it, which may be that others can
// read its key, or that it has expired. With keys its file has to be sealed, and
// without keys, nil, it must not be.
func Open(dir string, keys *atrest.Ring) (*Authority, error) { return open(dir, keys, time.Now) }

func open(dir string, keys *atrest.Ring, now func() time.Time) (*Authority, error) {
	data, err := load(dir)
	if err != nil {
		return nil, err
	}
	if data, _, err = keys.Unpack(data, sealedAs); err != nil {
		return nil, fmt.Errorf("%s: %w", privateFile(dir), err)
	}
	key, cert, err := parseAuthority(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", privateFile(dir), err)
	}
	switch t := now(); {
	case t.After(cert.NotAfter):
		return nil, fmt.Errorf("%s: the authority expired on %s; make a new one", privateFile(dir), cert.NotAfter.Format(time.DateOnly))
	case t.Before(cert.NotBefore):
		return nil, fmt.Errorf("%s: the authority is not valid before %s; is this machine's clock right?", privateFile(dir), cert.NotBefore.Format(time.DateTime))
	}
	return newAuthority(dir, key, cert, now), nil
}

func newAuthority(dir string, key *ecdsa.PrivateKey, cert *x509.Certificate, now func() time.Time) *Authority {
	return &Authority{dir: dir, key: key, cert: cert, now: now}
}

// newRoot makes the key and the certificate that vouches for itself.
func newRoot(o *Options, now time.Time) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	life := o.Life
	switch {
	case life == 0:
		life = DefaultLife
	case life < day || life > MaxLife:
		return nil, nil, fmt.Errorf("make an authority: its life of %v is not from a day to %d years", life, MaxLife/(365*day))
	}
	name := strings.Join(strings.Fields(o.Name), " ")
	if name == "" {
		name = "freshet local authority"
	}
	if len(name) > maxCommonName-7 {
		return nil, nil, fmt.Errorf("make an authority: the name %q has more than %d bytes", name, maxCommonName-7)
	}
	key, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	id, err := keyID(key)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		// Two authorities of one name are told apart in a list by the key.
		Subject:               pkix.Name{Organization: []string{"freshet"}, CommonName: name + " " + hex.EncodeToString(id[:3])},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true, // it signs no other authority
		SubjectKeyId:          id[:20],
	}
	if err := constrain(template, o.Permit, o.Exclude); err != nil {
		return nil, nil, fmt.Errorf("make an authority: %w", err)
	}
	cert, err := sign(template, template, &key.PublicKey, key)
	return key, cert, err
}

// parseAuthority reads the key and the certificate from what the file has.
func parseAuthority(data []byte) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	var key *ecdsa.PrivateKey
	var cert *x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		switch block.Type {
		case "PRIVATE KEY":
			k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("read the key: %w", err)
			}
			var ok bool
			if key, ok = k.(*ecdsa.PrivateKey); !ok || key.Curve != elliptic.P256() {
				return nil, nil, errors.New("its key is not an ECDSA one on P-256")
			}
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("read the certificate: %w", err)
			}
			cert = c
		}
	}
	switch {
	case key == nil || cert == nil:
		return nil, nil, errors.New("it does not have both a key and a certificate")
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, nil, errors.New("its key and its certificate do not belong together")
	case !cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, nil, errors.New("its certificate is not one of an authority")
	}
	return key, cert, nil
}

// Dir returns the folder.
func (a *Authority) Dir() string { return a.dir }

// Certificate returns the authority's certificate, which must not be changed.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// PEM returns the certificate in the form that others are given.
func (a *Authority) PEM() []byte { return certPEM(a.cert) }

// File returns the path of that form.
func (a *Authority) File() string { return publicFile(a.dir) }

// Pool returns the authority alone, for who verifies what it has signed.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Fingerprint returns the SHA-256 of a certificate as people compare it: pairs
// of hexadecimal digits with colons between.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return strings.TrimSuffix(string(bytes.ReplaceAll(fmt.Appendf(nil, "% X ", sum), []byte(" "), []byte(":"))), ":")
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// newSerial returns 128 random bits as a positive number; that takes 17 octets of
// the 20 that there may be (RFC 5280 §4.1.2.2).
func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[15] |= 1 // not zero
	return new(big.Int).SetBytes(b[:])
}

func keyID(key *ecdsa.PrivateKey) ([32]byte, error) {
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	return sha256.Sum256(public), err
}

// sign makes a certificate and reads it back.
func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	template.SignatureAlgorithm = x509.ECDSAWithSHA256
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

func certPEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func keyPEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
