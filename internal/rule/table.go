package rule

// Message syntax: why a request was refused before anybody looked at it.
const (
	_ ID = iota
	BadRequestLine
	BadMethod
	BadTarget
	TargetTooLong
	BadVersion
	VersionUnsupported
	BareCR
	BareLF
	ObsFold
	SpaceBeforeColon
	LeadingSpace
	BadFieldName
	BadFieldValue
	HeadTooLarge
	TooManyFields
	HostMissing
	HostRepeated
	HostInvalid
	LengthInvalid
	LengthDiffers
	LengthWithCoding
	CodingUnknown
	CodingInvalid
	CodingIn10
	ChunkSize
	ChunkLine
	ChunkExtension
	ChunkEnd
	TrailerInvalid
	BodyTooLarge
	BodyIncomplete
	ExpectationUnknown

	// Connections and handlers: what the engine decided.
	HeadTimeout
	BodyTimeout
	BodyTooSlow
	SendTimeout
	TooManyConnections
	TooManyPerClient
	ClientGone
	HandlerAnswered
	HandlerPanic
	HandlerAborted
	HandlerShortBody
	ServerOptions

	// Preconditions and ranges (RFC 9110 §13, §14).
	Unconditional
	NotModifiedETag
	NotModifiedSince
	MatchFailed
	NoneMatchFailed
	UnmodifiedFailed
	RangeSingle
	RangeMultiple
	RangeUnsatisfiable
	RangeWhole

	// Content coding and content negotiation.
	NotAcceptable

	// Static files.
	StaticFile
	StaticIndex
	StaticFallback
	StaticListing
	StaticRedirect
	StaticNotFound
	StaticHidden
	StaticProgram
	StaticOutside
	StaticBadPath
	StaticPathTooLong
	StaticSpecialFile
	StaticUnreadable
	StaticListingOff
	StaticMethodNotAllowed
	StaticMethodUnknown
	StaticShrank
	StaticIOError
)

var table = [...]Row{
	BadRequestLine:     {"bad-request-line", 400, "the request line is not a method, a target and a version with one space between them", "RFC 9112 §3", "send METHOD SP target SP HTTP/1.1 CR LF"},
	BadMethod:          {"bad-method", 400, "the method has a character that no token may have, or is too long", "RFC 9110 §9.1", "use a method name of letters, such as GET"},
	BadTarget:          {"bad-target", 400, "the request target has a form or a byte that no request target may have", "RFC 9112 §3.2", "percent-encode every byte that a URI does not allow"},
	TargetTooLong:      {"target-too-long", 414, "the request target is longer than this server accepts", "RFC 9110 §15.5.15", "shorten the address, or raise the server's limit on targets"},
	BadVersion:         {"bad-version", 400, "the version is not HTTP/ followed by a digit, a dot and a digit", "RFC 9112 §2.3", "send HTTP/1.1 or HTTP/1.0, in capitals"},
	VersionUnsupported: {"version-unsupported", 505, "this server does not speak that version of HTTP on this connection", "RFC 9110 §15.6.6", "send HTTP/1.1 or HTTP/1.0"},
	BareCR:             {"bare-cr", 400, "a carriage return stands without a line feed", "RFC 9112 §2.2", "end lines with CR LF"},
	BareLF:             {"bare-lf", 400, "a line ends in a line feed without a carriage return", "RFC 9112 §2.2", "end lines with CR LF, or start the server with --lenient lf"},
	ObsFold:            {"obs-fold", 400, "a field line is continued on the next line", "RFC 9112 §5.2", "put each field on one line, or start the server with --lenient fold"},
	SpaceBeforeColon:   {"space-before-colon", 400, "white space stands between a field name and its colon", "RFC 9112 §5.1", "remove the white space"},
	LeadingSpace:       {"leading-space", 400, "white space stands before the first field", "RFC 9112 §2.2", "remove the white space"},
	BadFieldName:       {"bad-field-name", 400, "a field name is empty or has a character that no token may have", "RFC 9110 §5.1", "use letters, digits and hyphens"},
	BadFieldValue:      {"bad-field-value", 400, "a field value has a control character", "RFC 9110 §5.5", "remove the control character"},
	HeadTooLarge:       {"head-too-large", 431, "the request head is larger than this server accepts", "RFC 6585 §5", "send fewer or shorter fields (cookies are the usual cause), or raise the server's limit on heads"},
	TooManyFields:      {"too-many-fields", 431, "the request has more fields than this server accepts", "RFC 6585 §5", "send fewer fields, or raise the server's limit on fields"},
	HostMissing:        {"host-missing", 400, "an HTTP/1.1 request has no Host field", "RFC 9112 §3.2", "send a Host field"},
	HostRepeated:       {"host-repeated", 400, "the request has more than one Host field", "RFC 9112 §3.2", "send one Host field"},
	HostInvalid:        {"host-invalid", 400, "the Host field, or the authority of the target, is not a host and an optional port", "RFC 9110 §7.2", "send host or host:port, with an IPv6 address in brackets"},
	LengthInvalid:      {"length-invalid", 400, "Content-Length is not one decimal number that fits", "RFC 9112 §6.3", "send the number of bytes in decimal digits"},
	LengthDiffers:      {"length-differs", 400, "Content-Length is sent twice with different values", "RFC 9112 §6.3", "send one Content-Length"},
	LengthWithCoding:   {"length-with-coding", 400, "Content-Length and Transfer-Encoding are sent together", "RFC 9112 §6.1", "send one of them"},
	CodingUnknown:      {"transfer-coding-unknown", 501, "the request body has a transfer coding that this server does not know", "RFC 9112 §6.1", "send the body with chunked, or with Content-Length"},
	CodingInvalid:      {"transfer-coding-invalid", 400, "Transfer-Encoding is malformed, or chunked is not its last coding", "RFC 9112 §6.3", "send Transfer-Encoding: chunked"},
	CodingIn10:         {"transfer-coding-in-http10", 400, "an HTTP/1.0 request has a Transfer-Encoding", "RFC 9112 §6.1", "send Content-Length, or HTTP/1.1"},
	ChunkSize:          {"chunk-size", 400, "a chunk size is not a hexadecimal number that fits", "RFC 9112 §7.1", "send the size in hexadecimal digits, without spaces"},
	ChunkLine:          {"chunk-line", 400, "the line of a chunk size does not end in CR LF", "RFC 9112 §7.1", "end the line with CR LF"},
	ChunkExtension:     {"chunk-extension", 400, "a chunk extension is malformed or too long", "RFC 9112 §7.1.1", "send no chunk extensions"},
	ChunkEnd:           {"chunk-end", 400, "a chunk does not end in CR LF where its size says", "RFC 9112 §7.1", "send as many bytes as the chunk size says, then CR LF"},
	TrailerInvalid:     {"trailer-invalid", 400, "a trailer field is malformed, or there are too many of them", "RFC 9112 §7.1.2", "send trailers by the rules for fields"},
	BodyTooLarge:       {"body-too-large", 413, "the request body is larger than this server accepts", "RFC 9110 §15.5.14", "send less, or raise the server's limit on bodies"},
	BodyIncomplete:     {"body-incomplete", 400, "the connection ended before the request body was complete", "RFC 9112 §8", "send the whole body"},
	ExpectationUnknown: {"expectation-unknown", 417, "the request expects something that this server does not know", "RFC 9110 §10.1.1", "send Expect: 100-continue, or no Expect field"},

	HeadTimeout:        {"head-timeout", 408, "the request head did not arrive in time", "RFC 9110 §15.5.9", "send the head faster, or raise the server's limit on its time"},
	BodyTimeout:        {"body-timeout", 408, "the request body stalled", "RFC 9110 §15.5.9", "send the body without long pauses, or raise the server's limit"},
	BodyTooSlow:        {"body-too-slow", 408, "the request body arrived more slowly than the least rate", "RFC 9110 §15.5.9", "send faster, or lower the server's least rate"},
	SendTimeout:        {"send-timeout", 0, "the client did not take the answer in time", "RFC 9112 §9.5", "read faster, or raise the server's limit"},
	TooManyConnections: {"too-many-connections", 503, "the server has as many connections as it accepts", "RFC 9110 §15.6.4", "try again later, or raise the server's limit on connections"},
	TooManyPerClient:   {"too-many-per-client", 503, "your address has as many connections as one client may have", "RFC 9110 §15.6.4", "use fewer connections, or raise the server's limit for one client"},
	ClientGone:         {"client-gone", 0, "the client closed the connection before the answer was complete", "RFC 9112 §9.6", ""},
	HandlerAnswered:    {"handler-answered", 0, "the handler answered", "", ""},
	HandlerPanic:       {"handler-panic", 500, "the handler panicked", "RFC 9110 §15.6.1", "the server's error log has the stack"},
	HandlerAborted:     {"handler-aborted", 0, "the handler aborted its answer", "RFC 9112 §8", ""},
	HandlerShortBody:   {"handler-short-body", 0, "the handler wrote fewer bytes than the Content-Length that it declared", "RFC 9112 §8", "declare the length that is written"},
	ServerOptions:      {"server-options", 200, "OPTIONS * asks for the server, not for a resource", "RFC 9110 §9.3.7", ""},

	Unconditional:      {"unconditional", 200, "no precondition and no range applied", "RFC 9110 §13.2.2", ""},
	NotModifiedETag:    {"not-modified-etag", 304, "If-None-Match lists the entity-tag of the current representation", "RFC 9110 §13.1.2", ""},
	NotModifiedSince:   {"not-modified-since", 304, "the representation was not modified since If-Modified-Since", "RFC 9110 §13.1.3", ""},
	MatchFailed:        {"match-failed", 412, "If-Match lists no entity-tag of the current representation", "RFC 9110 §13.1.1", "fetch the current representation and try again with its entity-tag"},
	NoneMatchFailed:    {"none-match-failed", 412, "If-None-Match lists the entity-tag of the current representation, and the method is not GET or HEAD", "RFC 9110 §13.1.2", "fetch the current representation first"},
	UnmodifiedFailed:   {"unmodified-failed", 412, "the representation was modified since If-Unmodified-Since", "RFC 9110 §13.1.4", "fetch the current representation and try again"},
	RangeSingle:        {"range-single", 206, "one range of the representation was asked for", "RFC 9110 §14.2", ""},
	RangeMultiple:      {"range-multiple", 206, "several ranges of the representation were asked for", "RFC 9110 §14.6", ""},
	RangeUnsatisfiable: {"range-unsatisfiable", 416, "no range that was asked for overlaps the representation", "RFC 9110 §15.5.17", "ask for bytes below the length that Content-Range states"},
	RangeWhole:         {"range-whole", 200, "the Range field did not apply, so the whole representation was sent", "RFC 9110 §14.2", ""},

	NotAcceptable: {"not-acceptable", 406, "no representation has a coding that Accept-Encoding allows", "RFC 9110 §12.5.3", "allow identity in Accept-Encoding"},

	StaticFile:             {"static-file", 200, "a file of the served folder", "", ""},
	StaticIndex:            {"static-index", 200, "the index file of a folder", "", ""},
	StaticFallback:         {"static-fallback", 200, "no such file: the application's page answered", "", "add the file, or serve without --spa"},
	StaticListing:          {"static-listing", 200, "a folder without an index file: its listing", "", "add an index.html, or serve with --listing off"},
	StaticRedirect:         {"static-redirect", 301, "the address of a folder ends in a slash, that of a file does not", "RFC 9110 §15.4.2", "link to the address in Location"},
	StaticNotFound:         {"static-not-found", 404, "there is no such file", "RFC 9110 §15.5.5", "check the spelling; letter case counts"},
	StaticHidden:           {"static-hidden", 404, "the name is one that is not served (dotfile, backup, key, folder of a version control system)", "RFC 9110 §15.5.5", "rename the file, or serve with --hidden"},
	StaticProgram:          {"static-program", 403, "the file is a program, or leads to one, and a program's source is never sent", "RFC 9110 §15.5.4", "ask for the program by its own address"},
	StaticOutside:          {"static-outside", 403, "the path leads out of the served folder", "RFC 9110 §15.5.4", "copy the file into the folder, or serve with --follow-symlinks"},
	StaticBadPath:          {"static-bad-path", 400, "the path has an encoded slash, a backslash, a NUL or a broken percent-encoding", "RFC 3986 §2.1", "send a path of plain segments"},
	StaticPathTooLong:      {"static-path-too-long", 414, "the path, or a name in it, is longer than a file system allows", "RFC 9110 §15.5.15", "use a shorter name"},
	StaticSpecialFile:      {"static-special-file", 403, "the name is a device, a socket or a pipe, not a file", "RFC 9110 §15.5.4", "serve plain files"},
	StaticUnreadable:       {"static-unreadable", 403, "the server may not read this file", "RFC 9110 §15.5.4", "give the server's user permission to read it"},
	StaticListingOff:       {"static-listing-off", 403, "the folder has no index file, and listings are off", "RFC 9110 §15.5.4", "add an index.html, or serve with --listing on"},
	StaticMethodNotAllowed: {"static-method-not-allowed", 405, "files answer GET, HEAD and OPTIONS only", "RFC 9110 §15.5.6", "use GET or HEAD"},
	StaticMethodUnknown:    {"static-method-unknown", 501, "the method is not one that this server knows", "RFC 9110 §15.6.2", "use GET or HEAD"},
	StaticShrank:           {"static-shrank", 0, "the file became shorter while it was sent, so the connection was cut", "RFC 9112 §8", "replace files by renaming a complete one over them"},
	StaticIOError:          {"static-io-error", 500, "the file could not be read", "RFC 9110 §15.6.1", "the server's error log has the cause"},
}
