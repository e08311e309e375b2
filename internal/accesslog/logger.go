package accesslog

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"freshet/internal/record"
)

const (
	// flushBytes pending bytes are written at once.
	flushBytes = 64 << 10
	// flushAfter is how long a line waits for others, and how long after an
	// error the next attempt to write is made.
	flushAfter = 250 * time.Millisecond
	// maxPending bytes wait while the file takes none, beside the piece (at most
	// as large) that is being written; lines beyond them are dropped.
	maxPending = 1 << 20
	// keepBytes is the largest buffer that is kept for reuse.
	keepBytes = 4 * flushBytes
	// closeAfter is how long Close waits for a stream that takes nothing.
	closeAfter = 2 * time.Second
)

// A Logger writes one line for each record. It is a record.Sink and may be
// used by many goroutines at once.
//
// Record appends to a buffer under a lock. A goroutine that the Logger owns
// writes the buffer when it holds 64 KiB, and a line never waits longer than a
// quarter of a second for that. When the disk is full or nobody reads the
// stream, requests go on: up to 1 MiB of lines waits, then lines are dropped.
// The first error and, once there is room again, the number of lines lost are
// told to Log.
type Logger struct {
	// Names, when not nil, gives the names that the lines show in place of
	// addresses (JSON: beside them). Set before the first record; Close closes it.
	Names *Names

	// Log takes warnings about the log itself; nil is slog.Default(). Set
	// before the first record.
	Log *slog.Logger

	format Format
	path   string // "" for a stream

	wake chan struct{} // holds one: there is work for the flusher
	done chan struct{} // closed by the flusher when it ends

	mu      sync.Mutex // guards what follows; held for one line
	enc     encoder
	pending []byte
	dropped int64
	next    *os.File // to be used from the next write on, see Reopen
	started bool
	closed  bool
	err     error // of the last write, once done is closed
	out     io.Writer
}

var _ record.Sink = (*Logger)(nil)

// Open returns a Logger that appends to the file at path, made with mode 0640
// when it does not exist; "-" is standard output.
func Open(path string, f Format) (*Logger, error) {
	if path == "-" {
		return New(os.Stdout, f), nil
	}
	file, err := OpenFile(path)
	if err != nil {
		return nil, err
	}
	l := New(file, f)
	l.path = path
	return l, nil
}

// New returns a Logger that writes to w, which it does not close.
func New(w io.Writer, f Format) *Logger {
	return &Logger{format: f, out: w, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// OpenFile opens a log for appending, made with mode 0640 when it does not
// exist.
func OpenFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
}

// Record takes one record. It does not block on the file.
func (l *Logger) Record(r *record.Record) {
	var name string
	if l.Names != nil && r.Remote.IsValid() {
		name = l.Names.Lookup(r.Remote.Addr(), r.Start)
	}
	l.mu.Lock()
	before := len(l.pending)
	if l.closed || before >= maxPending {
		l.dropped++
		l.mu.Unlock()
		return
	}
	l.pending = l.enc.line(l.pending, l.format, r, name)
	after := len(l.pending)
	if after > maxPending {
		l.pending = l.pending[:before]
		l.dropped++
	}
	if !l.started {
		l.start()
	}
	l.mu.Unlock()
	// The flusher is woken to begin its wait, and to end it.
	if before == 0 || (before < flushBytes && after >= flushBytes) {
		l.rouse()
	}
}

// start starts the flusher; l.mu is held.
func (l *Logger) start() {
	l.started = true
	if l.Log == nil {
		l.Log = slog.Default()
	}
	f := &flusher{l: l, out: l.out, log: l.Log}
	go f.run()
}

func (l *Logger) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Reopen opens the file at its path anew, after it was renamed, and then lets
// go of the old one. When that fails the old one stays in use. Streams are left
// as they are. Lines that wait at the moment go to the new file.
func (l *Logger) Reopen() error {
	if l.path == "" {
		return nil
	}
	file, err := OpenFile(l.path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errors.Join(os.ErrClosed, file.Close())
	}
	unused := l.next
	l.next = file
	if !l.started {
		l.start()
	}
	l.mu.Unlock()
	l.rouse()
	if unused != nil {
		return unused.Close()
	}
	return nil
}

// Close writes what is pending and closes the file, and Names. It waits two
// seconds at most for a stream that takes nothing. Later records are dropped.
func (l *Logger) Close() error {
	if l.Names != nil {
		l.Names.Close()
	}
	l.mu.Lock()
	if !l.started {
		l.start()
	}
	l.closed = true
	l.mu.Unlock()
	l.rouse()
	limit := time.NewTimer(closeAfter)
	defer limit.Stop()
	select {
	case <-l.done:
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.err
	case <-limit.C:
		return errors.New("lines of the access log were not written: its reader takes none")
	}
}
