package cache

import (
	"net/http"
	"net/url"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/who"
)

func (h *Handler) inquire(r *http.Request, look looks) *inquiry {
	asked := r.Header
	r = withoutNamed(r)
	q := &inquiry{r: r, now: h.opt.Now()}
	q.verdict = record.Miss
	q.src.header = r.Header
	q.to = targetOf(r.TLS != nil, r.Host, r.URL)
	q.key = h.keyOf(&q.to, &q.src, look)
	q.ask = freshness.Request{Method: r.Method, URL: urlOf(&q.to, q.key), Fields: r.Header, Authorized: who.Of(r) != nil}
	q.dir = freshness.ParseDirectives(asked["Cache-Control"], asked["Pragma"])
	q.cond = conditional.FromLines(r.Method, func(name string) []string { return r.Header[name] })
	return q
}

func targetOf(tls bool, host string, u *url.URL) target {
	return target{tls: tls, host: host, path: u.EscapedPath(), query: u.RawQuery, hasQuery: u.RawQuery != "" || u.ForceQuery}
}

// urlOf returns the effective request URI as it was sent; key when that is the
// same.
func urlOf(t *target, key string) string {
	var buf [256]byte
	b := append(buf[:0], "http"...)
	if t.tls {
		b = append(b, 's')
	}
	b = append(append(append(b, "://"...), t.host...), t.path...)
	if t.hasQuery {
		b = append(append(b, '?'), t.query...)
	}
	if string(b) == key {
		return key
	}
	return string(b)
}

// keyOf returns the key under which a request's answer is kept.
func (h *Handler) keyOf(t *target, s *source, look looks) string {
	if h.store.ignoring.Load() {
		if k := h.ignoring(nil, t, look); k != nil {
			return string(k)
		}
	}
	var buf [256]byte
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
	if o := q.res.match(&q.src); o != nil {
		if by := h.store.goneTo(o, q.key); by != nil {
			h.store.lostTo(by, q.key)
			h.store.drop(q.key, o)
		}
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
	default:
		if by := h.store.goneTo(q.object, q.key); by != nil {
			q.reason, q.object = by.goneBy(), nil
		}
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

// consider decides whether the object answers the request without the origin,
// as far as that is known before its body is read; if not, q says why.
func (h *Handler) consider(q *inquiry) freshness.Reuse {
	o := q.object
	outdated := h.store.outdated(o, q.key)
	reuse := freshness.Reuse{Verdict: freshness.Validate, Rule: outdated}
	if outdated != rule.CacheSoftPurged {
		if own := h.reuse(o, &q.dir, q.now); outdated == 0 || own.Verdict == freshness.Validate {
			reuse = own // a hold is the cause only where there is no other
		}
	}
	switch {
	case reuse.Verdict == freshness.Validate:
		q.why, q.reason, q.unfit = fwdStale, reuse.Rule, o
		if o.terms.TTL(q.now) > 0 && !o.terms.NoCache && outdated == 0 {
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

// readable is nil when a body on disk can be read, as far as that can be known
// before the answer begins: it may have been removed a moment ago.
func (h *Handler) readable(o *object, q *inquiry) error {
	if o.body.disk == nil || q.r.Method != http.MethodGet {
		return nil
	}
	return q.hold(o.body.disk, h.firstRange(o, q))
}

// reuse decides by freshness, for an object that was not purged.
func (h *Handler) reuse(o *object, d *freshness.Directives, now int64) freshness.Reuse {
	if o.must != 0 {
		return freshness.Reuse{Verdict: freshness.Validate, Rule: o.must}
	}
	return h.policy.Reuse(&o.terms, d, now)
}

// onFailure reports whether what is stored answers the request when the origin
// failed, and by which rule: freshness decides that, too, but what a purge has
// made stale has been stale from now on.
func (h *Handler) onFailure(q *inquiry, how freshness.Failure) (why rule.ID, ok bool) {
	o := q.object
	if o == nil || !h.covers(o, q) {
		return 0, false
	}
	t := &o.terms
	if h.store.outdated(o, q.key) != 0 && t.TTL(q.now) > 0 {
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
