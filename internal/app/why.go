package app

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"freshet/internal/config"
	"freshet/internal/journal"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
	"freshet/signedurl"
)

// explains is what can say why it answers as it does, and changes nothing by
// it.
type explains interface {
	// Why says how a request would be answered now.
	Why(*http.Request) *why.Explanation
	// Explain says why a request was answered as its record says; nil when it
	// knows nothing about it.
	Explain(*record.Record) *why.Explanation
}

// why explains how a request would be answered now. The request is a server's:
// with Host, and TLS for https.
func (s *service) why(r *http.Request) *why.Explanation {
	if s.content.filter == nil { // as before all that is served
		who.TakeOff(r)
	}
	e := s.content.explain.Why(r)
	e.Time, e.Method, e.URL = time.Now(), r.Method, addressOf(r).String()
	if masks := s.content.masks; masks != nil && masks() {
		e.URL = signedurl.Plain(e.URL) // explanations are sent to others
	}
	s.addCertificate(r, e)
	s.complete(e)
	return e
}

// named reports whether a request of the service may have that name.
func (s *service) named(id record.ID) bool {
	return s.engine.Named(id) || s.content.inside != nil && s.content.inside.Named(id)
}

// whyID explains the request of that name; nil when the journal has it no
// more. It waits for one that is about to be recorded.
func (s *service) whyID(ctx context.Context, id record.ID) *why.Explanation {
	n, ok := s.journal.Await(ctx, id)
	if !ok {
		return nil
	}
	return s.whyEntry(&n)
}

// whyEntry explains a request that was answered.
func (s *service) whyEntry(n *journal.Entry) *why.Explanation {
	rec, whole := &n.Record, targetIsWhole(n)
	var e *why.Explanation
	if whole || rec.Detail != nil {
		e = s.content.explain.Explain(rec)
	}
	if e == nil {
		e = explainRecord(rec)
	}
	e.ID, e.Time, e.Method = rec.ID.String(), time.Unix(0, rec.Start), rec.Method
	e.Status, e.Verdict, e.Rule = rec.Status, rec.Verdict, rec.Rule
	if e.URL = rec.URL(); !whole {
		e.URL += "…"
	}
	if d := rec.Detail; d != nil && d.Program != "" && !slices.ContainsFunc(e.Compared, func(c why.Comparison) bool { return c.What == "program" }) {
		e.Compared = append([]why.Comparison{{What: "program", Value: d.Program, Note: "it sent the request on to another path of the server"}}, e.Compared...)
	}
	e.Compared = append(e.Compared, measured(n)...)
	s.complete(e)
	return e
}

// targetIsWhole reports whether the journal kept all of host and target: the
// user agent is what it cuts first.
func targetIsWhole(n *journal.Entry) bool {
	const maxHost = 64
	return !n.Truncated || n.Agent != "" && len(n.Host) < maxHost || journal.TargetHash(n.Host, n.Target) == n.Key
}

// limits are the parameters that the engine's refusals are about.
var limits = map[rule.ID]string{
	rule.BareLF:             "lenient",
	rule.ObsFold:            "lenient",
	rule.TargetTooLong:      "max-target-bytes",
	rule.HeadTooLarge:       "max-head-bytes",
	rule.TooManyFields:      "max-fields",
	rule.BodyTooLarge:       "max-body-bytes",
	rule.HeadTimeout:        "head-timeout",
	rule.BodyTimeout:        "body-timeout",
	rule.BodyTooSlow:        "min-body-rate",
	rule.SendTimeout:        "send-timeout",
	rule.TooManyConnections: "max-connections",
	rule.TooManyPerClient:   "max-connections-per-client",
}

// complete adds what only the program knows: where settings come from, and
// what an address is relative to.
func (s *service) complete(e *why.Explanation) {
	if key := limits[e.Rule]; key != "" && !slices.ContainsFunc(e.Settings, func(w why.Setting) bool { return w.Key == key }) {
		e.Settings = append(e.Settings, why.Setting{Key: key})
	}
	if l := s.content.live; l != nil {
		placeSettings(e.Settings, l.run.File, l.inForce())
	} else {
		placeSettings(e.Settings, "", config.InForce(s.content.command, s.content.given))
	}
	base, err := url.Parse(e.URL)
	if err != nil {
		return
	}
	for i := range e.Fixes {
		f := &e.Fixes[i]
		if to, err := url.Parse(f.Value); f.Name == why.URL && err == nil {
			f.Value = base.ResolveReference(to).String()
		}
	}
}

// placeSettings says where settings come from, unless that is known: the first
// of the lists that was given one counts, else the first that has one.
func placeSettings(all []why.Setting, file string, inForce ...[]config.Parameter) {
	for i := range all {
		w := &all[i]
		if w.Place != "" {
			continue
		}
		w.Place = "default"
		if p := parameterOf(w.Key, inForce); p != nil {
			if p.Value != "" {
				w.Value = p.Value
			}
			switch {
			case p.Line > 0:
				w.Place = config.Place(file, p.Line)
			case p.From != "":
				w.Place = p.From
			}
		}
		if w.Value == "" {
			w.Value = "unset"
		}
	}
}

func parameterOf(key string, inForce [][]config.Parameter) *config.Parameter {
	var found *config.Parameter
	for _, list := range inForce {
		n := slices.IndexFunc(list, func(p config.Parameter) bool { return p.Key == key })
		if n >= 0 && (found == nil || list[n].Given) {
			if found = &list[n]; found.Given {
				break
			}
		}
	}
	return found
}

// addressOf returns the absolute address that a server's request is for.
func addressOf(r *http.Request) *url.URL {
	u := *r.URL
	u.Scheme, u.Host = "http", r.Host
	if r.TLS != nil {
		u.Scheme = "https"
	}
	return &u
}
