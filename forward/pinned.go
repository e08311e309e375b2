package forward

import (
	"cmp"
	"container/list"
	"errors"
	"io"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Pinned is a host that is not inspected for a client, because programs of it
// refuse our certificates.
type Pinned struct {
	Client netip.Addr // not valid for one on a Unix socket
	Host   string
	Since  time.Time // when that was learnt
	Until  time.Time
	Why    string // by what: "2 alerts about the certificate"
}

// Inspects reports whether https is looked into at all.
func (h *Handler) Inspects() bool { return h.inspector != nil }

// sign is how much something that a client did says that it takes no
// certificate of ours.
type sign int

const (
	// unused: it closed the connection at once, with nothing asked. Some programs
	// look at certificates after the handshake; but browsers open connections
	// that they may need.
	unused sign = 1
	// cutOff: it went away on seeing the certificate, without a word.
	cutOff sign = 2
	// refused: it said that it does not take the certificate.
	refused sign = 3

	// enough: two that were said, three that were not, or six that may be nothing.
	enough sign = 6
)

const (
	// signsFor is the time in which signs add up.
	signsFor = time.Hour
	// maxClientHosts bounds the clients' hosts that something is known of. What
	// was heard of longest ago goes first.
	maxClientHosts = 4096
)

// pins knows which clients refuse our certificates for which hosts. Its methods
// may be called at the same time.
type pins struct {
	keep time.Duration

	mu     sync.Mutex // guards what follows
	by     map[clientHost]*list.Element
	recent list.List // of *signs, heard of last in front
}

type clientHost struct {
	client netip.Addr
	host   string
}

// signs are what was seen of a client and a host. Times are in nanoseconds.
type signs struct {
	clientHost
	sum   sign
	since int64 // the first of them
	used  int64 // when it last made a request, which tells that it takes them

	of     [refused + 1]int // how often which sign was in sum, or in what pinned it
	pinned int64            // when it was
	until  int64            // and until when; 0: it is not
}

// why says in words what the signs were.
func (s *signs) why() string {
	var all []string
	for _, one := range [...]struct {
		sign
		thing, did string
	}{{refused, "alert", "about the certificate"}, {cutOff, "handshake", "cut off on seeing the certificate"}, {unused, "connection", "closed with nothing asked"}} {
		if n := s.of[one.sign]; n > 0 {
			all = append(all, counted(n, one.thing)+" "+one.did)
		}
	}
	return strings.Join(all, ", ")
}

// has reports whether a host is pinned.
func (p *pins) has(client netip.Addr, host string, now int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.by[clientHost{client, host}]
	if e == nil || e.Value.(*signs).until <= now {
		return false
	}
	p.recent.MoveToFront(e) // what is in use is not forgotten
	return true
}

// note adds a sign and reports whether the host is pinned by it.
func (p *pins) note(client netip.Addr, host string, s sign, now int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.of(clientHost{client, host})
	if s == unused && k.used > 0 && now-k.used < int64(signsFor) {
		return false
	}
	if k.until > now {
		return false // by a connection of before
	}
	if k.sum == 0 || now-k.since > int64(signsFor) {
		k.sum, k.since, k.of = 0, now, [refused + 1]int{}
	}
	k.of[s]++
	if k.sum += s; k.sum < enough {
		return false
	}
	k.sum, k.pinned, k.until = 0, now, now+int64(p.keep)
	return true
}

// took notes that a client has made a request over a connection with our
// certificate.
func (p *pins) took(client netip.Addr, host string, now int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of(clientHost{client, host}).used = now
}

// of returns what is known, and makes room for it; p.mu is held.
func (p *pins) of(k clientHost) *signs {
	if e := p.by[k]; e != nil {
		p.recent.MoveToFront(e)
		return e.Value.(*signs)
	}
	if p.by == nil {
		p.by = map[clientHost]*list.Element{}
	}
	s := &signs{clientHost: k}
	p.by[k] = p.recent.PushFront(s)
	if p.recent.Len() > maxClientHosts {
		last := p.recent.Back()
		delete(p.by, last.Value.(*signs).clientHost)
		p.recent.Remove(last)
	}
	return s
}

// forget forgets what is known.
func (p *pins) forget(client netip.Addr, host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := clientHost{client, host}
	e := p.by[k]
	if e == nil {
		return false
	}
	delete(p.by, k)
	p.recent.Remove(e)
	return true
}

// list returns what is pinned, by host and client.
func (p *pins) list(now int64) []Pinned {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Pinned
	for k, e := range p.by {
		if s := e.Value.(*signs); s.until > now {
			all = append(all, Pinned{Client: k.client, Host: k.host, Since: time.Unix(0, s.pinned), Until: time.Unix(0, s.until), Why: s.why()})
		}
	}
	slices.SortFunc(all, func(a, b Pinned) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), a.Client.Compare(b.Client))
	})
	return all
}

// signOf returns what the error of a handshake that a client ended says; 0 if
// nothing about our certificate.
func signOf(err error) sign {
	if alert, theirs, is := alertOf(err); is {
		switch {
		case theirs && refusesCertificate(alert):
			return refused
		case !theirs && alert == badRecordMAC:
			// Programs of OpenSSL (curl, Python) have no key for what they send when
			// they look at a certificate of TLS 1.3, and send their alert in the
			// clear. We cannot read which one it was.
			return cutOff
		}
		return 0
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return cutOff
	}
	return 0
}

// badRecordMAC is the alert about a record that cannot be decrypted (RFC 8446
// §6.2).
const badRecordMAC = 20

// alertOf returns the alert that an error of crypto/tls is about, and whether the
// other side sent it. Its type is not exported.
func alertOf(err error) (alert uint8, theirs, is bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" && op.Op != "local error" {
		return 0, false, false
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		alert = uint8(v.Uint())
	}
	return alert, op.Op == "remote error", true
}

// refusesCertificate reports whether an alert is about the certificate that was
// shown (RFC 8446 §6.2).
func refusesCertificate(alert uint8) bool {
	switch alert {
	case 42, 43, 44, 45, 46, // bad_certificate, unsupported_, revoked, expired, unknown
		48, 49: // unknown_ca, access_denied
		return true
	}
	return false
}
