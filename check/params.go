package check

import (
	"strconv"
	"strings"

	"freshet/internal/field"
)

func isToken(s string) bool { return field.IsToken(s) }

// isDecimal reports whether s is a number as browsers read it for fields.
func isDecimal(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// A fieldParam is a parameter behind a semicolon; its name is in lower case.
type fieldParam struct {
	name, value string
	hasValue    bool
}

// paramsOf returns the parameters of an element of a list, without quotes and
// without what stands before the first semicolon.
func paramsOf(elem string) []fieldParam {
	var all []fieldParam
	for _, part := range field.Split(elem, ';')[1:] {
		var p fieldParam
		p.name, p.value, p.hasValue = strings.Cut(part, "=")
		p.name, p.value = strings.ToLower(trimSpace(p.name)), trimSpace(p.value)
		if inner, quoted := doubleQuoted(p.value); quoted {
			p.value = unescape(inner)
		}
		if p.name != "" {
			all = append(all, p)
		}
	}
	return all
}

// unescape drops the backslashes of a quoted string.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// paramOf returns the first parameter of a name.
func paramOf(elem, name string) (value string, ok bool) {
	for _, p := range paramsOf(elem) {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}
