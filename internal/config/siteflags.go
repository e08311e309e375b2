package config

import "slices"

// configFlags name the file.
var configFlags = []Flag{
	{Name: "config", Short: "c", Kind: FilePath, Value: "FILE", Default: "freshet.toml", Group: groupFile,
		Doc:   "The configuration file, TOML. Looked at every two seconds, and at SIGHUP: what changed is obeyed, once all of the file is right.",
		field: func(s *sections) any { return &s.run.File }},
}

// siteRows are the keys of [[site]].
var siteRows = slices.Concat(siteOwnRows, siteHTTPSRows, siteAccessRows, siteClientRows, siteGuardRows, siteSignatureRows)

var siteOwnRows = []Flag{
	{Name: "names", Kind: HostName, Value: "NAME", Repeat: true, Group: groupSite, Example: "example.org",
		Doc:   "Hosts that the site answers for: example.org, or *.example.org for all names below it, however deep. The exact name goes before the longest *. A site without names answers for all hosts that no other has; without such a site they get 421.",
		field: func(s *sections) any { return &s.site.Names }},
	{Name: "certificate", Kind: FilePath, Value: "FILE", Group: groupSite, Example: "example.org.pem",
		Doc:   "Certificate chain, PEM, for connections that ask for one of the names. Unset: that of tls-cert. Read again when the file changes.",
		field: func(s *sections) any { return &s.site.Certificate }},
	{Name: "key", Kind: FilePath, Value: "FILE", Group: groupSite, Example: "example.org.key",
		Doc:   "Private key of the certificate, PEM.",
		field: func(s *sections) any { return &s.site.Key }},
	{Name: "tls", Kind: Choice, Value: "auto", Choices: []string{"auto"}, Group: groupSite, Example: "auto",
		Doc:   "With auto each of the names gets a certificate from an authority, by ACME, as those of tls-auto do; *.example.org needs tls-auto-dns, and is for what is directly below example.org. A site that comes with a change of the file gets its certificates then; those of a site that goes are kept, and not renewed. Unset: those of certificate and tls-cert.",
		field: func(s *sections) any { return &s.site.TLS }},
}

// routeRows are the keys of [[site.route]] whatever it does.
var routeRows = slices.Concat(routeOwnRows, routeAccessRows, routeClientRows, routeGuardRows, routeSignatureRows)

var routeOwnRows = []Flag{
	{Name: "path", Kind: RoutePath, Value: "PATH", Default: "/", Group: groupRoute,
		Doc:   "Paths that the route is for: PATH and all below it, by whole segments. The longest of a site wins. Encodings are decoded and dot segments removed before.",
		field: func(s *sections) any { return &s.route.Path }},
	{Name: "static", Kind: FilePath, Value: "DIR", Group: groupRoute, Example: "public",
		Doc:   "Serve this folder: what follows path is looked up in it. A route has exactly one of static, proxy, cgi, fastcgi and redirect.",
		field: func(s *sections) any { return &s.route.Dir }},
	{Name: "redirect", Kind: RedirectTo, Value: "URL", Group: groupRoute, Example: "https://example.org/",
		Doc:   "Send clients to this address. When it ends in a slash, what follows path is appended, and the query.",
		field: func(s *sections) any { return &s.route.Redirect }},
	{Name: "max-body-bytes", Kind: Size, Value: "SIZE", Min: 1, Off: true, Group: groupRoute, Example: "1MiB",
		Doc:   "Body of a request. Beyond it: 413. That of [server] holds too, so that this can only be less.",
		field: func(s *sections) any { return &s.route.MaxBodyBytes }},
	{Name: "authorizer", Kind: BackendAddress, Value: "ADDR", Group: groupRoute, Example: "unix:/run/auth.sock",
		Doc:   "Ask the FastCGI authorizer at this address, unix:/path or host:port, whether each request may pass. When it does not answer 200, its answer is the client's; when it cannot be asked, nothing passes. No answer of the route is prebuilt then.",
		field: func(s *sections) any { return &s.route.Authorizer }},
}

// redirectRows are the keys of routes with redirect.
var redirectRows = slices.Concat(redirectOwnRows, trustFlags)

var redirectOwnRows = []Flag{
	{Name: "status", Kind: Choice, Value: "CODE", Default: "308", Choices: []string{"301", "302", "303", "307", "308"}, Group: groupRoute,
		Doc:   "Status code of the redirect. 308 is for good and keeps the method, 307 for now.",
		field: func(s *sections) any { return &s.route.Status }},
}

// fieldRows are the keys of headers, in [server], [[site]] and [[site.route]].
var fieldRows = []Flag{
	{Name: "set", Kind: FieldRule, Value: "{ NAME = \"VALUE\" }", Group: groupHeaders, Example: `{ X-Content-Type-Options = "nosniff" }`,
		Doc: "Fields that each answer has, in place of those of the same name. What a route says adds to what its site says, and that to what [server] says; of one name, the innermost holds. An error that says no-store keeps that, whatever is said here about caches. What is kept, and for how long, follows what the origin said, not these."},
	{Name: "add", Kind: FieldRule, Value: "{ NAME = \"VALUE\" }", Group: groupHeaders, Example: `{ Link = "</style.css>; rel=preload; as=style" }`,
		Doc: "Fields that each answer has besides those of the same name. An array of values makes several lines."},
	{Name: "remove", Kind: FieldRule, Value: "[\"NAME\"]", Group: groupHeaders, Example: `["X-Powered-By"]`,
		Doc: "Fields that no answer has, Server among them."},
}
