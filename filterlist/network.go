package filterlist

import (
	"regexp"
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
