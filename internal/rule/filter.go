package rule

// The filtering forward proxy.
const (
	_ ID = 6<<8 + iota

	// Who may go where.
	FilterClient
	FilterLogin
	FilterLoginPlain
	FilterGuesses
	FilterPort
	FilterDestination
	FilterMisdirected
	FilterOwnPage
	FilterNoPage

	// Tunnels.
	FilterTunnel
	FilterTunnelFailed
	FilterTunnels
	FilterInspected
	FilterPinned
	FilterClientCertificate
	FilterCertificate

	// What lists say.
	FilterBlocked
	FilterHost
	FilterStandIn
	FilterReplaced
	FilterAllowed
	FilterLetPass
	FilterParameters
	FilterHidden
	FilterNotRewritten

	// What the cache does not see.
	FilterPast

	// What policies say.
	FilterCookies
	FilterFields
)

var filterTable = [...]Row{
	// Who may go where.
	FilterClient & 0xff: {"filter-client", 403, "the client's address may not use this proxy", "RFC 9110 §15.5.4",
		"let it, with --client and its network"},
	FilterLogin & 0xff: {"filter-login", 407, "the proxy wants a name and a password", "RFC 9110 §11.7.1",
		"give those of a user of the proxy"},
	FilterLoginPlain & 0xff: {"filter-login-plain", 403, "a password came over a connection that others can read", "RFC 7617 §4",
		"reach the proxy over TLS, or from the same machine"},
	FilterGuesses & 0xff: {"filter-guesses", 429, "there were too many wrong passwords from the client's address, or for the name", "RFC 6585 §4",
		"try again in ten seconds"},
	FilterPort & 0xff: {"filter-port", 403, "the proxy connects to no such port", "RFC 9110 §9.3.6",
		"allow it with --port"},
	FilterDestination & 0xff: {"filter-destination", 403, "the destination is not a public address, or is refused", "",
		"allow its network with --allow-destination, or all private ones with --allow-private"},
	FilterMisdirected & 0xff: {"filter-misdirected", 421, "the request names another server than the tunnel that it came through", "RFC 9110 §15.5.20",
		"open a tunnel to that server"},
	FilterOwnPage & 0xff: {"filter-own-page", 0, "a page of the proxy itself", "", ""},
	FilterNoPage & 0xff: {"filter-no-page", 404, "the proxy itself has no such page, and the request names no server", "RFC 9112 §3.2.2",
		"set the browser's proxy to this address; a request to a proxy has the whole URL"},

	// Tunnels.
	FilterTunnel & 0xff: {"filter-tunnel", 200, "a tunnel was opened; what passes in it is not looked at", "RFC 9110 §9.3.6",
		"have its host inspected, with --inspect, if it is to be filtered further than by its name"},
	FilterTunnelFailed & 0xff: {"filter-tunnel-failed", 502, "no connection to the destination of the tunnel could be made", "RFC 9110 §9.3.6",
		"check the name and the port; is the server up?"},
	FilterTunnels & 0xff: {"filter-tunnels", 503, "there are as many tunnels as there may be", "RFC 9110 §15.6.4",
		"wait, or raise --max-tunnels"},
	FilterInspected & 0xff: {"filter-inspected", 200, "a tunnel was opened whose TLS ends here; the requests in it are filtered like others", "",
		"leave its host out with --pass-through, if that is not wanted"},
	FilterPinned & 0xff: {"filter-pinned", 200, "the tunnel is not inspected: its client has refused the proxy's certificate before", "",
		"have the client trust the authority, or leave the host out of --inspect"},
	FilterClientCertificate & 0xff: {"filter-client-certificate", 200, "the tunnel is not inspected: its server asks for a certificate of the client, which only the client has", "",
		""},
	FilterCertificate & 0xff: {"filter-certificate", 502, "the server's certificate is not valid", "RFC 9110 §4.3.4",
		"have the server's certificate mended; nothing was sent to it"},

	// What lists say.
	FilterBlocked & 0xff: {"filter-blocked", 403, "a list says that this is not to be loaded", "",
		"allow it for an hour on the monitor's page, or write an exception (@@)"},
	FilterHost & 0xff: {"filter-host", 403, "a list says that there are to be no connections to this host", "",
		"allow it for an hour on the monitor's page, or write an exception (@@)"},
	FilterStandIn & 0xff: {"filter-stand-in", 200, "a list blocks this; an empty one of its kind was sent instead", "",
		"allow it for an hour on the monitor's page, or write an exception (@@)"},
	FilterReplaced & 0xff: {"filter-replaced", 200, "a list has this replaced by a stand-in that it names", "",
		"allow it for an hour on the monitor's page, or write an exception (@@)"},
	FilterAllowed & 0xff:      {"filter-allowed", 0, "a list blocks this, and an exception allows it", "", ""},
	FilterLetPass & 0xff:      {"filter-let-pass", 0, "a list blocks this, and somebody has let it pass for a time", "", ""},
	FilterParameters & 0xff:   {"filter-parameters", 0, "parameters that a list names were taken off the address", "", ""},
	FilterHidden & 0xff:       {"filter-hidden", 0, "a style sheet was put into the page that hides what lists name", "", ""},
	FilterNotRewritten & 0xff: {"filter-not-rewritten", 0, "the page could not be changed safely, and passed as it was", "", ""},

	// What the cache does not see.
	FilterPast & 0xff: {"filter-past-cache", 0, "a field says which address the client asked for, of which servers make links, so the request went past the cache", "RFC 7239 §5.3",
		"send the request without X-Forwarded-Host and its like"},

	// What policies say.
	FilterCookies & 0xff: {"filter-cookies", 0, "cookies were taken out, or made to live shorter", "RFC 6265 §7.1",
		"choose for its site on the monitor's page, or write a rule with --cookie"},
	FilterFields & 0xff: {"filter-fields", 0, "fields that tell about the user were taken off, or shortened", "RFC 9110 §17.13",
		"choose what becomes of them with --referrer, --client-hints and --user-agent"},
}
