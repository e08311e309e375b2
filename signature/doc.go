// Package signature signs HTTP messages and verifies such signatures (RFC 9421).
// A signature covers components of a message: fields, and what its first line
// says. It proves that who has a key has seen them as they are.
//
//	m := &signature.Message{Method: "GET", Scheme: "https", Authority: "example.org", Target: "/", Header: header}
//	v := signature.Verify(m, signature.KeySet(key), &signature.Policy{}, time.Now())
//	if v.Outcome != signature.Verified {
//		return v.Err()
//	}
//
// What a signature does not cover it does not prove: a [Policy] says which
// components have to be covered, and its zero value asks for what names the
// resource, for a time, and, if there is a body, for its Content-Digest. The
// body itself is the caller's to compare with that digest (package digest).
// Whether a signature has been seen before is the caller's question, too: the
// [Verdict] has what tells one from others, and until when it has to be
// remembered.
//
// A [Key] is of one algorithm. What a message says about the algorithm is only
// compared with that, so that nobody can have one key used in the way of
// another.
//
// Who verifies many messages gives their fields as a [Header] to a [Verifier],
// which keeps its memory: a request with one signature in the usual form is read
// in place, without an allocation.
//
// The package is pure: the time, the keys and the message are given to it. Only
// signing by an algorithm that needs chance asks crypto/rand for it.
package signature
