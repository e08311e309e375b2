package rule

// Guards: who may have what a route has.
const (
	_ ID = 7<<8 + iota
	SignedURLMissing
	SignedURLMalformed
	SignedURLKey
	SignedURLBad
	SignedURLExpired
	SignedURLAddress
	SignedURLOutside
	SignedURLMethod
)

var guardTable = [...]Row{
	SignedURLMissing & 0xff: {"signed-url-missing", 403, "this can be had by a signed link only, and the address has no signature", "RFC 9110 §15.5.4",
		"ask with a link that was signed, as \"freshet sign\" does"},
	SignedURLMalformed & 0xff: {"signed-url-malformed", 403, "the link's Expires, KeyName and Signature are not at the end of its query, once, in that order, each in its one form", "RFC 9110 §15.5.4",
		"use the link as it was made, without parameters after it or others of these names in it"},
	SignedURLKey & 0xff: {"signed-url-key", 403, "the link was signed with a key that this server does not have", "RFC 9110 §15.5.4",
		"get a new link, or keep the key in the file of --signed-urls until all links of it have ended"},
	SignedURLBad & 0xff: {"signed-url-bad", 403, "the signature is not the one of this link: something of it was changed, or the secret is another", "RFC 9110 §15.5.4",
		"use the link as it was made, at the host that it was made for"},
	SignedURLExpired & 0xff: {"signed-url-expired", 403, "the link has ended", "RFC 9110 §15.5.4",
		"get a new link"},
	SignedURLAddress & 0xff: {"signed-url-address", 403, "the link is for other addresses than the client's", "RFC 9110 §15.5.4",
		"use it from where it is for, or get a new link"},
	SignedURLOutside & 0xff: {"signed-url-outside", 403, "the link is for what is below a path, and this is not, or is spelled in a way that not everybody reads alike", "RFC 9110 §15.5.4",
		"ask for a path below the one that the link is for, without empty and dot segments, encoded slashes and percent signs"},
	SignedURLMethod & 0xff: {"signed-url-method", 405, "a signed link is to read with", "RFC 9110 §15.5.6",
		"use GET, HEAD or OPTIONS"},
}
