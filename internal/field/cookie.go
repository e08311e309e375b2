package field

import "strings"

// MonitorCookie is how the names of the monitor's cookies begin. Browsers send
// cookies to every port of a host, so the sites get them that are served beside
// the monitor; they are nobody else's business.
const MonitorCookie = "freshet-monitor-"

// WithoutCookies returns lines of Cookie without the cookies whose names begin
// with a prefix: lines itself when there are none of them, nil when there are no
// others.
func WithoutCookies(lines []string, prefix string) []string {
	found := false
	for _, line := range lines {
		found = found || strings.Contains(line, prefix)
	}
	if !found {
		return lines
	}
	var out []string
	for _, line := range lines {
		var kept []string
		for crumb := range strings.SplitSeq(line, ";") {
			if crumb = strings.Trim(crumb, " \t"); !strings.HasPrefix(crumb, prefix) && crumb != "" {
				kept = append(kept, crumb)
			}
		}
		if len(kept) > 0 {
			out = append(out, strings.Join(kept, "; "))
		}
	}
	return out
}
