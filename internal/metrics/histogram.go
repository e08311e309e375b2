package metrics

import (
	"math"
	"math/bits"
	"time"
)

// A latency is counted in a bucket of a logarithmic scale with linear steps:
// each doubling from 1.024 µs on has 16 buckets of one width, and what is
// faster has 16 more, each 64 ns wide. A bucket contains its upper end, so that
// powers of two, which Prometheus is told as le, are ends of buckets.
//
//	 64   128  …  1024  1088  …  2048  2176  …       1.28e11  1.37e11   +Inf
//	0    1     …  15    16    …  31    32    …  446           447
const (
	subBits = 4               // of the buckets of a doubling
	least   = 10              // the first doubling begins at 1 << least nanoseconds
	most    = 37              // the last one ends at 1 << most: 137 s; what is slower is counted in it
	perStep = 1 << subBits    // buckets of a doubling
	unit    = least - subBits // the width of the first buckets, as a power of two
	buckets = (most - least + 1) * perStep
)

// bucketOf returns the bucket of a latency in nanoseconds.
func bucketOf(ns int64) int {
	v := uint64(max(ns, 1) - 1)
	if v < 1<<least {
		return int(v >> unit)
	}
	top := bits.Len64(v) - 1
	if top >= most {
		return buckets - 1
	}
	return (top-least+1)<<subBits + int(v>>(top-subBits))&(perStep-1)
}

// upper returns the upper end of a bucket in nanoseconds.
func upper(bucket int) uint64 {
	step, within := bucket>>subBits, uint64(bucket&(perStep-1))+1
	if step == 0 {
		return within << unit
	}
	return (perStep + within) << (step - 1 + unit)
}

// A Histogram counts latencies in fixed memory: 448 buckets from 0 to 137 s.
// Slower ones count as 137 s, except in Sum. The zero value is empty. It is a
// plain value: whoever shares one sees to locks.
type Histogram struct {
	n   [buckets]uint64
	sum uint64 // nanoseconds
}

// Add counts one latency; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	h.n[bucketOf(int64(d))]++
	h.sum += uint64(max(d, 0))
}

// Count returns how many latencies are counted.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.n {
		n += c
	}
	return n
}

// Sum returns the sum of the latencies, which is exact.
func (h *Histogram) Sum() time.Duration { return time.Duration(min(h.sum, math.MaxInt64)) }

// Quantile returns the latency that the part q of them (0 to 1) does not
// exceed: the middle of its bucket, so that from 1.024 µs on it is wrong by one
// part in 32 at most (3.1 %), and below by 32 ns. It is 0 for an empty
// Histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	var at [1]time.Duration
	h.quantiles(at[:], q)
	return at[0]
}

// quantiles fills in, in one pass, the quantiles qs, which increase.
func (h *Histogram) quantiles(at []time.Duration, qs ...float64) {
	total := h.Count()
	if total == 0 {
		return
	}
	var below uint64
	next := 0
	for b, n := range h.n {
		below += n
		for next < len(qs) && below >= rank(qs[next], total) {
			at[next] = middle(b)
			next++
		}
	}
}

// rank returns which of total, counted from 1, the quantile q is.
func rank(q float64, total uint64) uint64 {
	r := math.Ceil(min(max(q, 0), 1) * float64(total))
	return min(max(uint64(r), 1), total)
}

// middle returns the middle of a bucket.
func middle(bucket int) time.Duration {
	var low uint64
	if bucket > 0 {
		low = upper(bucket - 1)
	}
	return time.Duration((low + upper(bucket)) / 2)
}

// AtMost returns how many latencies are counted in the buckets that end at d or
// before: exact for the powers of two (in nanoseconds) from 1024 ns to 1<<37.
func (h *Histogram) AtMost(d time.Duration) (n uint64) {
	for b, c := range h.n {
		if upper(b) > uint64(max(d, 0)) {
			break
		}
		n += c
	}
	return n
}

// Merge adds the counts of other.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range &other.n {
		h.n[i] += n
	}
	h.sum += other.sum
}

// Sub takes away the counts of an earlier state of h, which leaves what has
// been counted since.
func (h *Histogram) Sub(earlier *Histogram) {
	for i, n := range &earlier.n {
		h.n[i] -= n
	}
	h.sum -= earlier.sum
}
