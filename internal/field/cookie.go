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

// Cookie returns the value of a cookie, as it is written, and how many of that name
// there are.
func Cookie(lines []string, name string) (value string, n int) {
	for _, line := range lines {
		for crumb := range strings.SplitSeq(line, ";") {
			if v, is := cookieNamed(crumb, name); is {
				value, n = v, n+1
			}
		}
	}
	return value, n
}

// WithoutCookie returns lines of Cookie without the cookies of a name; the others
// stay as they are written. A line that had nothing else is left out.
func WithoutCookie(lines []string, name string) []string {
	var out []string
	for _, line := range lines {
		var kept []string
		taken := false
		for crumb := range strings.SplitSeq(line, ";") {
			if _, is := cookieNamed(crumb, name); is {
				taken = true
				continue
			}
			if taken && len(kept) == 0 {
				crumb = strings.TrimLeft(crumb, " \t") // it is the first one now
			}
			kept = append(kept, crumb)
		}
		if rest := strings.Join(kept, ";"); !taken {
			out = append(out, line)
		} else if strings.Trim(rest, " \t;") != "" {
			out = append(out, rest)
		}
	}
	return out
}

// cookieNamed returns the value of a cookie that some reader may take for one of a
// name: some forgive a space after it.
func cookieNamed(crumb, name string) (value string, is bool) {
	n, value, ok := strings.Cut(strings.Trim(crumb, " \t"), "=")
	return value, ok && strings.Trim(n, " \t") == name
}
