// Package cache is an HTTP cache by RFC 9111, as a handler in front of another:
// a reverse proxy, or whatever else answers requests. It is shared, unless
// Options.Freshness.Private makes it that of one user.
//
//	store, err := cache.NewStore(cache.StoreOptions{Memory: 256 << 20})
//	h, err := cache.New(cache.Options{Next: origin, Store: store})
//	srv := &httpd.Server{Handler: h, Hot: h}
//
// What may be stored and reused is decided by package freshness, what
// preconditions and ranges make of a stored answer by package conditional.
// This package keeps the answers, in memory and on disk, sees to it that
// many who want the same make one request to the origin, and says in
// Cache-Status (RFC 9211) what it did.
//
// It is not a proxy: it adds no Via and knows nothing of connections. It does
// not change what it keeps: no compression, no rewriting.
//
// All methods may be called at the same time.
package cache

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"freshet/freshness"
	"freshet/internal/wire"
)

// Options say what a Handler does. Only Next is needed.
type Options struct {
	// Next answers what the cache cannot. It is called once for many requests
	// that want the same, and for validation in the background with requests
	// whose client may be gone.
	Next http.Handler

	// Store keeps the answers; several handlers may share one, if the keys of
	// their requests differ. nil means one of its own, in memory, with defaults.
	Store *Store

	Profile Profile
	Key     KeyRules

	// Freshness are the choices that RFC 9111 leaves to a cache. Private makes
	// it the cache of one user. Then answers to requests with Authorization are
	// kept apart by that field, as if their Vary named it: a user may have
	// several accounts. And a body that is being stored is given up when its
	// client goes and nobody else reads it.
	Freshness freshness.Cache

	// Name is what Cache-Status calls this cache. "" means "freshet"; "-"
	// leaves the field out.
	Name string
	// ShowKey puts the key into Cache-Status, for debugging.
	ShowKey bool

	// MaxObject bounds the body of what is stored, in bytes. 0 means 1 GiB;
	// without a disk tier it is MaxInMemory at most. Beyond it the answer
	// streams past.
	MaxObject int64
	// MaxInMemory bounds a body that is kept in memory; larger ones are kept on
	// disk only. 0 means 1 MiB; at most a sixteenth of the memory.
	MaxInMemory int64
	// MaxVariants bounds the answers kept for one key (Vary). 0 means 16. Beyond
	// it the one that was stored first goes.
	MaxVariants int

	// Lease is how long requests wait for one that is under way; then one of
	// them asks the origin again, and the others wait for that. 0 means 5 s.
	Lease time.Duration
	// HitForMiss is how long requests do not queue for what could not be stored
	// the last time. 0 means 60 s; negative: not at all.
	HitForMiss time.Duration
	// MaxBackground bounds validations in the background; beyond it stale
	// answers are used without one. 0 means 64.
	MaxBackground int

	// EarlyHints sends a 103 with the Link fields (preload, preconnect) of the
	// last answer to a client that waits for the origin (RFC 8297).
	EarlyHints bool

	// ErrorLog gets faults of the store. nil means slog.Default().
	ErrorLog *slog.Logger

	// Now is the time in nanoseconds since 1970; nil means the system's.
	Now func() int64
}

// Handler is a cache in front of another handler.
type Handler struct {
	opt        Options
	store      *Store
	policy     freshness.Cache
	background chan struct{} // a token for each validation in the background
	hit        string        // "freshet; hit; ttl="
	clock      bool          // Now is not the system's
	maxObject  int64         // as the options had it; 0: they did not say
}

// defaultMaxObject is Options.MaxObject with a disk tier.
const defaultMaxObject = 1 << 30

// New returns a cache, or all faults of its options at once.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Store == nil {
		s, err := NewStore(StoreOptions{ErrorLog: o.ErrorLog})
		if err != nil {
			return nil, err
		}
		o.Store = s
	}
	clock, maxObject := o.Now != nil, o.MaxObject
	o.setDefaults()
	h := &Handler{opt: o, store: o.Store, policy: o.Freshness, background: make(chan struct{}, o.MaxBackground)}
	o.Store.seal.mind(&o.Key)
	if len(o.Key.Headers) > 0 {
		o.Store.ruled.Store(true)
	}
	h.hit, h.clock, h.maxObject = o.Name+"; hit; ttl=", clock, maxObject
	o.Store.policy.CompareAndSwap(nil, &h.policy)
	o.Store.clock.CompareAndSwap(nil, &h.opt.Now)
	return h, nil
}

func (o *Options) check() error {
	var faults []error
	if o.Next == nil {
		faults = append(faults, errors.New("cache: Next is missing"))
	}
	if o.MaxObject < 0 || o.MaxInMemory < 0 || o.MaxVariants < 0 || o.Lease < 0 || o.MaxBackground < 0 {
		faults = append(faults, errors.New("cache: a limit is negative"))
	}
	return errors.Join(faults...)
}

func (o *Options) setDefaults() {
	if o.Name == "" {
		o.Name = "freshet"
	}
	if o.MaxInMemory == 0 {
		o.MaxInMemory = defaultInMemory
	}
	o.MaxInMemory = min(o.MaxInMemory, o.Store.opt.Memory/16)
	if o.MaxObject == 0 {
		o.MaxObject = defaultMaxObject
	}
	if o.Store.disk == nil {
		o.MaxObject = min(o.MaxObject, o.MaxInMemory)
	}
	o.MaxInMemory = min(o.MaxInMemory, o.MaxObject)
	if o.MaxVariants == 0 {
		o.MaxVariants = 16
	}
	// Fields are looked up by their usual names: another spelling would find
	// nothing, and give one user's answer to the next.
	o.Key.Headers = slices.Clone(o.Key.Headers)
	for i, name := range o.Key.Headers {
		o.Key.Headers[i] = wire.CanonicalName(name)
	}
	if o.Lease == 0 {
		o.Lease = 5 * time.Second
	}
	if o.HitForMiss == 0 {
		o.HitForMiss = time.Minute
	}
	if o.MaxBackground == 0 {
		o.MaxBackground = 64
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixNano() }
	}
}
