package signedurl

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"freshet/internal/wire"
)

// Options say what a link allows.
type Options struct {
	// Expires is when the link ends, to the second. It must be given.
	Expires time.Time

	// Prefix, when not "", makes it a link to all below this path of the host,
	// whatever the query: it begins and ends with a slash, and is percent-encoded
	// as requests have it.
	Prefix string

	// IP, when valid, are the addresses of the clients that may use it.
	IP netip.Prefix
}

// maxSeconds is more than the seconds that a link can have.
const maxSeconds = 1e12

// Sign returns a URL, of http or https, with the parameters that make it a signed
// link. The URL is to be one that clients send as it is: an absolute one, in
// ASCII, without a fragment, without dot segments, which clients resolve, and
// without parameters of our names. An apostrophe in the query is encoded, as
// browsers do.
func Sign(url string, key Key, o Options) (string, error) {
	keys, err := NewKeys(key)
	if err != nil {
		return "", err
	}
	base, host, path, query, err := split(url)
	if err != nil {
		return "", err
	}
	expires := o.Expires.Unix()
	if expires <= 0 || expires >= maxSeconds {
		return "", errors.New("a link has to end; give a time after 1970")
	}
	var l link
	l.rest = query
	var b strings.Builder
	if o.Prefix != "" {
		if err := checkPrefix(o.Prefix, path); err != nil {
			return "", err
		}
		l.prefix = encoding.EncodeToString([]byte(o.Prefix))
		b.WriteString(namePrefix + "=" + l.prefix + "&")
	}
	b.WriteString(nameExpires + "=" + strconv.FormatInt(expires, 10) + "&" + nameKey + "=" + key.ID)
	if o.IP != (netip.Prefix{}) {
		ip, err := plainRange(o.IP)
		if err != nil {
			return "", err
		}
		b.WriteString("&" + nameRange + "=" + ip.String())
	}
	l.signed = b.String()
	c := keys.NewChecker()
	c.message = l.appendMessage(nil, host, path)
	c.sign(0)
	if query != "" {
		query += "&"
	}
	return base + path + "?" + query + l.signed + "&" + nameSignature + "=" + string(c.want[:]), nil
}

// split splits a URL, which is one that may be signed; base is what stands before
// the path.
func split(url string) (base, host, path, query string, err error) {
	scheme, after, ok := strings.Cut(url, "://")
	if s := strings.ToLower(scheme); !ok || s != "http" && s != "https" {
		return "", "", "", "", fmt.Errorf("%q is no URL of http or https; give all of it", url)
	}
	end := strings.IndexAny(after, "/?#")
	if end < 0 {
		end = len(after)
	}
	host, path = after[:end], after[end:]
	path, query, _ = strings.Cut(path, "?")
	if path == "" {
		path = "/"
	}
	query = strings.ReplaceAll(query, "'", "%27")
	target := path
	if query != "" {
		target += "?" + query
	}
	fault := ""
	switch {
	case strings.Contains(after, "#"):
		fault = "it has a fragment, which is not sent; leave that out"
	case strings.Contains(host, "@"):
		fault = "it has a login; leave that out"
	case host == "" || !wire.ValidHost(host):
		fault = "its host is none; a name in another script begins with xn--"
	case !wire.ValidTarget("GET", target):
		fault = "it has bytes that no address has; percent-encode them"
	case hasDots(path):
		fault = "it has a dot segment, which clients resolve; do that first"
	case reserved(query):
		fault = "it has a parameter that a signed link ends in; name that otherwise, or sign the link without it"
	case strings.HasPrefix(query, "&"):
		fault = "its query begins with an ampersand; leave that out"
	}
	if fault != "" {
		return "", "", "", "", fmt.Errorf("%s cannot be signed: %s", Plain(url), fault)
	}
	return scheme + "://" + host, host, path, query, nil
}

// hasDots reports whether clients send another path than this one: they resolve
// "." and "..", also where the dots are encoded.
func hasDots(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return true
		}
	}
	return false
}

// checkPrefix says what is wrong with a prefix for a path.
func checkPrefix(prefix, path string) error {
	switch {
	case prefix[0] != '/' || prefix[len(prefix)-1] != '/':
		return fmt.Errorf("the prefix %q does not begin and end with a slash; so /a/ does not open /ab", prefix)
	case !wire.ValidTarget("GET", prefix) || strings.Contains(prefix, "?") || !plainPath(prefix):
		return fmt.Errorf("the prefix %q is no plain path: without a query, empty and dot segments, and encoded slashes and percent signs", prefix)
	case !strings.HasPrefix(path, prefix):
		return fmt.Errorf("the path %s is not below the prefix %s", path, prefix)
	case !plainPath(path):
		return fmt.Errorf("below a prefix the path %s is refused: it has an empty segment, or an encoding that not everybody reads alike", path)
	}
	return nil
}

// plainRange returns a range as it stands in links: without bits beyond it, and
// IPv4 as such.
func plainRange(p netip.Prefix) (netip.Prefix, error) {
	const fault = "%v is no range of addresses; give one such as 203.0.113.7/32 or 2001:db8::/32"
	if !p.IsValid() {
		return p, fmt.Errorf(fault, p)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf(fault, p)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}
