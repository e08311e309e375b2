package filterlist

import (
	"cmp"
	"regexp"
	"regexp/syntax"
	"slices"
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
	re, steps, reason := compile(expr, tree)
	if reason != "" {
		return reason
	}
	p.re, p.steps = re, p.steps+steps
	p.flags |= flagRegexp
	p.required, p.endings = required(tree)
	return ""
}

// Limits of compiled expressions, in steps: roughly the instructions of their
// programs, which memory and time of a match grow with.
const (
	maxSteps    = 5000   // of one
	maxAllSteps = 500000 // of those of a set
)

// compile compiles an expression unless it is too large.
func compile(expr string, tree *syntax.Regexp) (re *regexp.Regexp, steps int, reason string) {
	if steps = stepsOf(tree); steps > maxSteps {
		return nil, 0, "a regular expression that is too large"
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, 0, regexpReason(err)
	}
	return re, steps, ""
}

// stepsOf estimates how large the program of an expression is; beyond maxSteps
// it does not count on.
func stepsOf(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n = min(n+stepsOf(sub), maxSteps+1)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxSteps+1)
}

func regexpReason(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return "a regular expression that RE2 cannot do: " + e.Code.String()
	}
	return "a regular expression that RE2 cannot do"
}

// Limits of what is worked out of an expression.
const (
	maxAlternatives = 64 // strings in one set
	maxClass        = 12 // characters of a class that is spelled out
)

// required returns sets of strings, in lower case: each text that an expression
// matches has, of each set, one string in it. "\.(bid|click)\/[0-9]+" has
// {".bid/", ".click/"}. endings are strings of which each such text ends with
// one, if that is known.
func required(re *syntax.Regexp) (sets [][]string, endings []string) {
	var r requirement
	r.walk(re)
	if r.last == syntax.OpEndText && !slices.Contains(r.run, "") {
		endings = r.run
	}
	r.end()
	return r.sets, endings
}

// requirement gathers neighbours that stand for few strings into one set.
type requirement struct {
	run  []string // what the neighbours so far stand for
	sets [][]string
	last syntax.Op
}

func (r *requirement) end() {
	if len(r.run) > 0 && !slices.Contains(r.run, "") {
		r.sets = append(r.sets, r.run)
	}
	r.run = nil
}

func (r *requirement) walk(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpCapture:
		r.walk(re.Sub[0])
		return
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			r.walk(sub)
		}
		return
	}
	r.last = re.Op
	strs, ok := few(re)
	if !ok {
		r.end()
		// What is repeated, once at least, is there; its neighbours are not known.
		if re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Min > 0 {
			r.walk(re.Sub[0])
			r.end()
		}
		return
	}
	if r.run == nil {
		r.run = []string{""}
	}
	joined, ok := product(r.run, strs)
	if !ok {
		r.end()
		joined = strs
	}
	r.run = joined
}

// few returns the strings that an expression stands for, if they are few.
func few(re *syntax.Regexp) (strs []string, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpLiteral:
		s, ok := literal(re.Rune)
		return []string{s}, ok
	case syntax.OpCharClass:
		return fewOfClass(re.Rune)
	case syntax.OpCapture:
		return few(re.Sub[0])
	case syntax.OpQuest:
		strs, ok = few(re.Sub[0])
		return append(strs[:len(strs):len(strs)], ""), ok
	case syntax.OpConcat:
		strs = []string{""}
		for _, sub := range re.Sub {
			next, ok := few(sub)
			if !ok {
				return nil, false
			}
			if strs, ok = product(strs, next); !ok {
				return nil, false
			}
		}
		return strs, true
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			next, ok := few(sub)
			if !ok || len(strs)+len(next) > maxAlternatives {
				return nil, false
			}
			strs = append(strs, next...)
		}
		return strs, true
	}
	return nil, false
}

// fewOfClass spells out a class of characters, given as ranges.
func fewOfClass(ranges []rune) (strs []string, ok bool) {
	for i := 0; i+1 < len(ranges); i += 2 {
		// Letters beyond ASCII that fold to ASCII ones do not stand in URLs.
		for c := ranges[i]; c <= min(ranges[i+1], utf8.RuneSelf-1); c++ {
			if s := string(lower(byte(c))); !slices.Contains(strs, s) {
				strs = append(strs, s)
			}
			if len(strs) > maxClass {
				return nil, false
			}
		}
		if ranges[i+1] >= utf8.RuneSelf && ranges[i] < utf8.RuneSelf {
			return nil, false
		}
	}
	return strs, len(strs) > 0
}

// product joins each string of one list with each of another.
func product(a, b []string) (all []string, ok bool) {
	if len(a)*len(b) > maxAlternatives {
		return nil, false
	}
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return all, true
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

// maxProbes is how many strings a URL is searched for before an expression is
// tried.
const maxProbes = 8

// probes returns the set that is the best to search for: the one whose shortest
// string is the longest.
func probes(sets [][]string) (best []string) {
	length := 1
	for _, set := range sets {
		shortest := len(slices.MinFunc(set, func(a, b string) int { return cmp.Compare(len(a), len(b)) }))
		if len(set) <= maxProbes && shortest > length {
			best, length = set, shortest
		}
	}
	return best
}
