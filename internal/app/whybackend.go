package app

import (
	"net/http"

	"freshet/cache"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/proxy"
	"freshet/static"
)

// folderExplains is a folder.
type folderExplains struct{ *static.Handler }

// Explain implements explains.
func (f folderExplains) Explain(rec *record.Record) *why.Explanation {
	r := requestOf(rec)
	if r == nil || rec.Verdict != record.File {
		return nil
	}
	return f.Handler.Explain(rec, r)
}

// cachedExplains is a cache and the origins behind it.
type cachedExplains struct {
	cache   *cache.Handler
	origins *proxy.Handler
	door    *door
}

func newCachedExplains(h *cache.Handler, origins *proxy.Handler, d *door) explains {
	return &cachedExplains{h, origins, d}
}

// Why implements explains. When the origin would be asked and cannot answer,
// that is the first cause.
func (c *cachedExplains) Why(r *http.Request) *why.Explanation {
	switch {
	case r.Method == http.MethodConnect, c.origins.Loops(r):
		return c.origins.Why(r)
	case r.Method == "PURGE":
		return whyPurge(r, c.door)
	}
	e := c.cache.Why(r)
	if !asksOrigin(e) {
		return e
	}
	p := c.origins.Why(r)
	none := p.Rule == rule.ProxyNoOrigin
	if none {
		if u := c.cache.WhyUnreachable(r); !asksOrigin(u) {
			u.Compared = append(u.Compared, p.Compared...)
			u.Settings = append(u.Settings, p.Settings...)
			return u
		}
	}
	if p.Rule == rule.ProxyAnswered || e.Verdict == record.Revalidated && !none {
		e.Compared = append(e.Compared, p.Compared...)
		return e
	}
	p.Compared = append(e.Compared, p.Compared...)
	p.Settings = append(p.Settings, e.Settings...)
	if p.Verdict != record.Refused {
		p.Verdict = e.Verdict
	}
	return p
}

// asksOrigin reports whether the origin has a part in an answer.
func asksOrigin(e *why.Explanation) bool {
	switch e.Verdict {
	case record.Miss, record.Bypass, record.Revalidated:
		return e.Rule != rule.CacheOnlyIfCached
	}
	return false
}

// Explain implements explains.
func (c *cachedExplains) Explain(rec *record.Record) *why.Explanation {
	if rec.Rule.Group() == rule.Proxy && rec.Rule != rule.ProxyAnswered {
		e := c.origins.Explain(rec)
		if rec.Detail != nil && rec.Detail.Key != "" {
			e.Compared = append([]why.Comparison{{What: "key", Value: rec.Detail.Key}}, e.Compared...)
		}
		return e
	}
	if rec.Rule == rule.PurgeUnauthorized {
		return explainPurge(rec.Rule)
	}
	e := c.cache.Explain(rec)
	if e != nil && rec.Detail != nil && rec.Detail.Origin != "" {
		e.Compared = append(e.Compared, c.origins.Explain(rec).Compared...)
	}
	return e
}

// whyPurge explains a PURGE request.
func whyPurge(r *http.Request, d *door) *why.Explanation {
	if d.authorized(r) {
		return explainPurge(rule.PurgeDone)
	}
	e := explainPurge(rule.PurgeUnauthorized)
	e.Compared = []why.Comparison{{What: "Authorization", Value: "not the token of the server", Fails: true}}
	return e
}

func explainPurge(id rule.ID) *why.Explanation {
	row := rule.Of(id)
	e := &why.Explanation{Status: row.Status, Rule: id, Sentence: "The request is a purge: " + row.Sentence + "."}
	if row.Status != http.StatusOK {
		e.Verdict = record.Refused
	}
	return e
}
