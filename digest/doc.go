// Package digest reads, writes and checks the digests that HTTP messages carry
// (RFC 9530): Content-Digest, of the bytes of a message; Repr-Digest, of the
// whole representation that they are a part of; and Want-Content-Digest and
// Want-Repr-Digest, which ask for them.
//
//	wanted, err := digest.Parse(resp.Header["Repr-Digest"])
//	var c digest.Checker
//	c.Add("Repr-Digest", wanted.Digests...)
//	io.Copy(io.MultiWriter(file, &c), resp.Body)
//	if v := c.Verdict(); v.Outcome == digest.Wrong { … }
//
// Two algorithms are made and trusted, sha-256 and sha-512. The older ones that
// are registered protect from accidents at best: they are known by name, never
// made and never compared, and the error that names one says what to use.
//
// A digest says that bytes are the ones that somebody meant, not who that was:
// whoever can change a body can change the digest beside it. For that there is
// package signature, which can cover the digest.
//
// The package is pure: no clock, no goroutine, nothing is read or sent.
package digest
