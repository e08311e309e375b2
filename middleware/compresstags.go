package middleware

import (
	"maps"
	"net/http"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// noTag stands in a field for a tag that must not match anything.
const noTag = `"no-such-coding"`

// untagged returns r as the next handler is to see it: the entity-tags of its
// preconditions are led back to those that the handler knows. r itself is not
// changed.
func untagged(r *http.Request, accepted field.Accepted) *http.Request {
	_, ranged := r.Header["Range"]
	var h http.Header
	for _, name := range [...]string{"If-Match", "If-None-Match", "If-Range"} {
		lines, ok := r.Header[name]
		if !ok {
			continue
		}
		valid := func(c field.Coding) bool {
			switch {
			case name == "If-Range", name == "If-Match" && ranged && reads(r):
				// Ranges are of the identity's bytes only: they must not be
				// added to those of a coding.
				return c == field.Identity
			case reads(r):
				return accepted.Q(c) > 0
			}
			return true
		}
		old := strings.Join(lines, ", ")
		list := untagList(old, valid)
		if list == old {
			continue
		}
		if h == nil {
			h = maps.Clone(r.Header)
			r = r.WithContext(r.Context())
			r.Header = h
		}
		h[name] = []string{list}
	}
	return r
}

// untagList leads the entity-tags of a list back to the handler's; tags of
// codings that are not valid, to one that matches nothing. What is no list of
// tags, such as "*" or a date, stays as it is.
func untagList(list string, valid func(field.Coding) bool) string {
	var out []string
	for rest := list; ; {
		tag, weak, r, ok := field.NextTag(rest)
		if !ok {
			// What is not a tag makes the rest of the list void, as it was.
			if rest = strings.Trim(rest, ", \t"); rest != "" {
				out = append(out, rest)
			}
			break
		}
		if weak {
			tag = "W/" + tag
		}
		base, c := coding.Base(tag)
		if !valid(c) {
			base = noTag
		}
		out = append(out, base)
		rest = r
	}
	if out == nil {
		return list
	}
	return strings.Join(out, ", ")
}

// listedTag returns the entity-tag that a 304 is to have whose handler calls
// it tag: of those that the client listed and that lead back to it the one
// whose coding it likes best, or else that of the identity.
func listedTag(lines []string, tag string, accepted field.Accepted) string {
	weakless := strings.TrimPrefix(tag, "W/")
	var listed field.CodingSet
	for rest := strings.Join(lines, ", "); ; {
		t, _, r, ok := field.NextTag(rest)
		if !ok {
			break
		}
		if base, c := coding.Base(t); base == weakless {
			listed = listed.With(c)
		}
		rest = r
	}
	if order, n := accepted.Order(listed); n > 0 {
		return coding.Tag(tag, order[0])
	}
	return coding.Tag(tag, field.Identity)
}
