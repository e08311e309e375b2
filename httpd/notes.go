package httpd

import (
	"net/http"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wrapped"
)

// notes are what handlers tell about a request, for its record. The engine's
// writers have them; wrappers that have Unwrap need do nothing.
type notes struct {
	why     rule.ID
	verdict record.Verdict
	place   uint16
	user    string
	detail  *record.Detail
}

// SetRule records why the answer is what it is; see the function SetRule.
func (n *notes) SetRule(id rule.ID) { n.why = id }

// SetVerdict records what the request came to; see the function SetVerdict.
func (n *notes) SetVerdict(v record.Verdict) { n.verdict = v }

// SetPlace records which route answered; see the function SetPlace.
func (n *notes) SetPlace(place uint16) { n.place = place }

// SetUser records who sent the request; see the function SetUser.
func (n *notes) SetUser(name string) { n.user = name }

// Detail returns what is told about the request; see DetailOf.
func (n *notes) Detail() *record.Detail {
	if n.detail == nil {
		n.detail = new(record.Detail)
	}
	return n.detail
}

// fill puts the notes into a record.
func (n *notes) fill(r *Record) {
	r.Rule, r.Verdict, r.Place, r.Detail = n.why, n.verdict, n.place, n.detail
	if n.user != "" {
		r.User = n.user
	}
}

// SetRule records, for the access record, which rule decided the answer. It
// finds the engine's writer through wrappers that have Unwrap.
func SetRule(w http.ResponseWriter, id RuleID) {
	if n, ok := wrapped.Find[interface{ SetRule(rule.ID) }](w); ok {
		n.SetRule(id)
	}
}

// SetVerdict records, for counters, what the request came to. It finds the
// engine's writer as SetRule does.
func SetVerdict(w http.ResponseWriter, v Verdict) {
	if n, ok := wrapped.Find[interface{ SetVerdict(record.Verdict) }](w); ok {
		n.SetVerdict(v)
	}
}

// SetPlace records which of a server's routes answers; the numbers are the
// caller's own. It finds the engine's writer as SetRule does.
func SetPlace(w http.ResponseWriter, place uint16) {
	if n, ok := wrapped.Find[interface{ SetPlace(uint16) }](w); ok {
		n.SetPlace(place)
	}
}

// SetUser records who has been found to have sent the request. Else the record has
// the name that the client itself claims, in Basic credentials. It finds the
// engine's writer as SetRule does.
func SetUser(w http.ResponseWriter, name string) {
	if n, ok := wrapped.Find[interface{ SetUser(string) }](w); ok {
		n.SetUser(name)
	}
}

// DetailOf returns where handlers tell what they know about the request that w
// answers, to be filled in until the handler returns. It is nil when w is not
// the engine's. It finds the engine's writer as SetRule does.
func DetailOf(w http.ResponseWriter) *Detail {
	if n, ok := wrapped.Find[interface{ Detail() *record.Detail }](w); ok {
		return n.Detail()
	}
	return nil
}
