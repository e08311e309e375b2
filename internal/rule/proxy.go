package rule

// The proxy: what came of the origin.
const (
	_ ID = 3<<8 + iota
	ProxyAnswered

	// Proxy: what the reverse proxy decided.
	ProxyLoop
	ProxyConnect
	ProxyLeavesPrefix
	ProxyFinalRecipient
	ProxyUpgraded
	ProxyUpgradeUnasked
	ProxyUnreachable
	ProxyRefused
	ProxyConnectTimeout
	ProxyTLS
	ProxyTerminated
	ProxyHeadTimeout
	ProxySendTimeout
	ProxyUnsent
	ProxyBusy
	ProxyProtocol
	ProxyNoOrigin
	ProxyParentLogin
	ProxyClientGone
	ProxyIncomplete
	ProxyBodyTimeout

	// Responses: what is wrong with the syntax of an origin's answer.
	ResponseLine
	ResponseVersion
	ResponseStatus
	ResponseBareCR
	ResponseBareLF
	ResponseLeadingSpace
	ResponseFieldName
	ResponseFieldValue
	ResponseHeadTooLarge
	ResponseTooManyFields
	ResponseLengthInvalid
	ResponseLengthDiffers
	ResponseLengthWithCoding
	ResponseCodingUnknown
	ResponseCodingInvalid
	ResponseCodingIn10
	ResponseChunk
	ResponseTrailer
	ResponseInterimFlood
	ResponseUpgrade
)

var proxyTable = [...]Row{
	ProxyAnswered & 0xff: {"proxy-answered", 0, "the origin answered", "", ""},

	// Proxy.
	ProxyLoop & 0xff:           {"proxy-loop", 508, "the request has passed this proxy before, by Via or CDN-Loop", "RFC 9110 §7.6.3", "point the origin away from the proxy; two proxies in one chain need names of their own"},
	ProxyConnect & 0xff:        {"proxy-connect", 501, "a reverse proxy opens no tunnels", "RFC 9110 §9.3.6", "ask for the resource itself"},
	ProxyLeavesPrefix & 0xff:   {"proxy-leaves-prefix", 400, "the path has a segment .., which would lead out of the folder that the origin is asked for", "RFC 3986 §5.2.4", "send a path without dot segments"},
	ProxyFinalRecipient & 0xff: {"proxy-final-recipient", 200, "Max-Forwards is 0, so the proxy itself answered", "RFC 9110 §7.6.2", ""},
	ProxyUpgraded & 0xff:       {"proxy-upgraded", 101, "the origin switched protocols, and bytes pass both ways", "RFC 9110 §7.8", ""},
	ProxyUpgradeUnasked & 0xff: {"proxy-upgrade-unasked", 502, "the origin switched to a protocol that the client did not ask for", "RFC 9110 §7.8", "have the origin switch only to what Upgrade lists"},
	ProxyUnreachable & 0xff:    {"proxy-unreachable", 502, "the origin cannot be reached", "RFC 9110 §15.6.3", "check the origin's name and address, and the way there"},
	ProxyRefused & 0xff:        {"proxy-refused", 502, "the origin refused the connection", "RFC 9110 §15.6.3", "start the origin, or correct its port"},
	ProxyConnectTimeout & 0xff: {"proxy-connect-timeout", 504, "no connection to the origin came about in time", "RFC 9110 §15.6.5", "check that the origin runs, or raise the limit on connecting"},
	ProxyTLS & 0xff:            {"proxy-tls", 502, "no TLS connection with the origin came about", "RFC 9110 §4.3.4", "check the origin's certificate (origin-ca names those that the system does not know), and that it speaks TLS on that port"},
	ProxyTerminated & 0xff:     {"proxy-terminated", 502, "the origin closed the connection before it answered", "RFC 9110 §15.6.3", "see the origin's own log"},
	ProxyHeadTimeout & 0xff:    {"proxy-head-timeout", 504, "the origin did not begin its answer in time", "RFC 9110 §15.6.5", "make the origin faster, or raise the limit on the time for a head"},
	ProxySendTimeout & 0xff:    {"proxy-send-timeout", 504, "the origin did not take the request in time", "RFC 9110 §15.6.5", "make the origin faster at reading"},
	ProxyUnsent & 0xff:         {"proxy-unsent", 500, "the request cannot be written as HTTP/1.1", "RFC 9110 §15.6.1", "send it in another form; the server's error log may tell more"},
	ProxyBusy & 0xff:           {"proxy-busy", 503, "the origin has as many connections as it may have, and none became free in time", "RFC 9110 §15.6.4", "try again later, or raise the limit on connections to the origin"},
	ProxyProtocol & 0xff:       {"proxy-protocol", 502, "the origin's answer breaks the rules of HTTP", "RFC 9110 §15.6.3", "have the origin speak HTTP/1.1 on that port"},
	ProxyNoOrigin & 0xff:       {"proxy-no-origin", 503, "every origin has failed too often in a row and is left alone for a while", "RFC 9110 §15.6.4", "try again later; the server's error log says what failed"},
	ProxyParentLogin & 0xff:    {"proxy-parent-login", 502, "the origin, or a proxy on the way to it, wants this proxy to log in (407)", "RFC 9110 §15.5.8", "give the name and the password of the parent, with --parent http://user:password@host:port"},
	ProxyClientGone & 0xff:     {"proxy-client-gone", 499, "the client went away before the origin's answer was passed on", "RFC 9112 §9.6", "wait for the answer"},
	ProxyIncomplete & 0xff:     {"proxy-incomplete", 0, "the origin's answer ended before it was complete, so the client's was cut", "RFC 9112 §8", "see the origin's own log"},
	ProxyBodyTimeout & 0xff:    {"proxy-body-timeout", 0, "the origin's answer stalled, so the client's was cut", "RFC 9112 §9.5", "make the origin faster, or raise the limit on pauses"},

	// Responses.
	ResponseLine & 0xff:             {"response-line", 502, "the origin's answer does not begin with HTTP/, a version and a status code", "RFC 9112 §4", "have the origin speak HTTP/1.1 on that port"},
	ResponseVersion & 0xff:          {"response-version", 502, "the origin answered in a version of HTTP that is not 1.0 or 1.1", "RFC 9112 §2.3", "have the origin speak HTTP/1.1"},
	ResponseStatus & 0xff:           {"response-status", 502, "the status code of the origin's answer is not a number of three digits from 100 on", "RFC 9110 §15", "have the origin send a registered status code"},
	ResponseBareCR & 0xff:           {"response-bare-cr", 502, "a carriage return stands without a line feed in the origin's answer", "RFC 9112 §2.2", "have the origin end lines with CR LF"},
	ResponseBareLF & 0xff:           {"response-bare-lf", 502, "a line of the origin's answer ends in a line feed without a carriage return", "RFC 9112 §2.2", "have the origin end lines with CR LF"},
	ResponseLeadingSpace & 0xff:     {"response-leading-space", 502, "white space stands before the first field of the origin's answer", "RFC 9112 §2.2", "have the origin remove the white space"},
	ResponseFieldName & 0xff:        {"response-field-name", 502, "a field name of the origin's answer is empty or has a character that no token may have", "RFC 9110 §5.1", "have the origin use letters, digits and hyphens"},
	ResponseFieldValue & 0xff:       {"response-field-value", 502, "a field value of the origin's answer has a control character", "RFC 9110 §5.5", "have the origin remove the control character"},
	ResponseHeadTooLarge & 0xff:     {"response-head-too-large", 502, "the head of the origin's answer is larger than is accepted", "", "have the origin send fewer or shorter fields, or raise the limit on heads of answers"},
	ResponseTooManyFields & 0xff:    {"response-too-many-fields", 502, "the origin's answer has more fields than are accepted", "", "have the origin send fewer fields, or raise the limit on fields of answers"},
	ResponseLengthInvalid & 0xff:    {"response-length-invalid", 502, "Content-Length of the origin's answer is not one decimal number that fits", "RFC 9112 §6.3", "have the origin send the number of bytes in decimal digits"},
	ResponseLengthDiffers & 0xff:    {"response-length-differs", 502, "the origin sent Content-Length twice with different values", "RFC 9112 §6.3", "have the origin send one Content-Length"},
	ResponseLengthWithCoding & 0xff: {"response-length-with-coding", 502, "the origin sent Content-Length and Transfer-Encoding together", "RFC 9112 §6.3", "have the origin send one of them"},
	ResponseCodingUnknown & 0xff:    {"response-coding-unknown", 502, "the origin sent a transfer coding below chunked that nobody asked for", "RFC 9112 §7.4", "have the origin use Content-Encoding, or no coding but chunked"},
	ResponseCodingInvalid & 0xff:    {"response-coding-invalid", 502, "Transfer-Encoding of the origin's answer is malformed, or another coding follows chunked", "RFC 9112 §6.1", "have the origin send Transfer-Encoding: chunked"},
	ResponseCodingIn10 & 0xff:       {"response-coding-in-http10", 502, "the origin sent a Transfer-Encoding in HTTP/1.0", "RFC 9112 §6.1", "have the origin send Content-Length, or HTTP/1.1"},
	ResponseChunk & 0xff:            {"response-chunk", 502, "a chunk of the origin's answer has a malformed size line, or does not end where its size says", "RFC 9112 §7.1", "have the origin send chunks by the grammar"},
	ResponseTrailer & 0xff:          {"response-trailer", 502, "a trailer field of the origin's answer is malformed or speaks of framing, or there are too many", "RFC 9110 §6.5.1", "have the origin send trailers by the rules for fields"},
	ResponseInterimFlood & 0xff:     {"response-interim-flood", 502, "the origin sent more interim answers (1xx) than are accepted before its final one", "RFC 9110 §15.2", "have the origin send the final answer"},
	ResponseUpgrade & 0xff:          {"response-upgrade", 502, "the origin switched protocols (101) though the request asked for no upgrade", "RFC 9110 §7.8", "have the origin answer requests without Upgrade in HTTP"},
}
