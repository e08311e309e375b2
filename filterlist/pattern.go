package filterlist

import "bytes"

// A pattern is compared as it was written: literal text, "*" for any text, "^"
// for one byte that separates, or for the end. The leftmost match of each piece
// between asterisks is the best one, so no step is ever taken back but where
// "||" lets a pattern begin at several labels.

// separators are the bytes that "^" stands for: everything of ASCII that is no
// letter, digit, or one of _ - . %
var separators = func() (table [256]bool) {
	for c := range 0x80 {
		b := lower(byte(c))
		table[c] = !(isHostByte(b) || b == '%')
	}
	return table
}()

// matchPattern says whether a URL matches. The URL is in lower case unless the
// pattern is to match case. hostStart and hostEnd are where its host is.
func matchPattern(pattern, url []byte, f flags, hostStart, hostEnd int) bool {
	end := f&flagEndAnchor != 0
	if f&(flagHostAnchor|flagStartAnchor) == 0 {
		return matchRest(pattern, url, 0, end)
	}
	first, rest, more := bytes.Cut(pattern, asterisk)
	at := 0
	if f&flagHostAnchor != 0 {
		at = hostStart
	}
	for {
		if e := matchAt(first, url, at); e >= 0 {
			if more && matchRest(rest, url, e, end) || !more && (!end || e == len(url)) {
				return true
			}
		}
		if f&flagHostAnchor == 0 || len(first) == 0 {
			return false
		}
		dot := bytes.IndexByte(url[at:hostEnd], '.')
		if dot < 0 {
			return false
		}
		at += dot + 1
	}
}

// matchPatternAt is matchPattern for a pattern that can match at one place only.
func matchPatternAt(pattern, url []byte, at int, f flags, hostStart, hostEnd int) bool {
	switch {
	case at < 0 || at >= len(url) || pattern[0] != url[at] && pattern[0] != '^' && pattern[0] != '*':
		return false
	case f&flagStartAnchor != 0 && at != 0:
		return false
	case f&flagHostAnchor != 0 && at != hostStart && (at < hostStart || at > hostEnd || url[at-1] != '.'):
		return false
	}
	end := f&flagEndAnchor != 0
	for i, c := range pattern {
		switch {
		case c == '*':
			return matchRest(pattern[i+1:], url, at, end)
		case c == '^':
			if at == len(url) {
				continue
			}
			if !separators[url[at]] {
				return false
			}
		case at == len(url) || url[at] != c:
			return false
		}
		at++
	}
	return !end || at == len(url)
}

var asterisk = []byte("*")

// matchRest says whether what is left of a pattern, as if an asterisk stood
// before it, matches from a position on.
func matchRest(pattern, url []byte, at int, end bool) bool {
	for {
		piece, rest, more := bytes.Cut(pattern, asterisk)
		if !more {
			if end {
				return matchEnd(piece, url, at)
			}
			return find(piece, url, at) >= 0
		}
		if at = find(piece, url, at); at < 0 {
			return false
		}
		pattern = rest
	}
}

// find returns where the leftmost match of a piece ends, -1 if there is none.
func find(piece, url []byte, at int) int {
	if len(piece) == 0 {
		return at
	}
	caret := bytes.IndexByte(piece, '^')
	if caret < 0 {
		if i := bytes.Index(url[at:], piece); i >= 0 {
			return at + i + len(piece)
		}
		return -1
	}
	for ; at <= len(url); at++ {
		if caret > 0 {
			i := bytes.Index(url[at:], piece[:caret])
			if i < 0 {
				return -1
			}
			at += i
		}
		if e := matchAt(piece, url, at); e >= 0 {
			return e
		}
	}
	return -1
}

// matchEnd says whether a piece matches the end of a URL, no earlier than at a
// position. Each "^" may stand for nothing there.
func matchEnd(piece, url []byte, at int) bool {
	for start := max(at, len(url)-len(piece)); start <= len(url); start++ {
		if matchAt(piece, url, start) == len(url) {
			return true
		}
	}
	return false
}

// matchAt returns where a piece ends that begins at a position, -1 if it does
// not match there.
func matchAt(piece, url []byte, at int) int {
	for _, c := range piece {
		switch {
		case c == '^':
			if at == len(url) {
				continue
			}
			if !separators[url[at]] {
				return -1
			}
		case at == len(url) || url[at] != c:
			return -1
		}
		at++
	}
	return at
}
