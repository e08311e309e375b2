package check

import (
	"fmt"
	"strings"

	"freshet/internal/field"
)

// noSuchTag is an entity-tag that no answer has.
const noSuchTag = `"freshet-check-no-such-tag"`

// longAgo is before anything on the web was modified.
const longAgo = "Mon, 01 Jan 1990 00:00:00 GMT"

// conditional asks whether the answer changed, with its own validators and
// with others. Connections are closed after it, so that bytes behind the
// answer show.
func (e *examination) conditional() {
	tag, date := e.base.get("Etag"), e.base.get("Last-Modified")
	unix, dated := field.ParseDate(date)
	ask := func(fields ...string) *reply {
		p := with(fields...)
		p.close = true
		return e.ask("the answer to "+strings.Join(everySecond(fields), " and "), p)
	}
	if field.ValidTag(tag) {
		e.withTag(tag, ask)
	}
	if !dated {
		return
	}
	const since = "If-Modified-Since"
	if r := ask(since, date); r != nil {
		switch {
		case r.Status == 304:
			e.notModified(r, "the 304 to "+since)
		case r.get("Last-Modified") == date:
			e.report("last-modified-not-honoured", "the answer to "+since, fmt.Sprintf("%d to %s", r.Status, date))
		}
	}
	if before, _ := field.ParseDate(longAgo); unix > before {
		if r := ask(since, longAgo); r != nil && r.Status == 304 {
			e.report("modified-since-ignores-date", "the answer to "+since, longAgo+", and Last-Modified is "+date)
		}
	}
	if tag != "" {
		if r := ask("If-None-Match", noSuchTag, since, date); r != nil && r.Status == 304 && !e.matchesAny() {
			e.report("modified-since-beats-etag", "the answer to If-None-Match and "+since, "")
		}
	}
}

// matchesAny reports whether entity-tags turned out to mean nothing.
func (e *examination) matchesAny() bool {
	return e.found[Finding{activeNote("etag-matches-any"), "the answer to If-None-Match", noSuchTag}]
}

// withTag asks with the entity-tag of the answer, and with other ones.
func (e *examination) withTag(tag string, ask func(...string) *reply) {
	const match = "If-None-Match"
	r := ask(match, tag)
	switch {
	case r == nil:
		return
	case r.Status == 304:
		e.notModified(r, "the 304 to "+match)
	case r.get("Etag") == tag:
		e.report("etag-not-honoured", "the answer to "+match, fmt.Sprintf("%d to %s", r.Status, tag))
		return
	default:
		return // it changed between the requests
	}
	if r = ask(match, noSuchTag); r != nil && r.Status == 304 {
		e.report("etag-matches-any", "the answer to "+match, noSuchTag)
		return
	}
	if r = ask(match, noSuchTag+", "+tag); r != nil && r.Status == 200 && r.get("Etag") == tag {
		e.report("etag-list-not-honoured", "the answer to "+match, noSuchTag+", "+tag)
	}
}

// notModified compares a 304 with the 200.
func (e *examination) notModified(r *reply, where string) {
	if r.extra > 0 {
		e.report("not-modified-body", where, count(r.extra, "byte", "bytes"))
	}
	var lacks []string
	for _, name := range []string{"Cache-Control", "Content-Location", "Etag", "Expires"} {
		if len(e.base.Header[name]) > 0 && len(r.Header[name]) == 0 {
			// max-age beats Expires, so that caches lose nothing.
			if name != "Expires" || len(e.base.Header["Cache-Control"]) == 0 {
				lacks = append(lacks, spelled(name))
			}
		}
	}
	if len(lacks) > 0 {
		e.report("not-modified-lacks-field", where, strings.Join(lacks, ", "))
	}
	if len(e.base.Header["Vary"]) > 0 && len(r.Header["Vary"]) == 0 {
		e.report("not-modified-lacks-vary", where, e.base.get("Vary"))
	}
	for _, name := range []string{"Cache-Control", "Content-Language", "Content-Location", "Content-Type", "Etag", "Last-Modified", "Vary"} {
		is, was := r.get(name), e.base.get(name)
		if is != "" && was != "" && is != was && !(name == "Etag" && sameTag(is, was)) {
			e.report("not-modified-differs", spelled(name)+" of "+where, is+", and the 200 has "+was)
		}
	}
	if is, was := r.get("Content-Length"), e.base.get("Content-Length"); is != "" && was != "" && is != was && e.stable {
		e.report("not-modified-length", where, is+", and the 200 has "+was)
	}
}

func everySecond(all []string) []string {
	var some []string
	for i := 0; i < len(all); i += 2 {
		some = append(some, all[i])
	}
	return some
}
