package client

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"time"

	"freshet/cache"
	"freshet/freshness"
)

// CacheOptions say how a [Cache] keeps answers. The zero value is ready.
type CacheOptions struct {
	// MaxBytes bounds what is kept, in bytes, all counted. 0 means 64 MiB in
	// memory, and 1 GiB in a folder. Beyond it what is used least is let go.
	MaxBytes int64
	// MaxObject bounds the body of one answer, in bytes. 0 means an eighth of
	// MaxBytes, in memory a sixteenth, which is the most there can be. A larger
	// one streams past.
	MaxObject int64
	// MaxVariants bounds the answers for one URL (Vary). 0 means 16.
	MaxVariants int

	// Disconnected is for how long past its lifetime an answer is used when the
	// origin cannot be reached, unless it says otherwise (RFC 9111 §4.2.4). 0
	// means 24 h; negative: not at all.
	Disconnected time.Duration

	// Name is what Cache-Status calls this cache. "" means "freshet"; "-"
	// leaves the field out.
	Name string

	// Log gets faults of the folder, and what a custom Base does that it must
	// not. nil means nothing.
	Log *slog.Logger

	// Now is the clock, for tests; nil means the system's.
	Now func() time.Time
}

// Cache is the private cache of a user, for the [Transport] of one or several
// clients. What is private may be stored in it; answers to requests with
// Authorization are kept apart by that field. It is safe for concurrent use.
type Cache struct {
	handler *cache.Handler
	store   *cache.Store
	ctx     context.Context // of validations in the background; ends with Close
	stop    context.CancelFunc
}

const (
	defaultMemory = 64 << 20
	defaultFolder = 1 << 30
)

// NewMemoryCache returns a cache in memory of so many bytes; 0 means 64 MiB, and
// less than 1 MiB means 1 MiB. It is to be closed.
func NewMemoryCache(maxBytes int64) *Cache {
	c, err := OpenCache("", CacheOptions{MaxBytes: maxBytes})
	if err != nil {
		panic(err) // there is nothing that could be wrong
	}
	return c
}

// OpenCache opens the cache in a folder, which is made if it is missing (mode
// 0700), or one in memory when dir is "". It is to be closed. Several processes
// may have a folder open at once; what one stores or removes holds for the
// others from their next request on. To open one costs less than a millisecond,
// however much is in it.
func OpenCache(dir string, o CacheOptions) (*Cache, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	so := cache.StoreOptions{Memory: o.MaxBytes, ErrorLog: o.Log}
	if dir != "" {
		so = cache.StoreOptions{Dir: dir, Disk: o.MaxBytes, Shared: true, ErrorLog: o.Log}
	}
	setDefault(&so.Memory, defaultMemory)
	setDefault(&so.Disk, defaultFolder)
	store, err := cache.NewStore(so)
	if err != nil {
		return nil, err
	}
	c := &Cache{store: store}
	co := cache.Options{
		Next: origin{c}, Store: store, Profile: cache.Standard, Name: o.Name, ErrorLog: o.Log,
		MaxObject: o.MaxObject, MaxVariants: o.MaxVariants,
		Freshness: freshness.Cache{Private: true, MaxStale: math.MaxInt64, Disconnected: int64(o.Disconnected)},
	}
	if dir == "" {
		setDefault(&co.MaxObject, so.Memory/16)
		co.MaxInMemory = co.MaxObject
	} else {
		setDefault(&co.MaxObject, so.Disk/8)
	}
	if o.Now != nil {
		co.Now = func() int64 { return o.Now().UnixNano() }
	}
	if c.handler, err = cache.New(co); err != nil {
		store.Close()
		return nil, err
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

func setDefault(option *int64, value int64) {
	if *option == 0 {
		*option = value
	}
}

// Close ends the cache: what is to be written is written; validations in the
// background are given up, but for what Wait has waited for.
func (c *Cache) Close() error {
	c.stop()
	_ = c.store.AwaitBackground(context.Background())
	return c.store.Close()
}

// Wait waits until no validation in the background (stale-while-revalidate) is
// under way, or ctx ends; then it returns its error.
func (c *Cache) Wait(ctx context.Context) error { return c.store.AwaitBackground(ctx) }

// Remove removes what is stored for a URL, and returns how many answers there
// were.
func (c *Cache) Remove(url string) (int, error) { return c.handler.Purge(url, false) }

// Clear removes everything.
func (c *Cache) Clear() error { return c.store.PurgeAll(false) }

// background is the context of a validation in the background: without the
// values of the request that began it, and with the cache's end.
func (c *Cache) background(ctx context.Context) (context.Context, context.CancelFunc) {
	out, end := context.WithCancel(c.ctx)
	stop := context.AfterFunc(ctx, end)
	return out, func() { stop(); end() }
}

var _ http.RoundTripper = (*Transport)(nil)
