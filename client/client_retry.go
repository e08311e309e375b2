package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"freshet/internal/field"
	"freshet/internal/outbound"
	"freshet/internal/wire"
)

// Retry says what is tried again: requests with an idempotent method (RFC 9110
// §9.2.2), whose body, if any, can be had again, that got no answer for a reason
// that may pass, or 408, 429, 502, 503 or 504. An answer that breaks off after
// its head is not.
type Retry struct {
	// Max is how often a request is sent again. 0 means never.
	Max int
	// First is how long the pause before the second try is, about: half of it is
	// random. Each further one is twice as long, up to Longest. 0 means 1 s, and
	// 1 min.
	First, Longest time.Duration
	// MaxAfter bounds the pause that a Retry-After asks for (RFC 9110 §10.2.3);
	// an answer that asks for more is not tried again. 0 means 5 min.
	MaxAfter time.Duration

	// Retrying, if not nil, is called before each pause: how long it is, and
	// what the try came to.
	Retrying func(pause time.Duration, resp *http.Response, err error)

	// Pause waits, or returns the error of ctx; nil means with the system's
	// clock. Now is the time; nil means the system's.
	Pause func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
}

// try sends a request, again if need be.
func (c *Client) try(req *http.Request) (*http.Response, error) {
	r := &c.Retry
	for n := 0; ; n++ {
		resp, err := c.exchange(req)
		if n >= r.Max || !again(req, resp, err) {
			return resp, err
		}
		pause, ok := r.pause(n, resp)
		if !ok {
			return resp, err
		}
		next := req
		if hasBody(req) {
			body, failed := req.GetBody()
			if failed != nil {
				return resp, err
			}
			copied := *req
			copied.Body, next = body, &copied
		}
		if r.Retrying != nil {
			r.Retrying(pause, resp, err)
		}
		if resp != nil {
			drain(resp)
		}
		if err := r.wait(req.Context(), pause); err != nil {
			closeBody(next)
			return nil, urlError(req, err)
		}
		req = next
	}
}

// again reports whether to send a request again that came to this.
func again(req *http.Request, resp *http.Response, err error) bool {
	if req.Method != "" && !wire.Idempotent(req.Method) || hasBody(req) && req.GetBody == nil || req.Context().Err() != nil {
		return false
	}
	if err != nil {
		return mayPass(err)
	}
	if why, known := From(resp); known && why.Verdict == "refused" {
		return false // by the cache: only-if-cached
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayPass reports whether an error is one that another try may not meet.
func mayPass(err error) bool {
	if errors.Is(err, ErrOffline) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var failed *outbound.Error
	if !errors.As(err, &failed) {
		return true
	}
	switch failed.Kind {
	case outbound.DNSTimeout, outbound.DestinationUnavailable, outbound.DestinationUnroutable, outbound.ConnectionRefused,
		outbound.ConnectionTerminated, outbound.ConnectionTimeout, outbound.ConnectionReadTimeout, outbound.ConnectionWriteTimeout,
		outbound.ConnectionLimitReached, outbound.ResponseIncomplete, outbound.ResponseTimeout:
		return true
	}
	return false
}

// pause is how long to wait after try n; ok is false when that is too long.
func (r *Retry) pause(n int, resp *http.Response) (d time.Duration, ok bool) {
	or := func(d, byDefault time.Duration) time.Duration {
		if d == 0 {
			return byDefault
		}
		return d
	}
	if resp != nil {
		if after, said := r.after(resp.Header.Get("Retry-After")); said {
			return after, after <= or(r.MaxAfter, 5*time.Minute)
		}
	}
	d, longest := or(r.First, time.Second), or(r.Longest, time.Minute)
	for ; n > 0 && d < longest; n-- {
		d *= 2
	}
	d = min(d, longest)
	return d/2 + rand.N(d/2+1), true
}

// after reads a Retry-After: seconds, or a date.
func (r *Retry) after(value string) (d time.Duration, ok bool) {
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	at := now()
	if when, ok := field.ParseDateFold(value, at.Unix()); ok {
		return max(0, time.Unix(when, 0).Sub(at)), true
	}
	return 0, false
}

func (r *Retry) wait(ctx context.Context, d time.Duration) error {
	if r.Pause != nil {
		return r.Pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
