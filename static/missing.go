package static

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// missing remembers names that were not there, for as long as a coherence
// interval lets it. Each name has one place, which it takes from whichever name
// was there: memory is bounded, whatever is asked for. A nil missing remembers
// nothing.
type missing struct {
	seed  maphash.Seed
	slots [2048]atomic.Pointer[missed]
}

type missed struct {
	key string
	at  int64 // nanoseconds since 1970
}

// maxMissedKey bounds the names that are remembered, and so the memory, to
// half a megabyte.
const maxMissedKey = 200

func newMissing() *missing { return &missing{seed: maphash.MakeSeed()} }

func (m *missing) slot(key string) *atomic.Pointer[missed] {
	return &m.slots[maphash.String(m.seed, key)%uint64(len(m.slots))]
}

// lately reports whether a name was not there less than interval before now.
func (m *missing) lately(key string, now, interval int64) bool {
	if m == nil {
		return false
	}
	s := m.slot(key).Load()
	return s != nil && s.key == key && now >= s.at && now-s.at < interval
}

// note remembers that a name was not there after now. The key is cloned.
func (m *missing) note(key string, now int64) {
	if m != nil && len(key) <= maxMissedKey {
		m.slot(key).Store(&missed{strings.Clone(key), now})
	}
}
