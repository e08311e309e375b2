package cache

import (
	"maps"
	"slices"
	"strings"

	"freshet/freshness"
	"freshet/internal/wire"
)

// What is told about a request or an answer has no secret in it: of a cookie
// the name stays, of credentials the scheme.

// isSecret reports whether a field's values are cut.
func isSecret(name string) bool {
	switch name {
	case "Set-Cookie", "Set-Cookie2", "Cookie", "Authorization", "Proxy-Authorization":
		return true
	}
	return slices.ContainsFunc(secretNames[:], func(part string) bool { return strings.Contains(name, part) })
}

// secretNames are parts of the names by which applications call fields with
// credentials, as they are capitalised: X-Api-Key, X-Auth-Token.
var secretNames = [...]string{"Api-Key", "Apikey", "Token", "Secret", "Passw", "Session", "Credential", "Jwt", "Authorization"}

// withoutSecret returns what may be shown of a field's value.
func withoutSecret(name, value string) string {
	switch name {
	case "Set-Cookie", "Set-Cookie2":
		crumb, _, _ := strings.Cut(value, ";")
		return cookieName(crumb)
	case "Cookie":
		var names []string
		for crumb := range strings.SplitSeq(value, ";") {
			names = append(names, cookieName(crumb))
		}
		return strings.Join(names, "; ")
	case "Authorization", "Proxy-Authorization":
		scheme, _, has := strings.Cut(strings.TrimSpace(value), " ")
		if !has {
			return "…" // a token without a scheme
		}
		return scheme + " …"
	}
	if isSecret(name) {
		return "…"
	}
	return value
}

// cookieName returns "name=…".
func cookieName(crumb string) string {
	name, _, has := strings.Cut(strings.TrimSpace(crumb), "=")
	if !has {
		return "…" // a value without a name
	}
	return name + "=…"
}

// shownKey returns a key as records have it: printable, and of one that has
// secrets in it, because the rules for keys name such a field, the address only.
func (h *Handler) shownKey(key string) string {
	for _, name := range h.opt.Key.Headers {
		if isSecret(wire.CanonicalName(name)) {
			return printableKey(addressOf(key))
		}
	}
	return printableKey(key)
}

// withoutSecrets returns fields that may be shown.
func withoutSecrets(fields freshness.Fields) freshness.Fields {
	out := maps.Clone(fields)
	for name, values := range out {
		if !isSecret(name) {
			continue
		}
		cut := make([]string, len(values))
		for i, v := range values {
			cut[i] = withoutSecret(name, v)
		}
		out[name] = cut
	}
	return out
}
