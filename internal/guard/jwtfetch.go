package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// A KeyFetcher asks addresses for keys, each on a goroutine of its own, which ends
// with it.
type KeyFetcher struct {
	rt  http.RoundTripper
	ctx context.Context
	end context.CancelFunc
	wg  sync.WaitGroup
}

// NewKeyFetcher returns one that asks by rt, which follows no redirects.
func NewKeyFetcher(rt http.RoundTripper) *KeyFetcher {
	ctx, end := context.WithCancel(context.Background())
	return &KeyFetcher{rt: rt, ctx: ctx, end: end}
}

// Close ends what is asked.
func (f *KeyFetcher) Close() {
	f.end()
	f.wg.Wait()
}

// get asks an address.
func (f *KeyFetcher) get(url string, now func() int64) (text []byte, lifetime int64, err error) {
	ctx, end := context.WithTimeout(f.ctx, keysTime)
	defer end()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	q.Header.Set("Accept", "application/jwk-set+json, application/json")
	q.Header.Set("User-Agent", "freshet")
	asked := now()
	answer, err := f.rt.RoundTrip(q)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) || ctx.Err() == context.DeadlineExceeded {
			err = fmt.Errorf("there is no answer within %v", keysTime)
		}
		return nil, 0, err
	}
	defer answer.Body.Close()
	lifetime = keysLifetime(&freshness.Response{Status: answer.StatusCode, Fields: answer.Header, Requested: asked, Received: now()})
	switch {
	case answer.StatusCode/100 == 3:
		return nil, 0, fmt.Errorf("it answers %d and leads elsewhere; name the address of the keys themselves", answer.StatusCode)
	case answer.StatusCode != http.StatusOK:
		return nil, 0, fmt.Errorf("it answers %d", answer.StatusCode)
	case len(answer.Header["Content-Encoding"]) > 0 && !strings.EqualFold(answer.Header.Get("Content-Encoding"), "identity"):
		return nil, 0, fmt.Errorf("it answers in the coding %s, which was not asked for", quoted(answer.Header.Get("Content-Encoding")))
	}
	text, err = io.ReadAll(io.LimitReader(answer.Body, maxJWTKeySet+1))
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return nil, 0, fmt.Errorf("its answer is not there within %v", keysTime)
	case err != nil:
		return nil, 0, err
	}
	return text, lifetime, nil
}

// keysLifetime is how long keys are not asked for again, by the issuer's own clock:
// what ours says may have been set wrong.
func keysLifetime(r *freshness.Response) int64 {
	if date := r.Fields["Date"]; len(date) == 1 {
		if s, ok := field.ParseDate(date[0]); ok && s >= 0 && s < farthest {
			delay := max(r.Received-r.Requested, 0)
			r.Received = s * int64(time.Second)
			r.Requested = r.Received - delay
		}
	}
	c := freshness.Cache{Private: true, HeuristicPercent: -1}
	terms := c.Terms(r)
	d := freshness.ParseDirectives(r.Fields["Cache-Control"], nil)
	switch {
	case d.NoStore, terms.NoCache:
		return keysLeast
	case terms.From == rule.FreshNone:
		return keysDefault
	}
	return min(max(terms.TTL(r.Received), keysLeast), keysMost)
}
