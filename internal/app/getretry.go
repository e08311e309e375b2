package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"freshet/internal/wire"
)

// longestWait bounds what is waited between two tries, whatever Retry-After says.
const longestWait = 10 * time.Minute

// tries fetches, and tries again as --retry says.
func (f *fetch) tries(ctx context.Context) error {
	c := f.conf
	start := time.Now()
	for n := int64(0); ; n++ {
		last := n >= c.Retries
		f.again = !last
		err := f.try(ctx)
		if errors.Is(err, errAnew) {
			err = f.try(ctx)
		}
		status := f.retriable(err)
		if last || status == "" || ctx.Err() != nil {
			if err == nil && status != "" && !last {
				err = context.Cause(ctx)
			}
			return err
		}
		wait := f.pause(n)
		if c.RetryTime > 0 && time.Since(start)+wait > c.RetryTime {
			return f.asIs(err)
		}
		f.tell("%s; trying again in %v, %d left", status, wait.Round(time.Millisecond), c.Retries-n)
		if err := waitFor(ctx, wait); err != nil {
			return transferFault(err)
		}
		f.stats.retries++
		f.out.close()
		f.goOn()
	}
}

// errTryAgain ends a try whose answer may be another one next time.
var errTryAgain = errors.New("the answer is for now only")

// asIs is the error when a try was the last although it was not meant to be.
func (f *fetch) asIs(err error) error {
	if errors.Is(err, errTryAgain) && f.stats.resp != nil {
		return f.statusFault(f.stats.resp)
	}
	return err
}

// transient reports whether an answer is one that may be another one soon.
func transient(code int) bool {
	switch code {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retriable says why a request may be made again after err; "" if not.
func (f *fetch) retriable(err error) string {
	c := f.conf
	if err == nil {
		return ""
	}
	var fault *getFault
	errors.As(err, &fault)
	if f.out.name == "" && f.out.written > 0 {
		return "" // what was written cannot be taken back
	}
	why := err.Error()
	method := f.firstHop().method
	if errors.Is(err, errTryAgain) {
		why = "the answer is " + getStatusText(f.stats.resp)
		if !c.RetryAll && !wire.Idempotent(method) && f.stats.resp.StatusCode != http.StatusTooManyRequests && f.stats.resp.StatusCode != http.StatusServiceUnavailable {
			return ""
		}
		return why
	}
	if c.RetryAll {
		return why
	}
	switch fault.status {
	case getHostUnknown, getProxyUnknown:
		return why
	case getNoConnection:
		if c.RetryRefused {
			return why
		}
		return ""
	case getTimeout, getNothing, getPartial, getReceiveError, getSendError:
		if wire.Idempotent(method) {
			return why
		}
	}
	return ""
}

// pause is how long to wait before the next try: what was asked for, what the
// server says, or twice as long each time, with some chance in it so that not
// all come back at once.
func (f *fetch) pause(n int64) time.Duration {
	if d := f.conf.RetryDelay; d > 0 {
		return d
	}
	wait := min(time.Second<<min(n, 20), longestWait)
	wait = wait/2 + rand.N(wait/2+1)
	if resp := f.stats.resp; resp != nil && transient(resp.StatusCode) {
		if d, ok := retryAfter(resp.Header.Get("Retry-After"), time.Now()); ok {
			wait = min(max(d, 0), longestWait)
		}
	}
	return wait
}

// retryAfter reads Retry-After (RFC 9110 §10.2.3).
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return at.Sub(now), true
	}
	return 0, false
}
