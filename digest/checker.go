package digest

import (
	"fmt"
	"hash"
)

// Checker compares a content that comes in pieces with the digests that it is
// said to have. The zero value compares with nothing. It is an io.Writer that
// never fails.
type Checker struct {
	wanted []said
	sums   [algorithms]hash.Hash
}

// said is a digest and who stated it.
type said struct {
	from string
	Digest
}

// Add adds digests that the content has to have; from says who states them, such
// as the field's name. All that are added have to be right. It is called before
// the first Write, unless its algorithm was expected.
func (c *Checker) Add(from string, digests ...Digest) {
	for _, d := range digests {
		if d.Algorithm == None || d.Algorithm >= algorithms {
			continue
		}
		c.wanted = append(c.wanted, said{from, d})
		if c.sums[d.Algorithm] == nil {
			c.sums[d.Algorithm] = d.Algorithm.New()
		}
	}
}

// Expect prepares for digests by these algorithms that are added when all has
// been written: those of trailers. It is called before the first Write.
func (c *Checker) Expect(by ...Algorithm) {
	for _, a := range by {
		if c.sums[a] == nil {
			c.sums[a] = a.New()
		}
	}
}

// Idle reports whether there is nothing to compare with.
func (c *Checker) Idle() bool { return len(c.wanted) == 0 }

// Write adds the next bytes of the content.
func (c *Checker) Write(p []byte) (int, error) {
	for _, h := range c.sums {
		if h != nil {
			h.Write(p)
		}
	}
	return len(p), nil
}

// Reset forgets the content, and keeps what it has to be.
func (c *Checker) Reset() {
	for _, h := range c.sums {
		if h != nil {
			h.Reset()
		}
	}
}

// Outcome is what a comparison came to.
type Outcome uint8

// The outcomes.
const (
	Unknown Outcome = iota // there was nothing to compare with
	Right                  // all digests are those of the content
	Wrong                  // one is not
)

// Verdict is the outcome of a comparison, and of a Wrong one the first digest
// that does not fit.
type Verdict struct {
	Outcome   Outcome
	From      string // who stated it
	Want, Got Digest
}

// Verdict compares what was written.
func (c *Checker) Verdict() Verdict {
	if c.Idle() {
		return Verdict{}
	}
	var got [algorithms]Digest
	for a, h := range c.sums {
		if h != nil {
			got[a] = made(Algorithm(a), h)
		}
	}
	for i := range c.wanted {
		if w := &c.wanted[i]; w.Digest != got[w.Algorithm] {
			return Verdict{Wrong, w.from, w.Digest, got[w.Algorithm]}
		}
	}
	return Verdict{Outcome: Right}
}

// Err is nil unless the verdict is Wrong; then it is an *Error.
func (v Verdict) Err() error {
	if v.Outcome != Wrong {
		return nil
	}
	return &Error{v}
}

// Error is that a content is not what a digest says.
type Error struct{ Verdict Verdict }

func (e *Error) Error() string {
	v := &e.Verdict
	return fmt.Sprintf("the content is not what %s says: its %s is %x, not %x", v.From, v.Want.Algorithm, v.Got.Sum(), v.Want.Sum())
}
