package app

import (
	"io"
	"log/slog"
	"os"
	"sync"

	"freshet/internal/accesslog"
)

// An errorLog is where faults are told: a stream, or a file that can be opened
// anew after it was renamed.
type errorLog struct {
	*slog.Logger
	file *logFile // nil for a stream
}

// openErrorLog opens the log at path; "-" is the stream.
func openErrorLog(path string, stream io.Writer) (*errorLog, error) {
	if path == "-" {
		return &errorLog{Logger: slog.New(slog.NewTextHandler(stream, nil))}, nil
	}
	f, err := accesslog.OpenFile(path)
	if err != nil {
		return nil, err
	}
	file := &logFile{path: path, f: f}
	return &errorLog{slog.New(slog.NewTextHandler(file, nil)), file}, nil
}

func (l *errorLog) reopen() error {
	if l.file == nil {
		return nil
	}
	return l.file.reopen()
}

func (l *errorLog) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.f.Close()
}

type logFile struct {
	path string
	mu   sync.Mutex // guards f
	f    *os.File
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// reopen opens the new file before it lets go of the old one.
func (l *logFile) reopen() error {
	f, err := accesslog.OpenFile(l.path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.f
	l.f = f
	l.mu.Unlock()
	return old.Close()
}
