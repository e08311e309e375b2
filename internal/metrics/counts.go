package metrics

import "freshet/internal/record"

// Counts are the totals of the requests of a place, or of all.
type Counts struct {
	Requests uint64

	// Classes are the requests by the first digit of their status code; [0]
	// are those that were cut before they had one. Codes from 600 up count as
	// 5xx, which is what clients are told to take them for (RFC 9110 §15).
	Classes [6]uint64

	Verdicts [record.NumVerdicts]uint64
	Bytes    uint64 // of bodies

	// Latency is of whole requests: from when one was read until its last byte
	// was handed to the kernel.
	Latency Histogram
}

// Sub takes away the counts of an earlier state of c, which leaves what has
// happened since.
func (c *Counts) Sub(earlier *Counts) {
	c.Requests -= earlier.Requests
	for i, n := range earlier.Classes {
		c.Classes[i] -= n
	}
	for i, n := range earlier.Verdicts {
		c.Verdicts[i] -= n
	}
	c.Bytes -= earlier.Bytes
	c.Latency.Sub(&earlier.Latency)
}

// outcomes count requests by verdict and class together.
type outcomes [record.NumVerdicts][classes]uint64

// classes are six, and two more so that a verdict has a cache line of its own.
const classes = 8

// classOf returns the index in Counts.Classes of a status code.
func classOf(status int) int {
	switch {
	case status < 100:
		return 0
	case status >= 600:
		return 5
	}
	return status / 100
}

// add counts what o has counted.
func (c *Counts) add(o *outcomes) {
	for verdict := range o {
		for class, n := range o[verdict][:len(c.Classes)] {
			c.Requests += n
			c.Classes[class] += n
			c.Verdicts[verdict] += n
		}
	}
}
