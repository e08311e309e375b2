package guard

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/httpd"
	"freshet/internal/authority"
	"freshet/internal/follow"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/signedurl"
)

// SignedURL lets requests pass whose address is a signed link, to read with.
// What goes on has the address without what a link has more.
type SignedURL struct {
	keys    *follow.File[keyring]
	trusted []netip.Prefix
	now     func() int64 // nil: the time of the request
}

// keyring is keys, and what checks links with them.
type keyring struct {
	*signedurl.Keys
	checkers sync.Pool
}

// OpenSignedURL returns a guard that has its keys in a file, which is to be
// nobody else's to read; it is read again when it has changed. failed is told when
// that cannot be done: the keys that there were go on. now is a clock in
// nanoseconds since 1970; nil is that of the requests. What proxies in trusted tell
// of their clients in X-Forwarded-For is believed.
func OpenSignedURL(file string, trusted []netip.Prefix, now func() int64, failed func(error)) (*SignedURL, error) {
	opened := false
	keys, err := follow.OpenFile(file, func(file string) (*keyring, error) { return readKeys(file, opened) }, failed)
	if err != nil {
		return nil, err
	}
	opened = true
	return &SignedURL{keys, trusted, now}, nil
}

// ReadKeys reads a file of keys.
func ReadKeys(file string) (*signedurl.Keys, error) {
	data, err := authority.ReadKey(file)
	if err != nil {
		return nil, fmt.Errorf("read the keys of signed URLs: %w", err)
	}
	keys, err := signedurl.ParseKeys(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; \"freshet sign --new-key NAME\" prints a line for it", file, err)
	}
	return keys, nil
}

// readKeys reads a file of keys, which may be without any if none is well: whoever
// takes the last key away takes back all links.
func readKeys(file string, none bool) (*keyring, error) {
	keys, err := ReadKeys(file)
	switch {
	case none && errors.Is(err, signedurl.ErrNoKey):
		keys = &signedurl.Keys{}
	case err != nil:
		return nil, err
	}
	ring := &keyring{Keys: keys}
	ring.checkers.New = func() any { return keys.NewChecker() }
	return ring, nil
}

// signedURLRules are the rules of verdicts.
var signedURLRules = [...]rule.ID{
	signedurl.Missing:      rule.SignedURLMissing,
	signedurl.Malformed:    rule.SignedURLMalformed,
	signedurl.UnknownKey:   rule.SignedURLKey,
	signedurl.BadSignature: rule.SignedURLBad,
	signedurl.Expired:      rule.SignedURLExpired,
	signedurl.WrongAddress: rule.SignedURLAddress,
	signedurl.Outside:      rule.SignedURLOutside,
	signedurl.Valid:        0,
}

// decide is the decision of both paths.
func (g *SignedURL) decide(method, host, path, query string, client netip.Addr, now int64) (rest string, refused rule.ID) {
	if method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions {
		return "", rule.SignedURLMethod
	}
	if g.now != nil {
		now = g.now()
	}
	ring := g.keys.Current(now)
	c := ring.checkers.Get().(*signedurl.Checker)
	rest, verdict := c.Check(host, path, query, client, now/int64(time.Second))
	ring.checkers.Put(c)
	return rest, signedURLRules[verdict]
}

// CheckHot implements HotGuard.
func (g *SignedURL) CheckHot(q *httpd.Head, a *httpd.Answer) bool {
	client, known, enough := hotClient(q, a, g.trusted)
	if !known {
		client = netip.Addr{}
	}
	rest, refused := g.decide(q.Method, q.Host, q.Path, q.Query, client, q.Now)
	if refused != 0 || !enough {
		return false
	}
	q.Target = without(q.Target, q.Query, rest)
	q.Query, q.HasQuery = rest, rest != ""
	return true
}

// Check implements Guard.
func (g *SignedURL) Check(fields http.Header, r *http.Request) (*http.Request, rule.ID) {
	rest, refused := g.decideOn(r)
	if refused != 0 {
		if refused == rule.SignedURLMethod {
			fields.Set("Allow", "GET, HEAD, OPTIONS") // RFC 9110 §15.5.6
		}
		return nil, refused
	}
	return withQuery(r, rest), 0
}

func (g *SignedURL) decideOn(r *http.Request) (rest string, refused rule.ID) {
	return g.decide(r.Method, r.Host, r.URL.EscapedPath(), r.URL.RawQuery, clientOf(r, g.trusted), time.Now().UnixNano())
}

// without cuts off a target what is more in its query than the rest.
func without(target, query, rest string) string {
	if rest == "" {
		return target[:len(target)-len(query)-len("?")]
	}
	return target[:len(target)-len(query)+len(rest)]
}

// withQuery returns a request with less in its query.
func withQuery(r *http.Request, rest string) *http.Request {
	on, address := *r, *r.URL
	address.RawQuery, address.ForceQuery = rest, false
	on.URL = &address
	switch {
	case strings.HasSuffix(r.RequestURI, "?"+r.URL.RawQuery):
		on.RequestURI = without(r.RequestURI, r.URL.RawQuery, rest)
	case r.RequestURI != "":
		on.RequestURI = address.RequestURI() // a program sent it here
	}
	return &on
}

// Why implements Guard.
func (g *SignedURL) Why(r *http.Request) (*http.Request, *why.Explanation) {
	rest, refused := g.decideOn(r)
	e := &why.Explanation{Rule: refused}
	host := why.Comparison{What: "host", Value: r.Host, Note: "its name is signed"}
	switch refused {
	case 0:
		e.Compare("signed link", "valid", said(r.URL.RawQuery), false)
		return withQuery(r, rest), e
	case rule.SignedURLMethod:
		e.Compare("method", r.Method, "a link is to read with", true)
		return nil, e
	case rule.SignedURLAddress:
		name := "unknown"
		if client := clientOf(r, g.trusted); client.IsValid() {
			name = client.String()
		}
		e.Compare("client", name, said(r.URL.RawQuery), true)
		return nil, e
	case rule.SignedURLKey:
		ids := "the keys are " + strings.Join(g.keys.Current(g.moment()).IDs(), ", ")
		e.Compare("signed link", "signed with another key", ids, true)
	case rule.SignedURLBad:
		e.Compared = []why.Comparison{host, {What: "path", Value: r.URL.EscapedPath(), Note: "each byte of it is signed, and of the query"}}
		e.Compare("signed link", "another signature", said(r.URL.RawQuery), true)
	case rule.SignedURLMissing:
		e.Compare("signed link", "none", "the query has no signature", true)
	default:
		e.Compare("signed link", refused.String(), said(r.URL.RawQuery), true)
	}
	return nil, e
}

func (g *SignedURL) moment() int64 {
	if g.now != nil {
		return g.now()
	}
	return time.Now().UnixNano()
}

// said is what a link says about itself, for people; it may not be true.
func said(query string) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	var all []string
	if s, err := strconv.ParseInt(q.Get("Expires"), 10, 64); err == nil && s < 1e11 {
		all = append(all, "until "+time.Unix(s, 0).UTC().Format(time.DateTime)+" UTC")
	}
	if key := q.Get("KeyName"); key != "" {
		all = append(all, "with key "+key)
	}
	if ip := q.Get("IPRange"); ip != "" {
		all = append(all, "for "+ip)
	}
	if q.Get("URLPrefix") != "" {
		all = append(all, "for all below a path")
	}
	return strings.Join(all, ", ")
}
