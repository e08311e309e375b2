package cache

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Selector says what a purge is about. Selectors are made by [ByTag],
// [ByPrefix], [ByHost], [ParseWhere], [Everything] and [Handler.ByURL].
type Selector struct {
	kind  selectorKind
	value string
	where *where // of a condition
}

type selectorKind uint8

const (
	selectAll    selectorKind = iota
	selectKey                 // one key
	selectURL                 // an address, whatever fields its keys have
	selectTag                 // a tag; anyTag: all that have some
	selectPrefix              // what the address begins with
	selectHost                // a host, with or without its port
	selectWhere
	selectGroup // an origin, a line feed and a group (RFC 9875); "": all that have some
	selectorKinds
)

var selectorNames = [selectorKinds]string{"everything", "key", "url", "tag", "prefix", "host", "where", "group"}

// Everything is about all that is stored.
func Everything() Selector { return Selector{} }

// ByTag is about answers with a tag, compared byte by byte.
func ByTag(name string) (Selector, error) {
	switch {
	case name == "":
		return Selector{}, errors.New("a tag is empty")
	case len(name) > MaxTagLength:
		return Selector{}, fmt.Errorf("a tag has %d bytes; %d are the most that are known", len(name), MaxTagLength)
	}
	return Selector{kind: selectTag, value: name}, nil
}

// ByPrefix is about addresses that begin with a text, which has to have scheme
// and host. It ends anywhere: "http://example.org/a" is about /ab, too.
func ByPrefix(text string) (Selector, error) {
	t, err := absolute(text)
	if err != nil {
		return Selector{}, err
	}
	prefix := appendBase(nil, &t)
	if t.hasQuery {
		prefix = append(append(prefix, '?'), t.query...)
	}
	return Selector{kind: selectPrefix, value: string(prefix)}, nil
}

// absolute takes a URL apart; fragments are left out.
func absolute(text string) (target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return target{}, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return target{}, fmt.Errorf("%q is no address; give one with its scheme, such as http://example.org/path", text)
	}
	return targetOf(u.Scheme == "https", u.Host, u), nil
}

// ByHost is about a host, by http and https. Without a port it is about all
// ports, with one about that alone; the port of a scheme is not to be named.
func ByHost(host string) (Selector, error) {
	host = strings.ToLower(host)
	if host == "" || strings.ContainsAny(host, "/?#@ \t\n\\") || strings.Contains(host, "://") {
		return Selector{}, fmt.Errorf("%q is no host", host)
	}
	return Selector{kind: selectHost, value: host}, nil
}

// ByURL is about what is stored for an address, all variants, by the handler's
// rules for keys.
func (h *Handler) ByURL(text string) ([]Selector, error) {
	t, err := absolute(text)
	if err != nil {
		return nil, err
	}
	key := string(h.opt.Key.appendKey(nil, &t, &source{}))
	all := []Selector{{kind: selectURL, value: addressOf(key)}}
	if k := h.keyOf(&t, &source{}, glance); isIgnoring(k) {
		all = append(all, Selector{kind: selectKey, value: k})
	}
	return all, nil
}

// String says it in words.
func (s Selector) String() string {
	switch s.kind {
	case selectAll:
		return "everything"
	case selectKey, selectURL:
		return printableKey(addressOf(s.value))
	case selectTag:
		if s.value == anyTag {
			return "all tags"
		}
	}
	return selectorNames[s.kind] + " " + s.value
}

// about reports whether an object under a key is what is meant, at the time of
// the purge.
func (s *Selector) about(key string, o *object, at int64) bool {
	switch s.kind {
	case selectTag:
		return o.tagged(s.value)
	case selectGroup:
		return s.value == "" && len(o.groups) > 0 || o.grouped(key, s.value)
	case selectWhere:
		return s.where.holds(key, o, at)
	}
	return s.aboutKey(key)
}

// aboutKey is about for selectors that look at the key alone.
func (s *Selector) aboutKey(key string) bool {
	switch s.kind {
	case selectAll:
		return true
	case selectKey:
		return key == s.value
	case selectURL:
		return addressOf(key) == s.value && !isIgnoring(key)
	case selectPrefix:
		address := addressOf(key)
		// What is kept without a part of the query may be an answer to any.
		return strings.HasPrefix(address, s.value) || isIgnoring(key) && strings.HasPrefix(s.value, address) && s.value[len(address):][0] == '?'
	case selectHost:
		authority := authorityOf(key)
		return s.value == authority || s.value == hostOf(authority)
	}
	return false
}

// byKey reports whether the key says all.
func (s *Selector) byKey() bool {
	return s.kind != selectTag && s.kind != selectGroup && s.kind != selectWhere
}

// authorityOf returns host and port of the address that a key begins with; the
// port is left out when it is that of the scheme.
func authorityOf(key string) string {
	_, after, _ := strings.Cut(key, "://")
	if i := strings.IndexAny(after, "/?\n"); i >= 0 {
		return after[:i]
	}
	return after
}

// hostOf returns an authority without its port.
func hostOf(authority string) string {
	if i := strings.LastIndexByte(authority, ':'); i > strings.LastIndexByte(authority, ']') {
		return authority[:i]
	}
	return authority
}

// grouped reports whether an object belongs to a group, by the name that epochs
// have for it.
func (o *object) grouped(key, name string) bool {
	origin, group, _ := strings.Cut(name, "\n")
	return len(o.groups) > 0 && originOf(key) == origin && slices.Contains(o.groups, group)
}

// originOf returns the scheme and authority with which a key begins.
func originOf(key string) string {
	after := strings.Index(key, "://") + len("://")
	if i := strings.IndexByte(key[after:], '/'); i >= 0 {
		return key[:after+i]
	}
	return key
}
