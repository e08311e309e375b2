package filterlist

import (
	"slices"
	"strings"
	"unicode/utf8"
)

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
	if strings.ContainsFunc(p.value, func(r rune) bool { return r < ' ' || r == 0x7f || r >= utf8.RuneSelf }) {
		return "$" + o.name + " with a character that no field has"
	}
	if p.mod == modCSP && strings.Contains(lowerASCII(p.value), "report-") {
		return "$csp that sends reports" // a list could learn by them who was where
	}
	return ""
}
