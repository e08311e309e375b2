package config

import (
	"errors"
	"slices"
	"strings"
)

// Access says who may have what a route has, by address and by name.
type Access struct {
	Allow, Deny []string // ranges of addresses, "all" or "unix:"
	Users       string   // a file; "" for none
	Realm       string   // of Users; "": the default
	Forward     ForwardAuth
	Tokens      Tokens
}

// accessDocs are the sentences of the rows, by name.
var accessDocs = map[string]string{
	"allow": "Clients that may pass, by address: ADDRESS, ADDRESS/BITS, all, or unix: for those of Unix sockets. When there is one, nobody else may: 403. deny goes before allow. The address is that of the connection, or, behind the proxies of trust, the one that they tell. Unset: all.",
	"deny":  "Clients that may not pass, as in allow: 403. Unset: none.",
	"users": "Answer users only, who say their name and password (Basic authentication, RFC 7617): else 401. A line of the file is a name and a hashed password; \"freshet user add FILE NAME\" adds one, and bcrypt of \"htpasswd -B\" is taken, too. Nobody else may be able to read it; 64 KiB at most, some 500 users. Read again when it changes. " +
		"After 10 wrong passwords of a client in 5 minutes, or 50 for a name: 429. Passwords travel readable where there is no TLS.",
	"forward-auth": "Ask another service about each request, by a GET of this URL with the client's Accept, Accept-Language, Authorization, Cookie and User-Agent, and X-Forwarded-Method, -Proto, -Host, -Uri and -For; then about each other path that may be read in the one asked for, such as /admin in //admin. " +
		"When it answers 2xx the request passes, as that of the user in Remote-User, if it names one. A 401, a 403, and a redirect are what the client gets, with no-store. Nobody passes otherwise: 502, or 504 when it does not answer in time.",
	"forward-auth-fields":  "Field of its answer that the request gets, and never the client's own of that name, such as Remote-Groups. Unset: Remote-User alone.",
	"forward-auth-timeout": "How long its whole answer is waited for, or all of them; then 504. Unset: 5s.",
	"realm":                "What people are shown when they are asked for the password of users. Unset: freshet.",
}

// accessRowsOf are the rows, of a command, a site or a route; at is where they are
// put.
func accessRowsOf(group string, at func(*sections) *Access) []Flag {
	rows := []Flag{
		{Name: "allow", Kind: ClientRange, Value: "RANGE", Repeat: true, Example: "10.0.0.0/8",
			field: func(s *sections) any { return &at(s).Allow }},
		{Name: "deny", Kind: ClientRange, Value: "RANGE", Repeat: true, Example: "192.0.2.7",
			field: func(s *sections) any { return &at(s).Deny }},
		{Name: "users", Kind: FilePath, Value: "FILE", Example: "users.txt",
			field: func(s *sections) any { return &at(s).Users }},
		{Name: "realm", Kind: FieldText, Value: "TEXT", Example: "Photos",
			field: func(s *sections) any { return &at(s).Realm }},
	}
	rows = append(rows, forwardRowsOf(func(s *sections) *ForwardAuth { return &at(s).Forward })...)
	for i := range rows {
		f := &rows[i]
		f.Group, f.Doc = group, accessDocs[f.Name]
		if group != groupGuards && accessOff[f.Name] {
			f.Value += "|off"
		}
		if group == groupRoute {
			f.Doc = "As in [[site]], for this route alone. Unset: as the site says."
			if accessOff[f.Name] {
				f.Doc += " off: as if the site said nothing."
			}
		}
	}
	return append(rows, tokenRows(group, func(s *sections) *Tokens { return &at(s).Tokens })...)
}

// accessOff are the rows that a route can take back.
var accessOff = map[string]bool{"allow": true, "deny": true, "users": true, "forward-auth": true, "forward-auth-fields": true}

var (
	accessFlags     = accessRowsOf(groupGuards, func(s *sections) *Access { return &s.guards.Access })
	siteAccessRows  = accessRowsOf(groupSite, func(s *sections) *Access { return &s.site.Access })
	routeAccessRows = accessRowsOf(groupRoute, func(s *sections) *Access { return &s.route.Access })
)

// trustFlags are of folders: what is passed on has such a row of its own.
var trustFlags = []Flag{
	{Name: "trust", Kind: Prefix, Value: "PREFIX", Repeat: true, Group: groupGuards, Example: "10.0.0.0/8",
		Doc:   "Addresses of proxies in front whose X-Forwarded-For is believed, for who may pass.",
		field: func(s *sections) any { return &s.files.Trust }},
}

// inherit completes what a route does not say by what its site says.
func (a *Access) inherit(site *Access) {
	a.Allow, a.Deny = inherited(a.Allow, site.Allow), inherited(a.Deny, site.Deny)
	for _, own := range []struct{ route, site *string }{{&a.Users, &site.Users}, {&a.Realm, &site.Realm}} {
		if *own.route == "" {
			*own.route = *own.site
		}
	}
	if a.Users == "off" {
		a.Users = ""
	}
	a.Forward.inherit(&site.Forward)
	a.Tokens.inherit(&site.Tokens)
}

func inherited(own, site []string) []string {
	if len(own) == 0 {
		own = site
	}
	if len(own) == 1 && own[0] == "off" {
		return nil
	}
	return own
}

// parseClientRange checks a range of clients and returns its usual form.
func parseClientRange(s string, off bool) (string, error) {
	switch {
	case s == "all", s == "unix:", off && s == "off":
		return s, nil
	case strings.HasPrefix(s, "unix:"):
		return "", errors.New("write unix: alone, for the clients of all Unix sockets")
	}
	p, err := parsePrefix(s)
	if err != nil {
		return "", errors.New("give all, unix:, an address such as 10.0.0.1, or a range such as 10.0.0.0/8 or fd00::/8")
	}
	return p.String(), nil
}

// checkAccess looks at what the rows of a site or a route say together.
func (s *settings) checkAccess(a *Access) {
	for _, list := range []struct {
		key    string
		ranges []string
	}{{"allow", a.Allow}, {"deny", a.Deny}} {
		if len(list.ranges) > 1 && slices.Contains(list.ranges, "off") {
			s.faultAbout(list.key, "%s says off and a range; leave one out", list.key)
		}
	}
	s.checkForward(&a.Forward)
}
