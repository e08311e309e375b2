package cache

import (
	"context"
	"net/http"
	"net/url"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// An inquiry is a GET or HEAD request and what the cache knows about it.
type inquiry struct {
	r    *http.Request
	src  source
	to   target
	key  string
	ask  freshness.Request
	dir  freshness.Directives
	now  int64
	cond conditional.Request

	res      *resource        // what is stored for the key
	object   *object          // what of that the request selects; nil: nothing
	vary     *freshness.Vary  // of an answer that came for another request; nil: none was seen
	why      forward          // why the origin is asked
	reason   rule.ID          // and by which rule: why it is no hit
	gaps     int              // how many were fetched for it
	first    bool             // the answer is that to this very request
	age      []string         // then: the Age that it came with
	stripped freshness.Fields // and what of it is not stored

	account
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.serveOther(w, r)
		return
	}
	q := h.inquire(r, use)
	defer h.report(w, q)
	if id := h.bypass(r); id != 0 {
		q.why, q.reason, q.verdict = fwdBypass, id, record.Bypass
		h.fetch(w, q, nil)
		return
	}
	for attempt := 0; ; attempt++ {
		if h.lookUp(q) && h.serveStored(w, q) {
			return
		}
		if q.dir.OnlyIfCached {
			h.onlyIfCached(w, q)
			return
		}
		if !h.shares(q) || attempt == maxAttempts {
			h.fetch(w, q, nil)
			return
		}
		f, lead := h.store.join(h.flightKey(q), q.key)
		if lead {
			if !h.serveLanded(w, q, f) {
				h.fetch(w, q, f)
			}
			return
		}
		if h.serveFlight(w, q, f) {
			return
		}
	}
}

// serveLanded answers with what was stored a moment ago, between the look-up
// and the flight, which then ends: also when the answer breaks off.
func (h *Handler) serveLanded(w http.ResponseWriter, q *inquiry, f *flight) (served bool) {
	served = true
	defer func() {
		if served {
			h.store.leave(f)
		}
	}()
	served = h.lookUp(q) && h.serveStored(w, q)
	return served
}

// maxAttempts is how often a request joins a flight that turns out not to be
// for it, or to take too long.
const maxAttempts = 4

func (h *Handler) inquire(r *http.Request, look looks) *inquiry {
	q := &inquiry{r: r, now: h.opt.Now()}
	q.verdict = record.Miss
	q.src.header = r.Header
	q.to = targetOf(r.TLS != nil, r.Host, r.URL)
	q.key = h.keyOf(&q.to, &q.src, look)
	q.ask = freshness.Request{Method: r.Method, URL: urlOf(&q.to), Fields: r.Header}
	q.dir = freshness.ParseDirectives(r.Header["Cache-Control"], r.Header["Pragma"])
	q.cond = conditional.FromLines(r.Method, r.Header.Values)
	return q
}

func targetOf(tls bool, host string, u *url.URL) target {
	return target{tls: tls, host: host, path: u.EscapedPath(), query: u.RawQuery, hasQuery: u.RawQuery != "" || u.ForceQuery}
}

// urlOf returns the effective request URI as it was sent.
func urlOf(t *target) string {
	var buf [256]byte
	b := append(buf[:0], "http"...)
	if t.tls {
		b = append(b, 's')
	}
	b = append(append(append(b, "://"...), t.host...), t.path...)
	if t.hasQuery {
		b = append(append(b, '?'), t.query...)
	}
	return string(b)
}

// keyOf returns the key under which a request's answer is kept.
func (h *Handler) keyOf(t *target, s *source, look looks) string {
	var buf [256]byte
	if k := h.ignoring(buf[:0], t, look); k != nil {
		return string(k)
	}
	return string(h.opt.Key.appendKey(buf[:0], t, s))
}

// bypass says why a request goes past the cache whatever is stored.
func (h *Handler) bypass(r *http.Request) rule.ID {
	switch {
	case r.ContentLength != 0:
		return rule.CacheRequestBody
	case len(r.Header["Upgrade"]) > 0:
		return rule.CacheUpgrade
	case len(r.Header["If-Match"]) > 0, len(r.Header["If-Unmodified-Since"]) > 0:
		return rule.CacheOriginJudges
	}
	return h.opt.Profile.bypasses(r.Header)
}

// lookUp finds what is stored for the request, and reports whether there is
// something that it selects.
func (h *Handler) lookUp(q *inquiry) bool {
	h.look(q, h.store.find(q.key))
	if q.object != nil || q.reason != rule.CachePurged && q.reason != rule.CacheGroupInvalidated {
		return q.object != nil
	}
	if o := q.res.match(&q.src); o != nil && h.store.gone(o, q.key) {
		what := fatePurged
		if q.reason == rule.CacheGroupInvalidated {
			what = fateGrouped
		}
		h.store.fates.note(h.store.fates.hash(q.key), what, q.now)
		h.store.drop(q.key, o)
	}
	return false
}

// look chooses from what is stored for the request, and says why there is
// nothing.
func (h *Handler) look(q *inquiry, res *resource) {
	q.res, q.object = res, res.match(&q.src)
	q.why, q.reason = fwdURIMiss, 0
	switch {
	case q.object == nil && res != nil && len(res.objects) > 0:
		q.why, q.reason = fwdVaryMiss, h.lostVariant(q)
	case q.object == nil:
		q.reason = rule.CacheURIMiss
		if id, _ := h.store.fates.of(h.store.fates.hash(q.key)); id != 0 {
			q.reason = id
		}
	case h.store.gone(q.object, q.key):
		q.reason = h.store.goneBy(q.object)
		q.object = nil
	}
}

// lostVariant says why there is no variant for the request among those that
// are stored.
func (h *Handler) lostVariant(q *inquiry) rule.ID {
	f := &h.store.fates
	selecting := string(q.src.appendSelecting(q.src.buf[:0], &q.res.objects[0].vary))
	if id, _ := f.of(f.hashVariant(q.key, selecting)); id != 0 {
		return id
	}
	return rule.CacheVaryMiss
}

// serveStored answers with what is stored, if it may be used.
func (h *Handler) serveStored(w http.ResponseWriter, q *inquiry) bool {
	o := q.object
	reuse := h.consider(q)
	if reuse.Verdict == freshness.Validate {
		return false
	}
	if !h.readable(o, q) {
		h.store.drop(q.key, o)
		h.store.fates.note(h.store.fates.hash(q.key), fateUnreadable, q.now)
		q.object, q.why, q.reason = nil, fwdURIMiss, rule.CacheUnreadable
		return false
	}
	if reuse.Verdict == freshness.UseAndRevalidate {
		h.revalidate(q)
	}
	q.verdict = verdictOf(reuse.Verdict)
	q.res.tally.hits.Add(1)
	h.answer(w, q, o, reuse.Rule, h.statusHit(o, q.now))
	return true
}

// consider decides whether the object answers the request without the origin,
// as far as that is known before its body is read; if not, q says why.
func (h *Handler) consider(q *inquiry) freshness.Reuse {
	o := q.object
	reuse := h.reuse(o, &q.dir, q.now)
	switch {
	case reuse.Verdict == freshness.Validate:
		q.why, q.reason, q.unfit = fwdStale, reuse.Rule, o
		if o.terms.TTL(q.now) > 0 && !o.terms.NoCache && !h.store.outdated(o) {
			q.why = fwdRequest
		}
	case !h.covers(o, q):
		reuse = freshness.Reuse{Verdict: freshness.Validate, Rule: rule.CachePartialMiss}
		q.why, q.reason = fwdPartial, reuse.Rule
	}
	return reuse
}

// verdictOf is what a use of a stored answer comes to.
func verdictOf(v freshness.Verdict) record.Verdict {
	if v == freshness.Use {
		return record.Hit
	}
	return record.Stale
}

// readable reports whether a body on disk can be read, as far as that can be
// known before the answer begins: it may have been removed a moment ago.
func (h *Handler) readable(o *object, q *inquiry) bool {
	return o.body.disk == nil || q.r.Method != http.MethodGet || o.body.disk.usable(h.firstRange(o, q))
}

// reuse decides by freshness, and by the purges of everything.
func (h *Handler) reuse(o *object, d *freshness.Directives, now int64) freshness.Reuse {
	if h.store.outdated(o) {
		return freshness.Reuse{Verdict: freshness.Validate, Rule: rule.CacheSoftPurged}
	}
	if o.must != 0 {
		return freshness.Reuse{Verdict: freshness.Validate, Rule: o.must}
	}
	return h.policy.Reuse(&o.terms, d, now)
}

// onFailure reports whether what is stored answers the request when the origin
// failed, and by which rule: freshness decides that, too, but what a purge of
// everything has made stale has been stale from now on.
func (h *Handler) onFailure(q *inquiry, how freshness.Failure) (why rule.ID, ok bool) {
	o := q.object
	if o == nil || !h.covers(o, q) {
		return 0, false
	}
	t := &o.terms
	if h.store.outdated(o) && t.TTL(q.now) > 0 {
		stale := *t
		stale.Lifetime = t.Age(q.now)
		t = &stale
	}
	reuse := h.policy.OnFailure(t, &q.dir, how, q.now)
	if ok = reuse.Verdict != freshness.Validate; !ok {
		q.unhelpful = reuse.Rule
	}
	return reuse.Rule, ok
}

// shares reports whether the request may wait for another's answer and others
// for its own.
func (h *Handler) shares(q *inquiry) bool {
	if q.r.Method != http.MethodGet || q.dir.NoStore || q.cond.Range != "" && (q.object == nil || !q.object.body.whole()) {
		return false
	}
	if q.res != nil && q.now < q.res.passUntil {
		q.reason = rule.CacheHitForMiss
		return false
	}
	return true
}

// flightKey tells the variants of a key apart, as far as they are known.
func (h *Handler) flightKey(q *inquiry) string {
	vary := q.vary
	if vary == nil && q.res != nil && len(q.res.objects) > 0 {
		vary = &q.res.objects[0].vary
	}
	if vary == nil || len(vary.Names) == 0 {
		return q.key
	}
	return q.key + "\n" + string(q.src.appendSelecting(q.src.buf[:0], vary))
}

// serveFlight waits for another's answer and answers with it, if it is for
// this request too.
func (h *Handler) serveFlight(w http.ResponseWriter, q *inquiry, f *flight) bool {
	ctx := q.r.Context()
	l := f.wait(ctx, h.opt.Lease)
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	switch {
	case l.stage == asked:
		q.now = h.opt.Now()
		if f, lead := h.store.renew(f); lead {
			if !h.serveLanded(w, q, f) {
				q.reason = rule.CacheLease
				h.fetch(w, q, f)
			}
			return true
		}
		return false
	case l.stage == passed:
		q.reason = rule.CacheHitForMiss
		h.fetch(w, q, nil)
		return true
	case l.stage == failed:
		q.collapsed = true
		if why, ok := h.onFailure(q, freshness.Unreachable); ok {
			q.verdict = record.Stale
			h.answer(w, q, q.object, why, h.statusForward(q, 0, false, true))
			return true
		}
		h.tell(w, q, rule.CacheOriginFailed)
		h.setStatus(w.Header(), nil, h.statusForward(q, l.failure, false, true))
		httpd.Error(w, q.r, l.failure, rule.Of(rule.CacheOriginFailed).Explain())
		return true
	case l.stage == abandoned:
		return false
	case !l.object.matches(&q.src):
		q.vary = &l.object.vary
		return false
	}
	q.now = max(q.now, l.object.terms.Received)
	status := h.statusForward(q, l.object.status, true, true)
	if l.body == nil {
		if !h.covers(l.object, q) || !h.readable(l.object, q) {
			return false
		}
		q.collapsed = true
		h.answer(w, q, l.object, rule.CacheCollapsed, status)
		return true
	}
	src := l.body.reader(0)
	if src == nil { // it has all come, and is found in the store in a moment
		l.body.await(ctx)
		return false
	}
	q.collapsed = h.answerGrowing(w, q, l.object, rule.CacheCollapsed, src, status)
	return q.collapsed
}

// onlyIfCached answers 504: nothing that is stored may be used.
func (h *Handler) onlyIfCached(w http.ResponseWriter, q *inquiry) {
	q.verdict = record.Refused
	h.tell(w, q, rule.CacheOnlyIfCached)
	h.setStatus(w.Header(), nil, h.statusForward(q, 0, false, false))
	httpd.Error(w, q.r, http.StatusGatewayTimeout, rule.Of(rule.CacheOnlyIfCached).Explain())
}

// revalidate validates an object in the background, unless that is done
// already or too many others are.
func (h *Handler) revalidate(q *inquiry) {
	select {
	case h.background <- struct{}{}:
	default:
		return
	}
	f, lead := h.store.join(h.flightKey(q), q.key)
	if !lead {
		<-h.background
		return
	}
	own := *q
	own.r = q.r.Clone(context.WithoutCancel(q.r.Context()))
	for _, name := range [...]string{"Cache-Control", "Pragma"} {
		delete(own.r.Header, name) // what the client wants, it has got
	}
	own.src = source{header: own.r.Header}
	own.ask.Fields = own.r.Header
	own.dir = freshness.NoDirectives()
	own.cond = conditional.Request{Method: q.r.Method}
	own.why = fwdStale
	h.store.background.Add(1)
	go func() {
		defer func() {
			h.store.background.Add(-1)
			<-h.background
		}()
		h.fetch(nil, &own, f)
	}()
}
