package check

import (
	"fmt"
	"maps"
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

// notModified compares a 304 with the 200. What is wrong with one 304 is not
// told of the next.
func (e *examination) notModified(r *reply, where string) {
	told := map[string]bool{}
	report := func(id, where, detail string) {
		told[id] = true
		if !e.told[id] {
			e.report(id, where, detail)
		}
	}
	if r.extra > 0 {
		report("not-modified-body", where, count(r.extra, "byte", "bytes"))
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
		report("not-modified-lacks-field", where, strings.Join(lacks, ", "))
	}
	if len(e.base.Header["Vary"]) > 0 && len(r.Header["Vary"]) == 0 {
		report("not-modified-lacks-vary", where, e.base.get("Vary"))
	}
	e.compareNotModified(r, where, report)
	maps.Copy(e.told, told)
}

// compareNotModified compares the fields that a 304 and the 200 both have. The
// server may have come to prefer another coding since: what differs is compared
// with another 200, too.
func (e *examination) compareNotModified(r *reply, where string, report func(id, where, detail string)) {
	var now *reply
	differs := func(name string) bool {
		is := r.get(name)
		if is == "" || e.base.get(name) == "" || sameValue(name, is, e.base.get(name)) {
			return false
		}
		if now == nil {
			if now = e.ask("the answer to the same again", probe{}); now == nil {
				now = e.base
			}
		}
		return now.Status == 200 && !sameValue(name, is, now.get(name))
	}
	for _, name := range []string{"Cache-Control", "Content-Language", "Content-Location", "Content-Type", "Etag", "Last-Modified", "Vary"} {
		if differs(name) {
			report("not-modified-differs", spelled(name)+" of "+where, r.get(name)+", and the 200 has "+now.get(name))
		}
	}
	if e.stable && differs("Content-Length") {
		report("not-modified-length", where, r.get("Content-Length")+", and the 200 has "+now.get("Content-Length"))
	}
}

func everySecond(all []string) []string {
	var some []string
	for i := 0; i < len(all); i += 2 {
		some = append(some, all[i])
	}
	return some
}
