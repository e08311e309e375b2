package config

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// parseHostName checks the name of a host, perhaps with "*." before, and
// returns it as requests are compared with it: in lower case, without the dot
// at the end.
func parseHostName(s string) (string, error) {
	const want = "give example.org, *.example.org or an address"
	s = strings.TrimSuffix(strings.ToLower(s), ".")
	if literal, ok := strings.CutPrefix(s, "["); ok {
		a, err := netip.ParseAddr(strings.TrimSuffix(literal, "]"))
		if err != nil || !strings.HasSuffix(s, "]") || !a.Is6() || a.Zone() != "" {
			return "", errors.New(want)
		}
		return s, nil
	}
	if strings.Contains(s, "/") {
		return "", errors.New("a name has no scheme and no path; leave them out")
	}
	name := strings.TrimPrefix(s, "*.")
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return "", errors.New(want)
		}
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case c == ':':
			return "", errors.New("the port is no part of a name; leave it out")
		case c >= 0x80:
			return "", errors.New("it is not ASCII; give it in the form that begins with xn--")
		case !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._", c) >= 0):
			return "", errors.New(want)
		}
	}
	return s, nil
}

// parseRoutePath checks the path of a route, which is a decoded one, and
// returns it without the slash at its end.
func parseRoutePath(s string) (string, error) {
	if s[0] != '/' {
		return "", errors.New("it does not begin with a slash")
	}
	if strings.ContainsAny(s, "?#\\\x00") {
		return "", errors.New("a path has no query, fragment, backslash or NUL; leave them out")
	}
	trimmed := strings.TrimSuffix(s, "/")
	if trimmed == "" {
		return "/", nil
	}
	for segment := range strings.SplitSeq(trimmed[1:], "/") {
		if segment == "" || segment == "." || segment == ".." {
			return "", errors.New("it has an empty or a dot segment; leave that out")
		}
	}
	if strings.Contains(s, "%") {
		if _, err := url.PathUnescape(s); err == nil {
			return "", errors.New("a path stands here as it is, not percent-encoded; decode it")
		}
	}
	return trimmed, nil
}

// parseRedirect checks the address that clients are sent to.
func parseRedirect(s string) (string, error) {
	const want = "give an address such as https://example.org/ or a path such as /new/"
	u, err := url.Parse(s)
	if err != nil || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", errors.New(want)
	}
	absolute := (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
	path := u.Scheme == "" && u.Host == "" && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//")
	if !absolute && !path {
		return "", errors.New(want)
	}
	return s, nil
}
