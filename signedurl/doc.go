// Package signedurl makes links that let whoever has them read what is
// otherwise closed, until a moment, and checks them. There is no state: what a
// link allows stands in it, with an HMAC over it.
//
//	link, err := signedurl.Sign("https://example.org/films/a.mp4", key, signedurl.Options{Expires: time.Now().Add(time.Hour)})
//	…
//	rest, verdict := keys.NewChecker().Check(r.Host, r.URL.EscapedPath(), r.URL.RawQuery, client, time.Now().Unix())
//
// # The form
//
// A link ends in parameters that have the names of Google Cloud CDN's signed
// URLs, in this order and nowhere else in the query:
//
//	URLPrefix=…   of links to all below a path: the path, in base64url
//	Expires=…     seconds since 1970, from when on it is worth nothing
//	KeyName=…     which key it was signed with
//	IPRange=…     of links for some addresses: ADDRESS/BITS
//	Signature=…   HMAC-SHA256, in base64url without padding
//
// # What is signed
//
// The link itself, from the name of the host to what stands before
// "&Signature=", without the scheme and the port:
//
//	example.org/films/a.mp4?Expires=1800000000&KeyName=k1
//
// The name of the host is in lower case; all else is signed as it is sent, byte
// by byte, so that another spelling of the same path or query is another link.
// In a link with URLPrefix the path and the query before our parameters are the
// client's to choose, and these are signed:
//
//	example.org?URLPrefix=L2ZpbG1zLw&Expires=1800000000&KeyName=k1
//
// The scheme and the port are left out so that a link works behind whatever ends
// TLS, and at each port of a server. That is safe where, as in freshet, the name of the host and the
// path alone choose what is sent: a link opens the same resource everywhere.
// Who must not have it read in clear has no port without TLS, or one that
// redirects.
//
// # What it is not
//
// It does not know who uses a link: whoever has it, may. A method is not signed;
// a server lets links be read with, and no more. A link cannot be taken back
// before it ends, but by taking its key away.
//
// The package is pure: the time, the keys and the bytes are arguments.
package signedurl
