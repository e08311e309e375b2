package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// HTTPS says whether something is served over TLS only.
type HTTPS struct {
	Only bool
	Port int64  // that clients are sent to; 0: that of the TLS listener
	HSTS string // value of Strict-Transport-Security; "" for the default, "off" for none
}

const (
	httpsOnly = "Serve over TLS only. Without TLS clients are sent to the same address with https (308); with it each answer has Strict-Transport-Security, which has browsers come by TLS from then on. What an authority asks for a certificate is answered as it is."
	httpsPort = "Port that clients are sent to. Unset: that of the first TLS listener."
	hsts      = "How long browsers are to come by TLS only, such as 365d, and perhaps the words includeSubDomains, for all hosts below as well, and preload, which asks that browsers know it beforehand. 0s takes it back. off: it is not said. Unset: 365d."
)

// defaultHSTS is that of https-only.
const defaultHSTS = "max-age=31536000"

func httpsRows(group string, at func(*sections) *HTTPS) []Flag {
	return []Flag{
		{Name: "https-only", Kind: Switch, Group: group, Doc: httpsOnly, field: func(s *sections) any { return &at(s).Only }},
		{Name: "https-port", Kind: Number, Value: "N", Min: 1, Max: 65535, Group: group, Example: "443", Doc: httpsPort, field: func(s *sections) any { return &at(s).Port }},
		{Name: "hsts", Kind: Text, Value: "TIME [WORD...]|off", Group: group, Example: "365d includeSubDomains", Doc: hsts, field: func(s *sections) any { return &at(s).HSTS }},
	}
}

var (
	httpsFlags    = httpsRows(groupAddresses, func(s *sections) *HTTPS { return &s.server.HTTPS })
	siteHTTPSRows = httpsRows(groupSite, func(s *sections) *HTTPS { return &s.site.HTTPS })
)

// parseHSTS returns the field's value (RFC 6797 §6.1).
func parseHSTS(text string) (string, error) {
	words := strings.Fields(strings.ReplaceAll(text, ",", " "))
	if len(words) == 0 {
		return "", errors.New("give a time, such as 365d")
	}
	d, ok := parseDuration(words[0])
	if !ok || d%time.Second != 0 {
		return "", errors.New("give a time in whole seconds, such as 365d")
	}
	value := "max-age=" + strconv.FormatInt(int64(d/time.Second), 10)
	below, preload := false, false
	for _, w := range words[1:] {
		switch {
		case strings.EqualFold(w, "includeSubDomains") && !below:
			below = true
		case strings.EqualFold(w, "preload") && !preload:
			preload = true
		default:
			return "", errors.New("after the time there may be includeSubDomains and preload, once")
		}
	}
	if below {
		value += "; includeSubDomains"
	}
	if preload {
		if !below || d < 365*24*time.Hour {
			return "", errors.New("preload needs 365d or more, and includeSubDomains: no browser's list takes it else")
		}
		value += "; preload"
	}
	return value, nil
}

// checkHTTPS looks at what single rows cannot tell, and completes the rest.
func (s *settings) checkHTTPS(h *HTTPS, listens, has bool) {
	only, listen := s.label("https-only"), "tls-listen"
	if s.src == nil {
		listen = "--tls-listen"
	}
	switch {
	case h.Only && !listens:
		s.faultAbout("https-only", "%s needs a listener for TLS; give %s", only, listen)
	case !h.Only && h.Port != 0:
		s.faultAbout("https-port", "%s is used with %s only; give that, too", s.label("https-port"), only)
	case !h.Only && has:
		s.faultAbout("hsts", "%s is used with %s only; give that, too", s.label("hsts"), only)
	}
	switch {
	case !h.Only || h.HSTS == "off":
		h.HSTS = ""
	case h.HSTS == "":
		h.HSTS = defaultHSTS
	default:
		value, err := parseHSTS(h.HSTS)
		if err != nil {
			s.faultAbout("hsts", "bad value %q for %s: %v", h.HSTS, s.label("hsts"), err)
		}
		h.HSTS = value
	}
}
