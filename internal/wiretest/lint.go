package wiretest

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	entityTag    = regexp.MustCompile(`^(W/)?"[^\x00-\x20"\x7f]*"$`)
	contentRange = regexp.MustCompile(`^bytes (\d+)-(\d+)/(\d+)$`)
)

// single are the fields that a response has at most once.
var single = []string{"Accept-Ranges", "Age", "Content-Length", "Content-Range", "Content-Type", "Date", "ETag",
	"Expires", "Last-Modified", "Location", "Retry-After", "Server", "Transfer-Encoding"}

// lint returns what no server may do in any answer, whatever a script asks.
func lint(p *response) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	value := func(name string) string { v, _ := get(p.fields, name); return v }
	has := func(name string) bool { return count(p.fields, name) > 0 }

	for _, name := range single {
		if n := count(p.fields, name); n > 1 {
			fault("%s is sent %d times", name, n)
		}
	}
	for _, name := range []string{"Date", "Last-Modified"} {
		if date, err := http.ParseTime(value(name)); has(name) && (err != nil || date.UTC().Format(http.TimeFormat) != value(name)) {
			fault("%s is no date in the preferred format: %q (RFC 9110 §5.6.7)", name, value(name))
		}
	}
	if has("ETag") && !entityTag.MatchString(value("ETag")) {
		fault("malformed ETag %q (RFC 9110 §8.8.3)", value("ETag"))
	}
	if p.status < 200 || p.status == 204 {
		if has("Content-Length") || has("Transfer-Encoding") {
			fault("a %d states a length or a transfer coding (RFC 9110 §8.6, RFC 9112 §6.1)", p.status)
		}
	} else if !has("Date") {
		fault("no Date (RFC 9110 §6.6.1)")
	}
	if has("Content-Length") && has("Transfer-Encoding") {
		fault("Content-Length and Transfer-Encoding (RFC 9112 §6.2)")
	}
	if has("Content-Encoding") && !strings.Contains(strings.ToLower(value("Vary")), "accept-encoding") && value("Vary") != "*" {
		fault("Content-Encoding without Vary: Accept-Encoding (RFC 9110 §12.5.5)")
	}
	switch p.status {
	case 206:
		faults = append(faults, lintPartial(p)...)
	case 301, 302, 303, 307, 308:
		if location := value("Location"); location == "" || strings.HasPrefix(location, "//") || strings.Contains(location, "\\") {
			fault("Location %q leads nowhere, or off the site", location)
		}
	case 304:
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Range", "Transfer-Encoding"} {
			if has(name) {
				fault("a 304 has %s (RFC 9110 §15.4.5)", name)
			}
		}
	case 405:
		if !has("Allow") {
			fault("405 without Allow (RFC 9110 §15.5.6)")
		}
	case 416:
		if !strings.HasPrefix(value("Content-Range"), "bytes */") {
			fault("416 with Content-Range %q (RFC 9110 §15.5.17)", value("Content-Range"))
		}
	default:
		if has("Content-Range") {
			fault("a %d has Content-Range (RFC 9110 §14.4)", p.status)
		}
	}
	return faults
}

func lintPartial(p *response) []string {
	kind, _ := get(p.fields, "Content-Type")
	value, ranged := get(p.fields, "Content-Range")
	if strings.HasPrefix(kind, "multipart/byteranges") {
		if ranged {
			return []string{"a multipart 206 has Content-Range in its head (RFC 9110 §15.3.7.2)"}
		}
		return nil
	}
	parts := contentRange.FindStringSubmatch(value)
	if parts == nil {
		return []string{fmt.Sprintf("206 with Content-Range %q (RFC 9110 §14.4)", value)}
	}
	first, _ := strconv.ParseInt(parts[1], 10, 64)
	last, _ := strconv.ParseInt(parts[2], 10, 64)
	size, _ := strconv.ParseInt(parts[3], 10, 64)
	if first > last || last >= size {
		return []string{fmt.Sprintf("Content-Range %q is impossible", value)}
	}
	if !p.head && int64(len(p.body)) != last-first+1 {
		return []string{fmt.Sprintf("Content-Range %q with %d bytes", value, len(p.body))}
	}
	return nil
}
