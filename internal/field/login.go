package field

import "strings"

// hiddenLogin stands for what is not shown.
const hiddenLogin = "(secret)"

// WithoutLogins is a list of addresses, with commas between them, without what
// logins in them say. A login may have commas in it: when an address has none, and
// a later part without a scheme has an end of one, all between is not shown.
func WithoutLogins(addresses string) string {
	parts := strings.Split(addresses, ",")
	begun := -1 // the part that may be the beginning of a login
	for i, part := range parts {
		scheme, rest, found := strings.Cut(part, "://")
		if !found {
			scheme, rest = "", part
		} else {
			scheme += "://"
			begun = i
		}
		at := strings.LastIndexByte(rest, '@')
		if at < 0 {
			continue
		}
		parts[i] = scheme + hiddenLogin + rest[at:]
		for ; begun >= 0 && begun < i; begun++ {
			parts[begun] = hiddenLogin
		}
		begun = -1
	}
	return strings.Join(parts, ",")
}
