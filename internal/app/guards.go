package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"

	"freshet/httpd"
	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/signedurl"
)

// openSignedURL opens the guard that lets signed links pass.
func openSignedURL(file string, trusted []netip.Prefix, now func() int64, log *slog.Logger) (*guard.SignedURL, error) {
	return guard.OpenSignedURL(file, trusted, now, func(err error) {
		log.Error("keys of signed URLs cannot be read anew; those that there were go on", "err", err)
	})
}

// guarded returns an opener that puts in front of what another one opens the
// guards that a command line names.
func guarded(open opener, g *config.Guards, trusted []netip.Prefix) opener {
	if g.None() {
		return open
	}
	return func(w *within) (content, error) {
		var guards []guard.Guard
		var demand *demand
		if g.SignedURLs != "" {
			signed, err := openSignedURL(g.SignedURLs, trusted, w.now, w.log)
			if err != nil {
				return content{}, fmt.Errorf("--signed-urls: %w", err)
			}
			guards = append(guards, signed)
		}
		if g.Clients.Ask != "" {
			trust, err := openClientTrust(clientFiles{g.Clients.CA, g.Clients.CRL}, w.now, w.log)
			if err != nil {
				return content{}, err
			}
			guards, demand = append(guards, clientGuard(&g.Clients, trust)), demandFor(trust)
		}
		if g.Signatures.Keys != "" && g.Signatures.Keys != "off" {
			signed, err := w.signatures.open(&g.Signatures, w.now, w.log)
			if err != nil {
				return content{}, fmt.Errorf("--%w", err)
			}
			guards = append(guards, signed)
		}
		c, err := open(w)
		if err != nil {
			return content{}, err
		}
		c.handler, c.hot = guard.Handler(c.handler, guards...), guard.Hot(c.hot, guards...)
		c.explain = &guardedExplains{c.explain, guards}
		c.masks = func() bool { return g.SignedURLs != "" }
		c.demand = demand
		return c, nil
	}
}

// guardedExplains is what stands behind guards.
type guardedExplains struct {
	behind explains
	guards []guard.Guard
}

// Why implements explains.
func (g *guardedExplains) Why(r *http.Request) *why.Explanation {
	return whyGuarded(r, g.guards, g.behind.Why)
}

// Explain implements explains.
func (g *guardedExplains) Explain(rec *record.Record) *why.Explanation {
	if e := explainGuard(rec); e != nil {
		return e
	}
	return g.behind.Explain(rec)
}

// whyGuarded explains a request that guards see first.
func whyGuarded(r *http.Request, guards []guard.Guard, behind func(*http.Request) *why.Explanation) *why.Explanation {
	on, compared, refused := guard.Why(r, guards...)
	if refused != nil {
		if refused.Settings = accessSettings(refused.Rule); refused.Settings == nil {
			refused.Settings = guardSettings(refused.Rule)
		}
		return refused
	}
	e := behind(on)
	e.Compared = append(compared, e.Compared...)
	return e
}

// explainGuard explains a record of a request that a guard refused; nil for
// others.
func explainGuard(rec *record.Record) *why.Explanation {
	if rec.Rule.Group() != rule.Guard {
		return nil
	}
	e := &why.Explanation{Rule: rec.Rule, Settings: guardSettings(rec.Rule)}
	guard.Explain(e)
	if own := accessSettings(rec.Rule); own != nil {
		e.Settings = own
		explainAccess(e, rec)
		return e
	}
	if clientSettings(rec.Rule) != nil || signatureSettings(rec.Rule) != nil {
		return e
	}
	if rec.Rule == rule.SignedURLMethod {
		e.Compare("method", rec.Method, "", true)
		return e
	}
	e.Compare("address", rec.Target, "no record keeps what a link has more", false)
	return e
}

func guardSettings(id rule.ID) []why.Setting {
	if keys := clientSettings(id); keys != nil {
		return keys
	}
	if keys := signatureSettings(id); keys != nil {
		return keys
	}
	return []why.Setting{{Key: "signed-urls"}}
}

// masked is a sink that is told nothing that could be used: addresses without
// what signed links have more, also those that a request came from. masks says
// whether there are such links; what came to a route without a guard may have
// one, too.
type masked struct {
	next  httpd.Sink
	masks func() bool
}

// Record implements httpd.Sink.
func (m masked) Record(r *httpd.Record) {
	if m.masks() {
		r.Referer, r.Target = signedurl.Plain(r.Referer), signedurl.Plain(r.Target)
	}
	m.next.Record(r)
}

// masks reports whether addresses have to be masked: whether there is a route
// with guards, or was. Links are good for other servers after it is gone, and
// requests end after their route.
func (l *live) masks() bool { return l.guarded.Load() }
