package app

import (
	"net/http"

	"freshet/cache"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// programExplains is a cache and the programs behind it.
type programExplains struct {
	cache  *cache.Handler
	runner explains
	door   *door
}

// Why implements explains. When a program would be asked and cannot answer,
// that is the first cause.
func (c *programExplains) Why(r *http.Request) *why.Explanation {
	switch r.Method {
	case http.MethodConnect:
		return c.runner.Why(r)
	case "PURGE":
		return whyPurge(r, c.door)
	}
	e := c.cache.Why(r)
	if !asksOrigin(e) {
		return e
	}
	p := c.runner.Why(r)
	for i := range e.Compared {
		e.Compared[i].Fails = e.Compared[i].Fails && p.Rule == rule.ScriptAnswered
	}
	if p.Rule == rule.ScriptAnswered {
		e.Compared = append(e.Compared, p.Compared...)
		e.Settings = append(e.Settings, p.Settings...)
		return e
	}
	p.Compared = append(e.Compared, p.Compared...)
	p.Settings = append(p.Settings, e.Settings...)
	return p
}

// Explain implements explains.
func (c *programExplains) Explain(rec *record.Record) *why.Explanation {
	switch {
	case rec.Rule == rule.PurgeUnauthorized:
		return explainPurge(rec.Rule)
	case rec.Rule.Group() == rule.Script && rec.Rule != rule.ScriptAnswered:
		e := c.runner.Explain(rec)
		if e != nil && rec.Detail != nil && rec.Detail.Key != "" {
			e.Compared = append([]why.Comparison{{What: "key", Value: rec.Detail.Key}}, e.Compared...)
		}
		return e
	}
	e := c.cache.Explain(rec)
	if e != nil && rec.Detail != nil && (rec.Detail.Program != "" || rec.Detail.Origin != "") {
		e.Compared = append(e.Compared, c.runner.Explain(rec).Compared...)
	}
	return e
}

// runnerExplains is who runs programs.
type runnerExplains struct{ runner }

// Explain implements explains. What was refused is compared anew: with how it
// is now.
func (x runnerExplains) Explain(rec *record.Record) *why.Explanation {
	e := x.runner.Explain(rec)
	r := requestOf(rec)
	if e == nil || r == nil || rec.Rule.Group() != rule.Script || rec.Rule == rule.ScriptAnswered {
		return e
	}
	if now := x.runner.Why(r); now.Rule == rec.Rule {
		e.Compared, e.Settings, e.Fixes = now.Compared, now.Settings, now.Fixes
	}
	return e
}

// mixedExplains are programs with files beside them.
type mixedExplains struct {
	*mixed
	cached explains // the programs, as a rule behind a cache
	runner explains
}

// Why implements explains.
func (m *mixedExplains) Why(r *http.Request) *why.Explanation {
	switch {
	case m.files.bare(r):
		return m.files.Why(r)
	case m.finder.Is(r.URL.EscapedPath()):
		return m.cached.Why(r)
	case m.others != nil:
		if e := m.runner.Why(r); e.Rule != rule.StaticFile { // which is for files to say
			return e
		}
	}
	return m.files.Why(r)
}

// Explain implements explains.
func (m *mixedExplains) Explain(rec *record.Record) *why.Explanation {
	if rec.Verdict == record.File {
		return m.files.Explain(rec)
	}
	return m.cached.Explain(rec)
}
