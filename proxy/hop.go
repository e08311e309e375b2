package proxy

import (
	"net/http"
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// removeHop removes from h the fields that end at this connection: the known
// ones and those that Connection names (RFC 9110 §7.6.1).
func removeHop(h http.Header) {
	for name := range field.Elements(h["Connection"]) {
		delete(h, wire.CanonicalName(name))
	}
	for _, name := range wire.HopByHop {
		delete(h, name)
	}
}

// removeOwn removes from a request's fields what a browser sends because it has
// logged in to the monitor, which may be at another port of the same host.
func removeOwn(h http.Header) {
	if h["Cookie"] == nil {
		return
	}
	if h["Cookie"] = field.WithoutCookies(h["Cookie"], field.MonitorCookie); len(h["Cookie"]) == 0 {
		delete(h, "Cookie")
	}
}

// wantsTrailers reports whether TE allows trailer fields (RFC 9110 §10.1.4).
func wantsTrailers(h http.Header) bool {
	for _, list := range h["Te"] {
		if field.HasToken(list, "trailers") {
			return true
		}
	}
	return false
}

// upgradeOf returns the protocols that the message asks for, or switches to
// (RFC 9110 §7.8), "" when none. HTTP itself is left out: a connection that
// became HTTP/2 would carry requests that nobody looks at.
func upgradeOf(h http.Header) string {
	asked := false
	for _, list := range h["Connection"] {
		asked = asked || field.HasToken(list, "upgrade")
	}
	if !asked {
		return ""
	}
	var protocols []string
	for p := range field.Elements(h["Upgrade"]) {
		if mayUpgradeTo(p) {
			protocols = append(protocols, p)
		}
	}
	return strings.Join(protocols, ", ")
}

func mayUpgradeTo(protocol string) bool {
	name, version, has := strings.Cut(protocol, "/")
	if !field.IsToken(name) || has && !field.IsToken(version) {
		return false
	}
	switch strings.ToLower(name) {
	case "http", "tls", "h2", "h2c", "h3":
		return false
	}
	return true
}
