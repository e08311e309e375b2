package rewrite

import (
	"net/http"
	"slices"
	"strings"

	"freshet/internal/field"
)

// gone are the fields that are about the bytes as the server sent them.
var gone = []string{"Content-Length", "Content-Encoding", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Last-Modified", "Etag"}

// Apply changes the fields of an answer that May has allowed to be changed,
// whether or not something is put in then: what depends on the bytes is removed,
// ranges are no longer offered, and the entity-tag becomes one of the document
// together with a version, that of the sheets. Trailer fields with a digest are
// the caller's to drop. See [OriginConditions] for the way back.
func (v Verdict) Apply(h http.Header, version string) {
	tag := changedTag(h.Get("Etag"), h.Get("Last-Modified"), version)
	for _, name := range gone {
		delete(h, name)
	}
	h["Accept-Ranges"] = []string{"none"}
	if tag != "" {
		h["Etag"] = []string{tag}
	}
}

// The marks of what a changed tag was made of.
const (
	ofStrong = "s:"
	ofWeak   = "w:"
	ofDate   = "d:"
)

// changedTag makes an entity-tag of that of the origin, or else of its date. It is
// weak, for a document that was changed goes out in other codings. "" means that
// there is nothing to make one of.
func changedTag(tag, modified, version string) string {
	version = tagVersion(version)
	switch {
	case len(tag) > 512: // nobody has such
		return ""
	case strings.HasPrefix(tag, "W/") && field.ValidTag(tag):
		return `W/"` + ofWeak + tag[3:len(tag)-1] + "~" + version + `"`
	case field.ValidTag(tag):
		return `W/"` + ofStrong + tag[1:len(tag)-1] + "~" + version + `"`
	case tag != "":
		return ""
	}
	if _, ok := field.ParseDate(modified); !ok {
		return ""
	}
	// A date has spaces, which a tag cannot have.
	return `W/"` + ofDate + strings.ReplaceAll(modified, " ", "_") + "~" + version + `"`
}

// tagVersion keeps what may stand in an entity-tag and cannot be taken for its
// end.
func tagVersion(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && r != '"' && r != '~' && r != ',' {
			return r
		}
		return -1
	}, s)
}

// originOf takes a changed tag apart.
func originOf(tag, version string) (etag, modified string, ok bool) {
	body, weak := strings.CutPrefix(tag, `W/"`)
	body, end := strings.CutSuffix(body, `"`)
	i := strings.LastIndexByte(body, '~')
	if !weak || !end || i < 2 || body[i+1:] != tagVersion(version) {
		return "", "", false
	}
	switch kind, rest := body[:2], body[2:i]; kind {
	case ofStrong:
		return `"` + rest + `"`, "", true
	case ofWeak:
		return `W/"` + rest + `"`, "", true
	case ofDate:
		date := strings.ReplaceAll(rest, "_", " ")
		_, valid := field.ParseDate(date)
		return "", date, valid
	}
	return "", "", false
}

// originOfAny is originOf for one of several versions.
func originOfAny(tag string, versions []string) (etag, modified string, ok bool) {
	for _, v := range versions {
		if etag, modified, ok = originOf(tag, v); ok {
			return etag, modified, true
		}
	}
	return "", "", false
}

// WantsDocument reports whether a request is for something that may be changed:
// a browser says so, others by what they accept.
func WantsDocument(r *http.Request) bool {
	if d := r.Header["Sec-Fetch-Dest"]; len(d) > 0 {
		return documents[strings.ToLower(d[0])]
	}
	for e := range field.Elements(r.Header["Accept"]) {
		name, _, _ := strings.Cut(e, ";")
		if field.EqualFold(strings.TrimSpace(name), "text/html") {
			return true
		}
	}
	return false
}

// OriginConditions changes the conditions of a request for a document, made with
// tags of Apply, into those that the origin understands. Tags of other versions
// than these are dropped: what the client has was made with other sheets, or is in
// a coding that it does not accept now, and must be sent anew. What is no tag of Apply stays, for not all documents are changed, and so
// does "*". Conditions by date are dropped, for with Apply there is no date; so
// are ranges, because a part of a document cannot be changed.
func OriginConditions(h http.Header, versions ...string) {
	lines := h["If-None-Match"]
	for _, name := range []string{"Range", "If-Range", "If-Modified-Since", "If-None-Match"} {
		delete(h, name)
	}
	var tags []string
	date := ""
	for _, line := range lines {
		for rest := line; ; {
			tag, weak, more, ok := field.NextTag(rest)
			if !ok {
				break
			}
			rest = more
			if weak {
				tag = "W/" + tag
			}
			etag, modified, ours := originOfAny(tag, versions)
			switch {
			case ours && etag != "":
				if !slices.Contains(tags, etag) {
					tags = append(tags, etag)
				}
			case ours:
				date = modified
			case !isChanged(tag):
				tags = append(tags, tag)
			}
		}
		if strings.TrimSpace(line) == "*" {
			tags = append(tags, "*")
		}
	}
	if len(tags) > 0 {
		h["If-None-Match"] = []string{strings.Join(tags, ", ")}
	} else if date != "" {
		h["If-Modified-Since"] = []string{date}
	}
}

// isChanged reports whether a tag has the form of those of Apply, of whichever
// version.
func isChanged(tag string) bool {
	body, weak := strings.CutPrefix(tag, `W/"`)
	return weak && len(body) > 2 && (body[:2] == ofStrong || body[:2] == ofWeak || body[:2] == ofDate) && strings.Contains(body, "~")
}
