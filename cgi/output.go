package cgi

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// output is our end of a program's standard output. Once the program is gone,
// what it left in the pipe is read, and the end comes even when something
// that escaped it holds the other end.
type output struct {
	file *os.File

	mu   sync.Mutex // held while a deadline is set; guards over
	over bool       // the program is gone
}

// Read implements io.Reader.
func (o *output) Read(p []byte) (int, error) {
	if o.isOver() {
		o.file.SetReadDeadline(time.Now().Add(patience))
	}
	n, err := o.file.Read(p)
	if isTimeout(err) && o.isOver() {
		err = io.EOF
	}
	return n, err
}

// SetReadDeadline implements gateway.Source.
func (o *output) SetReadDeadline(t time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over {
		return nil // Read has its own
	}
	return o.file.SetReadDeadline(t)
}

// ended says that the program is gone.
func (o *output) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	o.file.SetReadDeadline(time.Now().Add(patience))
}

func (o *output) isOver() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.over
}

// Close closes the pipe: a program that goes on printing is told by SIGPIPE.
func (o *output) Close() { o.file.Close() }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
