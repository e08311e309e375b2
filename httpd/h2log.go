package httpd

import (
	"strings"
	"sync"
	"time"
)

// h2LogEvery is how often what clients of HTTP/2 do is told.
const h2LogEvery = time.Minute

// h2Log is where the hidden server's log goes. Whoever scans ports makes it say, once
// for each connection, that there is no preface: of such lines there is one a minute,
// and then how many there were. What handlers do is said at once.
type h2Log struct {
	say func(format string, args ...any)

	mu     sync.Mutex  // guards what follows; a leaf
	timer  *time.Timer // to say what is held; nil: nothing was said in the last minute
	held   int
	latest string
	ended  bool // nothing is held any more
}

// Write implements io.Writer; p is one line.
func (l *h2Log) Write(p []byte) (int, error) {
	line := strings.TrimSuffix(string(p), "\n")
	if !strings.HasPrefix(line, "http2: server") || l.first(line) {
		l.say("%s", line)
	}
	return len(p), nil
}

// first reports whether a line is to be said at once.
func (l *h2Log) first(line string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.ended:
	case l.timer == nil:
		l.timer = time.AfterFunc(h2LogEvery, l.tell)
	default:
		l.held, l.latest = l.held+1, line
		return false
	}
	return true
}

// tell says what was held in the last minute, if that is anything.
func (l *h2Log) tell() {
	l.mu.Lock()
	held, latest := l.held, l.latest
	l.held = 0
	switch {
	case l.ended:
	case held == 0:
		l.timer = nil
	default:
		l.timer.Reset(h2LogEvery)
	}
	l.mu.Unlock()
	if held > 0 {
		l.say("httpd: %d more connections failed like this one within a minute: %s", held, latest)
	}
}

// end says what is held, and has later lines said at once.
func (l *h2Log) end() {
	l.mu.Lock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	l.tell()
}
