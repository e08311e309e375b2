package cache

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A where is a condition about stored answers: terms that all have to hold.
//
//	type=text/html age>1h path~/news/*
//
// Terms stand between spaces:
//
//	type=M             Content-Type without parameters, a "*" at the end stands for any rest
//	status=N           three digits, or 4xx
//	age>D  age<D       Age at the time of the purge: 90s, 15m, 1h30m, 2d, 1w
//	size>N  size<N     of the body: 500, 10KB, 4MiB
//	path~G             the path; "*" stands for any bytes, "?" for one
//	host=H             as --host
//	tag=T              as --tag
//	stored-before T    or stored-before=T: RFC 3339, or a date (UTC)
//
// A value with spaces stands in double quotes.
type where struct {
	terms []term
}

type term struct {
	what  termKind
	op    byte // '=', '<', '>' or '~'
	text  string
	n     int64 // of age in nanoseconds, size in bytes, stored-before in nanoseconds since 1970
	under bool  // status: n is a class
	host  Selector
}

type termKind uint8

const (
	termType termKind = iota
	termStatus
	termAge
	termSize
	termPath
	termHost
	termTag
	termStored
)

// MaxWhere bounds the bytes of a condition, and maxTerms its terms.
const (
	MaxWhere = 4096
	maxTerms = 32
)

// A WhereError is a fault of a condition.
type WhereError struct {
	Text   string
	Offset int // of Text, in bytes, where the fault is
	Fault  string
}

// Error shows where the fault is.
func (e *WhereError) Error() string {
	return fmt.Sprintf("condition, position %d: %s", e.Offset+1, e.Fault)
}

// ParseWhere parses a condition; its error is a [WhereError].
func ParseWhere(text string) (Selector, error) {
	p := &whereParser{text: text}
	w := &where{}
	if len(text) > MaxWhere {
		return Selector{}, p.fault(0, "it has %d bytes; %d are the most", len(text), MaxWhere)
	}
	for p.skip(); p.at < len(text); p.skip() {
		if len(w.terms) == maxTerms {
			return Selector{}, p.fault(p.at, "there are more than %d terms", maxTerms)
		}
		t, err := p.term()
		if err != nil {
			return Selector{}, err
		}
		w.terms = append(w.terms, t)
	}
	if len(w.terms) == 0 {
		return Selector{}, p.fault(0, "there is none")
	}
	return Selector{kind: selectWhere, value: text, where: w}, nil
}

type whereParser struct {
	text string
	at   int
}

func (p *whereParser) fault(at int, format string, args ...any) *WhereError {
	return &WhereError{Text: p.text, Offset: at, Fault: fmt.Sprintf(format, args...)}
}

func (p *whereParser) skip() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// term parses a name, an operator and a value.
func (p *whereParser) term() (t term, err error) {
	start := p.at
	for p.at < len(p.text) && (p.text[p.at] == '-' || 'a' <= p.text[p.at] && p.text[p.at] <= 'z') {
		p.at++
	}
	name := p.text[start:p.at]
	row, known := whereNames[name]
	if !known {
		return t, p.fault(start, "%q is none of type, status, age, size, path, host, tag and stored-before", shortened(p.word(start)))
	}
	t.what = row.what
	switch {
	case p.at < len(p.text) && strings.IndexByte(row.ops, p.text[p.at]) >= 0:
		t.op = p.text[p.at]
		p.at++
	case t.what == termStored && p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t'):
		t.op = '='
		p.skip()
	default:
		return t, p.fault(p.at, "after %s comes %s", name, row.expects)
	}
	valueAt := p.at
	if t.text, err = p.value(); err != nil {
		return t, err
	}
	if fault := t.read(); fault != "" {
		return t, p.fault(valueAt, "%s", fault)
	}
	return t, nil
}

var whereNames = map[string]struct {
	what         termKind
	ops, expects string
}{
	"type": {termType, "=", "="}, "status": {termStatus, "=", "="}, "age": {termAge, "<>", "> or <"}, "size": {termSize, "<>", "> or <"},
	"path": {termPath, "~", "~"}, "host": {termHost, "=", "="}, "tag": {termTag, "=", "="}, "stored-before": {termStored, "=", "a time"},
}

// word is what stands at a place, up to the next space.
func (p *whereParser) word(at int) string {
	word, _, _ := strings.Cut(p.text[at:], " ")
	return word
}

func shortened(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// value reads up to the next space, or what is in quotes.
func (p *whereParser) value() (string, error) {
	start := p.at
	if start < len(p.text) && p.text[start] == '"' {
		end := strings.IndexByte(p.text[start+1:], '"')
		if end < 0 {
			return "", p.fault(start, "the quotes have no end")
		}
		p.at = start + 1 + end + 1
		if p.at < len(p.text) && p.text[p.at] != ' ' && p.text[p.at] != '\t' {
			return "", p.fault(p.at, "behind the quotes comes a space")
		}
		return p.text[start+1 : p.at-1], nil
	}
	for p.at < len(p.text) && p.text[p.at] != ' ' && p.text[p.at] != '\t' {
		p.at++
	}
	if p.at == start {
		return "", p.fault(start, "a value is missing")
	}
	return p.text[start:p.at], nil
}

// read makes of the value what is compared; it returns what is wrong with it.
func (t *term) read() (fault string) {
	var ok bool
	switch t.what {
	case termType:
		if t.text = strings.ToLower(t.text); t.text == "" {
			return "a type is missing"
		}
	case termStatus:
		t.n, t.under, ok = parseStatus(t.text)
		if !ok {
			return fmt.Sprintf("%q is no status: 404, or 4xx", shortened(t.text))
		}
	case termAge:
		if t.n, ok = parseSpan(t.text); !ok {
			return fmt.Sprintf("%q is no time: 90s, 15m, 1h30m, 2d, 1w", shortened(t.text))
		}
	case termSize:
		if t.n, ok = parseSize(t.text); !ok {
			return fmt.Sprintf("%q is no size: 500, 10KB, 4MiB", shortened(t.text))
		}
	case termHost:
		s, err := ByHost(t.text)
		if err != nil {
			return err.Error()
		}
		t.host = s
	case termTag:
		if _, err := ByTag(t.text); err != nil {
			return err.Error()
		}
	case termStored:
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, t.text)
		}
		if err != nil || at.Year() < 1970 || at.Year() > 2200 {
			return fmt.Sprintf("%q is no time: 2026-01-31T12:00:00Z, or 2026-01-31", shortened(t.text))
		}
		t.n = at.UnixNano()
	}
	return ""
}

func parseStatus(s string) (n int64, class, ok bool) {
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return 0, false, false
	}
	if strings.EqualFold(s[1:], "xx") {
		return int64(s[0] - '0'), true, true
	}
	v, err := strconv.ParseUint(s, 10, 16)
	return int64(v), false, err == nil
}

// parseSpan parses a time: numbers with units, without a sign.
func parseSpan(s string) (nanoseconds int64, ok bool) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	for s != "" {
		i := 0
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		n, err := strconv.ParseInt(s[:i], 10, 64)
		if err != nil || i == len(s) || units[s[i]] == 0 || n > int64(100*365*24*time.Hour/units[s[i]]) {
			return 0, false
		}
		nanoseconds += n * int64(units[s[i]])
		ok = nanoseconds <= int64(200*365*24*time.Hour)
		if !ok {
			return 0, false
		}
		s = s[i+1:]
	}
	return nanoseconds, ok
}

// parseSize parses a number of bytes, with or without a unit.
func parseSize(s string) (int64, bool) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	unit := map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[s[i:]]
	return n * max(unit, 1), err == nil && unit != 0 && n <= (1<<62)/unit
}

// holds reports whether all terms hold of an object at a time.
func (w *where) holds(key string, o *object, at int64) bool {
	for i := range w.terms {
		if !w.terms[i].holds(key, o, at) {
			return false
		}
	}
	return true
}

func (t *term) holds(key string, o *object, at int64) bool {
	switch t.what {
	case termType:
		media, _, _ := strings.Cut(first(o.fields["Content-Type"]), ";")
		media = strings.ToLower(strings.TrimSpace(media))
		rest, any := strings.CutSuffix(t.text, "*")
		return media == t.text || any && strings.HasPrefix(media, rest)
	case termStatus:
		return t.under && int64(o.status/100) == t.n || !t.under && int64(o.status) == t.n
	case termAge:
		return t.compare(o.terms.Age(at))
	case termSize:
		return t.compare(max(o.body.size, 0))
	case termPath:
		return glob(t.text, pathOf(key))
	case termHost:
		return t.host.aboutKey(key)
	case termTag:
		return o.tagged(t.text)
	}
	return o.terms.Received < t.n
}

func (t *term) compare(v int64) bool { return t.op == '>' && v > t.n || t.op == '<' && v < t.n }

// pathOf returns the path of the address that a key begins with.
func pathOf(key string) string {
	path := addressOf(key)[len(originOf(key)):]
	path, _, _ = strings.Cut(path, "?")
	return path
}

// glob reports whether a pattern matches a text: "*" stands for any bytes, "?"
// for one. It takes at most the product of their lengths.
func glob(pattern, text string) bool {
	star, mark := -1, 0
	p := 0
	for i := 0; i < len(text); {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
