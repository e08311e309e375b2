package record

import "time"

// ID names a request. The upper 44 bits name a connection of the server, the
// lower 20 count its requests. Connections are counted from a number that the
// time of the start gives, so that a log has no name twice, as long as the
// server gets fewer than 16,384 connections a second all its life.
type ID uint64

// RequestBits is how many bits of an ID count the requests of a connection.
const RequestBits = 20

// Request returns the ID of the n-th request of a connection; n is less than
// 1 << RequestBits.
func (id ID) Request(n int) ID { return id | ID(n) }

// FirstID returns the ID of the first connection of a server that starts now.
func FirstID(now time.Time) ID {
	const epoch = 1735689600 // 2025-01-01
	fraction := uint64(now.Nanosecond()) << 14 / 1e9
	return ID((uint64(now.Unix()-epoch)<<14 + fraction) << RequestBits)
}

// NextConn returns the ID of the next connection.
const NextConn = 1 << RequestBits

// idDigits are those of Crockford's base 32: none looks like another one.
const idDigits = "0123456789abcdefghjkmnpqrstvwxyz"

// IDLen is the length of an ID as text.
const IDLen = 13

// Append appends the ID as 13 digits of base 32.
func (id ID) Append(dst []byte) []byte {
	for shift := 60; shift >= 0; shift -= 5 {
		dst = append(dst, idDigits[id>>shift&31])
	}
	return dst
}

// String returns what Append appends.
func (id ID) String() string { return string(id.Append(nil)) }

// ParseID reads what Append writes, in either case.
func ParseID(s string) (id ID, ok bool) {
	if len(s) != IDLen {
		return 0, false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		d := 0
		for d < len(idDigits) && idDigits[d] != c {
			d++
		}
		if d == len(idDigits) || i == 0 && d > 15 {
			return 0, false
		}
		id = id<<5 | ID(d)
	}
	return id, true
}
