package static

import (
	"path"
	"strings"
	"unicode/utf8"
)

// downloadParam is the query parameter that makes a browser save a file
// instead of showing it: /report.pdf?download
const downloadParam = "download"

// asksDownload reports whether a query has that parameter, spelled plainly: the
// hot path looks for no more than that word.
func asksDownload(query string) bool {
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		if name, _, _ := strings.Cut(param, "="); name == downloadParam {
			return true
		}
	}
	return false
}

// attachment returns the Content-Disposition of a file to be saved under its
// own name. A name that is not plain ASCII is given twice: once in characters
// that every client understands, and exactly (RFC 6266 §4.3, RFC 8187).
func attachment(name string) string {
	name = path.Base(name)
	var plain, exact strings.Builder
	same := true
	for _, c := range name {
		switch {
		case c == '"' || c == '\\' || c == '%': // clients disagree about how these are quoted
			plain.WriteByte('_')
			same = false
		case c < ' ' || c >= 0x7f:
			plain.WriteByte('_')
			same = false
		default:
			plain.WriteRune(c)
		}
	}
	value := `attachment; filename="` + plain.String() + `"`
	if same || !utf8.ValidString(name) {
		return value
	}
	for i := range len(name) {
		exact.WriteString(escapeSegment(name[i : i+1]))
	}
	return value + "; filename*=UTF-8''" + exact.String()
}
