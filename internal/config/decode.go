package config

import "slices"

// A decoder turns the tree of a file into a File.
type decoder struct {
	src    *source
	faults Faults
}

func (d *decoder) fault(at span, format string, args ...any) {
	d.faults = append(d.faults, *d.src.fault(at, format, args...))
}

// file decodes the whole file; given is what the command line says.
func (d *decoder) file(root *node, given []given) *File {
	f := &File{}
	var sites, alerts []*node
	server := &node{}
	for _, n := range root.list {
		switch {
		case n.key == "server" && n.kind == tableNode:
			server = n
		case n.key == "server":
			d.fault(n.name, "server is %s here; write [server]", n.what())
		case n.key == "site" && isTables(n):
			sites = append(sites, n.list...)
		case n.key == "alerts", n.key == "alert":
			alerts = append(alerts, n)
		case n.key == "site":
			d.fault(n.name, "site is %s here; write [[site]]", n.what())
		default:
			d.unknownTop(n)
		}
	}
	for _, n := range alerts {
		d.alertNodes(server, n)
	}
	auto := slices.ContainsFunc(sites, func(n *node) bool { m := n.get("tls"); return m != nil && m.text == "auto" })
	outer := d.server(server, f, given, auto)
	for _, n := range sites {
		f.Sites = append(f.Sites, d.site(n, outer))
	}
	if len(sites) == 0 && len(d.faults) == 0 {
		d.fault(span{}, "there is no site; begin one with [[site]]")
	}
	d.checkSites(f, sites, server)
	d.checkClients(f, sites)
	return f
}

func isTables(n *node) bool {
	return n.kind == arrayNode && !slices.ContainsFunc(n.list, func(e *node) bool { return e.kind != tableNode })
}

// unknownTop is a fault for what stands outside the tables.
func (d *decoder) unknownTop(n *node) {
	table := ""
	switch {
	case hasKey(serverFlags, n.key):
		table = "[server]"
	case hasKey(siteRows, n.key):
		table = "[[site]]"
	case ofARoute(n.key):
		table = "[[site.route]]"
	}
	if table != "" {
		d.fault(n.name, "%s belongs to a table; put it below %s", n.key, table)
		return
	}
	near := Nearest(n.key, []string{"server", "site"})
	switch {
	case near == "":
		d.fault(n.name, "unknown key %q; there are [server], [[site]] and [[site.route]]", n.key)
	case near == "site":
		d.fault(n.name, "unknown key %q; did you mean [[site]]?", n.key)
	default:
		d.fault(n.name, "unknown key %q; did you mean [server]?", n.key)
	}
}

// server decodes [server] and returns its rules for fields; autoSites says that
// some site gets certificates by ACME.
func (d *decoder) server(n *node, to *File, given []given, autoSites bool) (fields []FieldEdit) {
	s := newSettings(runFlags, d.src)
	copy(s.given, given)
	config := s.index("config")
	own := settings{flags: s.flags[config+1:], given: s.given[config+1:], src: d.src, autoSites: autoSites}
	own.take(n, "[server]", []string{"headers"}, func(m *node) bool {
		if m.key != "headers" {
			return false
		}
		fields = d.fields(m)
		return true
	})
	own.store(&sections{server: &to.Server, store: &to.Store})
	own.checkServer(&to.Server)
	own.checkStore(&to.Store)
	own.checkEncrypt(&to.Server, to.Store.Data, false)
	d.faults = append(d.faults, own.faults...)
	to.Given = own.list()
	return fields
}

func (d *decoder) site(n *node, outer []FieldEdit) Site {
	site := Site{Line: d.line(n)}
	s := newSettings(siteRows, d.src)
	var routes []*node
	var fields []FieldEdit
	s.take(n, "[[site]]", []string{"headers", "route"}, func(m *node) bool {
		switch {
		case m.key == "headers":
			fields = d.fields(m)
		case m.key == "route" && isTables(m):
			routes = append(routes, m.list...)
		case m.key == "route":
			d.fault(m.name, "route is %s here; write [[site.route]]", m.what())
		case ofARoute(m.key):
			d.fault(m.name, "%s is a key of routes; write it below [[site.route]]", m.key)
		default:
			return false
		}
		return true
	})
	s.store(&sections{site: &site})
	s.checkAccess(&site.Access)
	if (site.Certificate == "") != (site.Key == "") {
		s.faultAbout("certificate", "certificate and key belong together; give both")
		if site.Certificate == "" {
			s.faults = s.faults[:len(s.faults)-1]
			s.faultAbout("key", "certificate and key belong together; give both")
		}
	}
	s.checkHTTPS(&site.HTTPS, true, s.has("hsts"))
	d.faults = append(d.faults, s.faults...)
	site.Given = s.list()
	outer = mergeFields(outer, fields)
	paths := map[string]bool{}
	for _, m := range routes {
		r := d.route(m, outer)
		if paths[r.Path] && r.Path != "" {
			d.fault(m.name, "the site has two routes for %s; leave one out, or change its path", r.Path)
		}
		paths[r.Path] = true
		site.Routes = append(site.Routes, r)
	}
	site.inherit()
	for i, m := range routes {
		d.checkTokens(m, &site.Routes[i])
	}
	if len(routes) == 0 {
		d.fault(n.name, "the site has no route; add one with [[site.route]]")
	}
	return site
}

func (d *decoder) line(n *node) int { return lineOf(d.src.data, n.name.start) }

// route decodes a route. Which keys it takes depends on what it does.
func (d *decoder) route(n *node, outer []FieldEdit) Route {
	r := Route{Line: d.line(n)}
	kind, rows, where := d.routeKind(n)
	r.Kind = kind
	s := newSettings(rows, d.src)
	var fields []FieldEdit
	s.take(n, where, []string{"headers"}, func(m *node) bool {
		if m.key == "headers" {
			fields = d.fields(m)
			return true
		}
		return kind == 0 && ofSomeRoute(m.key) || d.otherRoute(m, kind)
	})
	s.store(&sections{route: &r, files: &r.Files, origins: &r.Origins, caching: &r.Caching, programs: &r.Programs, fastcgi: &r.FastCGI})
	s.checkAccess(&r.Access)
	if r.Authorizer == "workers" {
		s.faultAbout("authorizer", "authorizer needs the address of a backend that runs; give unix:/path or host:port")
	}
	switch kind {
	case RouteOrigins:
		s.checkOrigins(&r.Origins)
		s.checkCaching(&r.Caching)
	case RouteCGI:
		s.checkCaching(&r.Caching)
		s.checkPrograms(&r.Programs)
	case RouteFastCGI:
		s.checkCaching(&r.Caching)
		s.checkFastCGI(&r.FastCGI)
	}
	d.faults = append(d.faults, s.faults...)
	r.Fields = mergeFields(outer, fields)
	r.Given = s.list()
	return r
}

// A routeKind is what a route may do: the key that says so, and the rows that it
// has then besides routeRows.
type routeKind struct {
	key  string
	kind RouteKind
	rows []Flag
}

// routeKinds are in the order in which people are told of them.
var routeKinds = []routeKind{
	{"static", RouteFolder, folderRows},
	{"proxy", RouteOrigins, originRows},
	{"cgi", RouteCGI, cgiRows},
	{"fastcgi", RouteFastCGI, fastcgiRows},
	{"redirect", RouteRedirect, redirectRows},
}

// kindsListed names them in a sentence.
const kindsListed = "static, proxy, cgi, fastcgi and redirect"

// routeKind finds what a route does, and which rows it has then. A route that
// does nothing, or two things, is a fault.
func (d *decoder) routeKind(n *node) (RouteKind, []Flag, string) {
	var found *routeKind
	for i := range routeKinds {
		switch {
		case n.get(routeKinds[i].key) == nil:
		case found != nil:
			d.fault(n.name, "a route has one of "+kindsListed+", and this has more; split it")
			return 0, routeRows, "[[site.route]]"
		default:
			found = &routeKinds[i]
		}
	}
	if found == nil {
		d.fault(n.name, "the route does nothing; give it one of "+kindsListed)
		return 0, routeRows, "[[site.route]]"
	}
	return found.kind, slices.Concat(routeRows, found.rows), "a route with " + found.key
}

// otherRoute is a fault for a key that routes of other kinds have.
func (d *decoder) otherRoute(n *node, kind RouteKind) bool {
	var of []string
	for _, other := range routeKinds {
		if other.kind != kind && hasKey(other.rows, n.key) {
			of = append(of, other.key)
		}
	}
	if len(of) == 0 {
		return false
	}
	d.fault(n.name, "%s is for routes with %s, and this has none", n.key, orList(of))
	return true
}

func ofARoute(key string) bool { return hasKey(routeRows, key) || ofSomeRoute(key) }

func ofSomeRoute(key string) bool {
	return slices.ContainsFunc(routeKinds, func(k routeKind) bool { return hasKey(k.rows, key) })
}

func hasKey(rows []Flag, key string) bool {
	return slices.ContainsFunc(rows, func(f Flag) bool { return f.key() == key })
}

// checkSites looks at what no site can tell alone.
func (d *decoder) checkSites(f *File, nodes []*node, server *node) {
	names := map[string]bool{}
	certificates := f.Server.TLSCert != "" || f.Server.TLSKey != "" || f.Server.TLSLocal || len(f.Server.Auto.Names) > 0 || f.Server.Auto.Ask != ""
	for i := range f.Sites {
		s := &f.Sites[i]
		if len(s.Names) == 0 && nodes[i].get("names") == nil {
			if names[""] {
				d.fault(nodes[i].name, "there is another site without names; only one can answer for all other hosts")
			}
			names[""] = true
		}
		for _, name := range s.Names {
			if names[name] {
				d.fault(nameIn(nodes[i].get("names"), name), "%s is named twice; a host has one site", name)
			}
			names[name] = true
		}
		if s.Certificate != "" && len(f.Server.TLSListen) == 0 {
			d.fault(nodes[i].get("certificate").name, "certificate is used by tls-listen only; give that in [server]")
		}
		d.checkAutoSite(s, nodes[i], &f.Server)
		certificates = certificates || s.Certificate != "" || s.TLS != ""
	}
	if n := server.get("tls-listen"); len(f.Server.TLSListen) > 0 && !certificates {
		at := span{}
		if n != nil {
			at = n.name
		}
		d.fault(at, "tls-listen needs a certificate: give a site certificate and key, or tls = \"auto\", or tls-cert and tls-key, or tls-auto or tls-local here")
	}
}

// checkAutoSite looks at a site that may get certificates by ACME.
func (d *decoder) checkAutoSite(s *Site, n *node, server *Server) {
	if s.TLS == "" {
		return
	}
	at := n.get("tls").name
	switch {
	case s.Certificate != "":
		d.fault(at, "a site has its certificate in a file, or by tls = \"auto\"; leave one out")
	case len(s.Names) == 0:
		d.fault(at, "tls = \"auto\" is for the names of a site, and this has none; give it names")
	case len(server.TLSListen) == 0:
		d.fault(at, "tls = \"auto\" is used by tls-listen only; give that in [server]")
	}
}

// nameIn returns where a name stands in a list of names; its last place there.
func nameIn(n *node, name string) span {
	at := n.at
	for _, e := range n.list {
		if parsed, err := parseHostName(e.text); err == nil && parsed == name {
			at = e.at
		}
	}
	return at
}
