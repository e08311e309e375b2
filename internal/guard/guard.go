// Package guard stands in front of what a route has, its cache included, and
// decides about each request whether it may go on. What is stored is for whoever
// passes.
//
//	g, err := guard.OpenSignedURL("links.keys", trusted, nil, log)
//	handler, hot = guard.Handler(handler, g), guard.Hot(hot, g)
//
// A [Guard] sees the request as handlers do. One that needs the bytes of the head
// alone is a [HotGuard], too, so that prebuilt answers stay prebuilt behind it;
// both forms decide alike, by one function. What proved that a request may pass is taken
// off it: neither the cache's key, nor who answers, nor an explanation sees it.
// Guards that are asked one after the other each see what the one before let on.
//
// A refusal has a rule of its own, says no-store, and is never made on the hot
// path. The package knows no configuration, and no handler that it stands before.
package guard

import (
	"net/http"

	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
)

// A Guard decides who may pass. It is used by many goroutines at once.
type Guard interface {
	// Check returns the request that goes on, which may be another than r, or else
	// the rule that refuses it. What has to be told with a refusal besides, such as
	// WWW-Authenticate, it puts into the fields of the answer.
	Check(fields http.Header, r *http.Request) (*http.Request, rule.ID)

	// Why says what Check would do, and on what grounds, and changes nothing by it:
	// the request that would go on, nil for none, and what was compared. The
	// explanation of a refusal has its Rule; all but that is filled in by others.
	Why(r *http.Request) (*http.Request, *why.Explanation)
}

// An Answerer is a Guard that answers what may not pass itself: what it returns
// goes on, and nil means that it has answered. What decides is asked each time, also
// about what a local redirect of a program makes of a request that has passed.
type Answerer interface {
	Guard
	Answer(w http.ResponseWriter, r *http.Request) *http.Request
}

// A HotGuard is a Guard that needs the head of a request and nothing else, and
// never waits.
type HotGuard interface {
	Guard

	// CheckHot reports whether the request may pass, and makes of q what goes on.
	// When it may not, the other path says so. It allocates nothing.
	CheckHot(q *httpd.Head, a *httpd.Answer) bool
}

// Handler returns a handler with guards before it, the first one outermost.
func Handler(next http.Handler, guards ...Guard) http.Handler {
	if len(guards) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed := passedBy(r)
		for _, g := range guards {
			if a, is := g.(Answerer); is {
				if r = a.Answer(w, r); r == nil {
					return
				}
				continue
			}
			if has(passed, g) {
				continue
			}
			on, refused := g.Check(w.Header(), r)
			if refused != 0 {
				refuse(w, r, refused)
				return
			}
			if on.Body != nil && on.Body != r.Body {
				defer on.Body.Close() // a guard has read what came, and has this in its place
			}
			r = on
		}
		if by := who.Of(r); by != nil && by.Name != "" {
			httpd.SetUser(w, by.Name)
		}
		next.ServeHTTP(w, withPassed(r, passed, guards))
	})
}

// refuse answers a request that may not pass. No cache may keep that: the next
// one may.
func refuse(w http.ResponseWriter, r *http.Request, id rule.ID) {
	row := rule.Of(id)
	w.Header().Set("Cache-Control", "no-store")
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	httpd.Error(w, r, row.Status, row.Explain())
}

// Hot returns a hot handler with guards before it; nil when one of them, or the
// handler, is not hot.
func Hot(next httpd.HotHandler, guards ...Guard) httpd.HotHandler {
	if next == nil || len(guards) == 0 {
		return next
	}
	h := &hot{next: next}
	for _, g := range guards {
		quick, ok := g.(HotGuard)
		if !ok {
			return nil
		}
		h.guards = append(h.guards, quick)
	}
	return h
}

type hot struct {
	guards []HotGuard
	next   httpd.HotHandler
}

// ServeHot implements httpd.HotHandler. The head is the engine's, who needs it
// as it came: for the record, and for the other path.
func (h *hot) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	target, path, query, hasQuery := q.Target, q.Path, q.Query, q.HasQuery
	answered := h.serve(q, a)
	q.Target, q.Path, q.Query, q.HasQuery = target, path, query, hasQuery
	return answered
}

func (h *hot) serve(q *httpd.Head, a *httpd.Answer) bool {
	for _, g := range h.guards {
		if !g.CheckHot(q, a) {
			return false
		}
	}
	return h.next.ServeHot(q, a)
}

// Why says what becomes of a request: the one that goes on, and what the guards
// have compared; nil and an explanation when one refuses it.
func Why(r *http.Request, guards ...Guard) (*http.Request, []why.Comparison, *why.Explanation) {
	var compared []why.Comparison
	for _, g := range guards {
		on, e := g.Why(r)
		compared = append(compared, e.Compared...)
		if on == nil {
			Explain(e)
			e.Compared = compared
			return nil, nil, e
		}
		r = on
	}
	return r, compared, nil
}

// Explain fills in what the rule of a refusal says.
func Explain(e *why.Explanation) {
	row := rule.Of(e.Rule)
	e.Status, e.Verdict = row.Status, record.Refused
	e.Sentence = "It is refused before anything is looked up: " + row.Sentence + "."
	if e.Rule == rule.SignedURLMethod {
		e.Fixes = []why.Fix{{Who: why.Request, Do: "set", Name: why.Method, Value: http.MethodGet}}
	}
}
