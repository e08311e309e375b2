package forward

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/cookierule"
	"freshet/internal/rule"
)

// Cookies are decided on in two places.
//
//	client ◄─► cookieWriter ◄─► cache ◄─► refuser ◄─► servers
//
// What a request sends is decided before the cache sees it, so that neither the
// key nor Vary nor the rules for requests with cookies know of a cookie that no
// server gets. What an answer sets is decided after the cache, for it depends on
// whose page the request was for. But a cookie that is refused whoever asks is
// taken out before the cache: an answer that sets no other may be stored, as if
// its server had never set it.
//
// What is stored has therefore no cookie of anybody. The safe profile stores no
// answer that sets one. Of the standard profile, which would, the refuser
// forbids it (storingField).

// storingField tells the cache, and nobody else, that an answer is not to be
// stored (RFC 9213).
const storingField = "Freshet-Filter-Cache-Control"

// private does with a request what the policies say, and returns the writer for
// its answer. The header is the request's own. Its done is to be called when the answer is
// over.
func (h *Handler) private(w http.ResponseWriter, r *http.Request) *cookieWriter {
	c := &cookieWriter{headWriter: headWriter{ResponseWriter: w}, h: h, visit: visitOf(r)}
	c.around = c
	did := h.privacy.applyFields(r)
	if len(did) > 0 {
		c.note(rule.FilterFields)
	}
	if lines := r.Header["Cookie"]; len(lines) > 0 {
		left, taken := h.cookies.sent(h.privacy.cookies, &c.visit, lines, h.now())
		if taken > 0 {
			did = append(did, counted(taken, "cookie")+" not sent")
			if len(left) == 0 {
				delete(r.Header, "Cookie")
			} else {
				r.Header["Cookie"] = left
			}
			c.note(rule.FilterCookies)
		}
	}
	if len(did) > 0 {
		c.tell(strings.Join(did, "; "))
	}
	return c
}

func (h *Handler) now() time.Time { return time.Unix(0, h.o.Now()) }

// counted is a number of things: "1 cookie", "2 cookies".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// setTally counts what became of the cookies that an answer sets.
type setTally struct{ refused, toSession, shortened int }

func (t *setTally) count(what cookierule.Treatment) {
	switch what {
	case cookierule.Refused:
		t.refused++
	case cookierule.ToSession:
		t.toSession++
	case cookierule.Shortened:
		t.shortened++
	}
}

// String says it in words, "" when nothing was changed.
func (t setTally) String() string {
	var all []string
	for _, one := range []struct {
		n    int
		what string
	}{{t.refused, " refused"}, {t.toSession, " kept for the session"}, {t.shortened, " shortened"}} {
		if one.n > 0 {
			all = append(all, counted(one.n, "cookie")+one.what)
		}
	}
	return strings.Join(all, "; ")
}

// setCookies puts the lines of Set-Cookie in place that decisions left. The old
// ones may be the cache's own, and stay what they are.
func setCookies(header http.Header, lines []string) {
	if len(lines) == 0 {
		delete(header, "Set-Cookie")
		return
	}
	header["Set-Cookie"] = lines
}

// refuser takes cookies out of answers that are refused whoever asks, between
// the cache and the servers, and sees to it that no other is stored.
type refuser struct {
	h     *Handler
	next  http.Handler
	store bool // there is a cache that would store answers which set cookies
}

func (x refuser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rw := &refusingWriter{headWriter: headWriter{ResponseWriter: w}, x: x, host: r.Host}
	rw.around = rw
	x.next.ServeHTTP(rw, r)
	rw.finish()
}

// head takes out what is refused whoever asks. asks is the writer for the client,
// nil when nobody waits.
func (x refuser) head(header http.Header, host string, asks *cookieWriter) {
	delete(header, storingField)
	lines := header["Set-Cookie"]
	if len(lines) == 0 {
		return
	}
	v := visit{host: cookierule.Host(host), site: cookierule.Site(host)}
	if asks != nil {
		v = asks.visit
	}
	left, tally := x.h.cookies.refusedForAll(x.h.privacy.cookies, &v, lines, x.h.now())
	if tally.refused > 0 {
		setCookies(header, left)
		if asks != nil {
			asks.refused += tally.refused
		}
	}
	if len(left) > 0 && x.store {
		header.Set(storingField, "no-store")
	}
}

// behindCache returns a handler that refuses cookies of answers before the cache
// sees them, and makes the cache's options obey it.
func (h *Handler) behindCache(next http.Handler, o *cache.Options) http.Handler {
	x := refuser{h: h, next: next, store: o.Profile != cache.Safe}
	if x.store {
		o.Freshness.Targets = append([]string{storingField}, slices.Clone(o.Freshness.TargetFields())...)
	}
	return x
}

// note adds a rule to the record of the request.
func (c *cookieWriter) note(id rule.ID) {
	if d := httpd.DetailOf(c.ResponseWriter); d != nil {
		d.Note(id)
	}
}

// tell adds to what was changed in the record of the request.
func (c *cookieWriter) tell(did string) {
	d := httpd.DetailOf(c.ResponseWriter)
	switch {
	case d == nil:
	case d.Changed == "":
		d.Changed = did
	default:
		d.Changed += "; " + did
	}
}
