package cache

import (
	"hash/maphash"
	"sync/atomic"

	"freshet/internal/rule"
)

// fates remember what became of what is stored no more, so that a miss can say
// more than that nothing is there. They are a table of fixed size, by a hash of
// the key: what is newer takes the place of what is older, which is then as if
// it had never been stored.
type fates struct {
	slots atomic.Pointer[[fateSlots]atomic.Uint64] // made at the first fate
	by    atomic.Pointer[[fateSlots]atomic.Uint64] // the epochs that were the cause, made at the first of them
	zero  atomic.Int64                             // when the first fate was, nanoseconds since 1970
	seed  maphash.Seed
}

// fateSlots is how many fates are remembered, at most: half a megabyte.
const fateSlots = 1 << 16

// fate is what became of something.
type fate uint64

const (
	fateEvicted fate = 1 + iota
	fatePurged
	fateInvalidated
	fatePushedOut // a variant, by others
	fateUnreadable
	fateGrouped // invalidated with a group
)

var fateRules = [...]rule.ID{
	fateEvicted: rule.CacheEvicted, fatePurged: rule.CachePurged, fateInvalidated: rule.CacheInvalidated,
	fatePushedOut: rule.CacheVariantsFull, fateUnreadable: rule.CacheUnreadable,
	fateGrouped: rule.CacheGroupInvalidated,
}

// A slot holds 32 bits of the hash (others choose the slot), 24 bits of
// seconds, and 8 bits of fate.
const (
	fateBits    = 8
	secondsBits = 24
	fateTag     = 0xffffffff << (fateBits + secondsBits)
)

func (f *fates) hash(key string) uint64 { return maphash.String(f.seed, key) }

// hashVariant is the hash of one variant of a key.
func (f *fates) hashVariant(key, selecting string) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	h.WriteString(key)
	h.WriteByte('\n')
	h.WriteString(selecting)
	return h.Sum64()
}

// note remembers a fate.
func (f *fates) note(hash uint64, what fate, now int64) {
	slots := f.slots.Load()
	if slots == nil {
		f.zero.CompareAndSwap(0, now)
		f.slots.CompareAndSwap(nil, new([fateSlots]atomic.Uint64))
		slots = f.slots.Load()
	}
	seconds := uint64(min(max((now-f.zero.Load())/1e9, 0), 1<<secondsBits-1))
	slots[hash%fateSlots].Store(hash&fateTag | seconds<<fateBits | uint64(what))
}

// noteBy is note for what an epoch was the cause of.
func (f *fates) noteBy(hash uint64, what fate, now int64, epoch uint64) {
	slots := f.by.Load()
	if slots == nil {
		f.by.CompareAndSwap(nil, new([fateSlots]atomic.Uint64))
		slots = f.by.Load()
	}
	slots[hash%fateSlots].Store(epoch)
	f.note(hash, what, now)
}

// epochOf returns the epoch that was the cause of a fate that is known; 0 when
// that is not.
func (f *fates) epochOf(hash uint64) uint64 {
	if slots := f.by.Load(); slots != nil {
		return slots[hash%fateSlots].Load()
	}
	return 0
}

// of returns the rule for a fate, and when it came, nanoseconds since 1970; 0
// when none is known.
func (f *fates) of(hash uint64) (id rule.ID, at int64) {
	slots := f.slots.Load()
	if slots == nil {
		return 0, 0
	}
	v := slots[hash%fateSlots].Load()
	if v == 0 || v&fateTag != hash&fateTag {
		return 0, 0
	}
	return fateRules[v&(1<<fateBits-1)], f.zero.Load() + int64(v>>fateBits&(1<<secondsBits-1))*1e9
}

// forget removes a fate: the key has something again.
func (f *fates) forget(hash uint64) {
	slots := f.slots.Load()
	if slots == nil {
		return
	}
	slot := &slots[hash%fateSlots]
	if v := slot.Load(); v != 0 && v&fateTag == hash&fateTag {
		slot.CompareAndSwap(v, 0)
	}
}
