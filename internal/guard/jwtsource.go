package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"freshet/freshness"
	"freshet/internal/follow"
	"freshet/internal/rule"
)

// How long keys are used that came from an address, in nanoseconds.
const (
	keysLeast   = 30 * int64(time.Second) // whatever the answer says
	keysMost    = 24 * 60 * 60 * int64(time.Second)
	keysDefault = 10 * 60 * int64(time.Second)      // when it says nothing
	keysStale   = 24 * 60 * 60 * int64(time.Second) // beyond it, while no new ones can be had

	keysAgain = 30 * time.Second // between two that ask, when there was a fault, or for a name
	keysTime  = 5 * time.Second  // for the whole answer
)

// A KeyFetcher asks addresses for keys, each on a goroutine of its own, which ends
// with it.
type KeyFetcher struct {
	rt  http.RoundTripper
	ctx context.Context
	end context.CancelFunc
	wg  sync.WaitGroup
}

// NewKeyFetcher returns one that asks by rt, which follows no redirects.
func NewKeyFetcher(rt http.RoundTripper) *KeyFetcher {
	ctx, end := context.WithCancel(context.Background())
	return &KeyFetcher{rt: rt, ctx: ctx, end: end}
}

// Close ends what is asked.
func (f *KeyFetcher) Close() {
	f.end()
	f.wg.Wait()
}

// JWTKeys are the keys that tokens are verified with: those of a file, or of an
// address. It may be used by many guards.
type JWTKeys struct {
	name   string // file, or address
	file   *follow.File[jwtRing]
	f      *KeyFetcher
	now    func() int64
	failed func(error)

	mu     sync.Mutex    // guards what follows; a leaf
	ring   *jwtRing      // nil: none were had yet
	fresh  int64         // until when they are
	asked  int64         // when somebody began to ask last; 0: nobody has
	asking chan struct{} // closed when who asks has an answer; nil: nobody asks
	fault  string        // what failed was told of last
}

// OpenJWTKeys returns the keys of a file, a JWK set or PEM, which is followed.
// failed is told when one that has changed cannot be read; the keys that there were
// go on.
func OpenJWTKeys(file string, failed func(error)) (*JWTKeys, error) {
	k := &JWTKeys{name: file}
	read, err := follow.OpenFile(file, func(file string) (*jwtRing, error) {
		ring, err := readJWTKeys(file)
		if k.file != nil && isEmptied(err) {
			failed(fmt.Errorf("%w; nobody passes until there is one", err))
			return &jwtRing{}, nil
		}
		return ring, err
	}, failed)
	if err != nil {
		return nil, err
	}
	k.file = read
	return k, nil
}

func readJWTKeys(file string) (*jwtRing, error) {
	text, err := readShort(file)
	if err != nil {
		return nil, fmt.Errorf("read the keys of tokens: %w", err)
	}
	ring, err := parseJWTKeys(text, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ring, nil
}

// FetchJWTKeys returns the keys of an address, which is asked when somebody needs
// them. failed is told when that does not lead to keys, once for each fault.
func FetchJWTKeys(url string, f *KeyFetcher, now func() int64, failed func(error)) *JWTKeys {
	if now == nil {
		now = func() int64 { return time.Now().UnixNano() }
	}
	return &JWTKeys{name: url, f: f, now: now, failed: failed}
}

// Ask has keys fetched before somebody needs them.
func (k *JWTKeys) Ask() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asking == nil {
		k.ask(k.now())
	}
}

// find returns the keys that a token may be signed with, and the set they are of.
// Who has none waits for an answer that may have them.
func (k *JWTKeys) find(ctx context.Context, h *jwtHead, now int64) (*jwtRing, []jwtKey, *jwtRefusal) {
	if k.file != nil {
		ring := k.file.Current(now)
		keys, refused := ring.find(h)
		return ring, keys, refused
	}
	ring, wait := k.current(now, func(ring *jwtRing) bool {
		_, refused := ring.find(h)
		return refused != nil
	})
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
		}
		ring, _ = k.current(now, nil)
	}
	if ring == nil {
		return nil, nil, refusedJWT(rule.JWTKeys, "%s", k.trouble())
	}
	keys, refused := ring.find(h)
	return ring, keys, refused
}

// newer returns keys that have come since a token was verified by those of ring, and
// by none of them; nil when there are no others. They are asked for, and waited for,
// as for a name that is not known. A file has been looked at within a second.
func (k *JWTKeys) newer(ctx context.Context, ring *jwtRing, now int64) *jwtRing {
	if k.file != nil {
		return nil
	}
	other, wait := k.current(now, func(r *jwtRing) bool { return r == ring })
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
		}
		other, _ = k.current(now, nil)
	}
	if other == ring {
		return nil
	}
	return other
}

// current returns the keys that there are, nil for none that may be used, and has
// them asked for if they are not fresh. lacks says that they do not have one that is
// needed; then, and when there are none, wait is closed when there may be others.
func (k *JWTKeys) current(now int64, lacks func(*jwtRing) bool) (ring *jwtRing, wait <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ring = k.ring; ring != nil && now-k.fresh >= keysStale {
		ring = nil
	}
	needed := ring == nil || lacks != nil && lacks(ring)
	if (needed || now >= k.fresh) && k.asking == nil && k.again(now) {
		k.ask(now)
	}
	if needed && k.asking != nil {
		wait = k.asking
	}
	return ring, wait
}

// again reports whether it is time to ask once more. A clock that was set back is
// not waited for.
func (k *JWTKeys) again(now int64) bool {
	return k.asked == 0 || now-k.asked >= int64(keysAgain) || now < k.asked
}

// ask asks for the keys on another goroutine. The caller holds mu, and nobody asks.
func (k *JWTKeys) ask(now int64) {
	if k.f.ctx.Err() != nil {
		return
	}
	k.asked, k.asking = now, make(chan struct{})
	k.f.wg.Go(k.fetch)
}

// fetch is that goroutine.
func (k *JWTKeys) fetch() {
	text, lifetime, err := k.f.get(k.name, k.now)
	var ring *jwtRing
	if err == nil {
		ring, err = parseJWTKeys(text, false)
	}
	now := k.now()
	k.mu.Lock()
	fault := ""
	switch {
	case err != nil:
		fault = err.Error()
	case k.ring == nil || k.ring.sum != ring.sum: // what was verified by the same keys stays so
		k.ring = ring
		fallthrough
	default:
		k.fresh = now + lifetime
	}
	tell := fault != "" && fault != k.fault && k.f.ctx.Err() == nil
	k.fault = fault
	close(k.asking)
	k.asking = nil
	k.mu.Unlock()
	if tell && k.failed != nil {
		k.failed(fmt.Errorf("keys of tokens: %s: %w", k.name, err))
	}
}

// get asks an address.
func (f *KeyFetcher) get(url string, now func() int64) (text []byte, lifetime int64, err error) {
	ctx, end := context.WithTimeout(f.ctx, keysTime)
	defer end()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	q.Header.Set("Accept", "application/jwk-set+json, application/json")
	q.Header.Set("User-Agent", "freshet")
	asked := now()
	answer, err := f.rt.RoundTrip(q)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || ctx.Err() == context.DeadlineExceeded {
			err = fmt.Errorf("there is no answer within %v", keysTime)
		}
		return nil, 0, err
	}
	defer answer.Body.Close()
	lifetime = keysLifetime(&freshness.Response{Status: answer.StatusCode, Fields: answer.Header, Requested: asked, Received: now()})
	switch {
	case answer.StatusCode/100 == 3:
		return nil, 0, fmt.Errorf("it answers %d and leads elsewhere; name the address of the keys themselves", answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("it answers %d", answer.StatusCode)
	case len(answer.Header["Content-Encoding"]) > 0 && !strings.EqualFold(answer.Header.Get("Content-Encoding"), "identity"):
		return nil, 0, fmt.Errorf("it answers in the coding %s, which was not asked for", quoted(answer.Header.Get("Content-Encoding")))
	}
	text, err = io.ReadAll(io.LimitReader(answer.Body, maxJWTKeySet+1))
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return nil, 0, fmt.Errorf("its answer is not there within %v", keysTime)
	case err != nil:
		return nil, 0, err
	}
	return text, lifetime, nil
}

// keysLifetime is how long keys are not asked for again.
func keysLifetime(r *freshness.Response) int64 {
	c := freshness.Cache{Private: true, HeuristicPercent: -1}
	terms := c.Terms(r)
	d := freshness.ParseDirectives(r.Fields["Cache-Control"], nil)
	switch {
	case d.NoStore, terms.NoCache:
		return keysLeast
	case terms.From == rule.FreshNone:
		return keysDefault
	}
	return min(max(terms.TTL(r.Received), keysLeast), keysMost)
}

// trouble says why there are no keys.
func (k *JWTKeys) trouble() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.fault == "":
		return "they have not come yet"
	case k.ring != nil:
		return "those that there were are older than a day: " + k.fault
	}
	return k.fault
}

// names returns the names of the keys that there are.
func (k *JWTKeys) names(now int64) (all []string) {
	var ring *jwtRing
	if k.file != nil {
		ring = k.file.Current(now)
	} else {
		k.mu.Lock()
		ring = k.ring
		k.mu.Unlock()
	}
	if ring == nil {
		return nil
	}
	for _, key := range ring.keys {
		if key.id == "" {
			all = append(all, "one without a name")
		} else {
			all = append(all, quoted(key.id))
		}
	}
	return all
}
