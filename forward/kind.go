package forward

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"freshet/filterlist"
	"freshet/internal/field"
)

// What a request is for is not in HTTP. Browsers say it in Sec-Fetch-Dest, but
// not to http origins other than loopback; then Accept tells documents, images
// and style sheets, and the ending of the path the rest. A frame that does not
// say so is taken for a document, which few rules block: too little is cut then,
// and no page.

// mayBeFrame reports whether a request is taken for a document, and may be a
// frame of the page in Referer. Browsers send the same for both over plain http,
// Upgrade-Insecure-Requests and Accept; a link that was clicked has a Referer of
// another site, too. Only pages of plain http have frames of plain http: those of
// https may not (Mixed Content §5.3).
func mayBeFrame(r *http.Request) (page string, ok bool) {
	if r.TLS != nil || r.Method != http.MethodGet || r.Header.Get("Sec-Fetch-Dest") != "" {
		return "", false
	}
	page = webPage(r.Header.Get("Referer"))
	return page, strings.HasPrefix(page, "http:")
}

// destinations are the values of Sec-Fetch-Dest (Fetch, "request destination").
var destinations = map[string]filterlist.Type{
	"document": filterlist.Document,
	"iframe":   filterlist.Subdocument, "frame": filterlist.Subdocument, "fencedframe": filterlist.Subdocument,
	"embed": filterlist.Object, "object": filterlist.Object,
	"script": filterlist.Script, "worker": filterlist.Script, "sharedworker": filterlist.Script, "serviceworker": filterlist.Script,
	"audioworklet": filterlist.Script, "paintworklet": filterlist.Script,
	"style": filterlist.Stylesheet,
	"image": filterlist.Image,
	"font":  filterlist.Font,
	"audio": filterlist.Media, "video": filterlist.Media, "track": filterlist.Media,
	"json": filterlist.XHR, "empty": filterlist.XHR, "webidentity": filterlist.XHR,
	"websocket": filterlist.WebSocket,
}

// endings are those of paths. What may be a program's own (.php) is not there.
var endings = map[string]filterlist.Type{
	".js": filterlist.Script, ".mjs": filterlist.Script,
	".css": filterlist.Stylesheet,
	".gif": filterlist.Image, ".png": filterlist.Image, ".jpg": filterlist.Image, ".jpeg": filterlist.Image, ".webp": filterlist.Image,
	".avif": filterlist.Image, ".svg": filterlist.Image, ".ico": filterlist.Image, ".bmp": filterlist.Image,
	".woff": filterlist.Font, ".woff2": filterlist.Font, ".ttf": filterlist.Font, ".otf": filterlist.Font, ".eot": filterlist.Font,
	".mp3": filterlist.Media, ".mp4": filterlist.Media, ".m4a": filterlist.Media, ".m4s": filterlist.Media, ".m4v": filterlist.Media,
	".webm": filterlist.Media, ".ogg": filterlist.Media, ".ogv": filterlist.Media, ".wav": filterlist.Media, ".flac": filterlist.Media,
	".vtt": filterlist.Media, ".ts": filterlist.Media, ".m3u8": filterlist.Media, ".mpd": filterlist.Media,
	".swf":  filterlist.Object,
	".json": filterlist.XHR,
	".html": filterlist.Document, ".htm": filterlist.Document,
}

// typeOf says what a request is for.
func typeOf(r *http.Request) filterlist.Type {
	h := r.Header
	switch {
	case field.EqualFold(h.Get("Upgrade"), "websocket") || h.Get("Sec-Fetch-Mode") == "websocket":
		return filterlist.WebSocket
	case isPing(r):
		return filterlist.Ping
	}
	if d := h.Get("Sec-Fetch-Dest"); d != "" {
		if d == "empty" && h.Get("Sec-Fetch-Mode") == "navigate" { // a prefetch
			return filterlist.Document
		}
		return destinations[strings.ToLower(d)] // others: Other
	}
	if t, ok := typeOfAccept(h); ok {
		return t
	}
	if field.EqualFold(h.Get("X-Requested-With"), "XMLHttpRequest") || h.Get("Access-Control-Request-Method") != "" {
		return filterlist.XHR
	}
	if t, ok := endings[strings.ToLower(path.Ext(r.URL.Path))]; ok && (t != filterlist.Document || h.Get("Accept") == "") {
		return t
	}
	switch {
	case h.Get("Accept-Encoding") == "identity;q=1, *;q=0" && h.Get("Range") != "":
		return filterlist.Media // Chromium's players
	case h.Get("Origin") != "":
		return filterlist.XHR
	}
	return filterlist.Other
}

// isPing reports whether a request only tells something: the ping of a link, or
// a beacon, which no page sees the answer of.
func isPing(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	h := r.Header
	return h.Get("Ping-To") != "" || field.EqualFold(h.Get("Content-Type"), "text/ping") ||
		h.Get("Sec-Fetch-Dest") == "empty" && h.Get("Sec-Fetch-Mode") == "no-cors"
}

// typeOfAccept tells by what a client accepts, where that is of one kind.
func typeOfAccept(h http.Header) (filterlist.Type, bool) {
	first := ""
	for e := range field.Elements(h["Accept"]) {
		name, _, _ := strings.Cut(e, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if first == "" {
			first = name
		}
		if name == "text/html" { // wherever it stands: XMLHttpRequest does not name it by itself
			return filterlist.Document, true
		}
	}
	kind, _, _ := strings.Cut(first, "/")
	switch {
	case kind == "image":
		return filterlist.Image, true
	case first == "text/css":
		return filterlist.Stylesheet, true
	case kind == "video", kind == "audio":
		return filterlist.Media, true
	case kind == "font", strings.HasPrefix(first, "application/font-"):
		return filterlist.Font, true
	case first == "text/event-stream", first == "application/json":
		return filterlist.XHR, true
	case first == "application/javascript", first == "text/javascript":
		return filterlist.Script, true
	}
	return filterlist.Other, false
}

// pageOf returns the page that a request is for: its URL, or its host, "" when
// it is not known.
func pageOf(r *http.Request, t filterlist.Type, address string) string {
	if t == filterlist.Document {
		return address
	}
	if page := webPage(r.Header.Get("Referer")); page != "" {
		return page
	}
	if page := webPage(r.Header.Get("Origin")); page != "" {
		return page
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "same-site": // of which page is not known, of whose is
		return r.Host
	}
	return ""
}

// webPage returns an address if it is one of a page.
func webPage(address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return address
}

// addressFor returns the URL that a request in origin form is for.
func addressFor(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return scheme + r.Host + r.URL.RequestURI()
}
