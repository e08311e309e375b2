package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"

	"freshet/internal/atrest"
)

// LetsEncrypt is the directory of the authority that is asked by default.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// Protocols are what a listener offers by ALPN, so that TLS-ALPN-01 can be
// answered there; the challenge's comes last, so that no client gets it that
// offers another one.
var Protocols = []string{"h2", "http/1.1", "http/1.0", "acme-tls/1"}

// Options say what certificates there are to be.
type Options struct {
	// Names are those that get a certificate, each its own: example.org, or with
	// DNSHook *.example.org, for what is directly below it.
	Names []string

	// Folder keeps certificates, keys and the account. It is made, for its owner
	// alone, and refused when others can read it.
	Folder string

	// Seal are the keys by which all in Folder is sealed; nil: nothing is. What is
	// not as this says is refused; see [SealFolder].
	Seal *atrest.Ring

	// Directory is the address of the authority. Default: LetsEncrypt.
	Directory string

	// Others are further authorities, in order: when one has failed for a name
	// three times in a row, the next one is asked, behind the last the first again.
	Others []string

	// Email is where the authority writes to. Default: nowhere.
	Email string

	// Roots are trusted for the authority's own certificate. Default: the system's.
	Roots *x509.CertPool

	// HTTP and TLS say which challenges can be answered: on port 80, by
	// HTTPChallenge, and on port 443, by GetCertificate.
	HTTP, TLS bool

	// DNSHook is a program that puts a record into the DNS; see hook.go. With one
	// no other challenge is used. Default: none.
	DNSHook string

	// Ask says whether a name that is not among Names may have a certificate, when
	// a handshake asks for it; its error says why not, and is ErrNo when
	// that is firm. See demand.go. Default: none
	// may, and handshakes for others are refused.
	Ask func(ctx context.Context, name string) error

	// Hub is where the certificates of a fleet are kept, of which this is a member;
	// see hub.go. Default: they are this server's own.
	Hub *Hub

	// NewNames is how many such names may be new in an hour. Default: DefaultNewNames.
	NewNames int

	// Check is how often certificates are looked at; those that live for less than
	// 30 times as long, more often. Default: 10 minutes.
	Check time.Duration

	// Retry is the pause after a first failure; further ones are four times as
	// long each, up to 6 hours, or a tenth of the life of the certificate that is
	// served. Default: 1 minute.
	Retry time.Duration

	// Log is told what was obtained and what failed. Default: nothing is told.
	Log *slog.Logger

	demandWait time.Duration
	lease      time.Duration
}

// Manager gets certificates and renews them.
type Manager struct {
	o       Options
	folder  *folder
	shared  *shared // nil: certificates are this server's own
	desk    *desk
	proofs  *proofs
	issuers []*authority
	cache   *certmagic.Cache
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	names   atomic.Pointer[table]
	demand  *demand

	mu      sync.Mutex // guards changes of names, and what follows
	started bool
	closed  bool
}

// An authority is one that is asked, and how.
type authority struct {
	*issuer
	config *certmagic.Config
}

// never is an interval of what this package does itself.
const never = 100 * 365 * 24 * time.Hour

// ahead is how much earlier than at its time certmagic has a certificate be due,
// and how often it wakes up to do nothing. With five times as much left each is
// due, so that with the interval of looks one that lives for minutes always was.
func (o *Options) ahead() time.Duration { return min(o.Check, 2*time.Second) }

// Open reads the certificates that the folder has. Its errors are about the
// options and the folder.
func Open(o Options) (*Manager, error) {
	if o.Directory == "" {
		o.Directory = LetsEncrypt
	}
	if o.Check <= 0 {
		o.Check = 10 * time.Minute
	}
	if o.Retry <= 0 {
		o.Retry = time.Minute
	}
	if o.NewNames <= 0 {
		o.NewNames = DefaultNewNames
	}
	if o.lease <= 0 {
		o.lease = leaseTime
	}
	if o.demandWait <= 0 {
		o.demandWait = demandWait
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	own, err := openFolder(o.Folder, o.Seal)
	if err != nil {
		return nil, err
	}
	m := &Manager{o: o, folder: own, desk: &desk{folder: own, life: o.lease, lent: map[string]*lent{}}}
	store := storage(own)
	if o.Hub != nil {
		m.shared = newShared(own, o.Hub, o.lease)
		m.shared.sites = m.sites
		store = m.shared
	}
	m.proofs = &proofs{folder: store, open: map[string]proof{}}
	m.demand = newDemand(m)
	logger := zapTo(o.Log)
	// What is cached is looked after by the goroutines of the names alone: for
	// its own maintenance each certificate is one on demand, which it leaves be.
	var idle *certmagic.Config
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert:   func(certmagic.Certificate) (*certmagic.Config, error) { return idle, nil },
		RenewCheckInterval: o.ahead(),
		OCSPCheckInterval:  never,
		Logger:             logger,
	})
	for _, directory := range append([]string{o.Directory}, o.Others...) {
		its := o
		its.Directory = directory
		a := &authority{issuer: newIssuer(&its, store, m.proofs)}
		a.config = certmagic.New(m.cache, certmagic.Config{
			Storage:   store,
			Issuers:   []certmagic.Issuer{a.issuer},
			KeySource: certmagic.StandardKeyGenerator{KeyType: certmagic.P256},
			Logger:    logger,
		})
		m.issuers = append(m.issuers, a)
	}
	idle = certmagic.New(m.cache, certmagic.Config{OnDemand: new(certmagic.OnDemandConfig), Storage: store, Logger: logger, Issuers: []certmagic.Issuer{m.issuers[0].issuer}})
	m.ctx, m.cancel = context.WithCancel(context.Background())
	if m.shared != nil {
		m.shared.open.ctx = m.ctx
		m.shared.open.spawn = func(f func()) bool { return m.runs(f, false) }
	}
	m.names.Store(m.next(&table{}, m.o.Names))
	return m, nil
}

// Start begins to get certificates, and to look after those that there are, once
// the authority can be answered. It does not wait for them.
func (m *Manager) Start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.started = true
	for n := range m.names.Load().all() {
		m.run(n)
	}
}

// Close ends what is going on and waits for it: first what uses the folder, then
// the folder.
func (m *Manager) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.cancel()
	m.running.Wait()
	m.cache.Stop()
	m.desk.close()
	for _, a := range m.issuers {
		a.client.CloseIdleConnections()
	}
	return m.folder.close()
}

// ErrNotYet refuses a handshake for a name that has no certificate so far; ErrNoName
// one for a name that gets none.
var (
	ErrNotYet = errors.New("there is no certificate for that name yet")
	ErrNoName = errors.New("no certificate is obtained for that name")
)

// Has reports whether a certificate for a host, in lower case, is one of ours.
func (m *Manager) Has(host string) bool { return m.names.Load().find(host) != nil }

// Same reports whether the certificate that a handshake for one host gets is for
// another one, too, both in lower case and the first one of ours.
func (m *Manager) Same(host, other string) bool {
	n := m.names.Load().find(host)
	return n != nil && n.covers(other)
}

// IsChallenge reports whether a handshake is one of TLS-ALPN-01 (RFC 8737 §3),
// which is for GetCertificate whatever else there is for the name.
func IsChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == "acme-tls/1"
}

// GetCertificate is for tls.Config.
func (m *Manager) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if IsChallenge(hello) {
		return m.proofs.certificate(hello.Context(), host)
	}
	n := m.names.Load().find(host)
	if m.o.Ask != nil && (n == nil || n.demand.Load() && n.current.Load() == nil) {
		var err error
		if n, err = m.onDemand(hello.Context(), host); err != nil {
			return nil, err
		}
	}
	if n == nil {
		return nil, fmt.Errorf("%q: %w", host, ErrNoName)
	}
	if c := n.current.Load(); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%s: %w", n.name, ErrNotYet)
}

// HTTPChallenge answers a request of the authority, and reports whether it was
// one. It is for requests that came without TLS; see [ChallengePath].
func (m *Manager) HTTPChallenge(w http.ResponseWriter, r *http.Request) bool {
	return m.proofs.answer(w, r)
}

// State is how a name is.
type State struct {
	Name   string
	Issuer string    // who has signed its certificate
	From   time.Time // since when its certificate is valid; zero: there is none
	Until  time.Time // until when
	Due    time.Time // when it is renewed
	Err    error     // what went wrong last, nil after a success
	Failed time.Time // when that was
	Next   time.Time // when it is tried again, zero unless Err
}

// State returns how all names are, in their order.
func (m *Manager) State() []State {
	var all []State
	for n := range m.names.Load().all() {
		all = append(all, n.now())
	}
	slices.SortFunc(all, func(a, b State) int { return strings.Compare(a.Name, b.Name) })
	return all
}
