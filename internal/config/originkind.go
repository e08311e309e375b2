package config

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// parseOrigin checks the address of an origin: a URL with a host and perhaps a
// path, or a Unix socket.
func parseOrigin(s string) (string, error) {
	const want = "give http://host:port, https://host or unix:/path"
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || path == "@" || strings.IndexByte(path, 0) >= 0 {
			return "", errors.New(want)
		}
		return s, nil
	}
	if !strings.Contains(s, "://") {
		return "", errors.New("it does not begin with http:// or https://" + meant(s) + "; " + want)
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "":
		return "", errors.New(want)
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("it does not begin with http:// or https://; " + want)
	case u.Hostname() == "":
		return "", errors.New("it has no host; " + want)
	case !isPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		return "", errors.New("the port is not a number from 1 to 65535; " + want)
	case u.User != nil:
		return "", errors.New("names and passwords are not taken from here; leave them out")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("an origin has no query and no fragment; leave them out")
	}
	return s, nil
}

// meant is the address that was perhaps meant by one without a scheme: a port
// alone is one of this machine.
func meant(s string) string {
	host := s
	if port := strings.TrimPrefix(s, ":"); port != "" && isPort(port) {
		host = "127.0.0.1:" + port
	}
	u, err := url.Parse("http://" + host)
	if err != nil || u.Hostname() == "" || !isPort(u.Port()) || u.User != nil {
		return ""
	}
	return " (did you mean http://" + host + "?)"
}

// isPort reports whether a port is one to connect to; none is, too.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

// parseOriginHost checks the policy of the Host field.
func parseOriginHost(s string) (string, error) {
	if s == "origin" || s == "client" {
		return s, nil
	}
	u, err := url.Parse("http://" + s)
	if err != nil || u.Host != s || u.Hostname() == "" {
		return "", errors.New("give origin, client or a host name, perhaps with a port")
	}
	return s, nil
}

// parsePrefix parses the addresses of a network, or one address.
func parsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.Prefix{}, errors.New("give an address such as 10.0.0.1, or a prefix such as 10.0.0.0/8 or fd00::/8")
}

// parseFieldName checks the name of a field and returns its usual form.
func parseFieldName(s string) (string, error) {
	if !isToken(s) {
		return "", errors.New("give the name of a field, such as Accept-Language")
	}
	return http.CanonicalHeaderKey(s), nil
}

// isToken reports whether each octet is one of a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return false
		}
	}
	return true
}
