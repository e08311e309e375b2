package cache

import (
	"cmp"
	"math"
	"math/bits"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/internal/rule"
)

// misses count, for the addresses that have the most, what had to be asked of
// origins. The table has a fixed size: when it is full, an address that is new
// takes the place and the count of the one with the fewest ("Space-Saving",
// Metwally et al., 2005). So no count is too small, none is too large by more
// than over says, and who has more than one in maxMissed of all misses is there.
type misses struct {
	mu    sync.Mutex // guards all below
	at    map[string]*missed
	least []*missed // a heap: the fewest first
}

// maxMissed is how many addresses are counted; beyond maxMissedURL bytes one is
// not counted.
const (
	maxMissed    = 1024
	maxMissedURL = 2048
)

// missed is one address.
type missed struct {
	url   string
	n     uint64
	over  uint64 // of n: what may be of those before
	bytes uint64
	wait  int64
	gain  Gain // of those that need not have been
	why   rule.ID
	last  int64
	key   string
	keys  [keyBits / 64]uint64 // a bit for each key, by a hash
	index int                  // in least
}

// keyBits is how many different keys an address can be told to have, about.
const keyBits = 512

// note counts a request that was answered by the origin; shown is its key as it
// is shown, avoidable whether something could be changed for it to be a hit.
func (m *misses) note(q *inquiry, shown string, avoidable bool, s *Store) {
	if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
		return
	}
	url := withoutQuery(q.key)
	if len(url) > maxMissedURL {
		return
	}
	bit := s.fates.hash(q.key) % keyBits
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entry(url)
	e.n++
	e.bytes += uint64(q.bytes)
	e.wait += q.wait
	if avoidable {
		e.gain.Hits++
		e.gain.Bytes += uint64(q.bytes)
		e.gain.Wait += time.Duration(q.wait)
	}
	e.why, e.last = q.reason, q.now
	e.keys[bit/64] |= 1 << (bit % 64)
	if e.key != shown {
		e.key = clip(shown, maxMissedURL)
	}
	m.sink(e.index)
}

// entry returns the entry of an address; m.mu is held.
func (m *misses) entry(url string) *missed {
	if e := m.at[url]; e != nil {
		return e
	}
	if m.at == nil {
		m.at = make(map[string]*missed)
	}
	url = strings.Clone(url)
	if len(m.least) < maxMissed {
		e := &missed{url: url, index: len(m.least)}
		m.at[url] = e
		m.least = append(m.least, e)
		m.rise(e.index)
		return e
	}
	e := m.least[0]
	delete(m.at, e.url)
	*e = missed{url: url, n: e.n, over: e.n}
	m.at[url] = e
	return e
}

func (m *misses) swap(i, j int) {
	h := m.least
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (m *misses) rise(i int) {
	for i > 0 && m.least[i].n < m.least[(i-1)/2].n {
		m.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (m *misses) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.least) {
			return
		}
		if child+1 < len(m.least) && m.least[child+1].n < m.least[child].n {
			child++
		}
		if m.least[i].n <= m.least[child].n {
			return
		}
		m.swap(i, child)
		i = child
	}
}

// withoutQuery returns the part of a key before its query.
func withoutQuery(key string) string {
	if i := strings.IndexAny(key, "?\n"); i >= 0 {
		return key[:i]
	}
	return key
}

// TopMisses returns the addresses with the most misses, the most first, 1024 at
// most: GET and HEAD requests that the origin answered, with a body or with
// 304. Those that go past the cache, and validations in the background, do not
// count.
func (s *Store) TopMisses() []MissInfo {
	m := &s.misses
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]MissInfo, 0, len(m.least))
	for _, e := range m.least {
		out = append(out, e.info())
	}
	slices.SortFunc(out, func(a, b MissInfo) int {
		return cmp.Or(cmp.Compare(b.Misses, a.Misses), cmp.Compare(a.URL, b.URL))
	})
	return out
}

// avoidable reports whether the reason for a miss is one that could be changed:
// not that something is asked for the first time, or that it did change.
func (h *Handler) avoidable(q *inquiry) bool {
	switch q.reason {
	case rule.CacheURIMiss:
		return len(h.trackers(q.to.query)) > 0
	case rule.CacheVaryMiss:
		return slices.ContainsFunc(q.res.objects[0].vary.Names, isWide)
	}
	return q.reason == rule.CacheVariantsFull || q.reason == rule.CacheEvicted || q.reason == rule.CacheHitForMiss || !isMoment(q.reason)
}

// isWide reports whether nearly every client sends a field with a value of its
// own, so that Vary with it makes a variant for each.
func isWide(name string) bool {
	switch name {
	case "User-Agent", "Cookie", "Referer", "X-Forwarded-For", "Accept", "X-Request-Id":
		return true
	}
	return false
}

func (e *missed) info() MissInfo {
	i := MissInfo{
		URL: e.url, Key: e.key, Keys: e.differentKeys(), Misses: e.n, Over: e.over,
		Bytes: e.bytes, Wait: time.Duration(e.wait), Rule: e.why, Time: time.Unix(0, e.last),
	}
	if i.Gain = e.gain; e.gain.Hits > 0 && e.gain.Hits >= e.n-e.over {
		// One has to be asked for, all the same.
		part := float64(e.gain.Hits-1) / float64(e.gain.Hits)
		i.Gain = Gain{e.gain.Hits - 1, uint64(part * float64(e.gain.Bytes)), time.Duration(part * float64(e.gain.Wait))}
	}
	return i
}

// differentKeys estimates how many keys there were, by how many bits are
// still free (linear counting).
func (e *missed) differentKeys() int {
	set := 0
	for _, w := range e.keys {
		set += bits.OnesCount64(w)
	}
	if set >= keyBits-1 {
		return keyBits * 6
	}
	return int(math.Round(-keyBits * math.Log(1-float64(set)/keyBits)))
}
