package gateway

import "time"

// OrDefault is the rule for limits in options: zero means the default, negative
// means none, which is 0 from then on.
func OrDefault[T int | int64 | time.Duration](v, def T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return 0
	}
	return v
}
