package guard

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"sync"
	"time"
)

// revocations are the lists of a file (CRLs, RFC 5280 §5).
type revocations struct {
	path  string
	lists []*revocationList
}

// A revocationList is one authority's.
type revocationList struct {
	*x509.RevocationList
	revoked map[string]bool // serial numbers, as their bytes

	mu     sync.Mutex // guards signed
	signed map[[sha256.Size]byte]bool
}

// maxSigners bounds the certificates of which a list remembers whether they have
// signed it.
const maxSigners = 64

var errRevoked = errors.New("it is revoked")

func readRevocations(path string, authorities []*x509.Certificate) (*revocations, error) {
	fault := func(err error) error { return fmt.Errorf("read the revocations of clients: %w", err) }
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault(err)
	}
	r := &revocations{path: path}
	add := func(der []byte) error {
		l, err := parseList(der, authorities)
		if err != nil {
			return fault(fmt.Errorf("%s: %w", path, err))
		}
		r.lists = append(r.lists, l)
		return nil
	}
	if !bytes.Contains(data, []byte("-----BEGIN")) {
		return r, add(data)
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "X509 CRL" {
			continue
		}
		if err := add(block.Bytes); err != nil {
			return nil, err
		}
	}
	if len(r.lists) == 0 {
		return nil, fault(fmt.Errorf("%s: there is no list in it; give CRLs, PEM or DER", path))
	}
	return r, nil
}

// parseList reads a list. One with a critical extension does not say all of
// what an authority has revoked, or says it of others (RFC 5280 §5.2); it cannot be used.
func parseList(der []byte, authorities []*x509.Certificate) (*revocationList, error) {
	parsed, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	for _, e := range parsed.Extensions {
		if e.Critical {
			return nil, fmt.Errorf("the list of %s has the critical extension %s, and is not a whole one; give a full CRL", parsed.Issuer, e.Id)
		}
	}
	if parsed.NextUpdate.IsZero() {
		return nil, fmt.Errorf("the list of %s does not say until when it holds; give one that has nextUpdate", parsed.Issuer)
	}
	l := &revocationList{RevocationList: parsed, revoked: make(map[string]bool, len(parsed.RevokedCertificateEntries)), signed: map[[sha256.Size]byte]bool{}}
	for _, entry := range parsed.RevokedCertificateEntries {
		for _, e := range entry.Extensions {
			if e.Critical {
				return nil, fmt.Errorf("the list of %s has an entry with the critical extension %s; give the CRL of one authority", parsed.Issuer, e.Id)
			}
		}
		l.revoked[serial(entry.SerialNumber)] = true
	}
	issued, signed := false, false
	for _, c := range authorities {
		if bytes.Equal(c.RawSubject, parsed.RawIssuer) {
			issued = true
			signed = signed || l.isOf(c)
		}
	}
	if issued && !signed {
		return nil, fmt.Errorf("the list of %s is not signed by that authority", parsed.Issuer)
	}
	return l, nil
}

func serial(n *big.Int) string { return string(n.Bytes()) }

// isOf reports whether an authority has signed the list. It is found out once, for
// the whole list is hashed for it; those that the file of authorities has are found
// when the list is read, others, which clients show, when the first one does.
func (l *revocationList) isOf(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, l.RawIssuer) {
		return false
	}
	name := sha256.Sum256(c.Raw)
	l.mu.Lock()
	defer l.mu.Unlock()
	signed, known := l.signed[name]
	if !known {
		signed = l.CheckSignatureFrom(c) == nil
		if len(l.signed) >= maxSigners {
			clear(l.signed)
		}
		l.signed[name] = signed
	}
	return signed
}

// judge looks for each certificate of a chain, but the authority at its end, in the
// newest list of who has signed it. It returns until when the chain is good. A
// chain of which one has no list that is in force is not good: nobody knows.
func (r *revocations) judge(chain []*x509.Certificate, at time.Time) (until time.Time, err error) {
	until = chain[0].NotAfter
	for _, c := range chain {
		until = earlier(until, c.NotAfter)
	}
	if r == nil {
		return until, nil
	}
	for i, c := range chain[:len(chain)-1] {
		l := r.of(chain[i+1])
		switch {
		case l == nil:
			return until, fmt.Errorf("%s has no list that is signed by %s", r.path, chain[i+1].Subject)
		case l.revoked[serial(c.SerialNumber)]:
			return until, errRevoked // by an old list, too
		case at.Before(l.ThisUpdate):
			return until, fmt.Errorf("%s: the list of %s begins at %s; is the clock right?", r.path, l.Issuer, l.ThisUpdate.UTC().Format(time.RFC3339))
		case !at.Before(l.NextUpdate):
			return until, fmt.Errorf("%s: the list of %s has ended at %s; put a newer one there", r.path, l.Issuer, l.NextUpdate.UTC().Format(time.RFC3339))
		}
		until = earlier(until, l.NextUpdate)
	}
	return until, nil
}

// of returns the newest list of an authority; nil for none.
func (r *revocations) of(c *x509.Certificate) *revocationList {
	var newest *revocationList
	for _, l := range r.lists {
		if (newest == nil || l.ThisUpdate.After(newest.ThisUpdate)) && l.isOf(c) {
			newest = l
		}
	}
	return newest
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
