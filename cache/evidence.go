package cache

import (
	"strconv"
	"strings"

	"freshet/freshness"
	"freshet/internal/rule"
)

// side is whose field lines decided.
type side uint8

const (
	ofAnswer  side = 1 + iota // the origin's answer, or what is stored of it
	ofRequest                 // the request
)

// evidences says which field lines are the evidence for a rule: the first of
// the fields that is there.
var evidences = map[rule.ID]struct {
	side   side
	fields []string
}{
	rule.NotStoredNoStore:       {ofAnswer, []string{"Cache-Control"}},
	rule.NotStoredNotUnderstood: {ofAnswer, []string{"Cache-Control"}},
	rule.NotStoredPrivate:       {ofAnswer, []string{"Cache-Control"}},
	rule.NotStoredUseless:       {ofAnswer, []string{"Cache-Control", "Expires", "Pragma"}},
	rule.NotStoredNoFreshness:   {ofAnswer, []string{"Cache-Control", "Expires"}},
	rule.NotStoredVaryAny:       {ofAnswer, []string{"Vary"}},
	rule.NotStoredSetCookie:     {ofAnswer, []string{"Set-Cookie", "Set-Cookie2"}},
	rule.NotStoredPartial:       {ofAnswer, []string{"Content-Range"}},
	rule.NotStoredRequest:       {ofRequest, []string{"Cache-Control"}},
	rule.NotStoredAuthorized:    {ofRequest, []string{"Authorization"}},
	rule.ReuseRequestNoCache:    {ofRequest, []string{"Pragma", "Cache-Control"}},
	rule.ReuseRequestMaxAge:     {ofRequest, []string{"Cache-Control"}},
	rule.ReuseRequestMinFresh:   {ofRequest, []string{"Cache-Control"}},
	rule.ReuseRequestMaxStale:   {ofRequest, []string{"Cache-Control"}},
	rule.ReuseRequestIfError:    {ofRequest, []string{"Cache-Control"}},
	rule.ReuseNoCache:           {ofAnswer, []string{"Cache-Control"}},
	rule.ReuseMustRevalidate:    {ofAnswer, []string{"Cache-Control"}},
	rule.CacheSetCookie:         {ofAnswer, []string{"Set-Cookie", "Set-Cookie2"}},
	rule.CacheAuthorized:        {ofRequest, []string{"Authorization"}},
	rule.CacheCookied:           {ofRequest, []string{"Cookie"}},
	rule.CacheTypeMismatch:      {ofAnswer, []string{"Content-Type"}},
	rule.CacheTooLarge:          {ofAnswer, []string{"Content-Length"}},
	rule.CacheDigestWrong:       {ofAnswer, []string{"Content-Digest", "Repr-Digest"}},
	rule.CacheUpgrade:           {ofRequest, []string{"Upgrade"}},
	rule.CacheOriginJudges:      {ofRequest, []string{"If-Match", "If-Unmodified-Since"}},
	rule.CacheMethod:            {ofRequest, []string{"Content-Length", "Transfer-Encoding"}},
	rule.CacheRequestBody:       {ofRequest, []string{"Content-Length", "Transfer-Encoding"}},
	rule.CacheOnlyIfCached:      {ofRequest, []string{"Cache-Control"}},
	rule.CacheGroupInvalidated:  {ofAnswer, []string{"Cache-Groups"}},
	rule.CachePartialMiss:       {ofRequest, []string{"Range"}},
	rule.CacheVaryMiss:          {ofAnswer, []string{"Vary"}},
	rule.CacheVariantsFull:      {ofAnswer, []string{"Vary"}},
}

// maxEvidence is how long evidence is, at most.
const maxEvidence = 200

// evidenceOf returns the field line for which a rule holds, without secrets; ""
// when it is no field's doing.
func (h *Handler) evidenceOf(id rule.ID, request, answer freshness.Fields) string {
	if id == rule.CacheMethodOverride {
		return overridingLine(request)
	}
	e, ok := evidences[id]
	if !ok {
		return ""
	}
	from := answer
	if e.side == ofRequest {
		from = request
	}
	for _, name := range e.fields {
		if name == "Cache-Control" && e.side == ofAnswer {
			name = h.controlOf(answer)
		}
		if lines := from[name]; len(lines) > 0 {
			return fieldLine(name, lines)
		}
	}
	return ""
}

// controlOf names the field by which an answer speaks to this cache: the first
// targeted one that it has, or Cache-Control (RFC 9213 §2.2).
func (h *Handler) controlOf(answer freshness.Fields) string {
	for _, name := range h.policy.TargetFields() {
		if len(answer[name]) > 0 {
			return name
		}
	}
	return "Cache-Control"
}

// fieldLine returns the lines of a field as one, without secrets.
func fieldLine(name string, lines []string) string {
	var b strings.Builder
	b.WriteString(name)
	for i, line := range lines {
		separator := ": "
		if i > 0 {
			separator = ", "
		}
		b.WriteString(separator)
		b.WriteString(withoutSecret(name, line))
		if b.Len() > maxEvidence {
			return b.String()[:maxEvidence] + "…"
		}
	}
	return b.String()
}

// overridingLine returns the field by which a request asks for another method
// or address.
func overridingLine(request freshness.Fields) string {
	for name, lines := range request {
		if isOverriding(name) {
			return fieldLine(name, lines)
		}
	}
	return ""
}

// ageEvidence says how old an object is, and how long it is fresh.
func ageEvidence(t *freshness.Terms, now int64) string {
	return "lifetime " + seconds(t.Lifetime) + ", age " + seconds(t.Age(now))
}

// seconds writes a duration as the fields about it do, in whole seconds: "60 s".
func seconds(ns int64) string { return strconv.FormatInt(ns/1e9, 10) + " s" }

// timeLeft is lifetime less age, of what is shown of them.
func timeLeft(t *freshness.Terms, now int64) int64 {
	return (t.Lifetime/1e9 - t.Age(now)/1e9) * 1e9
}

// state says how fresh something is: "fresh for 20 s".
func state(t *freshness.Terms, now int64) string {
	left := timeLeft(t, now)
	if t.TTL(now) <= 0 {
		return "stale since " + seconds(-left)
	}
	return "fresh for " + seconds(left)
}
