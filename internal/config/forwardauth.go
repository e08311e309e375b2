package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/wire"
)

// ForwardAuth says which service is asked whether a request may pass.
type ForwardAuth struct {
	URL     string // "" for none
	Fields  []string
	Timeout time.Duration // 0: the default
}

// forwardRowsOf are the rows; their sentences are those of access.
func forwardRowsOf(at func(*sections) *ForwardAuth) []Flag {
	return []Flag{
		{Name: "forward-auth", Kind: ServiceURL, Value: "URL", Example: "https://auth.example.org/verify",
			field: func(s *sections) any { return &at(s).URL }},
		{Name: "forward-auth-fields", Kind: FieldName, Value: "NAME", Repeat: true, Example: "Remote-Groups",
			field: func(s *sections) any { return &at(s).Fields }},
		{Name: "forward-auth-timeout", Kind: Duration, Value: "TIME", Min: second / 100, Max: minute, Example: "5s",
			field: func(s *sections) any { return &at(s).Timeout }},
	}
}

// inherit completes what a route does not say by what its site says.
func (f *ForwardAuth) inherit(site *ForwardAuth) {
	if f.URL == "" {
		f.URL = site.URL
	}
	if f.URL == "off" {
		f.URL = ""
	}
	f.Fields = inherited(f.Fields, site.Fields)
	if len(f.Fields) == 1 && f.Fields[0] == fieldsOff {
		f.Fields = nil
	}
	if f.Timeout == 0 {
		f.Timeout = site.Timeout
	}
}

// fieldsOff is "off" in the usual form of a field's name.
const fieldsOff = "Off"

// checkForward looks at which fields are asked for.
func (s *settings) checkForward(f *ForwardAuth) {
	const key = "forward-auth-fields"
	for _, name := range f.Fields {
		if name == fieldsOff && len(f.Fields) > 1 {
			s.faultAbout(key, "%s says off and a field; leave one out", s.label(key))
		} else if fault := unfitField(name); fault != "" {
			s.faultAbout(key, "%s: %s", s.label(key), fault)
		}
	}
}

// unfitField says why a service may not set a field of the requests that pass: it
// frames or routes them, or is taken off what goes to origins.
func unfitField(name string) string {
	like := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	switch {
	case like == "host", like == "content-length", like == "expect",
		slices.ContainsFunc(wire.HopByHop, func(hop string) bool { return wire.LikeName(hop, like) }):
		return fmt.Sprintf("%s is of the connection and the message; no service can set it", name)
	case wire.LikeName("Client-Cert", like), wire.LikeName("Client-Cert-Chain", like):
		return fmt.Sprintf("%s tells of the certificate of a handshake, and no service has seen it; have the service use another name", name)
	case like == "forwarded", like == "x-real-ip", strings.HasPrefix(like, "x-forwarded-"):
		return fmt.Sprintf("%s tells of the way of a request, and origins get ours; have the service use another name, such as Remote-Groups", name)
	}
	return ""
}

// parseService checks the address of a service.
func parseService(s string, off bool) (string, error) {
	if off && s == "off" {
		return s, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return "", errors.New("give an address that begins with http:// or https://, without a name, a password and a fragment")
	}
	return s, nil
}
