package field

import "strings"

// IsEventStream reports whether a Content-Type is that of server-sent events.
func IsEventStream(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	return EqualFold(strings.Trim(t, " \t"), "text/event-stream")
}
