package gateway

import (
	"bytes"
	"log/slog"
)

// Limits of what is logged of a program's standard error, for one request.
const (
	maxStderrLine = 4 << 10
	maxStderr     = 64 << 10
	maxLines      = 1024
)

// Stderr logs what a program says on its standard error, line by line, and
// keeps the last line. Of a line it keeps the first 4 KiB; lines that end beyond
// 64 KiB, and those after the 1024th, are not logged, but counted. Empty lines are
// left out. Its methods are for one goroutine.
type Stderr struct {
	log  *slog.Logger
	run  *Run
	line []byte
	seen int64
	said int // lines that are not empty
}

// NewStderr returns a Stderr that logs to log, which should know the request,
// and keeps the last line with run.
func NewStderr(log *slog.Logger, run *Run) *Stderr { return &Stderr{log: log, run: run} }

// Write implements io.Writer; it never fails.
func (s *Stderr) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		s.seen += int64(len(p) - len(rest))
		if room := maxStderrLine - len(s.line); len(line) > room {
			line = line[:room]
		}
		s.line = append(s.line, line...)
		if p = rest; whole {
			s.end()
		}
	}
	return n, nil
}

// Close logs a last line without an end, and how much was not logged.
func (s *Stderr) Close() {
	if len(s.line) > 0 {
		s.end()
	}
	if s.seen > maxStderr || s.said > maxLines {
		s.log.Warn("the program said more than is logged", "octets", s.seen, "limit", maxStderr)
	}
}

// end is the end of a line.
func (s *Stderr) end() {
	text := string(bytes.TrimRight(s.line, "\r"))
	s.line = s.line[:0]
	if text == "" {
		return
	}
	s.run.Say(text)
	if s.said++; s.seen <= maxStderr && s.said <= maxLines {
		s.log.Warn("the program says", "line", text)
	}
}
