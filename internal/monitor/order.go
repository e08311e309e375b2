package monitor

import (
	"math"
	"slices"
	"strings"
)

// window is which rows of a table are asked for.
type window struct {
	offset, limit int
	by            string // the key of a column; "" for the order in which rows come
	desc          bool
}

// next is the order that a click on a column's heading asks for.
func (w *window) next(c *column) string {
	switch {
	case w.by == c.key && w.desc, w.by != c.key && !c.down:
		return "asc"
	}
	return "desc"
}

// rowsOf returns the rows of a window, in order, and how many there are with
// the table's filter. Nothing is sorted but the window: the rows before it are
// only told apart from those behind it, so that a window deep in a million
// rows takes some passes over their keys.
//
// A window behind the end is put at the last one that has rows.
func (t *table) rowsOf(w *window) (rows []int, total int) {
	if t.turn != nil {
		t.turn.Lock()
		defer t.turn.Unlock()
	}
	kept := t.kept()
	total = len(kept)
	if w.offset >= total {
		w.offset = 0
		if total > 0 && w.limit > 0 {
			w.offset = (total - 1) / w.limit * w.limit
		}
	}
	end := min(w.offset+w.limit, total)
	if c := t.column(w.by); c != nil && total > 0 {
		s := newSorting(c, kept, w.desc)
		s.place(0, total, w.offset)
		s.place(w.offset, total, end)
		slices.SortFunc(s.items[w.offset:end], s.compare)
		for _, it := range s.items[w.offset:end] {
			rows = append(rows, int(it.row))
		}
		return rows, total
	}
	for _, row := range kept[w.offset:end] {
		rows = append(rows, int(row))
	}
	return rows, total
}

// kept returns the rows that the filter keeps.
func (t *table) kept() []uint32 {
	rows := make([]uint32, 0, t.rows)
	for row := range t.rows {
		if t.keep == nil || t.keep(row) {
			rows = append(rows, uint32(row))
		}
	}
	return rows
}

// A sorting orders rows by a column. Rows that are equal in it stay in the
// order in which they come, whatever the direction.
type sorting struct {
	items []item
	text  func(row int) string // compares what keys cannot tell apart; nil: nothing
	desc  bool
}

// An item is a row and its key: numbers as they are ordered, texts by the
// eight bytes that follow what all of them begin with.
type item struct {
	key uint64
	row uint32
}

func newSorting(c *column, rows []uint32, desc bool) *sorting {
	s := &sorting{items: make([]item, len(rows)), desc: desc}
	if c.num != nil {
		for i, row := range rows {
			s.items[i] = item{numberKey(c.num(int(row)), desc), row}
		}
		return s
	}
	s.text = c.text
	common := commonPrefix(c.text, rows)
	for i, row := range rows {
		key := textKey(c.text(int(row))[common:])
		if desc {
			key = ^key
		}
		s.items[i] = item{key, row}
	}
	return s
}

// numberKey maps numbers to keys in their order. What is unknown comes last in
// either direction.
func numberKey(v float64, desc bool) uint64 {
	if math.IsNaN(v) {
		return math.MaxUint64
	}
	b := math.Float64bits(v + 0) // -0 is 0
	if b>>63 != 0 {
		b = ^b
	} else {
		b |= 1 << 63
	}
	if desc {
		return ^b
	}
	return b
}

func textKey(s string) (key uint64) {
	for i := range min(len(s), 8) {
		key |= uint64(s[i]) << (56 - 8*i)
	}
	return key
}

// commonPrefix is the length of what all texts begin with.
func commonPrefix(text func(int) string, rows []uint32) int {
	first := text(int(rows[0]))
	n := len(first)
	for _, row := range rows[1:] {
		s := text(int(row))
		n = min(n, len(s))
		if s[:n] == first[:n] {
			continue
		}
		for n = 0; s[n] == first[n]; n++ {
		}
	}
	return n
}

func (s *sorting) compare(a, b item) int {
	switch {
	case a.key < b.key:
		return -1
	case a.key > b.key:
		return 1
	}
	if s.text != nil {
		if d := strings.Compare(s.text(int(a.row)), s.text(int(b.row))); d != 0 {
			if s.desc {
				return -d
			}
			return d
		}
	}
	return int(a.row) - int(b.row)
}

// place moves items from lo to hi so that the one at n is where sorting would
// put it, with no greater one before it and no smaller one behind: Hoare's
// selection. No two items are equal, so no input of equal keys slows it down;
// after more halvings than there should be, the rest is sorted.
func (s *sorting) place(lo, hi, n int) {
	if n >= hi {
		return
	}
	for rounds := 0; hi-lo > 32 && rounds < 64; rounds++ {
		p := s.pivot(lo, hi)
		i, j := lo, hi-1
		for i <= j {
			for s.compare(s.items[i], p) < 0 {
				i++
			}
			for s.compare(s.items[j], p) > 0 {
				j--
			}
			if i <= j {
				s.items[i], s.items[j] = s.items[j], s.items[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			hi = j + 1
		case n >= i:
			lo = i
		default:
			return // between the two parts stands the pivot
		}
	}
	slices.SortFunc(s.items[lo:hi], s.compare)
}

// pivot is the median of nine items: the ends, and what is spread between.
func (s *sorting) pivot(lo, hi int) item {
	var nine [9]item
	for i := range nine {
		nine[i] = s.items[lo+(hi-1-lo)*i/8]
	}
	slices.SortFunc(nine[:], s.compare)
	return nine[4]
}
