package filterlist

import (
	"regexp"
	"slices"
	"strings"

	"freshet/internal/site"
)

// The model is what the package should say, in the plainest form: it makes rules
// as structures, prints them as a list, and asks each of them in turn, patterns
// as regular expressions, domains as strings. It shares no code with what it
// judges.

type modelDomain struct {
	name        string
	not, entity bool
}

type modelRule struct {
	exception, important, badfilter bool
	hosts, domain                   bool // a line of a hosts file, of a list of domains
	hostAnchor, start, end, cased   bool
	pattern                         string // or a host
	expr                            string // a regular expression
	types                           []Type
	notTypes                        bool
	all                             bool
	party                           string // third-party, ~third-party, strict3p, strict1p
	domains, to, deny               []modelDomain
	methods                         []string
	page                            string // an option that is for pages
	mod, value                      string
}

// text is the rule's line.
func (r *modelRule) text() string {
	switch {
	case r.hosts:
		return "0.0.0.0 " + r.pattern
	case r.domain:
		return r.pattern
	}
	var b strings.Builder
	if r.exception {
		b.WriteString("@@")
	}
	switch {
	case r.expr != "":
		b.WriteString("/" + r.expr + "/")
	default:
		if r.hostAnchor {
			b.WriteString("||")
		} else if r.start {
			b.WriteString("|")
		}
		b.WriteString(r.pattern)
		if r.end {
			b.WriteString("|")
		}
	}
	if opts := r.options(); len(opts) > 0 {
		b.WriteString("$" + strings.Join(opts, ","))
	}
	return b.String()
}

func (r *modelRule) options() (opts []string) {
	on := func(ok bool, s string) {
		if ok {
			opts = append(opts, s)
		}
	}
	for _, t := range r.types {
		name := t.String()
		if r.notTypes {
			name = "~" + name
		}
		opts = append(opts, name)
	}
	on(r.all, "all")
	on(r.party != "", r.party)
	on(r.domains != nil, "domain="+domainsText(r.domains))
	on(r.to != nil, "to="+domainsText(r.to))
	on(r.deny != nil, "denyallow="+domainsText(r.deny))
	on(r.methods != nil, "method="+strings.Join(r.methods, "|"))
	on(r.page != "", r.page)
	on(r.cased, "match-case")
	on(r.important, "important")
	switch {
	case r.mod != "" && r.value == "":
		opts = append(opts, r.mod)
	case r.mod != "":
		opts = append(opts, r.mod+"="+r.value)
	}
	on(r.badfilter, "badfilter")
	return opts
}

func domainsText(ds []modelDomain) string {
	var words []string
	for _, d := range ds {
		s := d.name
		if d.entity {
			s += ".*"
		}
		if d.not {
			s = "~" + s
		}
		words = append(words, s)
	}
	return strings.Join(words, "|")
}

// regexp is the pattern as a regular expression, for URLs in lower case unless
// it is to match case.
func (r *modelRule) regexp() *regexp.Regexp {
	if r.expr != "" {
		if r.cased {
			return regexp.MustCompile(r.expr)
		}
		return regexp.MustCompile("(?i)" + r.expr)
	}
	var b strings.Builder
	switch {
	case r.hostAnchor:
		b.WriteString(`(?i:^[a-z]+://(?:[^/?#:]*\.)?)`)
	case r.start:
		b.WriteString("^")
	}
	for _, c := range r.pattern {
		switch c {
		case '*':
			b.WriteString(".*")
		case '^':
			b.WriteString(`(?:[^A-Za-z0-9_.%-]|$)`)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	if r.end {
		b.WriteString("$")
	}
	if r.cased {
		return regexp.MustCompile(b.String())
	}
	return regexp.MustCompile("(?i)" + b.String())
}

// within says whether a host is a domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// modelIn says whether a list of domains is for a host: the longest name that
// fits decides, names before those for all endings.
func modelIn(host string, ds []modelDomain) bool {
	best, said, positive := -1, false, false
	_, base := site.WithoutSuffix(host)
	for _, d := range ds {
		positive = positive || !d.not
		length := -1
		switch {
		case !d.entity && within(host, d.name):
			length = 1000 + len(d.name)
		case d.entity && base != "" && within(base, d.name):
			length = len(d.name)
		}
		if length > best || length == best && length >= 0 && d.not {
			best, said = length, !d.not
		}
	}
	if best < 0 {
		return !positive
	}
	return said
}

// modelQuery is a request: hosts as they are in the URLs.
type modelQuery struct {
	url, host, pageHost string
	typ                 Type
	method              string
}

// conditions says whether all but the pattern and the type fits.
func (r *modelRule) conditions(q modelQuery) bool {
	switch r.party {
	case "third-party":
		if q.pageHost == "" || site.Of(q.host) == site.Of(q.pageHost) {
			return false
		}
	case "~third-party":
		if q.pageHost == "" || site.Of(q.host) != site.Of(q.pageHost) {
			return false
		}
	case "strict3p":
		if q.pageHost == "" || q.host == q.pageHost {
			return false
		}
	case "strict1p":
		if q.pageHost == "" || q.host != q.pageHost {
			return false
		}
	}
	if r.domains != nil && !modelIn(q.pageHost, r.domains) {
		return false
	}
	if r.to != nil && !modelIn(q.host, r.to) || r.deny != nil && modelIn(q.host, r.deny) {
		return false
	}
	if r.methods != nil {
		not := strings.HasPrefix(r.methods[0], "~")
		method := q.method
		if method == "" {
			method = "GET"
		}
		has := slices.ContainsFunc(r.methods, func(m string) bool { return strings.EqualFold(strings.TrimPrefix(m, "~"), method) })
		if has == not {
			return false
		}
	}
	return true
}

func (r *modelRule) forType(t Type) bool {
	switch {
	case r.hosts || r.domain || r.all:
		return true
	case len(r.types) > 0 && !r.notTypes:
		return slices.Contains(r.types, t)
	case r.notTypes && slices.Contains(r.types, t):
		return false
	case r.mod == "csp" || r.mod == "permissions":
		return t == Document || t == Subdocument
	case r.mod == "removeparam" && !r.notTypes:
		return t == Document || t == Subdocument || t == XHR
	case r.page != "" && !r.notTypes:
		return false
	case r.exception || r.mod == "removeparam" || r.mod == "redirect-rule":
		return true
	}
	return t != Document
}

func (r *modelRule) matchesURL(q modelQuery) bool {
	switch {
	case r.hosts:
		return q.host == r.pattern
	case r.domain:
		return within(q.host, r.pattern)
	}
	return r.regexp().MatchString(q.url)
}

func (r *modelRule) matches(q modelQuery) bool {
	return r.forType(q.typ) && r.conditions(q) && r.matchesURL(q)
}

// modelVerdict is what of a verdict does not depend on which of several rules is
// named.
type modelVerdict struct {
	action           Action
	redirect, url    string
	csp, permissions []string
}

type model []*modelRule

// live are the rules that no badfilter names.
func (m model) live() model {
	bad := map[string]bool{}
	for _, r := range m {
		if r.badfilter {
			c := *r
			c.badfilter = false
			bad[c.text()] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(m), func(r *modelRule) bool {
		text := r.text()
		if r.hosts || r.domain {
			text = "||" + r.pattern + "^"
		}
		return r.badfilter || bad[text]
	})
}

func (m model) match(q modelQuery, pageURL string) (v modelVerdict) {
	m = m.live()
	if q.typ == Document {
		q.pageHost, pageURL = q.host, q.url
	}
	onPage := func(important bool, options ...string) bool {
		if q.pageHost == "" {
			return false
		}
		page := modelQuery{url: pageURL, host: q.pageHost, pageHost: q.pageHost, typ: Document}
		return slices.ContainsFunc(m, func(r *modelRule) bool {
			document := r.mod == "" && slices.Contains(r.types, Document) && !r.notTypes
			turns := r.page != "" && slices.Contains(options, r.page) || document && slices.Contains(options, "document")
			return r.exception && turns && (!important || r.important) && r.conditions(page) && r.matchesURL(page)
		})
	}
	noGeneric := onPage(false, "genericblock")
	first := func(want func(*modelRule) bool) *modelRule {
		for _, r := range m {
			if want(r) && r.matches(q) {
				return r
			}
		}
		return nil
	}
	blocking := func(r *modelRule, important bool) bool {
		if r.exception || r.important != important || r.mod != "" && r.mod != "redirect" {
			return false
		}
		specific := slices.ContainsFunc(r.domains, func(d modelDomain) bool { return !d.not })
		return !noGeneric || specific || r.hosts || r.domain
	}
	block := first(func(r *modelRule) bool { return blocking(r, true) })
	important := block != nil
	if block == nil {
		block = first(func(r *modelRule) bool { return blocking(r, false) })
	}
	if block != nil {
		v.action = Block
		exception := first(func(r *modelRule) bool { return r.exception && r.mod == "" && (!important || r.important) })
		if exception != nil || onPage(important, "document", "urlblock") {
			v.action = Allow
		}
	}
	excepted := func(mods []string, value string) bool {
		return first(func(r *modelRule) bool {
			return r.exception && slices.Contains(mods, r.mod) && (r.value == "" || r.value == value)
		}) != nil
	}
	if v.action == Block {
		redirects := []string{"redirect", "redirect-rule"}
		if r := first(func(r *modelRule) bool {
			return !r.exception && slices.Contains(redirects, r.mod) && !excepted(redirects, r.value)
		}); r != nil {
			v.action, v.redirect = Redirect, r.value
		}
		return v
	}
	if onPage(false, "document", "urlblock") {
		return v
	}
	url := q.url
	for _, r := range m {
		if r.exception || !r.matches(q) {
			continue
		}
		switch {
		case r.mod == "csp" && !excepted([]string{"csp"}, r.value) && !slices.Contains(v.csp, r.value):
			v.csp = append(v.csp, r.value)
		case r.mod == "permissions" && !excepted([]string{"permissions"}, r.value) && !slices.Contains(v.permissions, r.value):
			v.permissions = append(v.permissions, r.value)
		case r.mod == "removeparam" && !excepted([]string{"removeparam"}, r.value) && (q.method == "" || q.method == "GET" || q.method == "HEAD"):
			url = modelRemove(url, r.value)
		}
	}
	if url != q.url {
		v.url = url
	}
	return v
}

func modelRemove(url, name string) string {
	head, query, ok := strings.Cut(url, "?")
	if !ok || name == "" {
		return head
	}
	rest, not := strings.CutPrefix(name, "~")
	var kept []string
	for _, pair := range strings.Split(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if pair == "" || (key == rest) == not {
			kept = append(kept, pair)
		}
	}
	if len(kept) == 0 {
		return head
	}
	return head + "?" + strings.Join(kept, "&")
}
