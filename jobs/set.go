package jobs

import "sort"

// Set is a set of numbers kept as ranges, for positions of tasks: a million
// that follow each other are one range. The zero Set is empty. It is not for
// use by several goroutines at once.
type Set struct {
	ranges []interval // ascending, with a gap between two
	n      int64
}

// interval is the numbers from lo to hi, both included.
type interval struct{ lo, hi int64 }

// Len is how many numbers there are.
func (s *Set) Len() int64 { return s.n }

// at is the index of the first range that ends at n or behind it.
func (s *Set) at(n int64) int {
	return sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].hi >= n })
}

// Has says whether n is there.
func (s *Set) Has(n int64) bool {
	i := s.at(n)
	return i < len(s.ranges) && s.ranges[i].lo <= n
}

// Add puts the numbers from lo to hi in.
func (s *Set) Add(lo, hi int64) {
	if hi < lo {
		return
	}
	i := s.at(lo - 1) // a range that ends just in front of lo grows
	j := i
	add := interval{lo, hi}
	for ; j < len(s.ranges) && s.ranges[j].lo <= hi+1; j++ {
		r := s.ranges[j]
		add.lo, add.hi = min(add.lo, r.lo), max(add.hi, r.hi)
		s.n -= r.hi - r.lo + 1
	}
	s.n += add.hi - add.lo + 1
	s.replace(i, j, add)
}

// Remove takes the numbers from lo to hi out.
func (s *Set) Remove(lo, hi int64) {
	if hi < lo {
		return
	}
	i := s.at(lo)
	j := i
	var rest [2]interval
	k := 0
	for ; j < len(s.ranges) && s.ranges[j].lo <= hi; j++ {
		r := s.ranges[j]
		s.n -= min(r.hi, hi) - max(r.lo, lo) + 1
		if r.lo < lo {
			rest[k] = interval{r.lo, lo - 1}
			k++
		}
		if r.hi > hi {
			rest[k] = interval{hi + 1, r.hi}
			k++
		}
	}
	s.replace(i, j, rest[:k]...)
}

// replace puts other ranges in the place of those from i to before j.
func (s *Set) replace(i, j int, with ...interval) {
	if len(with) == j-i {
		copy(s.ranges[i:], with)
		return
	}
	if i == 0 && len(with) == 0 { // the front is taken: the usual case of a queue
		s.ranges = s.ranges[j:]
		return
	}
	tail := len(s.ranges) - j
	if grow := len(with) - (j - i); grow > 0 {
		s.ranges = append(s.ranges, make([]interval, grow)...)
	}
	copy(s.ranges[i+len(with):], s.ranges[j:j+tail])
	copy(s.ranges[i:], with)
	s.ranges = s.ranges[:i+len(with)+tail]
}

// Nth is the number with i smaller ones, i from 0 to Len()-1. It takes time in
// proportion to the ranges in front of it.
func (s *Set) Nth(i int64) int64 {
	for _, r := range s.ranges {
		if n := r.hi - r.lo + 1; i >= n {
			i -= n
			continue
		}
		return r.lo + i
	}
	panic("jobs: Set.Nth beyond the end")
}

// First is the smallest number, of a set that is not empty.
func (s *Set) First() int64 { return s.ranges[0].lo }

// Ranges calls yield with the first and last number of each range, for range.
func (s *Set) Ranges(yield func(lo, hi int64) bool) {
	for _, r := range s.ranges {
		if !yield(r.lo, r.hi) {
			return
		}
	}
}
