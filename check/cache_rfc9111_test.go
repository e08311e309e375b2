package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each row is an answer, the clause that says what caches do with it, what that
// comes to, and the notes of the groups about caching that are due.
//
// A treatment is "no" (not stored), "ask" (stored, but validated before each
// use), or the seconds for which the answer is fresh; "~" before them is a guess,
// "+30" behind them the seconds of use while it is validated, and "!" means that
// it is never used stale.
type rfc9111Row struct {
	clause          string
	words           string // what the clause demands here
	example         Example
	browser, shared string
	notes           string
}

// rfc9111 has one answer for each thing that the RFC demands.
var rfc9111 = []rfc9111Row{
	{"RFC 9111 §5.2.2.1", "max-age is the lifetime",
		ok200("Cache-Control: max-age=3600"), "3600", "3600", ""},
	{"RFC 9111 §5.2", "names of directives have no case",
		ok200("Cache-Control: Max-Age=3600"), "3600", "3600", ""},
	{"RFC 9111 §5.2", "several lines are one list",
		ok200("Cache-Control: public", "Cache-Control: max-age=3600"), "3600", "3600", ""},
	{"RFC 9111 §5.2.2.10", "s-maxage overrides max-age in shared caches only, and forbids them stale use",
		ok200("Cache-Control: max-age=60, s-maxage=600"), "60", "600!", ""},
	{"RFC 9111 §4.2.1", "s-maxage counts for no private cache, which is left with Expires",
		ok200("Cache-Control: s-maxage=60", "Expires: Thu, 01 Oct 2026 13:00:00 GMT"), "3600", "60!", ""},
	{"RFC 9111 §5.3", "Expires less Date is the lifetime",
		ok200("Expires: Thu, 01 Oct 2026 13:00:00 GMT"), "3600", "3600", ""},
	{"RFC 9111 §4.2.1", "the lifetime counts from Date, not from the receipt",
		ok200("Date: Thu, 01 Oct 2026 11:50:00 GMT", "Age: 600", "Expires: Thu, 01 Oct 2026 12:50:00 GMT"), "3000", "3000", "age-without-cache"},
	{"RFC 9111 §5.3", "max-age makes Expires be ignored",
		ok200("Cache-Control: max-age=60", "Expires: Fri, 02 Oct 2026 12:00:00 GMT"), "60", "60", "cache-expires-differs"},
	{"RFC 9111 §5.3", "0 is a time in the past",
		ok200("Expires: 0", "ETag: \"a\""), "ask", "ask", "cache-expires-zero"},
	{"RFC 9111 §5.3", "what is no date is a time in the past",
		ok200("Expires: in an hour", "ETag: \"a\""), "ask", "ask", "cache-expires-no-date"},
	{"RFC 9111 §4.2.1", "of a directive that stands twice the first counts, or the answer is stale",
		ok200("Cache-Control: max-age=60, max-age=0"), "60", "60", "cache-control-contradicts-itself"},
	{"RFC 9111 §4.2.1", "a lifetime that cannot be read makes the answer stale",
		ok200("Cache-Control: max-age=1h", "ETag: \"a\""), "ask", "ask", "cache-control-argument-not-seconds"},
	{"RFC 9111 §1.2.2", "more seconds than can be counted are 2^31",
		ok200("Cache-Control: max-age=99999999999"), "2147483648", "2147483648", "cache-control-seconds-large"},
	{"RFC 9111 §5.2.2.1", "the number is read in quotes, too, which nobody may send",
		ok200("Cache-Control: max-age=\"60\""), "60", "60", "cache-control-seconds-quoted"},
	{"RFC 9111 §5.2", "what a semicolon joins is one directive that nobody knows",
		ok200("Cache-Control: public; max-age=60", "ETag: \"a\""), "ask", "ask", "cache-control-semicolon"},
	{"RFC 9111 §5.2.3", "directives that are not known are ignored",
		ok200("Cache-Control: max-age=60, community=\"UCI\""), "60", "60", "cache-control-unknown"},
	{"RFC 9111 §4.2.2", "without freshness a tenth of the time since Last-Modified is typical",
		ok200("Last-Modified: Thu, 01 Oct 2026 02:00:00 GMT"), "~3600", "~3600", "cache-no-freshness"},
	{"RFC 9111 §4.2.2", "no guess where freshness is stated",
		ok200("Cache-Control: max-age=0", "Last-Modified: Thu, 01 Oct 2026 02:00:00 GMT"), "ask", "ask", ""},
	{"RFC 9111 §4.2.2", "no guess for a status code that is not heuristically cacheable",
		answered("403 Forbidden", "Last-Modified: Thu, 01 Oct 2026 02:00:00 GMT"), "no", "no", ""},
	{"RFC 9111 §5.2.2.9", "public lets such an answer be stored, and a guess be made",
		answered("403 Forbidden", "Cache-Control: public", "Last-Modified: Thu, 01 Oct 2026 02:00:00 GMT"), "~3600", "~3600", "cache-no-freshness"},
	{"RFC 9111 §4.3", "an answer with a validator alone is validated",
		ok200("ETag: \"a\""), "ask", "ask", ""},
	{"RFC 9111 §4.2.3", "Age is subtracted",
		ok200("Cache-Control: max-age=60", "Age: 50"), "10", "10", "age-without-cache"},
	{"RFC 9111 §4.2.3", "so is the time since Date, when Age is absent",
		ok200("Cache-Control: max-age=60", "Date: Thu, 01 Oct 2026 11:59:30 GMT"), "30", "30", ""},
	{"RFC 9111 §4.2.3", "the larger of the two counts",
		ok200("Cache-Control: max-age=60", "Date: Thu, 01 Oct 2026 11:59:50 GMT", "Age: 40"), "20", "20", "age-without-cache"},
	{"RFC 9111 §4.2", "an answer can be stale when it comes",
		ok200("Cache-Control: max-age=60", "Age: 100", "ETag: \"a\""), "ask", "ask", "age-over-lifetime age-without-cache"},
	{"RFC 9111 §5.1", "an Age that cannot be read says nothing",
		ok200("Cache-Control: max-age=60", "Age: -5"), "60", "60", "age-malformed"},
	{"RFC 9111 §5.2.2.4", "no-cache demands validation",
		ok200("Cache-Control: no-cache", "ETag: \"a\""), "ask", "ask", ""},
	{"RFC 9111 §5.2.2.4", "whatever the lifetime",
		ok200("Cache-Control: no-cache, max-age=60", "ETag: \"a\""), "ask", "ask", "cache-no-cache-contradicted"},
	{"RFC 9111 §5.2.2.4", "with field names it is about these fields only",
		ok200("Cache-Control: no-cache=\"set-cookie\", max-age=60"), "60", "60", "cache-control-fields-all"},
	{"RFC 9111 §5.2.2.5", "no-store forbids all caches to store",
		ok200("Cache-Control: no-store"), "no", "no", ""},
	{"RFC 9111 §5.2.2.5", "whatever stands beside it",
		ok200("Cache-Control: no-store, max-age=60"), "no", "no", "cache-no-store-contradicted"},
	{"RFC 9111 §5.2.1.5", "no-store of the request does, too",
		ok200("Cache-Control: max-age=60").asked("Cache-Control: no-store"), "no", "no", ""},
	{"RFC 9111 §5.2.2.7", "private forbids shared caches to store",
		ok200("Cache-Control: private, max-age=60"), "60", "no", ""},
	{"RFC 9111 §5.2.2.7", "with field names it forbids them these fields only",
		ok200("Cache-Control: private=\"x-user\", max-age=60"), "60", "60", "cache-control-fields-all"},
	{"RFC 9111 §5.2.2.7", "public beside it changes nothing about that",
		ok200("Cache-Control: public, private, max-age=60"), "60", "no", "cache-public-and-private"},
	{"RFC 9111 §3.5", "answers to requests with Authorization are not shared",
		ok200("Cache-Control: max-age=60").asked("Authorization: Bearer x"), "60", "no", ""},
	{"RFC 9111 §3.5", "public lets them be shared",
		ok200("Cache-Control: public, max-age=60").asked("Authorization: Bearer x"), "60", "60", "authorized-answer-shared"},
	{"RFC 9111 §3.5", "must-revalidate, too",
		ok200("Cache-Control: must-revalidate, max-age=60").asked("Authorization: Bearer x"), "60!", "60!", "authorized-answer-shared"},
	{"RFC 9111 §3.5", "and s-maxage",
		ok200("Cache-Control: s-maxage=60", "ETag: \"a\"").asked("Authorization: Bearer x"), "ask", "60!", "authorized-answer-shared"},
	{"RFC 9111 §5.2.2.2", "must-revalidate forbids stale use",
		ok200("Cache-Control: max-age=60, must-revalidate"), "60!", "60!", ""},
	{"RFC 9111 §5.2.2.8", "proxy-revalidate forbids it to shared caches",
		ok200("Cache-Control: max-age=60, proxy-revalidate"), "60", "60!", ""},
	{"RFC 5861 §3", "stale-while-revalidate allows it for a time",
		ok200("Cache-Control: max-age=60, stale-while-revalidate=30"), "60+30", "60+30", ""},
	{"RFC 9111 §5.2.2.2", "not beside must-revalidate",
		ok200("Cache-Control: max-age=60, must-revalidate, stale-while-revalidate=30"), "60!", "60!", "cache-stale-forbidden"},
	{"RFC 9111 §5.2.2.10", "nor, in shared caches, beside s-maxage",
		ok200("Cache-Control: max-age=60, s-maxage=60, stale-while-revalidate=30"), "60+30", "60!", "cache-stale-forbidden-to-shared"},
	{"RFC 9111 §5.2.2.3", "must-understand sets no-store aside, if the status code is understood",
		ok200("Cache-Control: must-understand, no-store, max-age=60"), "60", "60", ""},
	{"RFC 9111 §5.2.2.3", "if it is not, nothing is stored",
		answered("299 Odd", "Cache-Control: must-understand, no-store, max-age=60"), "no", "no", ""},
	{"RFC 9110 §9.2.3", "answers to PUT are not stored",
		ok200("Cache-Control: max-age=60").asked("PUT /a HTTP/1.1"), "no", "no", "method-never-cached"},
	{"RFC 9110 §9.3.3", "answers to POST neither",
		ok200("Cache-Control: max-age=60").asked("POST /a HTTP/1.1"), "no", "no", "post-never-cached"},
	{"RFC 9110 §9.3.3", "but for those that say that GET would give the same",
		ok200("Cache-Control: max-age=60", "Content-Location: /a").asked("POST /a HTTP/1.1"), "60", "60", ""},
	{"RFC 9111 §3", "any final status code can be stored with explicit freshness",
		answered("404 Not Found", "Cache-Control: max-age=60"), "60", "60", ""},
	{"RFC 9111 §3", "one that is not heuristically cacheable is not stored without",
		answered("500 Internal Server Error"), "no", "no", ""},
	{"RFC 9111 §3", "nor is a temporary redirect",
		answered("302 Found", "Location: /a"), "no", "no", ""},
	{"RFC 9111 §3.3", "a part can be stored",
		answered("206 Partial Content", "Cache-Control: max-age=60", "Content-Range: bytes 0-4/10").asked("Range: bytes=0-4"), "60", "60", ""},
	{"RFC 9111 §4.1", "Vary: * never matches",
		ok200("Cache-Control: max-age=60", "Vary: *"), "no", "no", "vary-any"},
	{"RFC 9111 §4.1", "names in Vary do not hinder",
		ok200("Cache-Control: max-age=60", "Vary: Accept-Encoding"), "60", "60", ""},
	{"RFC 9111 §5.4", "Pragma means nothing in answers",
		ok200("Pragma: no-cache", "Last-Modified: Thu, 01 Oct 2026 02:00:00 GMT"), "~3600", "~3600", "cache-no-freshness cache-pragma-alone"},
	{"RFC 9111 §7.3", "Set-Cookie does not hinder",
		ok200("Cache-Control: max-age=60", "Set-Cookie: a=b; Path=/"), "60", "60", ""},
	{"RFC 9213 §2.2", "a targeted field replaces Cache-Control in the caches that it is for",
		ok200("Cache-Control: no-store", "CDN-Cache-Control: max-age=600"), "no", "600", ""},
	{"RFC 9213 §2.1", "one that cannot be read replaces nothing",
		ok200("Cache-Control: max-age=60", "CDN-Cache-Control: max-age=600;"), "60", "60", ""},
}

func TestRFC9111(t *testing.T) {
	about := map[string]bool{}
	for _, group := range [][]Note{directiveNotes, cachingNotes, expiresNotes, sharedNotes, cacheStatusNotes, keptNotes, varyNotes} {
		for i := range group {
			about[group[i].ID] = true
		}
	}
	for _, row := range slices.Concat(rfc9111, realAnswers) {
		t.Run(row.clause+" "+row.words, func(t *testing.T) {
			x := mustExchange(t, row.example)
			v := VerdictOf(x)
			if got := short(v.Browser); got != row.browser {
				t.Errorf("browser %s, want %s: %v", got, row.browser, v.Browser)
			}
			if got := short(v.Shared); got != row.shared {
				t.Errorf("shared %s, want %s: %v", got, row.shared, v.Shared)
			}
			var notes []string
			for _, f := range Passive(x) {
				if about[f.Note.ID] {
					notes = append(notes, f.Note.ID)
				}
			}
			slices.Sort(notes)
			if got := strings.Join(notes, " "); got != row.notes {
				t.Errorf("notes %q, want %q", got, row.notes)
			}
		})
	}
}

// short writes a treatment as the table does.
func short(t Treatment) string {
	switch {
	case !t.Stored:
		return "no"
	case t.Fresh == 0:
		return "ask"
	}
	s := fmt.Sprint(t.Fresh)
	if t.Guess {
		s = "~" + s
	}
	if t.Stale > 0 {
		s += fmt.Sprintf("+%d", t.Stale)
	}
	if t.MustAsk {
		s += "!"
	}
	return s
}
