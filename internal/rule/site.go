package rule

// Sites and routes: who is to answer.
const (
	_ ID = 4<<8 + iota
	SiteUnknown
	SiteMisdirected
	RouteNone
	RouteRedirected
	PurgeUnauthorized
	PurgeDone
	SiteClientCertificate
	HTTPSOnly
	HTTPSOnlyHost
	RouteAmbiguous
)

var siteTable = [...]Row{
	SiteUnknown & 0xff: {"site-unknown", 421, "no site of this server has that host", "RFC 9110 §15.5.20",
		"name the host in the names of a site, or leave them out of one that is for all other hosts"},
	SiteMisdirected & 0xff: {"site-misdirected", 421, "the connection was made for another host, with a certificate that does not cover this one", "RFC 9110 §15.5.20",
		"connect anew with the host's name in the handshake"},
	RouteNone & 0xff: {"route-none", 404, "no route of the site has that path", "RFC 9110 §15.5.5",
		"add a route for the path, or one for /"},
	RouteRedirected & 0xff: {"route-redirected", 0, "the route is a redirect", "RFC 9110 §15.4", ""},
	PurgeUnauthorized & 0xff: {"purge-unauthorized", 401, "a purge needs the token of the server", "RFC 6750 §2.1",
		"send Authorization: Bearer with what is in the token file beside the server's socket"},
	PurgeDone & 0xff: {"purge-done", 200, "the cache forgot what it kept", "", ""},
	SiteClientCertificate & 0xff: {"site-client-certificate", 421, "the connection was made for a host whose site asks clients for other certificates than the site of this one", "RFC 9110 §15.5.20",
		"connect anew with the host's name in the handshake"},
	HTTPSOnly & 0xff: {"https-only", 308, "this is served over TLS only, and the request came without", "RFC 9110 §15.4.9", "use https"},
	HTTPSOnlyHost & 0xff: {"https-only-host", 421, "this is served over TLS only, and the request names no host to be sent to", "RFC 9110 §15.5.20",
		"use https, or send Host"},
	RouteAmbiguous & 0xff: {"route-ambiguous", 400, "to whoever decodes the path in another way it is one of a route with other guards", "RFC 3986 §6.2.2",
		"ask for it in its plain form: without encoded slashes and backslashes, dot segments and parameters (\";\")"},
}
