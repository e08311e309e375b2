package check

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// A cspPolicy is one policy of Content-Security-Policy or its Report-Only
// sister. A line can hold several, divided by commas (CSP §2.2.2).
type cspPolicy struct {
	field      string
	behind     bool // behind a comma in its line
	directives []cspDirective
}

// A cspDirective is a directive of a policy.
type cspDirective struct {
	name    string // in lower case
	spelled string
	values  []string
	ignored bool // an earlier one of the name counts (CSP §2.2.1)
}

const (
	cspField       = "Content-Security-Policy"
	cspReportField = "Content-Security-Policy-Report-Only"
)

func (p *cspPolicy) reportOnly() bool { return p.field == cspReportField }

// get returns the directive of a name that counts, nil if there is none.
func (p *cspPolicy) get(name string) *cspDirective {
	for i := range p.directives {
		if p.directives[i].name == name {
			return &p.directives[i]
		}
	}
	return nil
}

// scripts returns the directive that governs scripts, nil if there is none.
func (p *cspPolicy) scripts() *cspDirective {
	for _, name := range []string{"script-src-elem", "script-src", "default-src"} {
		if d := p.get(name); d != nil {
			return d
		}
	}
	return nil
}

// has reports whether a directive has a value; case does not matter.
func (d *cspDirective) has(value string) bool { return d != nil && anyFold(d.values, value) }

// vouches reports whether a directive has a nonce or a hash that can match.
func (d *cspDirective) vouches() bool {
	return slices.ContainsFunc(d.values, func(v string) bool { return isCSPNonce(v) || cspHash(v) != "" && hashFits(v) })
}

// policies are those of the answer, the enforced ones first.
func (s *subject) policies() []cspPolicy {
	var all []cspPolicy
	for _, name := range [2]string{cspField, cspReportField} {
		for _, line := range s.lines(name) {
			for i, text := range strings.Split(line, ",") {
				if p := parseCSP(text); len(p.directives) > 0 {
					p.field, p.behind = name, i > 0
					all = append(all, p)
				}
			}
		}
	}
	return all
}

func parseCSP(text string) (p cspPolicy) {
	for part := range strings.SplitSeq(text, ";") {
		words := strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(" \t\n\r\f", r) })
		if len(words) == 0 {
			continue
		}
		d := cspDirective{name: strings.ToLower(words[0]), spelled: words[0], values: words[1:]}
		d.ignored = p.get(d.name) != nil
		p.directives = append(p.directives, d)
	}
	return p
}

// cspDirectives are the directives there are; those with a reason are obsolete.
var cspDirectives = map[string]string{
	"base-uri": "", "child-src": "", "connect-src": "", "default-src": "", "fenced-frame-src": "", "font-src": "",
	"form-action": "", "frame-ancestors": "", "frame-src": "", "img-src": "", "manifest-src": "", "media-src": "",
	"object-src": "", "report-to": "", "report-uri": "", "require-trusted-types-for": "", "sandbox": "",
	"script-src": "", "script-src-attr": "", "script-src-elem": "", "style-src": "", "style-src-attr": "",
	"style-src-elem": "", "trusted-types": "", "upgrade-insecure-requests": "", "webrtc": "", "worker-src": "",

	"block-all-mixed-content": "browsers block or upgrade mixed content anyway",
	"disown-opener":           "send Cross-Origin-Opener-Policy",
	"navigate-to":             "it was never shipped",
	"plugin-types":            "there are no plug-ins any more",
	"prefetch-src":            "default-src governs it",
	"referrer":                "send Referrer-Policy",
	"reflected-xss":           "browsers have dropped it",
	"require-sri-for":         "send Integrity-Policy",
}

// takesSources reports whether the values of a directive are sources.
func (d *cspDirective) takesSources() bool {
	switch d.name {
	case "base-uri", "form-action", "frame-ancestors":
		return true
	}
	return strings.HasSuffix(d.name, "-src") || strings.HasSuffix(d.name, "-src-elem") || strings.HasSuffix(d.name, "-src-attr")
}

// cspKeywords are the sources in single quotes, without them (CSP §2.3.1).
var cspKeywords = []string{
	"none", "self", "unsafe-inline", "unsafe-eval", "strict-dynamic", "unsafe-hashes", "report-sample",
	"unsafe-allow-redirects", "wasm-unsafe-eval", "trusted-types-eval", "inline-speculation-rules",
	"report-sha256", "report-sha384", "report-sha512", "unsafe-webtransport-hashes",
}

// cspSchemes are schemes that are often written as sources.
var cspSchemes = []string{"http", "https", "ws", "wss", "data", "blob", "filesystem", "mediastream"}

var (
	cspScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:$`)
	cspHost   = regexp.MustCompile(`^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::(?:[0-9]+|\*))?(?:/(?:[^/?#'"][^?#'"]*)?)?$`)
)

func unquoted(s string) (inner string, quoted bool) {
	if n := len(s); n > 1 && s[0] == '\'' && s[n-1] == '\'' {
		return s[1 : n-1], true
	}
	return s, false
}

// isCSPNonce reports whether a source is a nonce, in quotes.
func isCSPNonce(source string) bool { return strings.HasPrefix(strings.ToLower(source), "'nonce-") }

// cspHash returns the base64 of a source that is a hash in quotes.
func cspHash(source string) (coded string) {
	inner, quoted := unquoted(source)
	name, coded, ok := strings.Cut(inner, "-")
	if !quoted || !ok || cspHashBytes[strings.ToLower(name)] == 0 {
		return ""
	}
	return coded
}

// cspHashBytes are the sizes of hashes.
var cspHashBytes = map[string]int{"sha256": 32, "sha384": 48, "sha512": 64}

// hashFits reports whether a hash has the size of its algorithm.
func hashFits(source string) bool {
	inner, _ := unquoted(source)
	name, coded, _ := strings.Cut(inner, "-")
	coded = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(coded, "="))
	raw, err := base64.RawStdEncoding.DecodeString(coded)
	return err == nil && len(raw) == cspHashBytes[strings.ToLower(name)]
}

// looksUnquoted reports whether a source is a keyword that lacks its quotes.
func looksUnquoted(source string) bool {
	lower := strings.ToLower(source)
	if anyFold(cspKeywords, source) || strings.HasPrefix(lower, "nonce-") {
		return true
	}
	name, coded, ok := strings.Cut(lower, "-")
	return ok && cspHashBytes[name] > 0 && len(coded) > 40
}

// validSource reports whether a source has a form that there is.
func validSource(source string) bool {
	if inner, quoted := unquoted(source); quoted {
		return anyFold(cspKeywords, inner) || isCSPNonce(source) && len(inner) > len("nonce-") || cspHash(source) != ""
	}
	return cspScheme.MatchString(source) || cspHost.MatchString(source)
}

// perPolicy makes a finder of a judgement on one policy.
func perPolicy(judge func(x *subject, p *cspPolicy, report func(detail string))) func(*subject, func(where, detail string)) {
	return func(x *subject, report func(where, detail string)) {
		for _, p := range x.policies() {
			judge(x, &p, func(detail string) { report(of(p.field), detail) })
		}
	}
}

// perSource makes a finder of a judgement on one source of a directive that
// counts.
func perSource(wrong func(d *cspDirective, source string) bool) func(*subject, func(where, detail string)) {
	return perPolicy(func(_ *subject, p *cspPolicy, report func(detail string)) {
		for i := range p.directives {
			d := &p.directives[i]
			if d.ignored || !d.takesSources() {
				continue
			}
			for _, source := range d.values {
				if wrong(d, source) {
					report(d.name + " " + source)
				}
			}
		}
	})
}
