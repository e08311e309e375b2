package client

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/internal/site"
)

// Jar keeps cookies as browsers do (RFC 6265bis), and is an http.CookieJar. The
// zero value is empty and ready. Unlike that of net/http/cookiejar it can be
// written to a file and read from one: see ReadCookies and WriteCookies.
//
// A cookie for a public suffix ("co.uk") is for the host alone that set it, or
// refused. Bounded are a cookie (4096 bytes of name and value), cookies of a
// domain (180) and all of them (3000): the oldest is let go. A cookie is kept
// for 400 days at most. All methods may be called at the same time.
type Jar struct {
	// Now is the clock; nil is the system's.
	Now func() time.Time

	mu      sync.Mutex // guards what follows
	cookies []*jarCookie
	made    int64
}

const (
	maxCookieBytes   = 4096
	maxDomainCookies = 180
	maxCookies       = 3000
	maxCookieAge     = 400 * 24 * time.Hour // RFC 6265bis §5.5
)

// jarCookie is a cookie that is kept.
type jarCookie struct {
	name, value string
	domain      string // in lower case, without a dot in front
	hostOnly    bool
	path        string
	secure      bool
	httpOnly    bool
	expires     time.Time // zero: of the session
	made        int64     // the order in which they came
}

func (j *Jar) now() time.Time {
	if j.Now != nil {
		return j.Now()
	}
	return time.Now()
}

// SetCookies implements http.CookieJar.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	if u == nil || u.Scheme != "http" && u.Scheme != "https" {
		return
	}
	now := j.now()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range cookies {
		if kept, ok := taken(u, c, now); ok {
			j.put(kept, u.Scheme == "https", now)
		}
	}
}

// taken returns what is kept of a cookie that u has set (RFC 6265bis §5.7).
func taken(u *url.URL, c *http.Cookie, now time.Time) (*jarCookie, bool) {
	host := canonicalHost(u)
	secure := u.Scheme == "https"
	k := &jarCookie{name: c.Name, value: c.Value, secure: c.Secure, httpOnly: c.HttpOnly, path: c.Path}
	if c.Quoted {
		k.value = `"` + c.Value + `"`
	}
	if len(k.name)+len(k.value) > maxCookieBytes || strings.ContainsFunc(k.name+k.value+k.path, isControl) || host == "" {
		return nil, false
	}
	domain := strings.ToLower(strings.TrimPrefix(c.Domain, "."))
	switch {
	case domain == "" || domain == host:
		k.domain = host
		k.hostOnly = domain == "" || isAddress(host) || site.IsPublic(host)
	case !domainMatch(host, domain) || site.IsPublic(domain):
		return nil, false
	default:
		k.domain = domain
	}
	if !strings.HasPrefix(k.path, "/") {
		k.path = defaultPath(u.EscapedPath())
	}
	prefix := strings.ToLower(k.name)
	switch {
	case k.secure && !secure,
		strings.HasPrefix(prefix, "__secure-") && !k.secure,
		strings.HasPrefix(prefix, "__host-") && !(k.secure && c.Domain == "" && c.Path == "/"):
		return nil, false
	}
	switch {
	case c.MaxAge < 0:
		k.expires = time.Unix(1, 0)
	case c.MaxAge > 0:
		k.expires = now.Add(min(time.Duration(min(int64(c.MaxAge), 1<<32))*time.Second, maxCookieAge))
	case !c.Expires.IsZero():
		k.expires = c.Expires
		if latest := now.Add(maxCookieAge); k.expires.After(latest) {
			k.expires = latest
		}
	}
	return k, true
}

// put stores a cookie in the place of the one that it replaces; j.mu is held.
func (j *Jar) put(k *jarCookie, secure bool, now time.Time) {
	if !secure && slices.ContainsFunc(j.cookies, func(o *jarCookie) bool {
		return o.secure && o.name == k.name && (domainMatch(o.domain, k.domain) || domainMatch(k.domain, o.domain)) && pathMatch(k.path, o.path)
	}) {
		return // what came over TLS is not changed by what did not
	}
	j.made++
	k.made = j.made
	at := slices.IndexFunc(j.cookies, func(o *jarCookie) bool {
		return o.name == k.name && o.domain == k.domain && o.hostOnly == k.hostOnly && o.path == k.path
	})
	if at >= 0 {
		k.made = j.cookies[at].made
		j.cookies = slices.Delete(j.cookies, at, at+1)
	}
	if k.expired(now) {
		return
	}
	j.cookies = append(j.cookies, k)
	j.bound(k.domain, now)
}

// bound lets go of what is too much; j.mu is held.
func (j *Jar) bound(domain string, now time.Time) {
	count := func() (n int) {
		for _, c := range j.cookies {
			if c.domain == domain {
				n++
			}
		}
		return n
	}
	if len(j.cookies) <= maxCookies && count() <= maxDomainCookies {
		return
	}
	j.cookies = slices.DeleteFunc(j.cookies, func(c *jarCookie) bool { return c.expired(now) })
	if count() > maxDomainCookies {
		i := slices.IndexFunc(j.cookies, func(c *jarCookie) bool { return c.domain == domain })
		j.cookies = slices.Delete(j.cookies, i, i+1)
	}
	if len(j.cookies) > maxCookies {
		j.cookies = slices.Delete(j.cookies, 0, 1)
	}
}

func (c *jarCookie) expired(now time.Time) bool { return !c.expires.IsZero() && !c.expires.After(now) }

// Cookies implements http.CookieJar: those that go to u, longer paths first,
// then the earlier ones.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	host := canonicalHost(u)
	if host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	path := u.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/"
	}
	now := j.now()
	j.mu.Lock()
	defer j.mu.Unlock()
	var fit []*jarCookie
	for _, c := range j.cookies {
		if c.expired(now) || c.secure && u.Scheme != "https" || !pathMatch(path, c.path) {
			continue
		}
		if c.domain == host || !c.hostOnly && domainMatch(host, c.domain) {
			fit = append(fit, c)
		}
	}
	slices.SortFunc(fit, func(a, b *jarCookie) int {
		return cmp.Or(cmp.Compare(len(b.path), len(a.path)), cmp.Compare(a.made, b.made))
	})
	var out []*http.Cookie
	for _, c := range fit {
		one := &http.Cookie{Name: c.name, Value: c.value}
		if n := len(c.value); n > 1 && c.value[0] == '"' && c.value[n-1] == '"' {
			one.Value, one.Quoted = c.value[1:n-1], true
		}
		out = append(out, one)
	}
	return out
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// canonicalHost is the host of a URL as cookies have it.
func canonicalHost(u *url.URL) string {
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// domainMatch reports whether a host is in a domain (RFC 6265bis §5.1.3).
func domainMatch(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain) && !isAddress(host)
}

// pathMatch reports whether a path is at or below another (§5.1.4).
func pathMatch(path, below string) bool {
	return path == below || strings.HasPrefix(path, below) && (strings.HasSuffix(below, "/") || path[len(below)] == '/')
}

// defaultPath is of a path as it is in a URL: what is escaped in it could end a
// line of a file of cookies, and begin one for another host.
func defaultPath(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 && path[0] == '/' {
		return path[:i]
	}
	return "/"
}
