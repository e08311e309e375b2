package jobs

import "fmt"

// idDigits are Crockford's: no letter that is mistaken for a digit.
const idDigits = "0123456789abcdefghjkmnpqrstvwxyz"

// idEpoch is when numbers of jobs begin: 2026-01-01 in Unix milliseconds. A
// job's number is the millisecond of its submission since then, or one more
// than that of the job before it, so that no queue, not even one that was
// thrown away and begun anew, gives an ID twice.
const idEpoch = 1767225600000

// idLen characters count 1100 years.
const idLen = 9

// makeID writes a job's number.
func makeID(n uint64) ID {
	var b [idLen]byte
	for i := idLen - 1; i >= 0; i-- {
		b[i] = idDigits[n&31]
		n >>= 5
	}
	return ID(b[:])
}

// number reads it back.
func (id ID) number() (n uint64, err error) {
	if len(id) != idLen {
		return 0, fmt.Errorf("%w: %q is not the name of one", ErrUnknown, clip(string(id), 40))
	}
	for i := range len(id) {
		d := digit(id[i])
		if d < 0 {
			return 0, fmt.Errorf("%w: %q is not the name of one", ErrUnknown, string(id))
		}
		n = n<<5 | uint64(d)
	}
	return n, nil
}

func digit(c byte) int {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	for i := range len(idDigits) {
		if idDigits[i] == c {
			return i
		}
	}
	return -1
}
