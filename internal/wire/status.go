package wire

import "strconv"

// Phrase returns the reason phrase of a registered status code (RFC 9110 §15
// and the IANA registry), "" for others.
func Phrase(code int) string { return statusOf(code).phrase }

// Explain returns one sentence on a registered status code, for people who see
// an error page, "" for others.
func Explain(code int) string { return statusOf(code).sentence }

// AppendStatusLine appends the status line of a code of three digits. One that
// is not registered gets an empty reason phrase.
func AppendStatusLine(dst []byte, code int) []byte {
	if uint(code) < uint(len(statusLines)) && statusLines[code] != "" {
		return append(dst, statusLines[code]...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	return append(dst, " \r\n"...)
}

// A status is a row of the IANA registry, and our sentence on it.
type status struct{ phrase, sentence string }

func statusOf(code int) status {
	if uint(code) < uint(len(statuses)) {
		return statuses[code]
	}
	return status{}
}

var statusLines = makeStatusLines()

func makeStatusLines() (lines [len(statuses)]string) {
	for code, s := range statuses {
		if s.phrase != "" {
			lines[code] = "HTTP/1.1 " + strconv.Itoa(code) + " " + s.phrase + "\r\n"
		}
	}
	return lines
}

var statuses = [512]status{
	100: {"Continue", "The server has seen the head of the request and waits for the body."},
	101: {"Switching Protocols", "The connection goes on in the protocol that the client asked for."},
	102: {"Processing", "The server has accepted the request and is still working on it."},
	103: {"Early Hints", "The server names what the answer will need before the answer is ready."},
	104: {"Upload Resumption Supported", "An upload that is cut off can be taken up again."},

	200: {"OK", "The request succeeded."},
	201: {"Created", "The request made something new."},
	202: {"Accepted", "The request was taken on and will be carried out later."},
	203: {"Non-Authoritative Information", "The answer was changed on its way from the server that made it."},
	204: {"No Content", "The request succeeded and there is nothing to send back."},
	205: {"Reset Content", "The request succeeded, and the form it came from can be emptied."},
	206: {"Partial Content", "The answer holds the parts of the resource that were asked for."},
	207: {"Multi-Status", "The answer lists the outcome for several resources."},
	208: {"Already Reported", "These members were listed earlier in the same answer."},
	226: {"IM Used", "The answer holds the difference from an earlier version."},

	300: {"Multiple Choices", "There are several versions of this resource to choose from."},
	301: {"Moved Permanently", "This resource has a new address for good."},
	302: {"Found", "This resource is at another address for the moment."},
	303: {"See Other", "The answer is at another address."},
	304: {"Not Modified", "The copy that the client has is still good."},
	305: {"Use Proxy", "This resource was to be reached through a proxy; the code is no longer in use."},
	306: {"Unused", "This code is reserved and no longer in use."},
	307: {"Temporary Redirect", "This resource is at another address for the moment; the same request goes there."},
	308: {"Permanent Redirect", "This resource has a new address for good; the same request goes there."},

	400: {"Bad Request", "The server could not understand the request."},
	401: {"Unauthorized", "You have to sign in to see this."},
	402: {"Payment Required", "You have to pay to see this."},
	403: {"Forbidden", "The server understood the request and will not carry it out."},
	404: {"Not Found", "There is nothing at this address."},
	405: {"Method Not Allowed", "This resource cannot be used with that method."},
	406: {"Not Acceptable", "There is no version of this resource that the client would accept."},
	407: {"Proxy Authentication Required", "You have to sign in to the proxy first."},
	408: {"Request Timeout", "The request took too long to arrive."},
	409: {"Conflict", "The request does not fit the present state of the resource."},
	410: {"Gone", "What was at this address was removed and will not come back."},
	411: {"Length Required", "The request has to state the length of its body."},
	412: {"Precondition Failed", "The resource is not in the state that the request made a condition of."},
	413: {"Content Too Large", "The body of the request is larger than the server accepts."},
	414: {"URI Too Long", "The address is longer than the server accepts."},
	415: {"Unsupported Media Type", "The body of the request is in a format that this resource does not take."},
	416: {"Range Not Satisfiable", "The part that was asked for lies outside the resource."},
	417: {"Expectation Failed", "The request expects something of the server that it does not do."},
	418: {"I'm a teapot", "The server was asked to brew coffee, and is a teapot."},
	421: {"Misdirected Request", "The request reached a server that does not answer for this host."},
	422: {"Unprocessable Content", "The body of the request is well-formed, but it cannot be acted on."},
	423: {"Locked", "The resource is locked by somebody."},
	424: {"Failed Dependency", "The request needed another one to succeed, and that failed."},
	425: {"Too Early", "The server will not act on a request that could have been replayed."},
	426: {"Upgrade Required", "The server wants this request in another protocol."},
	428: {"Precondition Required", "The request has to state which version of the resource it is about."},
	429: {"Too Many Requests", "You have sent too many requests in a short time."},
	431: {"Request Header Fields Too Large", "The fields of the request are larger than the server accepts."},
	451: {"Unavailable For Legal Reasons", "The server may not show this resource because of a legal demand."},

	500: {"Internal Server Error", "Something went wrong in the server."},
	501: {"Not Implemented", "The server does not know how to do what the request asks for."},
	502: {"Bad Gateway", "The server behind this one gave no answer, or none that can be used."},
	503: {"Service Unavailable", "The server cannot answer at the moment; it may do so a little later."},
	504: {"Gateway Timeout", "The server behind this one did not answer in time."},
	505: {"HTTP Version Not Supported", "The server does not speak the version of HTTP of this request."},
	506: {"Variant Also Negotiates", "The server is set up wrongly: its choice of versions leads in a circle."},
	507: {"Insufficient Storage", "The server has no room left for what the request needs to store."},
	508: {"Loop Detected", "The server met a loop while it worked on the request."},
	510: {"Not Extended", "The request lacks an extension that the server needs."},
	511: {"Network Authentication Required", "You have to sign in to the network first."},
}
