package app

import (
	"path/filepath"

	"freshet/forward"
	"freshet/internal/config"
)

// forwardPolicy says to the proxy what the command line says of cookies and of
// fields that tell about the user. What is chosen on the monitor's page is kept
// beside the cache.
func forwardPolicy(c *config.Policies, data string) forward.Policy {
	p := forward.Policy{
		Cookies: c.Cookies, CookieLife: c.CookieLife, CookieRules: c.CookieRules,
		Referrer: c.Referrer, NoGPC: !c.GPC, ClientHints: c.ClientHints,
	}
	if c.UserAgent != "keep" {
		p.UserAgent = c.UserAgent
	}
	if data != "" {
		p.Folder = filepath.Join(data, "filter")
	}
	return p
}
