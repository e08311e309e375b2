//go:build !linux

package cgi

import "os"

// pipe returns a pipe whose one end is ours: 0 is the end that reads, 1 the one
// that writes.
func pipe(ours int) (our, their *os.File, err error) {
	r, w, err := os.Pipe()
	if ours == 1 {
		return w, r, err
	}
	return r, w, err
}
