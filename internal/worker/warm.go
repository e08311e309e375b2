package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/internal/field"
	"freshet/jobs"
)

// Defaults and bounds of WarmOptions.
const (
	DefaultWarmConcurrency = 4
	MaxWarmConcurrency     = 64
	DefaultWarmURLs        = 100_000
	DefaultWarmTimeout     = time.Minute
	DefaultWarmPause       = 10 * time.Minute
)

// WarmOptions are those of [Warm]. The zero value will do.
type WarmOptions struct {
	// Transport answers; behind it is the cache that is to be warm. nil:
	// http.DefaultTransport.
	Transport http.RoundTripper
	// Concurrency is how many URLs are fetched at a time. A job may ask for
	// less. Default 4, at most 64.
	Concurrency int
	// MaxURLs bounds the URLs of one task; the rest is left out, and the task
	// fails. Default 100,000.
	MaxURLs int
	// Timeout is that of one URL. Default 1 min.
	Timeout time.Duration
	// MaxPause is the longest time that a server may ask us to wait; if it asks
	// for more, the task ends. Default 10 min.
	MaxPause time.Duration
}

// Warm returns a kind of task that fetches URLs, so that the cache in front of
// them has them. Parameters of its jobs:
//
//   - urls: http and https URLs, white space between them,
//   - sitemap: URLs of sitemaps, likewise (XML, an index of them, or plain
//     text; gzip or not): all that they list on their own host is fetched,
//   - concurrency: how many at a time, if less than WarmOptions.Concurrency,
//   - accept-encoding: that field of the requests, for caches that keep an
//     answer for each.
//
// Cache-Status (RFC 9211) tells what was in the cache nearest to us. An error or
// a status of 400 or above has failed, and so has the task, at its end. When a
// server answers 429, or 503 with Retry-After, nothing is fetched until the time
// that it names (10 s if it names none) is over; then it goes on with what was
// refused. A task that is run again finds its beginning in the cache.
func Warm(o WarmOptions) Kind {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	o.Concurrency = min(max(either(o.Concurrency, DefaultWarmConcurrency), 1), MaxWarmConcurrency)
	o.MaxURLs = either(o.MaxURLs, DefaultWarmURLs)
	o.Timeout = either(o.Timeout, DefaultWarmTimeout)
	o.MaxPause = either(o.MaxPause, DefaultWarmPause)
	return func(ctx context.Context, t *jobs.Task, r Reporter) jobs.Result {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		w := &warming{o: &o, ctx: ctx, giveUp: cancel, report: r, known: map[string]bool{}, begun: time.Now()}
		return w.run(t.Spec.Params)
	}
}

// Of warming: how often one URL is asked for, how long a pause is that a server
// does not say, and how many failures are printed.
const (
	warmTries    = 5
	warmPause    = 10 * time.Second
	warmFailures = 100
)

// warming is one task of the kind.
type warming struct {
	o      *WarmOptions
	ctx    context.Context
	giveUp context.CancelCauseFunc
	report Reporter
	begun  time.Time
	accept string // Accept-Encoding; "": as the transport likes

	// The list; nobody changes it once fetching began.
	list     []string
	known    map[string]bool
	leftOut  int // of other hosts
	sitemaps int

	mu     sync.Mutex // guards what follows; a leaf
	until  time.Time  // nothing is fetched before
	next   int
	done   int
	counts warmCounts
	first  string // failure
}

// warmCounts are what became of URLs.
type warmCounts struct {
	hit, miss, unknown, failed int
	bytes                      int64
}

// warmParams reads the parameters of a job, and says what is wrong with them.
// concurrency is 0 when none is asked for.
func warmParams(params map[string]string) (concurrency int, accept string, err error) {
	for name, value := range params {
		switch name {
		case "urls", "sitemap":
			for text := range strings.FieldsSeq(value) {
				if err := checkURL(text); err != nil {
					return 0, "", err
				}
			}
		case "accept-encoding":
			accept = value
		case "concurrency":
			if concurrency, err = strconv.Atoi(value); err != nil || concurrency < 1 {
				return 0, "", fmt.Errorf("parameter concurrency: %q is no number above 0", value)
			}
		default:
			return 0, "", fmt.Errorf("there is no parameter %q: there are urls, sitemap, concurrency, accept-encoding", name)
		}
	}
	if strings.TrimSpace(params["urls"]+params["sitemap"]) == "" {
		return 0, "", errors.New("there is nothing to fetch: name addresses, or the parameter sitemap")
	}
	return concurrency, accept, nil
}

// CheckWarm says what is wrong with the parameters of a job for [Warm].
func CheckWarm(params map[string]string) error {
	_, _, err := warmParams(params)
	return err
}

// run makes the list, fetches what is in it, and reports.
func (w *warming) run(params map[string]string) jobs.Result {
	concurrency, accept, err := warmParams(params)
	if err != nil {
		return refused(exitNotExecutable, "%v", err)
	}
	concurrency, w.accept = min(either(concurrency, w.o.Concurrency), w.o.Concurrency), accept
	if err := w.gather(params); err != nil {
		return w.result(err)
	}
	var fetching sync.WaitGroup
	for range min(concurrency, len(w.list)) {
		fetching.Go(w.fetchAll)
	}
	fetching.Wait()
	return w.result(context.Cause(w.ctx))
}

// gather makes the list of URLs.
func (w *warming) gather(params map[string]string) error {
	for text := range strings.FieldsSeq(params["urls"]) {
		if err := w.add(text); err != nil {
			return err
		}
	}
	for text := range strings.FieldsSeq(params["sitemap"]) {
		if err := w.sitemap(text, 0); err != nil {
			return fmt.Errorf("sitemap %s: %w", text, err)
		}
	}
	if len(w.list) == 0 {
		return errors.New("there is nothing to fetch")
	}
	return nil
}

// checkURL refuses what is no URL that could be fetched.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no http or https URL", text)
	}
	return nil
}

// add adds a URL to the list.
func (w *warming) add(text string) error {
	text, _, _ = strings.Cut(text, "#")
	if w.known[text] {
		return nil
	}
	if len(w.list) == w.o.MaxURLs {
		return fmt.Errorf("more than %d URLs", w.o.MaxURLs)
	}
	w.known[text] = true
	w.list = append(w.list, text)
	return nil
}

// fetchAll fetches URLs of the list until there are no more.
func (w *warming) fetchAll() {
	for w.ctx.Err() == nil {
		w.mu.Lock()
		i := w.next
		w.next++
		w.mu.Unlock()
		if i >= len(w.list) {
			return
		}
		err := w.fetch(w.list[i], w.count)
		if w.ctx.Err() != nil {
			return // it was cut off
		}
		w.mu.Lock()
		w.done++
		if err != nil {
			w.counts.failed++
			if w.first == "" {
				w.first = fmt.Sprintf("%s: %v", w.list[i], err)
			}
		}
		failed, fraction, message := w.counts.failed, float64(w.done)/float64(len(w.list)), w.counts.String()
		w.mu.Unlock()
		if err != nil && failed <= warmFailures {
			w.report.Print("%s: %v", w.list[i], err)
		}
		w.report.Progress(fraction, message)
	}
}

// count reads an answer to its end.
func (w *warming) count(resp *http.Response) error {
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return err
	}
	hit, known := cacheHit(resp.Header.Values("Cache-Status"))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts.bytes += n
	switch {
	case !known:
		w.counts.unknown++
	case hit:
		w.counts.hit++
	default:
		w.counts.miss++
	}
	return nil
}

// fetch asks for a URL, again when the server asks us to wait, and has take
// read the answer.
func (w *warming) fetch(text string, take func(*http.Response) error) error {
	for try := 1; ; try++ {
		if err := w.wait(); err != nil {
			return err
		}
		pause, err := w.once(text, take)
		if pause == 0 {
			return err
		}
		if pause > w.o.MaxPause {
			err = fmt.Errorf("%w, and asks to be left alone for %s", err, shortly(pause))
			w.giveUp(err)
			return err
		}
		if try == warmTries {
			return err
		}
		w.mu.Lock()
		if until := time.Now().Add(pause); until.After(w.until) {
			w.until = until
			w.mu.Unlock()
			w.report.Print("%s: %v; going on in %s", text, err, shortly(pause))
			continue
		}
		w.mu.Unlock()
	}
}

// wait waits until it is allowed to fetch.
func (w *warming) wait() error {
	for {
		w.mu.Lock()
		left := time.Until(w.until)
		w.mu.Unlock()
		if left <= 0 {
			return w.ctx.Err()
		}
		t := time.NewTimer(left)
		select {
		case <-t.C:
		case <-w.ctx.Done():
			t.Stop()
			return w.ctx.Err()
		}
	}
}

// once asks once. A pause is what the server wants before anything else is
// asked for; err is the reason then.
func (w *warming) once(text string, take func(*http.Response) error) (pause time.Duration, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, w.o.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, text, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("User-Agent", "freshet")
	if w.accept != "" {
		r.Header.Set("Accept-Encoding", w.accept)
	}
	resp, err := w.o.Transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 400 {
		return 0, take(resp)
	}
	err = fmt.Errorf("status %d", resp.StatusCode)
	after := resp.Header.Get("Retry-After")
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return retryAfter(after, time.Now()), err
	case http.StatusServiceUnavailable:
		if after != "" {
			return retryAfter(after, time.Now()), err
		}
	}
	return 0, err
}

// retryAfter reads a Retry-After (RFC 9110 §10.2.3): seconds, or a date; what
// is neither is warmPause, and nothing is less than a second.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	d := warmPause
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if unix, ok := field.ParseDateAt(text, now.Unix()); ok {
		d = time.Unix(unix, 0).Sub(now)
	}
	return max(d, time.Second)
}

// String is what was counted, in words.
func (c warmCounts) String() string {
	s := fmt.Sprintf("%d hit, %d miss, %d failed", c.hit, c.miss, c.failed)
	if c.unknown > 0 {
		s += fmt.Sprintf(", %d of which no cache speaks", c.unknown)
	}
	return s
}

// result is how the task ended, once nothing is fetched any more; err is what
// ended it early.
func (w *warming) result(err error) jobs.Result {
	w.report.Print("%d of %d URLs: %s; %d bytes in %s", w.done, len(w.list), w.counts, w.counts.bytes, time.Since(w.begun).Round(time.Millisecond))
	if w.leftOut > 0 {
		w.report.Print("%d URLs of other hosts than their sitemap's were left out", w.leftOut)
	}
	switch {
	case err != nil:
		return jobs.Result{Exit: 1, Reason: oneLine(err.Error())}
	case w.counts.failed > 0:
		return jobs.Result{Exit: 1, Reason: oneLine(fmt.Sprintf("%d of %d URLs failed; the first: %s", w.counts.failed, len(w.list), w.first))}
	}
	return jobs.Result{}
}

// cacheHit reads Cache-Status (RFC 9211): the last member is of the cache that
// is nearest to us. known is false when no cache says anything that can be
// read.
func cacheHit(lines []string) (hit, known bool) {
	members := split(strings.Join(lines, ","), ',')
	parts := split(members[len(members)-1], ';')
	for _, p := range parts[1:] {
		name, value, valued := strings.Cut(strings.TrimSpace(p), "=")
		if name == "hit" && (!valued || value == "?1") {
			hit = true
		}
	}
	return hit, strings.TrimSpace(parts[0]) != ""
}

// split cuts a structured field at a separator outside of strings.
func split(s string, at byte) (parts []string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == at && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}
