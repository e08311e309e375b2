package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"freshet/client"
	"freshet/internal/config"
	"freshet/internal/outbound"
)

// fetch is the fetching of one URL.
type fetch struct {
	*getting
	first *url.URL
	out   *getOutput
	body  *getBody // nil for none

	resume getResume
	stats  getStats
	again  bool // there will be another try

	inParts bool     // the body is fetched in parts
	whys    []getWhy // of the hops of the last try
}

// getHop is a request of a fetch: the first, or one that a redirect led to.
type getHop struct {
	url      *url.URL
	method   string
	withBody bool
	home     bool // the origin is that of the first
	referer  string
}

// trusted reports whether the origin may see what the command line says of who
// asks.
func (h *getHop) trusted(c *config.Get) bool { return h.home || c.TrustOthers }

// firstHop is the request that the command line asks for.
func (f *fetch) firstHop() *getHop {
	c := f.conf
	h := &getHop{url: f.first, method: http.MethodGet, withBody: f.body != nil, home: true}
	h.referer, _ = strings.CutSuffix(c.Referer, ";auto")
	switch {
	case c.Method != "":
		h.method = c.Method
	case c.Head:
		h.method = http.MethodHead
	case f.body != nil:
		h.method = f.body.method
	}
	return h
}

// try fetches once: all hops, and the body of the last answer.
func (f *fetch) try(ctx context.Context) error {
	f.stats.begin()
	f.whys = f.whys[:0]
	if d := f.conf.MaxTime; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, errMaxTime)
		defer cancel()
	}
	ctx = httptrace.WithClientTrace(ctx, f.stats.trace())
	defer f.stats.end()
	for h := f.firstHop(); ; {
		next, err := f.hop(ctx, h)
		if err != nil {
			if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
				err = cause // whatever it shows as
			}
			return transferFault(err)
		}
		if next == nil {
			return nil
		}
		h = next
	}
}

// hop makes a request and takes its answer; next is where that leads.
func (f *fetch) hop(ctx context.Context, h *getHop) (next *getHop, err error) {
	req, err := f.request(ctx, h)
	if err != nil {
		return nil, err
	}
	f.stats.asked(req)
	if f.conf.Limit > 0 && req.Body != nil {
		req.Body = &getPaced{ReadCloser: req.Body, pace: newPace(ctx, f.conf.Limit)}
	}
	resp, err := f.roundTripper().RoundTrip(req)
	if err != nil {
		f.noteWhy(h, nil)
		return nil, err
	}
	defer func() {
		resp.Body.Close()
		f.noteWhy(h, resp)
	}()
	f.stats.answered(resp)
	f.keepCookies(h, resp)
	if f.trip.Cache != nil {
		f.talk.cached(resp)
	}
	location := f.redirect(resp)
	if err := f.writeHead(resp, location != nil); err != nil {
		return nil, err
	}
	if location != nil {
		return f.follow(h, resp, location)
	}
	return nil, f.deliver(ctx, req, resp)
}

// roundTripper is what sends the request: with the cache, but for parts of what
// there is already, which the cache has no part in.
func (f *fetch) roundTripper() http.RoundTripper {
	if f.resume.on {
		return f.verified()
	}
	if f.conf.Decode {
		return decoding{&client.Client{Transport: f.trip, Decode: true, MaxRedirects: -1}}
	}
	return f.trip
}

// verified is what sends without a cache, and compares answers with their digests.
func (f *fetch) verified() http.RoundTripper { return &client.Transport{Base: f.wire, Sign: f.sign} }

// decoding asks for codings and undoes them.
type decoding struct{ client *client.Client }

// RoundTrip implements http.RoundTripper.
func (d decoding) RoundTrip(req *http.Request) (*http.Response, error) { return d.client.Do(req) }

// redirect returns where an answer leads that is followed, nil for others.
func (f *fetch) redirect(resp *http.Response) *url.URL {
	switch resp.StatusCode {
	case 301, 302, 303, 307, 308:
	default:
		return nil
	}
	text := resp.Header.Get("Location")
	if text == "" {
		return nil
	}
	to, err := resp.Request.URL.Parse(strings.ReplaceAll(text, " ", "%20"))
	if err != nil {
		return nil
	}
	f.stats.leadsTo = to.String()
	if !f.conf.Follow {
		return nil
	}
	return to
}

// tooMuchRest is how much of the body of a redirect is read, so that the
// connection can be used again.
const tooMuchRest = 64 << 10

// follow makes the next hop of a redirect (RFC 9110 §15.4).
func (f *fetch) follow(h *getHop, resp *http.Response, to *url.URL) (*getHop, error) {
	c := f.conf
	if c.MaxRedirects >= 0 && int64(f.stats.redirects) >= c.MaxRedirects {
		round := ""
		if to.String() == h.url.String() {
			round = ", where it comes from"
		}
		return nil, getFaultf(getManyRedirects, "there are more than %d redirects; the last leads to %s%s", c.MaxRedirects, to.Redacted(), round)
	}
	to, err := parseGetURL(to.String(), true)
	if err != nil {
		return nil, fmt.Errorf("the redirect cannot be followed: %w", err)
	}
	f.stats.redirects++
	io.CopyN(io.Discard, resp.Body, tooMuchRest)
	next := &getHop{url: to, method: h.method, withBody: h.withBody, referer: h.referer}
	next.home = outbound.SameOrigin(f.first, to)
	keep := [...]bool{301: c.Keep301, 302: c.Keep302, 303: c.Keep303, 308: true}
	switch code := resp.StatusCode; {
	case code == 303 && h.method != http.MethodHead && !(keep[303] && h.method == http.MethodPost),
		(code == 301 || code == 302) && h.method == http.MethodPost && !keep[code]:
		next.method, next.withBody = http.MethodGet, false
	}
	if strings.HasSuffix(c.Referer, ";auto") {
		from := *h.url
		from.User = nil
		next.referer = from.String()
		if h.url.Scheme == "https" && to.Scheme == "http" {
			next.referer = ""
		}
	}
	return next, nil
}

// deliver writes the body where it belongs.
func (f *fetch) deliver(ctx context.Context, req *http.Request, resp *http.Response) error {
	c := f.conf
	failed := resp.StatusCode >= 400
	if failed && resp.StatusCode == http.StatusGatewayTimeout && c.Offline {
		if w, ok := client.From(resp); ok && w.Verdict != "hit" && w.Verdict != "stale" {
			return getFaultf(getNotCached, "the cache cannot answer, and --offline sends nothing: %s", w.Sentence)
		}
	}
	if transient(resp.StatusCode) && f.again {
		io.CopyN(io.Discard, resp.Body, tooMuchRest)
		return errTryAgain
	}
	pastEnd := resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && f.resume.from > 0
	if failed && c.Fail && !c.FailWithBody && !pastEnd {
		io.CopyN(io.Discard, resp.Body, tooMuchRest)
		return f.statusFault(resp)
	}
	if err := f.resumed(resp); errors.Is(err, errWhole) {
		return nil
	} else if err != nil {
		return err
	}
	if err := f.copyBody(ctx, req, resp); err != nil {
		return err
	}
	if failed && (c.FailWithBody || c.Fail) && !pastEnd {
		return f.statusFault(resp)
	}
	return nil
}

func (f *fetch) statusFault(resp *http.Response) error {
	return getFaultf(getHTTPError, "the answer is %s", getStatusText(resp))
}

// getStatusText is the status of an answer as people read it.
func getStatusText(resp *http.Response) string {
	text := strings.TrimSpace(resp.Status)
	if text == "" || text == fmt.Sprint(resp.StatusCode) {
		text = strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	}
	return text
}

// copyBody copies the body to the output.
func (f *fetch) copyBody(ctx context.Context, req *http.Request, resp *http.Response) error {
	c := f.conf
	if req.Method == http.MethodHead {
		return nil
	}
	if resp.StatusCode == http.StatusNotModified {
		return nil // what there is stays
	}
	if c.MaxSize > 0 && resp.ContentLength > c.MaxSize {
		return f.tooLarge()
	}
	about := f.partable(req, resp)
	f.inParts = about != nil
	if err := f.out.begin(f, resp); err != nil {
		return err
	}
	for _, why := range notCompared(req.Method, resp) {
		f.talk.note("%s", why)
	}
	digest := f.newDigest(resp)
	body := io.Reader(resp.Body)
	if c.Limit > 0 {
		body = &getPaced{ReadCloser: resp.Body, pace: newPace(ctx, c.Limit)}
	}
	meter := f.newMeter(resp)
	defer meter.end()
	var parts *getRanges
	if about != nil {
		parts = f.startParts(ctx, req, about, meter)
		defer parts.stop()
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := body.Read(buf)
		f.stats.got += int64(n)
		meter.add(n)
		if c.MaxSize > 0 && f.stats.got > c.MaxSize {
			return f.tooLarge()
		}
		if n > 0 {
			digest.add(buf[:n])
			if err := f.out.write(buf[:n]); err != nil {
				return err
			}
		}
		if parts.have(f.stats.got) {
			f.stats.got = resp.ContentLength
			break
		}
		if err == io.EOF {
			break
		}
		if wrong := wrongContent(err); wrong != nil {
			f.out.discard()
			return wrong
		}
		if err != nil {
			return f.readFault(resp, err)
		}
	}
	if err := digest.verify(f.out.part); err != nil {
		f.out.discard()
		if f.cache != nil {
			f.cache.Remove(f.stats.url.String())
		}
		return err
	}
	return f.out.done(f, resp)
}

func (f *fetch) tooLarge() error {
	return getFaultf(getTooLarge, "the body is longer than --max-filesize")
}

// readFault is the fault of a body that did not come to its end.
func (f *fetch) readFault(resp *http.Response, err error) error {
	if resp.Uncompressed && (errors.Is(err, client.ErrExpands) || strings.HasPrefix(err.Error(), "decode ")) {
		return &getFault{getBadCoding, err}
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	text := fmt.Sprintf("the body was cut off after %d bytes", f.stats.got)
	if resp.ContentLength >= 0 {
		text = fmt.Sprintf("the body was cut off after %d of %d bytes", f.stats.got, resp.ContentLength)
	}
	return &getFault{getPartial, &plainFault{text, err}}
}

// waitFor waits, for as long as ctx lasts.
func waitFor(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
