// Package authority is a certificate authority for one machine and its user:
// it makes the key and the certificate that others are then asked to trust,
// signs certificates for servers and clients of one's own, and leaves for hosts
// as they are needed. Besides, it looks at what a TLS peer offers ([Probe]).
//
//	a, err := authority.Create(dir, authority.Options{Permit: []string{"test"}})
//	a, err := authority.Open(dir, nil) // later
//	config := &tls.Config{GetCertificate: a.GetCertificate("www.test")}
//
// It is no public authority: there is no revocation, no log and no check that
// somebody owns a name. It changes no machine's list of trusted authorities;
// [Trust] says how a person does that. And it copies nothing: a leaf says what
// this authority says, so that who stands between a client and a server has to
// verify that server first, and must ask for no leaf when that fails.
//
// Invariants: whoever can read the authority's key can be any host to those who
// trust it, so the key is in one file of mode 0600 together with its
// certificate, appears whole or not at all, is never written over unless that is
// asked for, and is not used when others than its owner can read it or replace
// it; with keys ([Options.Seal]) that file is sealed, and one that is not is refused. Keys are ECDSA on P-256, signatures SHA-256, serial numbers 128 random
// bits. What name constraints or lifetimes of the authority do not cover is
// refused here, not by the clients later.
package authority
