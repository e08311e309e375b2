package app

import (
	"fmt"
	"net/url"
	"strings"

	"freshet/cache"
	"freshet/internal/config"
)

// explainFile says what a file comes to: each site, each route, and what they
// say that is not the default.
func explainFile(name string, f *config.File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", name)
	settings(&b, "  ", f.Given)
	for i := range f.Sites {
		s := &f.Sites[i]
		fmt.Fprintf(&b, "\nsite %s (line %d)\n", hosts(s), s.Line)
		settings(&b, "  ", s.Given)
		for j := range s.Routes {
			r := &s.Routes[j]
			fmt.Fprintf(&b, "  %s: %s (line %d)\n", r.Path, does(r), r.Line)
			settings(&b, "    ", r.Given)
			fields(&b, "    ", r)
		}
	}
	return b.String()
}

// explainURL says who answers for an address and by which rules. It is not ok
// when nobody does.
func explainURL(name string, f *config.File, s *sites, u *url.URL) (text string, ok bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", u)
	found := s.find(u.Host)
	if found == nil {
		fmt.Fprintf(&b, "  no site has the host %q: 421 (site-unknown)\n", u.Hostname())
		return b.String(), false
	}
	fmt.Fprintf(&b, "site %s (%s)\n", hosts(found.conf), config.Place(name, found.conf.Line))
	settings(&b, "  ", found.conf.Given)
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	t := found.find(path)
	if t == nil {
		fmt.Fprintf(&b, "  no route has the path %s: 404 (route-none)\n", path)
		return b.String(), false
	}
	r := t.conf
	fmt.Fprintf(&b, "route %s: %s (%s)\n", r.Path, does(r), config.Place(name, r.Line))
	settings(&b, "  ", r.Given)
	fields(&b, "  ", r)
	if t.hot == nil {
		b.WriteString("  no prebuilt answers: each request goes through the handlers\n")
	}
	if r.Kind == config.RouteOrigins || r.Kind == config.RouteCGI || r.Kind == config.RouteFastCGI {
		b.WriteString(explainCache(&r.Caching))
	}
	return b.String(), true
}

// explainCache says what the profile keeps off, and what the other would do.
func explainCache(c *config.Caching) string {
	if !c.Enabled {
		return "cache off\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "cache profile %s; the profiles differ in:\n", c.Profile)
	for _, d := range cache.Differences() {
		fmt.Fprintf(&b, "  %s\n    safe:     %s\n    standard: %s\n    because %s\n", d.Name, d.Safe, d.Standard, d.Reason)
	}
	return b.String()
}

func hosts(s *config.Site) string {
	if len(s.Names) == 0 {
		return "for all other hosts"
	}
	return strings.Join(s.Names, ", ")
}

// does says what a route does.
func does(r *config.Route) string {
	switch r.Kind {
	case config.RouteFolder:
		return "static " + r.Dir
	case config.RouteOrigins:
		return "proxy " + strings.Join(r.Origins.To, ", ")
	case config.RouteCGI:
		return "cgi " + r.Dir
	case config.RouteFastCGI:
		return "fastcgi " + r.FastCGI.Address
	}
	return "redirect " + r.Status + " " + r.Redirect
}

// settings prints what is given, with the place.
func settings(b *strings.Builder, indent string, all []config.Setting) {
	for _, s := range all {
		place := s.From
		if s.Line > 0 {
			place = fmt.Sprintf("line %d", s.Line)
		}
		fmt.Fprintf(b, "%s%s = %s (%s)\n", indent, s.Key, s.Value, place)
	}
}

// fields prints what is done to the fields of answers.
func fields(b *strings.Builder, indent string, r *config.Route) {
	for _, e := range r.Fields {
		switch e.Op {
		case config.FieldRemove:
			fmt.Fprintf(b, "%sremoves %s\n", indent, e.Name)
		case config.FieldSet:
			fmt.Fprintf(b, "%ssets %s: %s\n", indent, e.Name, e.Value)
		case config.FieldAdd:
			fmt.Fprintf(b, "%sadds %s: %s\n", indent, e.Name, e.Value)
		}
	}
}
