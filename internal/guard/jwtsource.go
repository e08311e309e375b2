package guard

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

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

// JWTKeys are the keys that tokens are verified with: those of a file, or of an
// address. It may be used by many guards.
type JWTKeys struct {
	name   string // file, or address
	file   *follow.File[jwtRing]
	f      *KeyFetcher
	clock  clocks
	failed func(error)

	mu       sync.Mutex    // guards what follows; a leaf
	ring     *jwtRing      // nil: none were had yet
	came     moment        // when it did, or, until one has, when somebody wanted one
	lifetime int64         // how long it is fresh
	asked    moment        // when somebody began to ask last
	asking   chan struct{} // closed when who asks has an answer; nil: nobody asks
	fault    string        // what failed was told of last
}

// clocks are the two that the age of keys is told by. The time of day may be set,
// backwards, too; what has passed since a start leaves out how long the machine
// slept.
type clocks struct{ day, passed func() int64 } // in nanoseconds

// A moment is what both showed. The zero value is never.
type moment struct{ day, passed int64 }

func (c *clocks) now() moment { return moment{c.day(), c.passed()} }

// since returns the longer of what has passed by the two. A clock that was set back
// keeps nothing longer; of one that was set forth keys are taken for older than they
// are, which has them asked for.
func (m moment) since(then moment) int64 { return max(m.day-then.day, m.passed-then.passed) }

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
	began := time.Now()
	k := &JWTKeys{name: url, f: f, clock: clocks{now, func() int64 { return int64(time.Since(began)) }}, failed: failed}
	k.came = k.clock.now()
	return k
}

// Ask has keys fetched before somebody needs them.
func (k *JWTKeys) Ask() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.asking == nil {
		k.ask(k.clock.now())
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
	ring, wait := k.current(func(ring *jwtRing) bool {
		_, refused := ring.find(h)
		return refused != nil
	})
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
		}
		ring, _ = k.current(nil)
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
func (k *JWTKeys) newer(ctx context.Context, ring *jwtRing) *jwtRing {
	if k.file != nil {
		return nil
	}
	other, wait := k.current(func(r *jwtRing) bool { return r == ring })
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
		}
		other, _ = k.current(nil)
	}
	if other == ring {
		return nil
	}
	return other
}

// current returns the keys that there are, nil for none that may be used, and has
// them asked for if they are not fresh. lacks says that they do not have one that is
// needed; then, and when there are none, wait is closed when there may be others.
func (k *JWTKeys) current(lacks func(*jwtRing) bool) (ring *jwtRing, wait <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.now()
	age := now.since(k.came)
	if ring = k.ring; ring != nil && age-k.lifetime >= keysStale {
		ring = nil
	}
	needed := ring == nil || lacks != nil && lacks(ring)
	if (needed || age >= k.lifetime) && k.asking == nil && k.again(now) {
		k.ask(now)
	}
	if needed && k.asking != nil {
		wait = k.asking
	}
	return ring, wait
}

// again reports whether it is time to ask once more.
func (k *JWTKeys) again(now moment) bool {
	return k.asked == moment{} || now.since(k.asked) >= int64(keysAgain)
}

// ask asks for the keys on another goroutine. The caller holds mu, and nobody asks.
func (k *JWTKeys) ask(now moment) {
	if k.f.ctx.Err() != nil {
		return
	}
	k.asked, k.asking = now, make(chan struct{})
	k.f.wg.Go(k.fetch)
}

// fetch is that goroutine. A set counts as soon as it can be read, also when there is
// no key in it that could be used: its issuer has taken back those that there were.
func (k *JWTKeys) fetch() {
	text, lifetime, err := k.f.get(k.name, k.clock.day)
	var ring *jwtRing
	if err == nil {
		ring, err = parseJWTKeys(text, false)
	}
	if isEmptied(err) {
		ring, err = &jwtRing{sum: sha256.Sum256(text)}, fmt.Errorf("%w; nobody passes until there is one", err)
	}
	now := k.clock.now()
	k.mu.Lock()
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	if ring != nil {
		if k.ring == nil || k.ring.sum != ring.sum { // what was verified by the same keys stays so
			k.ring = ring
		}
		k.came, k.lifetime = now, lifetime
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

// Age is how long ago the keys came, of an address; as long as none have come, how
// long they have been wanted.
func (k *JWTKeys) Age() (age time.Duration, fetched bool) {
	if k.file != nil {
		return 0, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.now()
	return time.Duration(now.since(k.came)), true
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
