package static

import (
	"net/http"
	"path"
	"strings"

	"freshet/internal/field"
)

// assetRequest reports whether a request for something that is not there asks
// for a part of a page, and not for a page. The shell of a single-page
// application must not answer for those: a browser would run HTML as a script,
// and a cache would keep it under the script's name.
//
// It is one if its name has an extension, if the browser says that it is for
// something else than a page (Sec-Fetch-Dest), or if HTML is not among the
// types it names: what takes anything (*/*) is a script or a tool.
func assetRequest(name string, f http.Header) bool {
	if path.Ext(name) != "" {
		return true
	}
	switch f.Get("Sec-Fetch-Dest") {
	case "", "document", "iframe", "frame", "fencedframe":
	default:
		return true
	}
	for rest, ok := strings.Join(f.Values("Accept"), ","), true; ok; {
		var elem string
		elem, rest, ok = field.NextElement(rest)
		mediaType, _, _ := strings.Cut(elem, ";")
		if field.EqualFold(strings.TrimSpace(mediaType), "text/html") {
			return false
		}
	}
	return true
}
