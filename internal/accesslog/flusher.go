package accesslog

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"time"
)

// A flusher is the goroutine that writes for a Logger. It takes the whole
// pending buffer, leaving an empty one, and writes it without a lock. What a
// full disk did not take it keeps and offers again, so that at most one buffer
// of lines is in its hands.
type flusher struct {
	l   *Logger
	out io.Writer
	log *slog.Logger

	buf     []byte // being written
	off     int    // of it, written
	failing bool
}

func (f *flusher) run() {
	defer close(f.l.done)
	timer := time.NewTimer(flushAfter)
	timer.Stop()
	for {
		select {
		case <-f.l.wake:
		case <-timer.C:
			f.write(1, flushBytes)
		}
		full, closed := f.look()
		switch {
		case closed:
			f.finish()
			return
		case full && !f.failing:
			f.write(flushBytes, flushBytes)
		}
		if f.waiting() {
			timer.Reset(flushAfter)
		}
	}
}

// look says what there is to do, and begins to use a reopened file.
func (f *flusher) look() (full, closed bool) {
	f.l.mu.Lock()
	next := f.l.next
	f.l.next = nil
	full, closed = len(f.l.pending) >= flushBytes, f.l.closed
	f.l.mu.Unlock()
	if next != nil {
		f.swap(next)
	}
	return full, closed
}

// waiting reports whether lines wait for the timer.
func (f *flusher) waiting() bool {
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	return len(f.l.pending) > 0 || f.off < len(f.buf)
}

// write writes the pending bytes if there are least of them, and goes on as
// long as there are again more: a busy server writes large pieces. An error
// stops it.
func (f *flusher) write(least, again int) {
	for ; ; least = again {
		if f.off == len(f.buf) && !f.take(least) {
			return
		}
		n, err := f.out.Write(f.buf[f.off:])
		f.off += max(n, 0)
		if err == nil && f.off < len(f.buf) {
			err = io.ErrShortWrite
		}
		if err != nil {
			f.l.mu.Lock()
			f.l.err = err
			f.l.mu.Unlock()
			if !f.failing {
				f.log.Warn("the access log takes no lines; up to 1 MiB of them waits, more are dropped", "err", err)
			}
			f.failing = true
			return
		}
		f.l.mu.Lock()
		dropped := f.l.dropped
		f.l.dropped, f.l.err = 0, nil
		f.l.mu.Unlock()
		if dropped > 0 {
			f.log.Warn("lines of the access log were dropped: it could not be written fast enough", "lines", dropped)
		}
		f.failing = false
	}
}

// take swaps the written buffer for the pending one, if it has least bytes.
func (f *flusher) take(least int) bool {
	f.l.mu.Lock()
	defer f.l.mu.Unlock()
	if len(f.l.pending) < least {
		return false
	}
	spare := f.buf[:0]
	if cap(spare) > keepBytes {
		spare = nil
	}
	f.buf, f.off = f.l.pending, 0
	f.l.pending = spare
	return true
}

// swap goes over to a reopened file. A line of which the old file has a part
// is not continued in the new one.
func (f *flusher) swap(next *os.File) {
	if c, ok := f.out.(io.Closer); ok {
		if err := c.Close(); err != nil {
			f.log.Warn("close the old access log", "err", err)
		}
	}
	f.out = next
	if f.off > 0 && f.off < len(f.buf) && f.buf[f.off-1] != '\n' {
		f.off += bytes.IndexByte(f.buf[f.off:], '\n') + 1
		f.l.mu.Lock()
		f.l.dropped++
		f.l.mu.Unlock()
	}
	f.failing = false
}

// finish writes what is left, says what cannot be, and closes a file that the
// Logger opened.
func (f *flusher) finish() {
	f.write(1, 1)
	f.l.mu.Lock()
	lost := f.l.dropped + int64(bytes.Count(f.buf[f.off:], lineFeed)+bytes.Count(f.l.pending, lineFeed))
	f.l.mu.Unlock()
	if lost > 0 {
		f.log.Warn("lines of the access log were lost", "lines", lost)
	}
	if f.l.path == "" {
		return
	}
	if err := f.out.(io.Closer).Close(); err != nil {
		f.l.mu.Lock()
		f.l.err = err
		f.l.mu.Unlock()
	}
}

var lineFeed = []byte{'\n'}
