package freshness

import (
	"slices"

	"freshet/internal/field"
)

// Groups returns the groups that a response belongs to (RFC 9875 §2), sorted,
// once each. Groups are those of one origin. A malformed field says nothing. A
// field can name up to [field.MaxMembers] groups.
func Groups(r Fields) []string { return stringList(r["Cache-Groups"]) }

// InvalidatedGroups returns the groups of the request's origin whose stored
// responses the answer to an unsafe request makes invalid (RFC 9875 §3). Unlike
// [Invalidates] it also heeds answers that are errors: whoever sends the field
// says what has changed.
func InvalidatedGroups(q *Request, status int, r Fields) []string {
	if SafeMethod(q.Method) || status < 200 {
		return nil
	}
	return stringList(r["Cache-Group-Invalidation"])
}

// stringList reads a structured list of strings.
func stringList(lines []string) []string {
	values, ok := field.ParseList(lines)
	if !ok {
		return nil
	}
	var names []string
	for _, v := range values {
		if v.Kind != field.String {
			return nil
		}
		names = append(names, v.Text)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
