package config

import (
	"fmt"
	"slices"
)

// Run is what the command line of freshet run says. The values in it go before
// those of the file.
type Run struct {
	File string

	parser *parser
}

// File is what a configuration file says. What it does not say has its
// default.
type File struct {
	Server Server
	Store  Store
	Given  []Setting // of [server]
	Sites  []Site
}

// Site is what some hosts have.
type Site struct {
	Names       []string // in lower case, perhaps with "*." before; none: all other hosts
	Certificate string
	Key         string
	TLS         string // "auto": certificates by ACME; or ""
	SignedURLs  string // a file of keys for links; "" or "off" for none
	Clients     Clients
	HTTPS       HTTPS
	Signatures  Signatures
	Access      Access
	Routes      []Route
	Given       []Setting
	Line        int // of the file
}

// AutoNames are those that get certificates by ACME.
func (f *File) AutoNames() []string {
	all := slices.Clone(f.Server.Auto.Names)
	for i := range f.Sites {
		if f.Sites[i].TLS == "auto" {
			all = append(all, f.Sites[i].Names...)
		}
	}
	return all
}

// Route is what some paths of a site have.
type Route struct {
	Path         string // begins with a slash
	Kind         RouteKind
	Dir          string // of RouteFolder and RouteCGI
	Files        Files
	Origins      Origins // of RouteOrigins
	Caching      Caching
	Programs     Programs // of RouteCGI
	FastCGI      FastCGI  // of RouteFastCGI
	Authorizer   string   // address of a FastCGI authorizer; "" for none
	SignedURLs   string   // as Site.SignedURLs, which holds where a route says nothing; "" for none
	Clients      Clients  // what its site says is in it, too
	Signatures   Signatures
	Redirect     string // of RouteRedirect
	Status       string
	Access       Access      // what its site says is in it, too
	MaxBodyBytes int64       // 0: that of the server
	Fields       []FieldEdit // of the server, the site and the route, in the order of names
	Given        []Setting
	Line         int
}

// Setting is something that was given, for people.
type Setting struct {
	Key, Value string
	From       string // the flag or variable; "" of the file
	Line       int    // of the file
}

// RouteKind says what a route does.
type RouteKind uint8

// The kinds of routes.
const (
	RouteFolder RouteKind = iota + 1
	RouteOrigins
	RouteRedirect
	RouteCGI
	RouteFastCGI
)

// KnowsPath reports whether what the route does depends on its path.
func (k RouteKind) KnowsPath() bool { return k == RouteCGI || k == RouteFastCGI || k == RouteRedirect }

// ParseRun parses what follows "freshet run" and the environment. Its error is
// ErrHelp or Faults.
func ParseRun(args, environ []string) (*Run, error) {
	p := newParser("run")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	if len(p.operands) > 0 {
		p.fault("%q: run takes no operand; name the file with --config FILE", p.operands[0])
	}
	r := &Run{parser: p}
	p.store(&sections{server: &Server{}, store: &Store{}, run: r})
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return r, nil
}

// ParseFile parses a configuration file that no command line adds to. Its
// error is Faults.
func ParseFile(name string, data []byte) (*File, error) {
	return (&Run{File: name, parser: newParser("run")}).Parse(data)
}

// Parse parses the content of the file. Its error is Faults: all that is wrong,
// with places. It can be called again when the content has changed.
func (r *Run) Parse(data []byte) (*File, error) {
	d := &decoder{src: &source{name: r.File, data: data}}
	root, fault := parseTOML(d.src)
	if fault != nil {
		return nil, Faults{*fault}
	}
	f := d.file(root, r.parser.given)
	if len(d.faults) > 0 {
		return nil, d.src.told(d.faults)
	}
	return f, nil
}

// NeedRestart returns the keys of [server] that differ between two files and
// are obeyed at the next start only.
func NeedRestart(was, is *File) []string {
	var keys []string
	a, b := &sections{server: &was.Server, store: &was.Store}, &sections{server: &is.Server, store: &is.Store}
	for i := range serverFlags {
		if f := &serverFlags[i]; f.Restart && !same(f.field(a), f.field(b)) {
			keys = append(keys, f.key())
		}
	}
	return keys
}

// Place says where something stands in a file.
func Place(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }
