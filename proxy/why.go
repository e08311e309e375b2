package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why says what the proxy would do with a request now: which origin it would
// ask, and what is known of that. It asks nobody and takes no turn. The status
// is 0 when it is the origin's to choose.
func (h *Handler) Why(r *http.Request) *why.Explanation {
	x := &explaining{h, &why.Explanation{Verdict: record.Handled}}
	if id := h.refuses(r); id != 0 {
		x.refused(r, id)
		return x.Explanation
	}
	if n, ok := maxForwards(r); ok && n == 0 {
		x.Status, x.Rule = http.StatusOK, rule.ProxyFinalRecipient
		x.Compare("Max-Forwards", "0", "", true)
		x.Sentence = "The proxy itself would answer: " + rule.Of(x.Rule).Sentence + "."
		return x.Explanation
	}
	o := h.peek(r)
	x.origins(o)
	switch {
	case o == nil:
		x.noOrigin()
	case o.prefix != "" && leavesPrefix(r.URL):
		x.Compare("path", r.URL.EscapedPath(), "the origin is asked below "+o.prefix, true)
		x.refused(r, rule.ProxyLeavesPrefix)
	default:
		x.asked(o, h.hostFor(o, r))
	}
	return x.Explanation
}

// Explain says why a request was answered as its record says, when that was
// the proxy's doing.
func (h *Handler) Explain(rec *record.Record) *why.Explanation {
	x := &explaining{h, &why.Explanation{Verdict: rec.Verdict, Status: rec.Status, Rule: rec.Rule}}
	row := rule.Of(rec.Rule)
	d := rec.Detail
	switch {
	case d == nil || d.Origin == "":
		x.Sentence = "No origin was asked: " + row.Sentence + "."
	case rec.Rule == rule.ProxyAnswered:
		x.Sentence = fmt.Sprintf("The origin %s answered with %d.", d.Origin, d.OriginStatus)
		x.cacheOff()
	default:
		x.Sentence = fmt.Sprintf("The origin %s was asked: %s.", d.Origin, row.Sentence)
	}
	x.limit(rec.Rule)
	if d != nil {
		x.attempts(d)
		x.Fixes = append(x.Fixes, fixes(rec.Rule, d.Origin)...)
	}
	return x.Explanation
}

// explaining is an explanation that is being made.
type explaining struct {
	h *Handler
	*why.Explanation
}

func (x *explaining) setting(key, value string) {
	x.Settings = append(x.Settings, why.Setting{Key: key, Value: value})
}

// limit adds the parameters that a rule is about.
func (x *explaining) limit(id rule.ID) {
	o := &x.h.o
	switch id {
	case rule.ProxyLoop:
		x.setting("proxy-name", o.Name)
	case rule.ProxyConnectTimeout:
		x.setting("connect-timeout", o.ConnectTimeout.String())
	case rule.ProxyHeadTimeout:
		x.setting("origin-head-timeout", o.HeadTimeout.String())
	case rule.ProxyBodyTimeout:
		x.setting("origin-body-timeout", o.BodyTimeout.String())
	case rule.ProxyBusy:
		x.setting("max-origin-connections", strconv.Itoa(o.MaxConns))
	case rule.ProxyTLS:
		x.setting("origin-ca", "")
	case rule.ProxyNoOrigin:
		x.setting("max-fails", strconv.Itoa(o.MaxFails))
		x.setting("fail-timeout", o.FailTimeout.String())
	}
}

// refused is for a request that is not passed on.
func (x *explaining) refused(r *http.Request, id rule.ID) {
	row := rule.Of(id)
	x.Status, x.Rule, x.Verdict = row.Status, id, record.Refused
	x.Sentence = fmt.Sprintf("It would be refused with %d: %s.", row.Status, row.Sentence)
	switch id {
	case rule.ProxyLoop:
		for _, name := range []string{"Via", "Cdn-Loop"} {
			if v := r.Header[name]; len(v) > 0 {
				x.Compare(name, strings.Join(v, ", "), "this proxy is "+x.h.o.Name, true)
			}
		}
		x.limit(id)
	case rule.ProxyConnect:
		x.Compare("method", r.Method, "", true)
		x.Fixes = []why.Fix{{Who: why.Request, Do: "set", Name: why.Method, Value: http.MethodGet}}
	}
}

// asked says what the origin would be asked, and what it did the last time.
func (x *explaining) asked(o *origin, host string) {
	x.Rule = rule.ProxyAnswered
	x.Sentence = "The origin " + o.name + " would be asked."
	x.Compare("Host for the origin", host, "", false)
	x.setting("proxy", o.name)
	if e := o.failure.Load(); e != nil {
		row := rule.Of(e.Rule)
		x.Rule, x.Status = e.Rule, row.Status
		x.Sentence = "The origin " + o.name + " would be asked again; the last time " + row.Sentence + "."
		x.Fixes = fixes(e.Rule, o.name)
		x.limit(e.Rule)
		return
	}
	x.cacheOff()
}

// cacheOff is for an answer that no cache is to keep. Behind a cache nobody
// takes this advice: the cache has its own.
func (x *explaining) cacheOff() {
	x.Fixes = []why.Fix{{Who: why.Configuration, Do: "set", Name: "cache", Value: "on"}}
}

func (x *explaining) noOrigin() {
	x.Rule = rule.ProxyNoOrigin
	row := rule.Of(x.Rule)
	x.Status = row.Status
	x.Sentence = fmt.Sprintf("No origin would be asked, for about %s: %s.", roundUp(x.h.pause(x.h.o.Now())), row.Sentence)
	x.limit(x.Rule)
	for _, o := range x.h.origins {
		if e := o.failure.Load(); e != nil {
			x.Fixes = append(x.Fixes, fixes(e.Rule, o.name)...)
		}
	}
	x.Advice = "Once the cause is gone, the next request after the pause is answered."
}

func roundUp(d time.Duration) time.Duration {
	return (max(d, time.Second) + time.Second - 1).Truncate(time.Second)
}

// origins tells of each origin what is known; next is the one to be asked.
func (x *explaining) origins(next *origin) {
	now := x.h.o.Now()
	for i, s := range x.h.States() {
		o := x.h.origins[i]
		what := "origin"
		if o == next && len(x.h.origins) > 1 {
			what = "origin to be asked"
		}
		x.Compare(what, o.name, s.text(o, now), s.Circuit == Open || o == next && o.failure.Load() != nil)
	}
}

// text says how an origin is.
func (s *OriginState) text(o *origin, now time.Time) string {
	var parts []string
	switch {
	case s.Circuit == Open:
		parts = append(parts, "circuit open, tried again in "+roundUp(s.Until.Sub(now)).String())
	case s.Circuit == HalfOpen:
		parts = append(parts, "circuit half-open")
	}
	if s.Fails > 0 {
		parts = append(parts, why.Count(int64(s.Fails), "failure")+" in a row")
	}
	switch e := o.failure.Load(); {
	case e != nil && e.Err != nil:
		parts = append(parts, "the last time: "+e.Err.Error())
	case e != nil:
		parts = append(parts, "the last time: "+rule.Of(e.Rule).Sentence)
	case o.status.Load() != 0:
		parts = append(parts, "answered last with "+strconv.FormatInt(o.status.Load(), 10))
	}
	parts = append(parts, why.Count(int64(s.Requests), "request")+" so far")
	if s.Active > 0 {
		parts = append(parts, strconv.FormatInt(s.Active, 10)+" under way")
	}
	return strings.Join(parts, ", ")
}

// attempts tells what was done for a request.
func (x *explaining) attempts(d *record.Detail) {
	if d.Origin == "" {
		return
	}
	answer := "no answer"
	if d.OriginStatus != 0 {
		answer = "answered " + strconv.Itoa(d.OriginStatus)
	}
	x.Compare("origin", d.Origin, answer, d.OriginStatus == 0)
	if d.Tries > 1 {
		x.Compare("origins asked", strconv.Itoa(d.Tries), "the last one is above", false)
	}
	connect := "a connection was at hand"
	switch x.Rule {
	case rule.ProxyUnreachable, rule.ProxyRefused, rule.ProxyConnectTimeout, rule.ProxyTLS, rule.ProxyBusy:
		connect = "no connection came about"
	}
	if d.Connect > 0 {
		connect = "after " + why.Duration(d.Connect) + " for connecting"
	}
	x.Compare("waited for it", why.Duration(d.Wait), connect, false)
	if d.Error != "" {
		x.Compare("error", d.Error, "", true)
	}
}
