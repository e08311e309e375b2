package app

import (
	"errors"
	"net/http"

	"freshet/fastcgi"
	"freshet/internal/config"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// authorizer is asked whether requests may pass to what a route has.
type authorizer struct {
	*fastcgi.Authorizer
	address string
	next    explains

	programs bool // the route itself runs programs
}

// askFirst puts an authorizer before the backend. Nothing is hot then: what is
// prebuilt would pass without being asked for.
func (b *backend) askFirst(r *config.Route, w *within) error {
	h, err := fastcgi.NewAuthorizer(fastcgi.Options{Address: r.Authorizer, ErrorLog: w.log}, b.handler)
	if err != nil {
		return err
	}
	a := &authorizer{h, r.Authorizer, b.explain, b.programs != nil}
	inner := b.close
	b.asked, b.handler, b.hot, b.explain = a, a, nil, a
	b.close = func() error {
		err := a.Close()
		if inner != nil {
			err = errors.Join(err, inner())
		}
		return err
	}
	return nil
}

// Is implements runner: it is asked for all paths.
func (a *authorizer) Is(string) bool { return true }

// Why implements explains.
func (a *authorizer) Why(r *http.Request) *why.Explanation {
	e := a.next.Why(r)
	a.tell(e, "it is asked first; what it says is not known here", false)
	return e
}

// Explain implements explains.
func (a *authorizer) Explain(rec *record.Record) *why.Explanation {
	if !a.decided(rec) {
		e := a.next.Explain(rec)
		if e != nil {
			a.tell(e, "it let the request pass", false)
		}
		return e
	}
	row := rule.Of(rec.Rule)
	e := &why.Explanation{Sentence: "The authorizer was asked first: " + row.Sentence + "."}
	a.tell(e, row.Sentence, true)
	if d := rec.Detail; d != nil && d.Error != "" {
		e.Compared = append(e.Compared, why.Comparison{What: "error", Value: d.Error, Fails: true})
	}
	return e
}

// decided reports whether it was the authorizer that answered. A route with
// programs has the same rules: then its address tells.
func (a *authorizer) decided(rec *record.Record) bool {
	switch {
	case rec.Rule == rule.FastcgiDenied:
		return true
	case rec.Rule.Group() != rule.Script || rec.Rule == rule.ScriptAnswered:
		return false
	case !a.programs:
		return true
	}
	return rec.Detail != nil && rec.Detail.Origin == a.address
}

// tell adds the authorizer to what was compared.
func (a *authorizer) tell(e *why.Explanation, note string, fails bool) {
	e.Compared = append([]why.Comparison{{What: "authorizer", Value: a.address, Note: note, Fails: fails}}, e.Compared...)
	e.Settings = append(e.Settings, why.Setting{Key: "authorizer", Value: a.address})
}
