package acme

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// issuer asks one authority for certificates.
type issuer struct {
	o      *Options
	folder storage
	proofs *proofs
	client *http.Client
	acme   *acme.Client
	acmez  *acmez.Client // of what needs no proof

	solvers atomic.Pointer[map[string]acmez.Solver] // by the type of the challenge
	early   early
}

// How long an authority may take: for an answer, and for an order.
const (
	answerTime = 30 * time.Second
	orderTime  = 5 * time.Minute
)

func newIssuer(o *Options, f storage, p *proofs) *issuer {
	client := &http.Client{Timeout: 2 * answerTime, Transport: bounded{&http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       &tls.Config{RootCAs: o.Roots},
		TLSHandshakeTimeout:   answerTime,
		ResponseHeaderTimeout: answerTime,
		IdleConnTimeout:       answerTime,
		ForceAttemptHTTP2:     true,
	}}}
	i := &issuer{o: o, folder: f, proofs: p, client: client,
		acme: &acme.Client{Directory: o.Directory, HTTPClient: client, UserAgent: "freshet", PollTimeout: orderTime, Logger: quieter(o.Log)}}
	i.acmez = &acmez.Client{Client: i.acme}
	i.prove(o.HTTP, o.TLS)
	return i
}

// prove says by what names are proven from now on.
func (i *issuer) prove(byHTTP, byTLS bool) {
	solvers := map[string]acmez.Solver{}
	switch {
	case i.o.DNSHook != "":
		solvers[acme.ChallengeTypeDNS01] = hook{i.o.DNSHook}
	default:
		if byHTTP {
			solvers[acme.ChallengeTypeHTTP01] = i.proofs
		}
		if byTLS {
			solvers[acme.ChallengeTypeTLSALPN01] = i.proofs
		}
	}
	i.solvers.Store(&solvers)
}

// IssuerKey implements certmagic.Issuer: what the authority's folder is called.
func (i *issuer) IssuerKey() string {
	u, err := url.Parse(i.o.Directory)
	if err != nil {
		return "authority"
	}
	return strings.Trim(strings.ReplaceAll(u.Host+u.Path, "/", "-"), "-")
}

// GetRenewalInfo implements certmagic.RenewalInfoGetter: when the authority
// would have a certificate renewed (RFC 9773 §4.1).
func (i *issuer) GetRenewalInfo(ctx context.Context, c certmagic.Certificate) (acme.RenewalInfo, error) {
	info, err := i.window(ctx, c.Leaf)
	if err == nil && len(c.Leaf.DNSNames) == 1 {
		i.early.calm(c.Leaf.DNSNames[0], &info, i.o.ahead())
	}
	return info, err
}

// Issue implements certmagic.Issuer. An account that the authority does not know
// any more is made anew, once; so is an order that is refused because of the
// certificate that it replaces.
func (i *issuer) Issue(ctx context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	if len(csr.DNSNames) != 1 {
		return nil, errors.New("a certificate has one name")
	}
	if err := i.folder.room(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*orderTime)
	defer cancel()
	replaces := i.previous(ctx, csr.DNSNames[0])
	was := replaces
	for again := false; ; again = true {
		account, err := i.account(ctx)
		if err != nil {
			return nil, err
		}
		order, err := acmez.OrderParametersFromCSR(account, csr)
		if err != nil {
			return nil, err
		}
		order.Replaces = replaces
		chains, err := (&acmez.Client{Client: i.acme, ChallengeSolvers: *i.solvers.Load()}).ObtainCertificate(ctx, order)
		if err == nil && len(chains) > 0 {
			i.early.note(csr.DNSNames[0], was, chains[0].ChainPEM)
			if info := chains[0].RenewalInfo; info != nil { // it knows such things
				if leaf := leafOf(chains[0].ChainPEM); leaf != nil && !info.HasWindow() {
					chains[0].RenewalInfo = unknown(leaf)
				}
				i.early.calm(csr.DNSNames[0], chains[0].RenewalInfo, i.o.ahead())
			}
			return &certmagic.IssuedCertificate{Certificate: chains[0].ChainPEM, Metadata: chains[0]}, nil
		}
		if err == nil {
			return nil, errors.New("the authority gave no certificate")
		}
		var problem acme.Problem
		if again || !errors.As(err, &problem) {
			return nil, err
		}
		switch {
		case problem.Type == acme.ProblemTypeAccountDoesNotExist:
			i.o.Log.Warn("the authority does not know the account any more; another one is made", "authority", i.o.Directory)
			if err := i.forgetAccount(ctx); err != nil {
				return nil, err
			}
		case replaces != nil && i.aboutReplacing(problem):
			replaces = nil
		default:
			return nil, err
		}
	}
}

// aboutReplacing reports whether an order may succeed that does not say what it
// replaces (RFC 9773 §5).
func (i *issuer) aboutReplacing(p acme.Problem) bool {
	switch p.Type {
	case acme.ProblemTypeAlreadyReplaced, acme.ProblemTypeMalformed, acme.ProblemTypeServerInternal:
		return true
	}
	return p.Status == http.StatusNotFound || p.Status == http.StatusConflict
}

// previous returns the certificate that another one for the name replaces, if
// the authority knows such things.
func (i *issuer) previous(ctx context.Context, name string) *x509.Certificate {
	if dir, err := i.acmez.GetDirectory(ctx); err != nil || dir.RenewalInfo == "" {
		return nil
	}
	data, err := i.folder.Load(ctx, certmagic.StorageKeys.SiteCert(i.IssuerKey(), name))
	if err != nil {
		return nil
	}
	return leafOf(data)
}

// leafOf is the first certificate of a text; nil: there is none.
func leafOf(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return c
}

// An account as it is kept, with its key.
type account struct {
	acme.Account
	Key []byte `json:"key"` // PEM
}

func (i *issuer) accountKey() string { return "accounts/" + i.IssuerKey() + ".json" }

// accountLock is how the lock of an account begins.
const accountLock = "account-"

// account returns the account at the authority, which is made when there is
// none. There is one for each authority, whatever the address for mail.
func (i *issuer) account(ctx context.Context) (acme.Account, error) {
	lock := accountLock + i.IssuerKey()
	if err := i.folder.Lock(ctx, lock); err != nil {
		return acme.Account{}, err
	}
	defer i.folder.Unlock(ctx, lock)
	if kept, err := i.keptAccount(ctx); err == nil {
		return kept, nil
	}
	key, err := certmagic.StandardKeyGenerator{KeyType: certmagic.P256}.GenerateKey()
	if err != nil {
		return acme.Account{}, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return acme.Account{}, errors.New("the key of the account cannot sign")
	}
	made := acme.Account{TermsOfServiceAgreed: true, PrivateKey: signer}
	if i.o.Email != "" {
		made.Contact = []string{"mailto:" + i.o.Email}
	}
	if made, err = i.acmez.NewAccount(ctx, made); err != nil {
		return acme.Account{}, fmt.Errorf("make an account: %w", err)
	}
	text, err := certmagic.PEMEncodePrivateKey(key)
	if err != nil {
		return acme.Account{}, err
	}
	data, err := json.MarshalIndent(account{made, text}, "", "\t")
	if err != nil {
		return acme.Account{}, err
	}
	return made, i.folder.Store(ctx, i.accountKey(), data)
}

// forgetAccount forgets the account, so that another one is made.
func (i *issuer) forgetAccount(ctx context.Context) error {
	lock := accountLock + i.IssuerKey()
	if err := i.folder.Lock(ctx, lock); err != nil {
		return err
	}
	return errors.Join(i.folder.Delete(ctx, i.accountKey()), i.folder.Unlock(ctx, lock))
}

func (i *issuer) keptAccount(ctx context.Context) (acme.Account, error) {
	data, err := i.folder.Load(ctx, i.accountKey())
	if err != nil {
		return acme.Account{}, err
	}
	var a account
	if err := json.Unmarshal(data, &a); err != nil {
		return acme.Account{}, err
	}
	key, err := certmagic.PEMDecodePrivateKey(a.Key)
	if err != nil {
		return acme.Account{}, err
	}
	a.PrivateKey = key
	if a.Location == "" || a.Status != acme.StatusValid {
		return acme.Account{}, errors.New("the account is not valid")
	}
	return a.Account, nil
}
