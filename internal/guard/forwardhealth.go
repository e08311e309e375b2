package guard

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"freshet/internal/rule"
)

// healthEvery is how often it is told that a service begins to fail.
const healthEvery = time.Minute

// ForwardHealth says, in a log, when a service of forward-auth begins to fail and
// when it answers again. One is for all guards that ask it. A service that fails now
// and then is told of once a minute at most. nil tells nobody.
type ForwardHealth struct {
	service string
	log     *slog.Logger
	now     func() int64 // nanoseconds since 1970

	mu      sync.Mutex // guards what follows; a leaf
	failing bool       // since the latest answer
	told    bool       // that it is
	since   int64
	refused int64 // requests, since then
	last    int64 // when it was told; 0: never
}

// NewForwardHealth returns one for a service; now is nil for the system's clock.
func NewForwardHealth(service string, log *slog.Logger, now func() int64) *ForwardHealth {
	if now == nil {
		now = func() int64 { return time.Now().UnixNano() }
	}
	return &ForwardHealth{service: service, log: log, now: now}
}

// Failing reports whether the service has failed when it was asked last.
func (h *ForwardHealth) Failing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failing
}

// heard notes what came of asking the service for a request that has waited for it.
func (h *ForwardHealth) heard(j *reply) {
	if h == nil {
		return
	}
	switch j.refused {
	case 0, rule.ForwardAuthRefused:
		h.answered()
	case rule.ForwardAuthUnreachable, rule.ForwardAuthTimeout, rule.ForwardAuthStatus:
		err := j.err
		if err == nil {
			err = errors.New("it answers " + j.answer.Status)
		}
		h.failed(err)
	}
}

func (h *ForwardHealth) failed(err error) {
	h.mu.Lock()
	now := h.now()
	if !h.failing {
		h.failing, h.told, h.since, h.refused = true, false, now, 0
	}
	h.refused++
	tell := !h.told && (h.last == 0 || now-h.last >= int64(healthEvery))
	if tell {
		h.told, h.last = true, now
	}
	h.mu.Unlock()
	if tell {
		h.log.Error("the service of forward-auth fails; nobody passes while it does", "service", h.service, "err", err)
	}
}

func (h *ForwardHealth) answered() {
	h.mu.Lock()
	tell := h.failing && h.told
	after, refused := time.Duration(h.now()-h.since), h.refused
	h.failing, h.told = false, false
	h.mu.Unlock()
	if tell {
		h.log.Info("the service of forward-auth answers again", "service", h.service, "after", after.Round(time.Millisecond), "refused", refused)
	}
}
