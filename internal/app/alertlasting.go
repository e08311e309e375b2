package app

import (
	"math"
	"time"
)

// A lasting is how long each of some things lasts, by its name. Once it is known
// it grows as time passes, whatever is done to the clock: a wait that became less
// when the clock was set back would read as well.
type lasting map[string]lasts

// lasts is since when something lasts, on the scale of sampler.ran, on which what
// began before this process is below zero.
type lasts struct {
	from  time.Duration
	doubt bool // by the clock it had not begun when it was seen first
}

// doubtFor is for how long nothing is said of what has not begun by the clock: no
// rule of the table waits longer for what it looks at.
const doubtFor = time.Hour

// seconds is how long something lasts that began at a time of the clock; NaN: that
// is not known. It is noted in next, which takes the place of l after a look: what
// was not seen there is forgotten.
func (l lasting) seconds(next lasting, name string, since, now time.Time, ran time.Duration) float64 {
	is, known := l[name]
	if age := now.Sub(since); !known {
		is = lasts{ran - max(age, 0), age < 0}
	} else if is.doubt {
		is.from = min(is.from, ran-age)
	}
	next[name] = is
	if is.doubt && ran-is.from <= doubtFor {
		return math.NaN()
	}
	return (ran - is.from).Seconds()
}
