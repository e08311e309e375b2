package filterlist

import "strings"

// optionKind is what an option does to a rule.
type optionKind uint8

const (
	optUnsupported optionKind = iota
	optType
	optNoType // a type of request that a proxy does not see
	optAll
	optIgnored
	optThird
	optFirst
	optStrictThird
	optStrictFirst
	optMatchCase
	optImportant
	optBadfilter
	optDomain
	optTo
	optDenyAllow
	optMethod
	optRedirect
	optRedirectRule
	optRewrite
	optEmpty
	optMP4
	optCSP
	optPermissions
	optRemoveParam
	optGenericBlock
	optGenericHide
	optSpecificHide
	optElemHide
	optURLBlock
)

// needs says what stands behind an option's name.
type needs uint8

const (
	noValue needs = iota
	mustHave
	mayHave
)

// option is a row of the table of options.
type option struct {
	name  string // the main one: aliases have it too
	kind  optionKind
	typ   Type
	value needs
	not   bool // "~name" has a meaning
}

// options are all that are known, under all their names. Those that are not
// supported are here to be told from patterns that happen to have a "$".
var options = optionTable()

func optionTable() map[string]option {
	table := map[string]option{}
	add := func(o option, aliases ...string) {
		table[o.name] = o
		for _, alias := range aliases {
			table[alias] = o
		}
	}
	for _, t := range []struct {
		typ     Type
		aliases []string
	}{
		{Other, nil}, {Document, []string{"doc"}}, {Subdocument, []string{"frame"}}, {Script, nil}, {Image, []string{"background"}},
		{Stylesheet, []string{"css"}}, {Font, nil}, {Media, nil}, {Object, []string{"object-subrequest"}}, {XHR, []string{"xhr"}},
		{WebSocket, nil}, {Ping, []string{"beacon"}},
	} {
		add(option{name: typeNames[t.typ], kind: optType, typ: t.typ, not: true}, t.aliases...)
	}
	for _, name := range []string{"popup", "popunder", "webrtc", "inline-script", "inline-font"} {
		add(option{name: name, kind: optNoType, not: true})
	}
	add(option{name: "all", kind: optAll})
	add(option{name: "collapse", kind: optIgnored, not: true})
	add(option{name: "reason", kind: optIgnored, value: mustHave})
	add(option{name: "third-party", kind: optThird, not: true}, "3p")
	add(option{name: "first-party", kind: optFirst, not: true}, "1p")
	add(option{name: "strict3p", kind: optStrictThird}, "strict-third-party")
	add(option{name: "strict1p", kind: optStrictFirst}, "strict-first-party")
	add(option{name: "match-case", kind: optMatchCase})
	add(option{name: "important", kind: optImportant})
	add(option{name: "badfilter", kind: optBadfilter})
	add(option{name: "domain", kind: optDomain, value: mustHave}, "from")
	add(option{name: "to", kind: optTo, value: mustHave})
	add(option{name: "denyallow", kind: optDenyAllow, value: mustHave})
	add(option{name: "method", kind: optMethod, value: mustHave})
	add(option{name: "redirect", kind: optRedirect, value: mayHave})
	add(option{name: "redirect-rule", kind: optRedirectRule, value: mayHave})
	add(option{name: "rewrite", kind: optRewrite, value: mustHave})
	add(option{name: "empty", kind: optEmpty})
	add(option{name: "mp4", kind: optMP4})
	add(option{name: "csp", kind: optCSP, value: mayHave})
	add(option{name: "permissions", kind: optPermissions, value: mayHave})
	add(option{name: "removeparam", kind: optRemoveParam, value: mayHave}, "queryprune")
	add(option{name: "genericblock", kind: optGenericBlock})
	add(option{name: "generichide", kind: optGenericHide}, "ghide")
	add(option{name: "specifichide", kind: optSpecificHide}, "shide")
	add(option{name: "elemhide", kind: optElemHide}, "ehide")
	add(option{name: "urlblock", kind: optURLBlock})
	for _, name := range []string{
		"app", "client", "cname", "content", "cookie", "ctag", "dnsrewrite", "dnstype", "donottrack", "extension", "header", "hls",
		"inline", "ipaddress", "jsinject", "jsonprune", "network", "referrerpolicy", "removeheader", "replace", "requestheader",
		"responseheader", "sitekey", "stealth", "top-domain", "uritransform", "urlskip", "urltransform", "xmlprune",
	} {
		add(option{name: name, value: mayHave, not: true})
	}
	return table
}

// splitOptions finds where the options of a line begin: at the first "$" behind
// which there are only options. unknown is the first word behind a "$" that
// looks like an option and is none.
func splitOptions(line string) (pattern, opts, unknown string) {
	from := 0
	for {
		i := strings.IndexByte(line[from:], '$')
		if i < 0 {
			break
		}
		at := from + i
		from = at + 1
		if at > 0 && line[at-1] == '\\' || from == len(line) {
			continue
		}
		bad, shaped := firstUnknown(line[from:])
		if bad == "" {
			return line[:at], line[from:], ""
		}
		if shaped {
			unknown = bad
		}
	}
	if isRegexp(line) {
		unknown = ""
	}
	return line, "", unknown
}

// isRegexp says whether all of a pattern is a regular expression.
func isRegexp(pattern string) bool {
	return len(pattern) > 2 && pattern[0] == '/' && pattern[len(pattern)-1] == '/'
}

// firstUnknown returns the first word of a list of options that is no option.
// shaped says whether all of them have the form of one.
func firstUnknown(list string) (unknown string, shaped bool) {
	shaped = true
	for rest := list; rest != ""; {
		var item string
		item, rest = nextOption(rest)
		name, value, has := strings.Cut(item, "=")
		bare := strings.TrimPrefix(name, "~")
		if strings.Trim(bare, "_") == "" && bare != "" {
			continue // a spacer
		}
		o, known := options[bare]
		if known && (o.value == noValue && has || o.value == mustHave && value == "") {
			known = false
		}
		if !known && unknown == "" {
			unknown = bare
		}
		if bare == "" || strings.Trim(bare, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			shaped = false
		}
	}
	return unknown, shaped && list != ""
}

// nextOption cuts the first option off a list. A comma is part of a value if a
// backslash comes before it, or if the value is a regular expression.
func nextOption(list string) (item, rest string) {
	i := 0
	if eq := strings.IndexByte(list, '='); eq >= 0 && eq < indexOrLen(list, ',') {
		i = eq + 1
		if strings.HasPrefix(list[i:], "/") || strings.HasPrefix(list[i:], "~/") {
			if end := regexpEnd(list, i+strings.IndexByte(list[i:], '/')); end > 0 {
				i = end
			}
		}
	}
	for ; i < len(list); i++ {
		if list[i] == ',' && (i == 0 || list[i-1] != '\\') {
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// regexpEnd returns where a "/…/flags" ends that begins at i and is all of an
// option's value, 0 if it is none.
func regexpEnd(list string, i int) int {
	for j := i + 1; j < len(list); j++ {
		if list[j] == '\\' {
			j++
			continue
		}
		if list[j] != '/' {
			continue
		}
		k := j + 1
		for k < len(list) && 'a' <= list[k] && list[k] <= 'z' {
			k++
		}
		if k == len(list) || list[k] == ',' {
			return k
		}
	}
	return 0
}

func indexOrLen(s string, c byte) int {
	if i := strings.IndexByte(s, c); i >= 0 {
		return i
	}
	return len(s)
}
