package acme

import "time"

// WithLease are options with which locks of members last another time.
func WithLease(o Options, d time.Duration) Options {
	o.lease = d
	return o
}
