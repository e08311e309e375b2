package freshness

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/field"
)

// StoredFields returns a copy of the fields of a response without those that
// belong to the connection or to a proxy (RFC 9111 §3.1).
func StoredFields(r Fields) Fields {
	stored := maps.Clone(r)
	if stored == nil {
		stored = Fields{}
	}
	maps.DeleteFunc(stored, func(name string, _ []string) bool { return hopByHop(name) || namedBy(r["Connection"], name) })
	return stored
}

// hopByHop fields are for the next hop only (RFC 9110 §7.6.1), or for the proxy
// that they name (RFC 9111 §3.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
		"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

func namedBy(connection []string, name string) bool {
	for _, line := range connection {
		if field.HasToken(line, name) {
			return true
		}
	}
	return false
}

// Update returns the fields of a stored response, updated by those of a 304, an
// answer to HEAD, or a part that was joined to it (RFC 9111 §3.2). They replace
// those of the same name, but for those that describe the stored bytes:
// Content-Encoding, Content-Length, Content-Range, Content-Digest and Repr-Digest.
//
// Age and Date are always those of the newer response. If it has none, the
// updated response has none either, because the old ones would make it look
// older than it is.
func Update(stored, notModified Fields) Fields {
	updated := StoredFields(stored)
	delete(updated, "Age")
	delete(updated, "Date")
	for name, lines := range StoredFields(notModified) {
		switch name {
		case "Content-Encoding", "Content-Length", "Content-Range", "Content-Digest", "Repr-Digest":
		default:
			updated[name] = lines
		}
	}
	return updated
}

// Confirms reports whether a 304 may freshen a stored response (RFC 9111
// §4.3.4): a strong entity-tag must be that of the stored response, a weak one
// must match it, and without an entity-tag Last-Modified must be the same.
//
// only says that the stored response is the only one that was asked about. Then
// a 304 without any validator confirms it, too: it answers the validators that
// were sent, and there was nothing else that it could mean.
func Confirms(stored, notModified Fields, only bool) bool {
	if tag := entityTag(notModified); tag != "" {
		mine := entityTag(stored)
		if strings.HasPrefix(tag, "W/") {
			return strings.TrimPrefix(mine, "W/") == tag[2:]
		}
		return mine == tag
	}
	if modified := lastModified(notModified); modified != "" {
		return sameDate(lastModified(stored), modified)
	}
	return only
}

// sameDate compares two values of Last-Modified.
func sameDate(a, b string) bool {
	if a == b {
		return a != ""
	}
	at, ok := field.ParseDateFold(a, 0)
	bt, ok2 := field.ParseDateFold(b, 0)
	return ok && ok2 && at == bt
}

// UpdateFromHead returns the fields of a stored response, updated by a 200 to
// HEAD (RFC 9111 §4.3.5). length is that of the stored content, -1 if it is not
// known. It is not ok when the answer has another entity-tag, Last-Modified or
// Content-Length: then the stored response is to be taken for stale.
func UpdateFromHead(stored Fields, length int64, head Fields) (updated Fields, ok bool) {
	for _, name := range [2]string{"Etag", "Last-Modified"} {
		if lines := head[name]; len(lines) > 0 && !slices.Equal(lines, stored[name]) {
			return nil, false
		}
	}
	if lines := head["Content-Length"]; len(lines) > 0 && length >= 0 {
		if n, err := strconv.ParseInt(lines[0], 10, 64); err != nil || n != length {
			return nil, false
		}
	}
	return Update(stored, head), true
}

// SetValidators puts the validators of stored responses into the fields of a
// validation request, in place of the client's preconditions (RFC 9111 §4.3.1):
// If-None-Match with the entity-tags of all, and If-Modified-Since when there is
// one response, since a date does not tell several apart.
func SetValidators(request Fields, stored []Fields) {
	for _, name := range [...]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"} {
		delete(request, name)
	}
	var tags []string
	for _, s := range stored {
		if tag := entityTag(s); tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if len(tags) > 0 {
		request["If-None-Match"] = []string{strings.Join(tags, ", ")}
	}
	if len(stored) == 1 {
		if modified := lastModified(stored[0]); modified != "" {
			request["If-Modified-Since"] = []string{modified}
		}
	}
}
