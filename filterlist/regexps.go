package filterlist

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRegexp is the longest regular expression that is compiled, in bytes.
const maxRegexp = 4096

// parseRegexp compiles an expression as lists write it, for JavaScript, where
// RE2 has the same meaning for it. What RE2 cannot do (looking around,
// references back) is not supported: an expression that needs it would take a
// time that nobody can bound.
func (p *parsed) parseRegexp(expr string) (reason string) {
	if len(expr) > maxRegexp {
		return "a regular expression longer than 4096 bytes"
	}
	if !isASCII(expr) {
		return "a regular expression with letters beyond ASCII, which URLs do not have"
	}
	if p.flags&flagMatchCase == 0 {
		expr = "(?i)" + expr
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return regexpReason(err)
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return regexpReason(err)
	}
	p.re = re
	p.flags |= flagRegexp
	p.literals = literals(nil, tree)
	return ""
}

func regexpReason(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return "a regular expression that RE2 cannot do: " + e.Code.String()
	}
	return "a regular expression that RE2 cannot do"
}

// literals appends texts, in lower case, each of which is in every text that an
// expression matches.
func literals(list []string, re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s, ok := literal(re.Rune); ok {
			list = append(list, s)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			list = literals(list, sub)
		}
	case syntax.OpCapture, syntax.OpPlus:
		list = literals(list, re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			list = literals(list, re.Sub[0])
		}
	}
	return list
}

// literal is a literal in lower case. Letters beyond ASCII that fold to ASCII
// ones do not stand in URLs.
func literal(runes []rune) (string, bool) {
	var b strings.Builder
	for _, r := range runes {
		if r = unicode.ToLower(r); r >= utf8.RuneSelf {
			return "", false
		}
		b.WriteByte(byte(r))
	}
	return b.String(), b.Len() > 0
}

// longest returns the longest of some texts.
func longest(texts []string) string {
	best := ""
	for _, s := range texts {
		if len(s) > len(best) {
			best = s
		}
	}
	return best
}
