//go:build !nonats

package bus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
)

// serverLog is where NATS says things. What it calls fatal is kept: it does
// not end this process.
type serverLog struct {
	log *slog.Logger

	mu    sync.Mutex
	worst error
}

func (l *serverLog) say(level slog.Level, format string, v []any) {
	if l.log != nil && l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "nats: "+fmt.Sprintf(format, v...))
	}
}

// Noticef is for what is normal.
func (l *serverLog) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Warnf is for what somebody should look at.
func (l *serverLog) Warnf(format string, v ...any) { l.say(slog.LevelWarn, format, v) }

// Errorf is for what failed.
func (l *serverLog) Errorf(format string, v ...any) { l.say(slog.LevelError, format, v) }

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
