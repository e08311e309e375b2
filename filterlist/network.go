package filterlist

import (
	"regexp"
	"slices"
	"strings"
)

// flags are what a rule says in one bit.
type flags uint32

const (
	flagHostAnchor  flags = 1 << iota // "||"
	flagStartAnchor                   // "|" before
	flagEndAnchor                     // "|" behind
	flagMatchCase
	flagWholeHost // the pattern is a host, with all below it, and nothing else
	flagExactHost // without what is below it
	flagEntry     // of a hosts file or a list of domains
	flagThird
	flagFirst
	flagStrictThird
	flagStrictFirst
	flagImportant
	flagException
	flagSpecific // has $domain with a domain
	flagRegexp
)

// scopes are what an exception turns off on whole pages.
type scopes uint8

const (
	scopeBlock    scopes = 1 << iota // all blocking
	scopeGeneric                     // blocking by rules without $domain
	scopeGenHide                     // hiding by rules for all pages
	scopeSpecHide                    // hiding by rules for some pages
)

const scopeDocument = scopeBlock | scopeGenHide | scopeSpecHide

// modifier is what a rule does other than to block or to except.
type modifier uint8

const (
	modNone modifier = iota
	modRedirect
	modRedirectRule
	modCSP
	modPermissions
	modRemoveParam
)

// parsed is a network rule as it was written.
type parsed struct {
	pattern   string // for flagMatchCase and regular expressions in its own case
	flags     flags
	types     types
	scopes    scopes
	mod       modifier
	value     string
	domains   domains
	labels    []string // the last ones of the names in domains that stand for all endings
	to        domains
	deny      domains
	methods   []string // each with "~" or without
	badfilter bool
	re        *regexp.Regexp
	steps     int        // of re, and of the one in param
	required  [][]string // of each, what re matches has one in it
	endings   []string   // what re matches ends with one of them, if not nil
	param     *param
}

// parseNetwork reads a network rule. reason is why it cannot be applied.
func parseNetwork(line string) (p *parsed, reason string) {
	p = &parsed{}
	text := line
	if rest, ok := strings.CutPrefix(text, "@@"); ok {
		p.flags |= flagException
		text = rest
	}
	if text == "" {
		return nil, "an empty rule"
	}
	pattern, opts, unknown := splitOptions(text)
	if unknown != "" {
		return nil, "unknown option $" + cutName(unknown)
	}
	if reason := p.parseOptions(opts); reason != "" {
		return nil, reason
	}
	if reason := p.parsePattern(pattern); reason != "" {
		return nil, reason
	}
	if len(p.pattern) > maxLine {
		return nil, "a pattern longer than 32 KiB"
	}
	if p.pattern == "" && p.re == nil && opts == "" {
		return nil, "a rule that matches everything"
	}
	return p, ""
}

// cutName keeps a name that a list made up short enough for a table.
func cutName(name string) string {
	if len(name) > 40 {
		return name[:40] + "…"
	}
	return name
}

// asked collects the types that options name.
type asked struct {
	yes, not types
	none     bool // types that a proxy does not see were named
	all      bool
}

func (p *parsed) parseOptions(list string) (reason string) {
	var a asked
	noType := ""
	for rest := list; rest != ""; {
		var item string
		item, rest = nextOption(rest)
		name, value, _ := strings.Cut(item, "=")
		bare, not := strings.CutPrefix(name, "~")
		o, ok := options[bare]
		if !ok {
			continue // a spacer
		}
		if o.kind == optUnsupported {
			return "$" + o.name
		}
		if not && !o.not {
			return "$~" + o.name
		}
		if o.kind == optNoType && !not {
			a.none, noType = true, o.name
		}
		if reason := p.apply(o, not, strings.ReplaceAll(value, "\\,", ","), &a); reason != "" {
			return reason
		}
	}
	if a.none && a.yes == 0 && p.scopes == 0 {
		return "$" + noType
	}
	return p.setTypes(a)
}

// setTypes makes the rule's types of what was asked for, and checks what goes
// with what.
func (p *parsed) setTypes(a asked) (reason string) {
	exception := p.flags&flagException != 0
	if exception && p.mod == modNone && a.yes&Document.bit() != 0 && !a.all {
		p.scopes |= scopeDocument
	}
	if p.scopes != 0 && !exception {
		return "an option for exceptions on a blocking rule"
	}
	if p.scopes != 0 && p.mod != modNone {
		return "an option for pages beside one that changes something"
	}
	base := defaultTypes
	switch {
	case p.mod == modCSP || p.mod == modPermissions:
		base = frameTypes
	case p.mod == modRemoveParam && a.not == 0:
		base = paramTypes
	case p.mod == modRemoveParam || exception || p.mod == modRedirectRule:
		base = allTypes
	}
	switch {
	case a.yes != 0:
		p.types = a.yes &^ a.not
	case p.scopes != 0 && a.not == 0:
		p.types = 0
	default:
		p.types = base &^ a.not
	}
	if p.types == 0 && p.scopes == 0 {
		return "a rule for no type of request"
	}
	return ""
}

func (p *parsed) apply(o option, not bool, value string, a *asked) (reason string) {
	switch o.kind {
	case optType:
		if not {
			a.not |= o.typ.bit()
			break
		}
		a.yes |= o.typ.bit()
	case optAll:
		a.yes |= allTypes
		a.all = true
	case optThird, optFirst:
		if (o.kind == optThird) != not {
			p.flags |= flagThird
		} else {
			p.flags |= flagFirst
		}
	case optStrictThird:
		p.flags |= flagStrictThird
	case optStrictFirst:
		p.flags |= flagStrictFirst
	case optMatchCase:
		p.flags |= flagMatchCase
	case optImportant:
		p.flags |= flagImportant
	case optBadfilter:
		p.badfilter = true
	case optDomain:
		return p.domainOption(&p.domains, o, value)
	case optTo:
		return p.domainOption(&p.to, o, value)
	case optDenyAllow:
		return p.domainOption(&p.deny, o, value)
	case optMethod:
		p.methods = strings.Split(lowerASCII(value), "|")
		if slices.ContainsFunc(p.methods, func(m string) bool { return strings.TrimPrefix(m, "~") == "" }) {
			return "$method with an empty entry"
		}
	case optGenericBlock:
		p.scopes |= scopeGeneric
	case optGenericHide:
		p.scopes |= scopeGenHide
	case optSpecificHide:
		p.scopes |= scopeSpecHide
	case optElemHide:
		p.scopes |= scopeGenHide | scopeSpecHide
	case optURLBlock:
		p.scopes |= scopeBlock
	case optRedirect, optRedirectRule, optRewrite, optEmpty, optMP4, optCSP, optPermissions, optRemoveParam:
		return p.modify(o, value, a)
	}
	return ""
}

func (p *parsed) domainOption(ds *domains, o option, value string) (reason string) {
	if strings.Contains(value, "/") {
		return "$" + o.name + " with a regular expression or a path"
	}
	parsed, ok := parseDomains(value, "|")
	if !ok || *ds != nil || o.kind == optDenyAllow && strings.Contains(value, "~") {
		return "$" + o.name + " that is no list of domains"
	}
	*ds = parsed
	if o.kind == optDomain && parsed.positive() {
		p.flags |= flagSpecific
		p.labels = entityLabels(value)
	}
	return ""
}

// modify reads the options that do something else than to block.
func (p *parsed) modify(o option, value string, a *asked) (reason string) {
	if p.mod != modNone {
		return "two options of which a rule can have one"
	}
	exception := p.flags&flagException != 0
	if value == "" && !exception && (o.kind == optRedirect || o.kind == optRedirectRule || o.kind == optCSP || o.kind == optPermissions) {
		return "$" + o.name + " without a value"
	}
	p.value = value
	switch o.kind {
	case optRedirect:
		p.mod = modRedirect
	case optRedirectRule:
		p.mod = modRedirectRule
	case optRewrite:
		name, ok := strings.CutPrefix(value, "abp-resource:")
		if !ok {
			return "$rewrite to something else than abp-resource"
		}
		p.mod, p.value = modRedirect, "abp-resource:"+name
	case optEmpty:
		p.mod, p.value = modRedirect, "nooptext"
	case optMP4:
		p.mod, p.value = modRedirect, "noopmp4-1s"
		a.yes |= Media.bit()
	case optCSP:
		p.mod = modCSP
	case optPermissions:
		p.mod, p.value = modPermissions, strings.ReplaceAll(value, "|", ", ")
	case optRemoveParam:
		p.mod = modRemoveParam
		p.param, p.steps, reason = parseParam(value)
		return reason
	}
	if p.mod == modRedirect || p.mod == modRedirectRule {
		p.value = standIn(p.value)
	}
	if strings.ContainsAny(p.value, "\r\n\x00") {
		return "$" + o.name + " with a control character"
	}
	return ""
}

// parsePattern reads what stands before the options.
func (p *parsed) parsePattern(pattern string) (reason string) {
	if isRegexp(pattern) {
		return p.parseRegexp(pattern[1 : len(pattern)-1])
	}
	if strings.ContainsAny(pattern, " \t") {
		return "a pattern with a space"
	}
	rest, host := strings.CutPrefix(pattern, "||")
	if host {
		p.flags |= flagHostAnchor
	} else if rest, host = strings.CutPrefix(pattern, "|"); host {
		p.flags |= flagStartAnchor
	}
	if cut, ok := strings.CutSuffix(rest, "|"); ok {
		p.flags |= flagEndAnchor
		rest = cut
	}
	rest, ok := asciiPattern(rest, p.flags&flagHostAnchor != 0)
	if !ok {
		return "a host that has no form in ASCII"
	}
	if p.flags&flagMatchCase == 0 {
		rest = lowerASCII(rest)
	}
	p.pattern = p.trim(rest)
	if name, ok := strings.CutSuffix(p.pattern, "^"); ok && p.flags&(flagHostAnchor|flagEndAnchor|flagMatchCase) == flagHostAnchor && isHostName(name) {
		p.pattern = name
		p.flags |= flagWholeHost
	}
	return ""
}

// trim takes away what an asterisk makes of no effect: anchors behind it, and
// the asterisk where there is no anchor.
func (p *parsed) trim(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	if strings.HasPrefix(s, "*") && p.flags&flagHostAnchor == 0 {
		s = s[1:]
		p.flags &^= flagStartAnchor
	}
	if strings.HasSuffix(s, "*") {
		s = s[:len(s)-1]
		p.flags &^= flagEndAnchor
	}
	if s == "" {
		p.flags &^= flagHostAnchor | flagStartAnchor
	}
	return s
}

// asciiPattern writes what is beyond ASCII as it stands in URLs: the host of a
// pattern in Punycode, the rest in percent-encoded UTF-8.
func asciiPattern(s string, host bool) (string, bool) {
	if isASCII(s) {
		return s, true
	}
	if host {
		end := strings.IndexAny(s, "/^*|?:")
		if end < 0 {
			end = len(s)
		}
		name, ok := asciiHost(s[:end])
		if !ok {
			return "", false
		}
		rest, _ := asciiPattern(s[end:], false)
		return name + rest, true
	}
	const hex = "0123456789abcdef"
	b := make([]byte, 0, 3*len(s))
	for i := range len(s) {
		if c := s[i]; c < 0x80 {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b), true
}
