package guard

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/follow"
	"freshet/internal/rule"
	"freshet/internal/strength"
	"freshet/internal/who"
)

// ClientTrust says which certificates of clients are good: those of some
// authorities that no list has revoked. Its files are read again when they have
// changed.
type ClientTrust struct {
	authorities *follow.File[authorities]
	lists       *follow.File[revocations] // nil: nothing is revoked
	failed      func(error)
	now         func() int64 // nil: the system's clock

	known atomic.Pointer[known]
}

// authorities are those that a file has.
type authorities struct {
	pool *x509.CertPool
	all  []*x509.Certificate
	sum  [sha256.Size]byte // of their certificates
}

// maxKnown bounds the certificates whose verdict is kept; then all are judged anew.
const maxKnown = 4096

// known are verdicts by what the files said at one time.
type known struct {
	authorities *authorities
	lists       *revocations

	mu   sync.Mutex // guards good and bad; who fills one of them empties not the other
	good map[[sha256.Size]byte]judgement
	bad  map[[sha256.Size]byte]judgement
	told atomic.Int64 // when an unusable list was told of last, nanoseconds since 1970
}

// judgement is a chain that is good, or the rule that refuses it, from a moment until
// another: a clock may be set back.
type judgement struct {
	chain       *who.Chain
	refused     rule.ID
	made, until time.Time
}

// refusedFor is how long a refusal is remembered. Time alone may end it: a
// certificate, or a list, begins to be valid.
const refusedFor = time.Minute

// maxBetween bounds the certificates that a client may show besides its own: each
// may be tried as the issuer of each.
const maxBetween = 8

// OpenClientTrust reads authorities, PEM, and lists of what they have revoked, PEM
// or DER; "" for no lists. failed is told when files that have changed cannot be
// read, and those that there were go on; and, once a minute, when certificates
// are refused because a list is too old. now is a clock in nanoseconds since
// 1970; nil is the system's.
func OpenClientTrust(caFile, crlFile string, now func() int64, failed func(error)) (*ClientTrust, error) {
	t := &ClientTrust{failed: failed, now: now}
	var err error
	if t.authorities, err = follow.OpenFile(caFile, readAuthorities, failed); err != nil {
		return nil, err
	}
	if crlFile == "" {
		return t, nil
	}
	// A list of an authority that the file has is checked at once, so that a wrong
	// one is told of at the start.
	read := func(path string) (*revocations, error) {
		return readRevocations(path, t.authorities.Current(t.moment()).all)
	}
	if t.lists, err = follow.OpenFile(crlFile, read, failed); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *ClientTrust) moment() int64 {
	if t.now != nil {
		return t.now()
	}
	return time.Now().UnixNano()
}

// Pool are the authorities, as a handshake names them to clients. It is another
// one when the file has changed.
func (t *ClientTrust) Pool() *x509.CertPool { return t.authorities.Current(t.moment()).pool }

// Authorities are the same, one by one.
func (t *ClientTrust) Authorities() []*x509.Certificate {
	return t.authorities.Current(t.moment()).all
}

// Sum is the same for the same authorities, on all servers.
func (t *ClientTrust) Sum() [sha256.Size]byte { return t.authorities.Current(t.moment()).sum }

func readAuthorities(path string) (*authorities, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of clients: %w; give a file of certificates, PEM", err)
	}
	a := &authorities{pool: x509.NewCertPool()}
	sum := sha256.New()
	for len(data) > 0 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the authorities of clients: %s: %w", path, err)
		}
		if err := strength.Root(c); err != nil {
			return nil, fmt.Errorf("read the authorities of clients: %s: %w", path, err)
		}
		a.pool.AddCert(c)
		a.all = append(a.all, c)
		sum.Write(c.Raw)
	}
	if len(a.all) == 0 {
		return nil, fmt.Errorf("read the authorities of clients: %s: there is no certificate in it; give a file of certificates, PEM", path)
	}
	sum.Sum(a.sum[:0])
	return a, nil
}

// Judge decides about what a client's handshake has shown, its own certificate
// first: the chain to an authority, or the rule that refuses it. That the client has the key the
// handshake has shown.
func (t *ClientTrust) Judge(shown []*x509.Certificate) (*who.Chain, rule.ID) {
	if len(shown) == 0 {
		return nil, rule.ClientCertificateMissing
	}
	now := t.moment()
	k := t.verdicts(now)
	sum := sha256.New()
	for _, c := range shown {
		sum.Write(c.Raw)
	}
	var name [sha256.Size]byte
	sum.Sum(name[:0])
	at := time.Unix(0, now)
	k.mu.Lock()
	v, ok := k.good[name]
	if !ok {
		v, ok = k.bad[name]
	}
	k.mu.Unlock()
	if ok && !at.Before(v.made) && at.Before(v.until) {
		return v.chain, v.refused
	}
	v = t.judge(k, shown, at)
	v.made = at
	keep := k.good
	if v.refused != 0 {
		v.until, keep = at.Add(refusedFor), k.bad
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.good, name)
	if len(keep) >= maxKnown {
		clear(keep)
	}
	keep[name] = v
	return v.chain, v.refused
}

// verdicts returns those by what the files say now.
func (t *ClientTrust) verdicts(now int64) *known {
	a := t.authorities.Current(now)
	var l *revocations
	if t.lists != nil {
		l = t.lists.Current(now)
	}
	k := t.known.Load()
	if k == nil || k.authorities != a || k.lists != l {
		k = &known{authorities: a, lists: l, good: map[[sha256.Size]byte]judgement{}, bad: map[[sha256.Size]byte]judgement{}}
		t.known.Store(k)
	}
	return k
}

func (t *ClientTrust) judge(k *known, shown []*x509.Certificate, at time.Time) judgement {
	if len(shown) > 1+maxBetween {
		return judgement{refused: rule.ClientCertificateUntrusted}
	}
	between := x509.NewCertPool()
	for _, c := range shown[1:] {
		between.AddCert(c)
	}
	chains, err := shown[0].Verify(x509.VerifyOptions{
		Roots: k.authorities.pool, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return judgement{refused: ruleOf(shown[0], err, at)}
	}
	refused := rule.ClientCertificateUntrusted
	for _, chain := range chains {
		if isWeak(chain) {
			continue
		}
		until, why := k.lists.judge(chain, at)
		if why == nil {
			return judgement{chain: who.NewChain(chain), until: until}
		}
		if errors.Is(why, errRevoked) {
			refused = rule.ClientCertificateRevoked
			continue
		}
		t.tellOfList(k, why, at)
		if refused != rule.ClientCertificateRevoked {
			refused = rule.ClientRevocationUnknown
		}
	}
	return judgement{refused: refused}
}

// isWeak reports whether a chain has a key that can be broken, or a signature that
// can be forged.
func isWeak(chain []*x509.Certificate) bool {
	_, refused := strength.Chains([][]*x509.Certificate{chain})
	return refused != nil
}

// ruleOf says why there is no chain.
func ruleOf(leaf *x509.Certificate, err error, at time.Time) rule.ID {
	var invalid x509.CertificateInvalidError
	switch {
	case at.Before(leaf.NotBefore) || at.After(leaf.NotAfter):
		return rule.ClientCertificateExpired
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return rule.ClientCertificateExpired
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return rule.ClientCertificatePurpose
	}
	return rule.ClientCertificateUntrusted
}

// tellOfList tells that clients are refused for want of a list, once a minute.
func (t *ClientTrust) tellOfList(k *known, why error, at time.Time) {
	last, now := k.told.Load(), at.UnixNano()
	if (last == 0 || now-last >= int64(time.Minute) || now < last) && k.told.CompareAndSwap(last, now) {
		t.failed(fmt.Errorf("clients are refused: %w", why))
	}
}
