//go:build !nonats

package bus

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// serverLog is where NATS says things. What it calls fatal is kept: it does
// not end this process. That a file could not be written it says nowhere else
// (it does not even answer who waits for the entry), so broken is told.
type serverLog struct {
	log    *slog.Logger
	broken func(error)

	mu     sync.Mutex // guards what follows; a leaf
	worst  error
	warned []string // the first warnings
}

func (l *serverLog) say(level slog.Level, format string, v []any) {
	if l.log != nil && l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "nats: "+fmt.Sprintf(format, v...))
	}
}

// Noticef is for what is normal.
func (l *serverLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Warnf is for what somebody should look at.
func (l *serverLog) Warnf(format string, v ...any) {
	l.say(slog.LevelWarn, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.warned) < maxWarned {
		l.warned = append(l.warned, strings.TrimSpace(fmt.Sprintf(format, v...)))
	}
}

// maxWarned bounds how many warnings are remembered, and maxAbout how many are told.
const (
	maxWarned = 64
	maxAbout  = 3
)

// about is what NATS has warned of a stream, or, when it named none, of any.
func (l *serverLog) about(stream string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := slices.Clone(l.warned)
	its := slices.DeleteFunc(slices.Clone(said), func(line string) bool {
		return !strings.Contains(line, strconv.Quote(stream)) && !strings.Contains(line, "["+stream+"]") && !strings.Contains(filepath.ToSlash(line), "/"+stream+"/")
	})
	if len(its) > 0 {
		said = its
	}
	if len(said) == 0 {
		return "NATS does not say why"
	}
	return "NATS says: " + strings.Join(said[:min(len(said), maxAbout)], "; ")
}

// Errorf is for what failed.
func (l *serverLog) Errorf(format string, v ...any) {
	l.say(slog.LevelError, format, v)
	if strings.Contains(format, "ritical write error") || strings.Contains(format, "will be DISABLED") {
		err := fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, v...))
		for _, part := range v {
			if cause, ok := part.(error); ok {
				err = fmt.Errorf("%w: %w", ErrBroken, cause) // its path says which file
			}
		}
		l.broken(err)
	}
}

// Debugf is for details.
func (l *serverLog) Debugf(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Tracef is not used: tracing is off.
func (l *serverLog) Tracef(string, ...any) {}

// Fatalf keeps the first that came.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.say(slog.LevelError, format, v)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.worst == nil {
		l.worst = fmt.Errorf(format, v...)
	}
}

func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worst
}

// rarely says when something that others can cause is told: once a minute.
type rarely struct {
	mu   sync.Mutex // a leaf
	next time.Time
	left int
}

// now reports whether it is told now, and how often it was not since the last time.
func (r *rarely) now(t time.Time) (left int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.Before(r.next) {
		r.left++
		return 0, false
	}
	left, r.left, r.next = r.left, 0, t.Add(time.Minute)
	return left, true
}
