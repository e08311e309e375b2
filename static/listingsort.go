package static

import (
	"cmp"
	"slices"
	"strings"

	"freshet/internal/field"
)

// listingOrder is what a listing is sorted by.
type listingOrder uint8

const (
	byName listingOrder = iota
	bySize
	byModified
)

var orderNames = [...]string{byName: "name", bySize: "size", byModified: "modified"}

func orderNamed(name string) listingOrder {
	if i := slices.Index(orderNames[:], name); i >= 0 {
		return listingOrder(i)
	}
	return byName
}

// sortEntries sorts entries in place: folders first, then by the order that was
// asked for, then by name. Folders have no size, so bySize leaves them by name.
func sortEntries(entries []listingEntry, order listingOrder, desc bool) {
	slices.SortFunc(entries, func(a, b listingEntry) int {
		if a.Dir != b.Dir {
			if a.Dir {
				return -1
			}
			return 1
		}
		c := 0
		switch {
		case order == bySize && !a.Dir:
			c = cmp.Compare(a.Size, b.Size)
		case order == byModified:
			c = a.Modified.Compare(b.Modified)
		case order == byName:
			c = compareNatural(a.Name, b.Name)
		}
		if desc {
			c = -c
		}
		if c == 0 {
			c = compareNatural(a.Name, b.Name)
		}
		return c
	})
}

// compareNatural orders names as people number them: file2 before file10. Runs
// of digits count as numbers of any length, ASCII letters without their case;
// names that are equal so far (a1, A1, a01) are ordered by their bytes, so that
// only equal names are equal.
func compareNatural(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if isDigit(a[i]) && isDigit(b[j]) {
			m, n := digitsEnd(a, i), digitsEnd(b, j)
			x, y := strings.TrimLeft(a[i:m], "0"), strings.TrimLeft(b[j:n], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			i, j = m, n
			continue
		}
		if c := cmp.Compare(field.Lower(a[i]), field.Lower(b[j])); c != 0 {
			return c
		}
		i, j = i+1, j+1
	}
	return cmp.Or(cmp.Compare(len(a)-i, len(b)-j), strings.Compare(a, b))
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func digitsEnd(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}
