package acme

import (
	"crypto/tls"
	"math/rand/v2"
	"time"
)

// A certificate is looked at, and after a failure tried for, so often in its life
// at least: one that lives for minutes would end between two looks, or while its
// renewal pauses. When it is renewed a third of its life is left, which has ten
// looks, or three tries.
const (
	looksInLife = 30
	triesInLife = 10
)

// shortestShare is for what lives for seconds.
const shortestShare = time.Second

// share is a part of the life of the certificate that is served. When there is
// none, nothing ends meanwhile.
func (n *name) share(of time.Duration) time.Duration {
	c := n.current.Load()
	if c == nil {
		return never
	}
	return max(life(c)/of, shortestShare)
}

// life is for how long a certificate is valid, from its beginning.
func life(c *tls.Certificate) time.Duration { return c.Leaf.NotAfter.Sub(c.Leaf.NotBefore) }

// Pauses after failures. An authority counts failures, and refuses for hours who
// has too many.
const (
	longestPause = 6 * time.Hour
	limitedPause = time.Hour
	toldEvery    = 24 * time.Hour
)

// after is the pause after so many failures before.
func (n *name) after(failures int) time.Duration {
	pause := n.m.o.Retry << min(2*failures, 20)
	if pause > longestPause || pause <= 0 {
		return longestPause
	}
	return pause
}

// jitter makes a pause up to a tenth shorter, so that names, and processes that
// began together, do not go on together.
func jitter(d time.Duration) time.Duration { return d - time.Duration(rand.Int64N(int64(d)/10+1)) }
