package filterlist

import (
	"bytes"
	"strings"

	"freshet/internal/site"
)

// query is a request as rules see it.
type query struct {
	set       *Set
	raw       string // the URL without user, fragment, and dot behind the host
	pageURL   string // the page's URL, or host
	hostStart int
	hostEnd   int
	types     types
	method    string

	request party
	page    party
	known   bool // the page is
	itself  bool // the page is the request

	worked  int // on regular expressions, in steps times bytes
	kinship kinship
	blocked bool // rules that $genericblock turns off are to be left out
	generic generic
}

// texts are the URL for comparing. They are apart from query, whose strings go
// to where the compiler cannot follow them, so that these need no heap.
type texts struct {
	lower []byte // in lower case
	cased []byte // in its own
}

// kinship is whether a request leaves the site of its page.
type kinship uint8

const (
	kinUnknown kinship = iota // not asked for yet
	kinFirst
	kinThird
)

// generic is whether rules without $domain are for a page.
type generic uint8

const (
	genericUnknown generic = iota
	genericOn
	genericOff
)

// urlSpace is how long URLs may be that need no allocation, in bytes.
const urlSpace = 2048

// normalize returns a URL without user, fragment, and dots behind its host, and
// where its host is.
func normalize(url string) (text string, hostStart, hostEnd int) {
	if i := strings.IndexByte(url, '#'); i >= 0 {
		url = url[:i]
	}
	start, end := splitHost(url)
	scheme := 0
	if i := strings.Index(url[:start], "://"); i >= 0 {
		scheme = i + 3
	}
	behind := end
	for behind < len(url) && url[behind] == '.' {
		behind++
	}
	if start != scheme || behind != end {
		url = url[:scheme] + url[start:end] + url[behind:]
		end -= start - scheme
		start = scheme
	}
	return url, start, end
}

// appendLower appends a text in lower case; capitals says whether that changed
// it.
func appendLower(dst []byte, text string) (all []byte, capitals bool) {
	from := len(dst)
	dst = append(dst, text...)
	for i, b := range dst[from:] {
		if 'A' <= b && b <= 'Z' {
			dst[from+i] = b + 'a' - 'A'
			capitals = true
		}
	}
	return dst, capitals
}

// setPage says which host the request goes to, and for which document.
func (c *query) setPage(host, page string, t Type) {
	c.request.set(host)
	c.types = t.bit()
	if t == Document {
		c.known, c.itself = true, true
		c.pageURL = c.raw
		return
	}
	c.pageURL = page
	if host := hostOf(page); host != "" {
		c.page.set(host)
		c.known = true
	}
}

// pageParty returns the document's host.
func (c *query) pageParty() *party {
	if c.itself {
		return &c.request
	}
	return &c.page
}

// maxWork bounds the work on the regular expressions for one request: their steps
// times the bytes of its URL, which is about an eighth of a second. A list could
// else have expressions by which each long URL takes some seconds.
const maxWork = 32 << 20

// affords reports whether there is time for a rule's expression, and takes it.
func (c *query) affords(x *extra) bool {
	c.worked = min(c.worked+x.steps*len(c.raw), maxWork+1)
	return c.worked <= maxWork
}

// matches says whether a rule matches. Cheap questions come first. at is where
// in the URL that stands which the rule is filed under, -1 if it is not there.
func (c *query) matches(t *texts, r *rule, at int, anyType bool) bool {
	if !anyType && r.types&c.types == 0 {
		return false
	}
	x := &c.set.extras[r.extra]
	pattern := c.set.patterns[r.pattern : r.pattern+uint32(r.length)]
	switch {
	case r.flags&flagWholeHost != 0:
		if !c.onHost(t, pattern, r.flags&flagExactHost != 0) {
			return false
		}
	case r.flags&flagRegexp != 0:
		if x.endings != nil && !endsWithOne(t.lower, x.endings) || x.probes != nil && !containsOne(t.lower, x.probes) {
			return false
		}
		return c.kin(r.flags) && c.fits(x) && c.affords(x) && x.re.MatchString(c.raw)
	default:
		url := t.lower
		if r.flags&flagMatchCase != 0 {
			url = t.cased
		}
		if at >= 0 && r.hint != noHint {
			if !matchPatternAt(pattern, url, at-int(r.hint), r.flags, c.hostStart, c.hostEnd) {
				return false
			}
		} else if !matchPattern(pattern, url, r.flags, c.hostStart, c.hostEnd) {
			return false
		}
	}
	return c.kin(r.flags) && (r.extra == 0 || c.fits(x))
}

func containsOne(text []byte, list []string) bool {
	for _, s := range list {
		if containsString(text, s) {
			return true
		}
	}
	return false
}

func endsWithOne(text []byte, list []string) bool {
	for _, s := range list {
		if len(text) >= len(s) && string(text[len(text)-len(s):]) == s {
			return true
		}
	}
	return false
}

// containsString is bytes.Contains without a conversion.
func containsString(text []byte, s string) bool {
	for at := 0; at+len(s) <= len(text); at++ {
		i := bytes.IndexByte(text[at:len(text)-len(s)+1], s[0])
		if i < 0 {
			return false
		}
		if at += i; string(text[at:at+len(s)]) == s {
			return true
		}
	}
	return false
}

// onHost says whether the request's host is a domain, or below it.
func (c *query) onHost(t *texts, domain []byte, exact bool) bool {
	host := t.lower[c.hostStart:c.hostEnd]
	if !bytes.HasSuffix(host, domain) {
		return false
	}
	above := len(host) - len(domain)
	return above == 0 || !exact && host[above-1] == '.'
}

// kin says whether the request is as far from its page as a rule wants it.
func (c *query) kin(f flags) bool {
	const parties = flagThird | flagFirst
	if f&(parties|flagStrictThird|flagStrictFirst) == 0 {
		return true
	}
	if !c.known {
		return false
	}
	page := c.pageParty().host
	if f&flagStrictThird != 0 && page == c.request.host || f&flagStrictFirst != 0 && page != c.request.host {
		return false
	}
	if f&parties == 0 {
		return true
	}
	if c.kinship == kinUnknown {
		c.kinship = kinThird
		if site.Same(page, c.request.host) {
			c.kinship = kinFirst
		}
	}
	third := c.kinship == kinThird
	return (third || f&flagThird == 0) && (!third || f&flagFirst == 0)
}

// fits asks what few rules ask.
func (c *query) fits(x *extra) bool {
	if x.domains != nil {
		if !c.known {
			if x.domains.positive() {
				return false
			}
		} else if !c.pageParty().in(x.domains) {
			return false
		}
	}
	if x.to != nil && !c.request.in(x.to) {
		return false
	}
	if x.deny != nil && c.request.in(x.deny) {
		return false
	}
	return x.methods == nil || allowsMethod(x.methods, c.method)
}

// allowsMethod says whether a list such as "get|head" or "~post" has a method.
func allowsMethod(methods []string, method string) bool {
	if method == "" {
		method = "GET"
	}
	positive := false
	for _, m := range methods {
		name, not := strings.CutPrefix(m, "~")
		if strings.EqualFold(name, method) {
			return !not
		}
		positive = positive || !not
	}
	return !positive
}
