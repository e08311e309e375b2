package check

import (
	"strings"

	"freshet/internal/field"
)

// A directive is one element of Cache-Control, as it is written.
type directive struct {
	name   string // in lower case
	arg    string // without the quotes
	hasArg bool
	quoted bool
	raw    string
}

// seconds reads the argument as a time (RFC 9111 §1.2.2).
func (d *directive) seconds() (int64, bool) { return parseNumber(d.arg) }

// directives are those of one message, in their order.
type directives []directive

// parseCacheControl splits the lines of Cache-Control, or of a field like it,
// into directives. It judges nothing: what they mean is for package freshness.
func parseCacheControl(lines []string) directives {
	var all directives
	for elem := range field.Elements(lines) {
		d := directive{raw: elem}
		d.name, d.arg, d.hasArg = strings.Cut(elem, "=")
		d.name = strings.ToLower(d.name)
		if n := len(d.arg); n > 1 && d.arg[0] == '"' && d.arg[n-1] == '"' {
			d.arg, d.quoted = d.arg[1:n-1], true
		}
		all = append(all, d)
	}
	return all
}

// has reports whether a directive is there, with an argument or without.
func (all directives) has(name string) bool { return all.get(name) != nil }

// get returns the first directive of a name, nil if there is none.
func (all directives) get(name string) *directive {
	for i := range all {
		if all[i].name == name {
			return &all[i]
		}
	}
	return nil
}

// bare reports whether a directive is there without an argument.
func (all directives) bare(name string) bool {
	for i := range all {
		if all[i].name == name && !all[i].hasArg {
			return true
		}
	}
	return false
}

// seconds returns the time that the first directive of a name states.
func (all directives) seconds(name string) (int64, bool) {
	if d := all.get(name); d != nil {
		return d.seconds()
	}
	return 0, false
}
