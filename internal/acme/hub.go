package acme

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// The servers of a fleet have one set of certificates, which its hub keeps: it
// answers members' questions with [Manager.Answer], and they ask through a [Hub].
// What a member serves it keeps in its own folder as well, so that it serves
// while the hub is away. It asks an authority only while it has the hub's lock of
// the name: a lease, that ends when it is not renewed, with the member or with
// the connection, and without which the hub takes no certificate. So nobody
// orders what another one may be ordering; with the hub away nobody orders.
const (
	leaseTime  = 30 * time.Second
	lockPolled = 5 * time.Second // how long the hub has a question for a lock wait
	askTime    = 15 * time.Second
)

// ErrAway is that the hub of the fleet cannot be asked.
var ErrAway = errors.New("the hub of the fleet is away, so that nobody knows whether another server asks for the certificate")

// A Hub is the way from a member to the hub of its fleet.
type Hub struct {
	ask atomic.Pointer[func(context.Context, []byte) ([]byte, error)]
}

// Link says how the hub is asked; nil: it is away.
func (h *Hub) Link(ask func(ctx context.Context, question []byte) ([]byte, error)) {
	if ask == nil {
		h.ask.Store(nil)
		return
	}
	h.ask.Store(&ask)
}

// question is what a member asks; its answer is an answer.
type question struct {
	Do    string `json:"do"`            // open, load, store, delete, pull, push, lock, renew, unlock
	Key   string `json:"key,omitempty"` // of the storage; of pull and push what the files of a certificate have in common
	Lock  string `json:"lock,omitempty"`
	ID    string `json:"id,omitempty"` // whose the lock is
	Value []byte `json:"value,omitempty"`
	Site  *files `json:"site,omitempty"`
}

// files are what belongs to a certificate.
type files struct {
	Key  []byte `json:"key"`
	Cert []byte `json:"cert"`
	Meta []byte `json:"meta"`
}

type answer struct {
	None  bool   `json:"none,omitempty"` // there is no such thing
	Busy  bool   `json:"busy,omitempty"` // another one has the lock
	Lost  bool   `json:"lost,omitempty"` // the lock is not that one's
	Value []byte `json:"value,omitempty"`
	Site  *files `json:"site,omitempty"`

	Open []string `json:"open,omitempty"` // the keys of the challenges that are
}

func (h *Hub) call(ctx context.Context, q *question) (*answer, error) {
	ask := h.ask.Load()
	if ask == nil {
		return nil, ErrAway
	}
	text, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if text, err = (*ask)(ctx, text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the hub's answer: %w", err)
	}
	return &a, nil
}

// A lent lock is one that a member has.
type lent struct {
	from string
	id   string
	ends *time.Timer
}

// is reports whether the lock is that of who asks.
func (l *lent) is(from, id string) bool { return l != nil && l.from == from && l.id == id }

// desk is what a hub has for its members.
type desk struct {
	folder *folder
	life   time.Duration

	mu    sync.Mutex // guards what follows
	lent  map[string]*lent
	given map[[2]string]bool // to whom the key of which name was given
	over  bool
}

// maxGiven bounds what is remembered of keys that were given; then it begins anew.
const maxGiven = 20_000

// Answer answers a question of a member of the fleet, whose name is from. It is
// given certificates and their keys, so that the caller looks who may ask.
func (m *Manager) Answer(ctx context.Context, from string, text []byte) ([]byte, error) {
	var q question
	if err := json.Unmarshal(text, &q); err != nil {
		return nil, err
	}
	a, err := m.desk.answer(ctx, from, &q)
	if err != nil {
		return nil, err
	}
	if a.Site != nil && m.desk.gives(from, q.Key) {
		m.o.Log.Info("a server of the fleet is given the key of a certificate", "server", from, "name", path.Base(q.Key))
	}
	return json.Marshal(a)
}

// gives notes that a key is given to a member, and reports whether that is new.
// Any member may have any: what a server says it serves is its own word, and who
// has its token says what he likes. So each that is given is told.
func (d *desk) gives(from, site string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := [2]string{from, site}
	if d.given[k] {
		return false
	}
	if d.given == nil || len(d.given) >= maxGiven {
		d.given = map[[2]string]bool{}
	}
	d.given[k] = true
	return true
}

// mayAsk says whether a member may name a key: one of what is shared, and no
// other file.
func mayAsk(key string) bool {
	of, _, ok := strings.Cut(key, "/")
	return ok && fs.ValidPath(key) && (of == "certificates" || of == "accounts" || of == "challenges") && !strings.HasSuffix(key, aside)
}

func (d *desk) answer(ctx context.Context, from string, q *question) (*answer, error) {
	switch q.Do {
	case "lock":
		return d.lock(ctx, from, q)
	case "renew":
		return &answer{Lost: !d.renew(from, q)}, nil
	case "unlock":
		return &answer{Lost: !d.unlock(q.Lock, from, q.ID)}, nil
	case "open":
		open, err := d.folder.open()
		return &answer{Open: open}, err
	}
	if !mayAsk(q.Key) {
		return nil, fmt.Errorf("%q is nothing that a fleet shares", q.Key)
	}
	switch q.Do {
	case "load":
		if strings.HasPrefix(q.Key, "certificates/") {
			return nil, errors.New("a certificate is pulled whole")
		}
		value, err := d.folder.Load(ctx, q.Key)
		if errors.Is(err, fs.ErrNotExist) {
			return &answer{None: true}, nil
		}
		return &answer{Value: value}, err
	case "store":
		if strings.HasPrefix(q.Key, "certificates/") && !strings.HasSuffix(q.Key, ".json") {
			return nil, errors.New("a certificate is stored whole")
		}
		return d.change(from, q.Key, q.Value, func() error { return d.folder.write(q.Key, q.Value) })
	case "delete":
		if strings.HasPrefix(q.Key, "certificates/") {
			return nil, errors.New("a certificate is not deleted")
		}
		value, err := d.folder.Load(ctx, q.Key)
		if errors.Is(err, fs.ErrNotExist) {
			return &answer{}, nil
		}
		if err != nil {
			return nil, err
		}
		return d.change(from, q.Key, value, func() error { return d.folder.remove(q.Key) })
	case "pull":
		site, err := d.folder.files(q.Key)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errBroken) {
			return &answer{None: true}, nil
		}
		return &answer{Site: site}, err
	case "push":
		return d.push(from, q)
	}
	return nil, fmt.Errorf("%q is no question", q.Do)
}

// change does what changes a file, for who has the lock that it is changed under.
// What is known about a certificate, such as when it is due, is changed without one.
func (d *desk) change(from, key string, value []byte, do func() error) (*answer, error) {
	if strings.HasPrefix(key, "certificates/") {
		return &answer{}, do()
	}
	lock := lockOf(key, value)
	if lock == "" {
		return nil, fmt.Errorf("%q is no account, and no challenge", key)
	}
	d.mu.Lock()
	defer d.mu.Unlock() // so that the lock does not end meanwhile
	if l := d.lent[lock]; l == nil || l.from != from {
		return &answer{Lost: true}, nil
	}
	return &answer{}, do()
}

// lockOf is what has to be locked for an account, or for a challenge: the name
// that it proves. "": it is neither.
func lockOf(key string, value []byte) string {
	if of, ok := strings.CutPrefix(key, "accounts/"); ok {
		return safe(accountLock + strings.TrimSuffix(of, ".json"))
	}
	var c acme.Challenge
	if json.Unmarshal(value, &c) != nil || sound(c) != nil || keyOf(c) != key {
		return ""
	}
	return safe(certLock + c.Identifier.Value)
}

// push takes a certificate from who has the lock of its name.
func (d *desk) push(from string, q *question) (*answer, error) {
	if q.Site == nil || !strings.HasPrefix(q.Key, "certificates/") {
		return nil, errors.New("there is no certificate in it")
	}
	if _, err := tls.X509KeyPair(q.Site.Cert, q.Site.Key); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock() // so that the lock does not end meanwhile
	if l := d.lent[q.Lock]; !l.is(from, q.ID) || !strings.HasSuffix(q.Key, "/"+strings.TrimPrefix(q.Lock, certLock)) {
		return &answer{Lost: true}, nil
	}
	return &answer{}, d.folder.storeAll(q.Key, &parts{key: q.Site.Key, cert: q.Site.Cert}, q.Site.Meta)
}

// lock lends the lock of the folder, for a while.
func (d *desk) lock(ctx context.Context, from string, q *question) (*answer, error) {
	if q.Lock == "" || len(q.Lock) > 512 || q.ID == "" {
		return nil, errors.New("the lock has no name")
	}
	ctx, cancel := context.WithTimeout(ctx, lockPolled)
	defer cancel()
	if err := d.folder.Lock(ctx, q.Lock); err != nil {
		if ctx.Err() != nil {
			return &answer{Busy: true}, nil
		}
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over || ctx.Err() != nil { // who asked is gone
		return &answer{Busy: true}, d.folder.unlock(q.Lock)
	}
	l := &lent{from: from, id: q.ID}
	l.ends = time.AfterFunc(d.life, func() { d.unlock(q.Lock, from, q.ID) })
	d.lent[q.Lock] = l
	return &answer{}, nil
}

func (d *desk) renew(from string, q *question) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lent[q.Lock]
	if !l.is(from, q.ID) || !l.ends.Stop() {
		return false
	}
	l.ends.Reset(d.life)
	return true
}

func (d *desk) unlock(name, from, id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lent[name]
	if !l.is(from, id) {
		return false
	}
	l.ends.Stop()
	delete(d.lent, name)
	return d.folder.unlock(name) == nil
}

// close takes all locks back.
func (d *desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	for name, l := range d.lent {
		l.ends.Stop()
		delete(d.lent, name)
		_ = d.folder.unlock(name)
	}
}

func newID() string { return rand.Text() }
