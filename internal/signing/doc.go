// Package signing signs requests before they leave (RFC 9421): those of the
// client, of the proxy to its origins, and whatever else is sent to somebody who
// wants to know from whom it is.
//
//	s, err := signing.Open("shop.pem", signing.Options{})
//	...
//	err = s.Request(req)
//
// A body is covered by its Content-Digest, which stands before it, so that all of
// it has to be there first: [Signer.Body] reads it, twice where it can be had
// twice, and else into memory and a file. Signatures in trailers, with which it
// could stream, are verified by few, and not by the guard of this program.
//
// The package does not verify anything; package internal/guard does.
package signing
