package rewrite

import (
	"mime"
	"net/http"
	"strings"

	"freshet/internal/field"
)

// A Verdict says whether a document may be changed, by its status and fields.
type Verdict struct {
	OK      bool
	Reason  Reason // why not; "" when OK
	Charset string // of Content-Type, for [Edit]; "" when it has none
	Coding  string // to undo first: gzip, br, zstd, deflate, or "" for none
}

// documents are the destinations of requests that are for something to look at
// (Fetch, "request destination").
var documents = map[string]bool{"document": true, "iframe": true, "frame": true, "embed": true, "object": true}

// May looks at an answer and its request. Nothing is changed; see
// [Verdict.Apply]. The verdict is the same for HEAD and GET.
func May(status int, h http.Header, r *http.Request) Verdict {
	no := func(reason Reason) Verdict { return Verdict{Reason: reason} }
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		return no(BadMethod)
	case status != http.StatusOK:
		return no(BadStatus)
	}
	types := h["Content-Type"]
	if len(types) != 1 {
		return no(NotHTMLType)
	}
	name, parameters, err := mime.ParseMediaType(types[0])
	if err != nil && name == "" {
		name, _, _ = strings.Cut(types[0], ";") // browsers take it in spite of a bad parameter
		name = strings.ToLower(strings.TrimSpace(name))
	}
	switch {
	case name == "application/xhtml+xml":
		return no(XHTML)
	case name != "text/html":
		return no(NotHTMLType)
	case kindOf(parameters["charset"]) == charsetOther:
		return no(BadCharset)
	case forbids(h) || forbids(r.Header):
		return no(NoTransform)
	case len(h["Content-Range"]) > 0:
		return no(Partial)
	case isDownload(h):
		return no(Download)
	case len(h["Signature-Input"]) > 0 || len(h["Signature"]) > 0:
		return no(Signed)
	case h.Get("Content-Length") == "0":
		return no(NothingInIt)
	}
	if d := r.Header["Sec-Fetch-Dest"]; len(d) > 0 && !documents[strings.ToLower(d[0])] || strings.EqualFold(r.Header.Get("X-Requested-With"), "XMLHttpRequest") {
		return no(NotADocument)
	}
	coding, ok := codingOf(h["Content-Encoding"])
	if !ok {
		return no(BadCoding)
	}
	return Verdict{OK: true, Charset: parameters["charset"], Coding: coding}
}

// forbids reports whether Cache-Control has no-transform (RFC 9111 §5.2.1.6,
// §5.2.2.6). With an argument it is meant all the same.
func forbids(h http.Header) bool {
	for e := range field.Elements(h["Cache-Control"]) {
		name, _, _ := strings.Cut(e, "=")
		if field.EqualFold(strings.TrimSpace(name), "no-transform") {
			return true
		}
	}
	return false
}

// isDownload reports whether Content-Disposition says anything but inline.
func isDownload(h http.Header) bool {
	for _, line := range h["Content-Disposition"] {
		kind, _, _ := strings.Cut(line, ";")
		// One that begins with a parameter is ignored by browsers (RFC 6266 §4.2 wants a type).
		if kind = strings.ToLower(strings.TrimSpace(kind)); kind != "inline" && kind != "" && !strings.Contains(kind, "=") {
			return true
		}
	}
	return false
}

// codingOf returns the one coding of a body.
func codingOf(lines []string) (coding string, ok bool) {
	n := 0
	for e := range field.Elements(lines) {
		switch e = strings.ToLower(e); e {
		case "identity":
			continue
		case "x-gzip":
			e = "gzip"
		case "gzip", "br", "zstd", "deflate":
		default:
			return "", false
		}
		coding = e
		n++
	}
	return coding, n <= 1
}
